"""The text format of word2vec.c: a line ``items dim``, then a line an item: the item and its numbers.

fastText's ``.vec`` is the same; it and word2vec.c end each line with a space, which readers must allow for.
Most readers (word2vec.c itself, gensim, fastText, ...) end an item at the first white space, so an item that
has any cannot be written. This one takes the last `dim` fields as the vector.
"""

from __future__ import annotations

import os

from item2vec.errors import ModelError
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.formats.item_names import WHITE, carried, checked
from item2vec.vectors.formats.streams import MOST_DIM, content_bound, open_vectors
from item2vec.vectors.formats.text_rows import read_rows, write_rows
from item2vec.vectors.keyed_vectors import KeyedVectors

_LONGEST_HEADER = 200  # bytes; two numbers and their line's end


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.export_vectors`."""
    vocabulary = carried(model, "word2vec", WHITE, replace_spaces)
    with atomic_path(path) as temporary:
        header = b"%d %d\n" % model.input.shape
        write_rows(temporary, path, model.input, vocabulary, header=header, precision=precision)


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.read_vectors`."""
    with open_vectors(path) as file:
        rows, dim = read_header(path, file.readline(_LONGEST_HEADER), text=True)
        vocabulary, table = read_rows(file, path, dim, expected=rows)
    if len(table) != rows:
        what = "it is cut off" if len(table) < rows else "its header is wrong"
        raise ModelError(f"cannot read {path}: its header says {rows:,} items and {len(table):,} are there; {what}")
    return checked(path, vocabulary, table, "word2vec")


def header_of(line: bytes) -> tuple[int, int] | None:
    """The two numbers of a header, or None if the line is none."""
    fields = line.split()
    if len(fields) != 2 or not line.endswith(b"\n") or not all(f.isdigit() and len(f) < 19 for f in fields):
        return None
    return int(fields[0]), int(fields[1])


def read_header(path: str, line: bytes, *, text: bool) -> tuple[int, int]:
    """Items and dim of a header line, which the file must be large enough for.

    Raises
    ------
    ModelError
        If it is no header, or claims more than there can be.
    """
    header = header_of(line)
    if header is None:
        raise ModelError(f"cannot read {path}: its first line is not `items dim`, two whole numbers")
    rows, dim = header
    if rows < 1 or not 1 <= dim <= MOST_DIM:
        raise ModelError(f"cannot read {path}: its header claims {rows:,} items of {dim:,} numbers")
    # In text an item takes at least a letter, a space and a digit a number, and a line end; in binary a
    # letter, a space and four bytes a number.
    least = rows * (2 * dim + 1 if text else 4 * dim + 2)
    if rows >= 2**31 or least > content_bound(path) + 1:
        raise ModelError(
            f"cannot read {path}: its header claims {rows:,} items of {dim:,} numbers, for which the file is too "
            "short; it is cut off or no such file"
        )
    return rows, dim
