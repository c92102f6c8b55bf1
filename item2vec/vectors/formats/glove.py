"""GloVe's text format: a line an item, the item and its numbers, and no header.

The length of the vectors is not said. It is one less than the fewest fields of the first thousand lines,
since an item may have spaces (as in the vectors of Common Crawl that GloVe's authors publish).
"""

from __future__ import annotations

import os
from typing import BinaryIO

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path
from item2vec.vectors.formats.item_names import WHITE, carried, checked
from item2vec.vectors.formats.streams import MOST_DIM, open_vectors
from item2vec.vectors.formats.text_rows import read_rows, write_rows
from item2vec.vectors.keyed_vectors import KeyedVectors

_LOOKED_AT = 1000  # lines
_LOOKED_AT_BYTES = 1 << 24
_LONGEST_LINE = 1 << 22  # bytes of one of them


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "glove", WHITE, replace_spaces)
    with atomic_path(path) as temporary:
        write_rows(temporary, path, model.input, vocabulary, precision=precision)


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        lines = _first_lines(file)
        dim = min((len(line.split()) for line in lines if line.strip()), default=1) - 1
        if not 1 <= dim <= MOST_DIM:
            raise ModelError(f"cannot read {path}: a line has not an item and its numbers")
        vocabulary, table = read_rows(file, path, dim, first=b"".join(lines))
    return checked(path, vocabulary, table, "glove")


def _first_lines(file: BinaryIO) -> list[bytes]:
    """The lines from which the length of the vectors is told; the last may be cut off."""
    lines: list[bytes] = []
    size = 0
    while len(lines) < _LOOKED_AT and size < _LOOKED_AT_BYTES and (line := file.readline(_LONGEST_LINE)):
        lines.append(line)
        size += len(line)
    return lines
