"""A file of items beside a file of numbers: one item a line, UTF-8."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

import numpy as np

from item2vec.corpus.vocabulary import Vocabulary
from item2vec.errors import ModelError
from item2vec.vectors.formats.streams import check_room, open_vectors

_LONGEST_LINE = 1 << 20  # bytes
_OFTEN = 1 << 26  # bytes of lines after which the memory is looked at
LINE_ENDS = b"\n\r"  # what no item of such a file can have


def beside(path: str | os.PathLike[str], ending: str) -> str:
    """The name of the file beside `path` with another ending."""
    return os.path.splitext(os.fspath(path))[0] + ending


def write_items(path: str | os.PathLike[str], vocabulary: Vocabulary) -> None:
    """Write an item a line."""
    with open(path, "wb") as file:
        file.writelines(vocabulary.items_bytes(index) + b"\n" for index in range(len(vocabulary)))


def read_items(path: str, rows: int, *, of: str, header: bool = False) -> Vocabulary:
    """Read the items, which must be as many as the numbers' rows.

    Parameters
    ----------
    path : str
    rows : int
    of : str
        The file of numbers, for messages.
    header : bool
        Whether a first line that is one too many is the columns' names; then an item ends at the first tab.

    Raises
    ------
    ModelError
        If they cannot be read, or are more or fewer.
    """
    if not os.path.exists(path):
        raise ModelError(f"cannot read {of}: the file with its items, {path}, is not there; name it with --items FILE")
    with open_vectors(path) as file:
        names = [line.removesuffix(b"\n").removesuffix(b"\r") for line in _lines(file, path, rows + 2)]
    if header:
        names = [name.split(b"\t", 1)[0] for name in names[len(names) == rows + 1 :]]
    if len(names) != rows:
        count = f"more than {rows:,}" if len(names) > rows else f"{len(names):,}"
        raise ModelError(f"cannot read {of}: it has {rows:,} vectors and {path} {count} items")
    return Vocabulary.from_items(names, np.zeros(rows, np.int64))


def _lines(file: BinaryIO, path: str, most: int) -> Iterator[bytes]:
    """The first lines of a file: neither their number nor their length is left to the file."""
    size = 0
    for line in islice(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), most):
        if len(line) > _LONGEST_LINE:
            raise ModelError(f"cannot read {path}: a line has over {_LONGEST_LINE:,} bytes, which is no item")
        yield line
        if (size + len(line)) // _OFTEN > size // _OFTEN:
            check_room(path, 2 * _OFTEN, "its items")
        size += len(line)
