"""What format a file has, by its first bytes; and the vectors that an export writes."""

from __future__ import annotations

import numpy as np

from item2vec.errors import ModelError
from item2vec.vectors.formats.decimal_text import exact_float32
from item2vec.vectors.formats.fasttext import MAGIC as FASTTEXT
from item2vec.vectors.formats.streams import open_vectors
from item2vec.vectors.formats.word2vec import header_of
from item2vec.vectors.keyed_vectors import KeyedVectors

# What format a file has, by its first bytes; by its name only where the bytes leave it open.

_LONGEST_LINE = 1 << 22


def detect(path: str) -> str:
    """Return the format of a file.

    Raises
    ------
    ModelError
        If it cannot be read, or is none of the known ones.
    """
    with open_vectors(path) as file:
        head = file.readline(_LONGEST_LINE)
        more = file.read(8 - len(head)) if len(head) < 8 else b""
        magic = (head + more)[:9]
        if magic[:6] == b"\x93NUMPY":
            return "npy"
        if magic[:4] == b"PAR1":
            return "parquet"
        if magic[:4] == FASTTEXT:
            return "fasttext"
        if len(head + more) >= 9 and magic[8:9] == b"{" and int.from_bytes(magic[:8], "little") < 1 << 32:
            return "safetensors"
        header = header_of(head)
        if header is not None:
            line = more + file.readline(_LONGEST_LINE)
            return "word2vec" if _is_row(line, header[1]) else "word2vec-binary"
    if path.lower().endswith(".tsv") and head and all(map(_is_number, head.split(b"\t"))):
        return "projector"
    fields = head.split()
    if len(fields) > 1 and _is_number(fields[-1]) and not head.startswith((b" ", b"\t")):
        return "glove"
    if not head:
        raise ModelError(f"cannot read {path}: it is empty")
    raise ModelError(f"cannot read {path}: it looks like no format of vectors; name it with --format if it is one")


def _is_row(line: bytes, dim: int) -> bool:
    """Whether a line has at least an item and as many numbers, as text."""
    fields = line.split()
    return len(fields) > dim and all(map(_is_number, fields[-dim:]))


def _is_number(text: bytes) -> bool:
    return exact_float32(text.strip()) is not None


# The vectors that an export writes: of one table or both, scaled or not.


def chosen_table(model: KeyedVectors, table: str, normalize: bool) -> KeyedVectors:
    """Return a model whose input table is the chosen one; without a copy where nothing is computed.

    Parameters
    ----------
    model : KeyedVectors
    table : {"input", "output", "sum", "concat"}
    normalize : bool
        Whether to scale each vector to length 1; one without a direction stays as it is.

    Raises
    ------
    ModelError
        If the model lacks the table.
    """
    if table == "input":
        vectors = model.input
    else:
        output = model.output_rows(f"table {table} needs", "export the input table")
        if table == "output":
            vectors = output
        else:
            vectors = model.input + output if table == "sum" else np.hstack([model.input, output])
    if normalize:
        vectors = vectors.copy() if vectors is model.input or vectors is model.output else vectors
        step = max(1, (1 << 18) // vectors.shape[1])
        for first in range(0, len(vectors), step):
            rows = vectors[first : first + step].astype(np.float64)
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            norms[~((norms > 0) & np.isfinite(norms))] = 1.0
            vectors[first : first + step] = rows / norms[:, None]
    index = model.__dict__.get("hash_index")
    return KeyedVectors(vectors, None, model.vocabulary, model.metadata, names=model.names, hash_index=index)
