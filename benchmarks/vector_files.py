"""Read the vectors of any trainer in the race: (words, input table), most frequent first."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

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
    """A model that fastText's ``save_model`` wrote (fasttext.cc, saveModel), if it has no subword vectors.

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
