"""How good word vectors are: human similarity judgements and analogies.

    python benchmarks/word_quality.py MODEL... --words DIR [--json OUT]

DIR holds EN-WS-353-ALL.txt, EN-SIMLEX-999.txt and EN-MEN-TR-3k.txt (a pair and its score a line) and
questions-words.txt (word2vec's analogies); a file that is not there is left out.

Similarity is Spearman's rho between the cosine and the human score, over the pairs both of whose words are in
the vocabulary, lower case. Analogies are the share right of the questions whose four words are among the
30,000 most frequent, where the answer is the word of those 30,000, the three question words excluded, with
the highest cosine to b - a + c of the normalised vectors (3CosAdd; Mikolov et al. 2013c). Both are what
gensim's ``evaluate_word_pairs`` and ``evaluate_word_analogies(restrict_vocab=30000)`` compute.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from vector_files import read_vectors

SIMILARITY_FILES = {
    "WS-353": "EN-WS-353-ALL.txt",
    "SimLex-999": "EN-SIMLEX-999.txt",
    "MEN": "EN-MEN-TR-3k.txt",
}
ANALOGY_FILE = "questions-words.txt"
ANALOGIES = "analogies"
MEASURES = (*SIMILARITY_FILES, ANALOGIES)
MOST_FREQUENT = 30_000
BLOCK = 1024  # questions scored at once: BLOCK x MOST_FREQUENT floats are 120 MB


def similarity(words: dict[str, int], unit: np.ndarray, path: Path) -> dict[str, float]:
    """Spearman's rho over the pairs of ``path`` that the vocabulary has.

    Parameters
    ----------
    words : dict
        Row of each lower-case word.
    unit : float32 [V, d]
        Rows of length 1.
    path : Path
        Two words and a score a line.

    Returns
    -------
    dict
        ``score``, and how many pairs were ``used`` of how many ``given``.
    """
    from scipy.stats import spearmanr

    first, second, human = [], [], []
    given = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.lower().split()
        if len(fields) != 3:
            continue
        given += 1
        if fields[0] in words and fields[1] in words:
            first.append(words[fields[0]])
            second.append(words[fields[1]])
            human.append(float(fields[2]))
    if len(human) < 2:
        return {"score": float("nan"), "used": len(human), "given": given}
    cosine = np.einsum("ij,ij->i", unit[first], unit[second])
    return {"score": float(spearmanr(cosine, human).statistic), "used": len(human), "given": given}


def analogies(words: dict[str, int], unit: np.ndarray, path: Path) -> dict[str, float]:
    """Share right of the analogies of ``path`` whose four words are among the most frequent.

    Parameters and result are those of `similarity`.
    """
    unit = unit[:MOST_FREQUENT]
    questions = []
    given = 0
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.lower().split()
        if len(fields) != 4 or fields[0] == ":":
            continue
        given += 1
        rows = [words.get(word, MOST_FREQUENT) for word in fields]
        if max(rows) < len(unit):
            questions.append(rows)
    if not questions:
        return {"score": float("nan"), "used": 0, "given": given}
    asked = np.array(questions)
    right = 0
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        target = unit[block[:, 1]] - unit[block[:, 0]] + unit[block[:, 2]]  # [B, d]
        scores = target @ unit.T  # [B, 30000]
        np.put_along_axis(scores, block[:, :3], -np.inf, axis=1)
        right += int((scores.argmax(axis=1) == block[:, 3]).sum())
    return {"score": right / len(asked), "used": len(asked), "given": given}


def evaluate(model: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Every measure whose file is in ``folder``, for the vectors in ``model``."""
    names, vectors = read_vectors(model)
    # Of two words that differ in case only, the more frequent one answers to the lower-case name.
    words: dict[str, int] = {}
    for row, name in enumerate(names):
        words.setdefault(name.lower(), row)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms == 0, 1, norms)
    found = {
        name: similarity(words, unit, folder / file)
        for name, file in SIMILARITY_FILES.items()
        if (folder / file).exists()
    }
    if (folder / ANALOGY_FILE).exists():
        found[ANALOGIES] = analogies(words, unit, folder / ANALOGY_FILE)
    return found


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """A line a model: the scores, and how many pairs or questions each rests on."""
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
