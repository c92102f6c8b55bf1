"""How good word vectors are: human similarity judgements and analogies.

    python benchmarks/measure/word_quality.py MODEL... --words DIR [--json OUT]

DIR holds EN-WS-353-ALL.txt, EN-SIMLEX-999.txt and EN-MEN-TR-3k.txt (a pair and its score a line) and
questions-words.txt (word2vec's analogies); a file that is not there is left out.

The scores are those of `item2vec evaluate words`, for the vectors of any trainer: Spearman's rho over the pairs that
the vocabulary has, and the share right of the analogies whose four words are among the 30,000 most frequent.
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from item2vec.evaluation.words import Words, analogies, read_test, word_similarity

SIMILARITY_FILES = {
    "WS-353": "EN-WS-353-ALL.txt",
    "SimLex-999": "EN-SIMLEX-999.txt",
    "MEN": "EN-MEN-TR-3k.txt",
}
ANALOGY_FILE = "questions-words.txt"
ANALOGIES = "analogies"
MEASURES = (*SIMILARITY_FILES, ANALOGIES)
MOST_FREQUENT = 30_000


FASTTEXT_MAGIC = 793_712_314  # fasttext.cc: FASTTEXT_FILEFORMAT_MAGIC_INT32
FASTTEXT_END_OF_LINE = "</s>"


def read_vectors(path: Path) -> tuple[list[str], np.ndarray]:
    """Words and their input vectors, in the order of the file, which all trainers here sort by falling count.

    ``.safetensors`` is read by item2vec, ``.kv`` by gensim, a fastText ``.bin`` by the reader below, and
    anything else as word2vec's format, binary where the name ends in ``.bin`` and text otherwise.

    Returns
    -------
    words : list of str, length V
    vectors : float32 [V, d]
    """
    if path.suffix == ".safetensors":
        import item2vec

        model = item2vec.load(path)
        return model.vocabulary.index_to_key(), np.asarray(model.input, dtype=np.float32)
    if path.suffix == ".bin" and _is_fasttext(path):
        return _read_fasttext(path)
    from gensim.models import KeyedVectors

    if path.suffix == ".kv":
        keyed = KeyedVectors.load(str(path))
    else:
        keyed = KeyedVectors.load_word2vec_format(str(path), binary=path.suffix == ".bin")
    return list(keyed.index_to_key), np.asarray(keyed.vectors, dtype=np.float32)


def _is_fasttext(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    return len(head) == 4 and struct.unpack("<i", head)[0] == FASTTEXT_MAGIC


def _read_fasttext(path: Path) -> tuple[list[str], np.ndarray]:
    """Return a model that fastText's ``save_model`` wrote (fasttext.cc, saveModel), if it has no subword vectors.

    fastText counts each line's end as a word of its own; it is left out, as no other trainer has it.
    """
    with path.open("rb") as file:
        _unpack(file, "<ii")  # magic, version
        settings = _unpack(file, "<12id")  # dim ws epoch minCount neg wordNgrams loss model bucket minn maxn ...
        size, _, _, _, pruned = _unpack(file, "<iiiqq")
        if settings[8] or pruned > 0:
            raise ValueError(f"{path}: a fastText model with subwords or pruning; train it with minn=0, maxn=0")
        words = [_read_word(file) for _ in range(size)]
        _unpack(file, "<?")  # whether the table is quantised; the race does not ask for it
        rows, columns = _unpack(file, "<qq")
        table = np.fromfile(file, dtype="<f4", count=rows * columns).reshape(rows, columns)
    kept = [index for index, word in enumerate(words) if word != FASTTEXT_END_OF_LINE]
    return [words[index] for index in kept], table[kept]


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _read_word(file: BinaryIO) -> str:
    """One dictionary entry: the word, a zero byte, its count (i64) and its type (i8)."""
    word = bytearray()
    while (byte := file.read(1)) != b"\0":
        word += byte
    file.read(9)
    return word.decode("utf-8", errors="replace")


def evaluate(model: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Every measure whose file is in ``folder``: ``score``, and how many lines were ``used`` of how many ``given``."""
    names, vectors = read_vectors(model)
    words = Words(names, vectors)
    found = {}
    for name, file in SIMILARITY_FILES.items():
        if (folder / file).exists():
            pairs = word_similarity(words, read_test(folder / file))
            found[name] = {"score": pairs.spearman, "used": pairs.used, "given": pairs.used + pairs.missing}
    if (folder / ANALOGY_FILE).exists():
        *_, total = analogies(Words(names, vectors, restrict=MOST_FREQUENT), read_test(folder / ANALOGY_FILE))
        found[ANALOGIES] = {"score": total.skip_unknown, "used": total.known, "given": total.questions}
    return found


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return a line a model: the scores, and how many pairs or questions each rests on."""
    measures = [name for name in MEASURES if any(name in scores for scores in results.values())]
    width = max(len(model) for model in results)
    lines = [" " * width + "".join(f"{name:>22}" for name in measures)]
    for model, scores in results.items():
        cells = [f"{scores[name]['score']:.4f} ({scores[name]['used']}/{scores[name]['given']})" for name in measures]
        lines.append(f"{model:<{width}}" + "".join(f"{cell:>22}" for cell in cells))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(description="Word similarity and analogies of one or more vector files.")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--words", required=True, type=Path, metavar="DIR", help="folder with the test files")
    parser.add_argument("--json", type=Path, metavar="OUT", help="also write the scores here, - for standard output")
    options = parser.parse_args(arguments)
    missing = [str(path) for path in (*options.models, options.words) if not path.exists()]
    if missing:
        print(f"word_quality.py: not found: {', '.join(missing)}", file=sys.stderr)
        return 1
    results: dict[str, Any] = {str(model): evaluate(model, options.words) for model in options.models}
    if not any(results.values()):
        wanted = ", ".join((*SIMILARITY_FILES.values(), ANALOGY_FILE))
        print(f"word_quality.py: {options.words} has none of {wanted}", file=sys.stderr)
        return 1
    if str(options.json) == "-":
        print(json.dumps(results))
        return 0
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
