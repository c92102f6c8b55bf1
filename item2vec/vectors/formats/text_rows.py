"""What all text formats share: an item and its numbers a line, or the numbers alone, read and written by threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.item_names import cut_out
from item2vec.vectors.formats.streams import check_room, create_text, in_order, is_gzip_name, line_blocks

_BLOCK = 1 << 18  # numbers printed together


def read_rows(
    file: BinaryIO, path: str, dim: int, *, named: bool = True, first: bytes = b"", expected: int = 0
) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Read all lines that are left of a file; the last `dim` fields of each are its numbers.

    Parameters
    ----------
    file : binary file
    path : str
        Its name, for messages.
    dim : int
    named : bool
        Whether an item stands before the numbers.
    first : bytes
        Lines read from the file already.
    expected : int
        How many there should be, for the table's first size; a wrong number costs memory or time only.

    Returns
    -------
    vocabulary : Vocabulary
        The items, without counts and unchecked; empty ones if not `named`.
    table : ndarray of float32 [rows, dim]

    Raises
    ------
    ModelError
        If a line is none: naming its number in the file.
    """
    from item2vec.vectors.formats.text_kernels import parse_lines  # here, since it imports numba

    def parse(block: bytes) -> tuple[NDArray[np.float32], bytes, NDArray[np.int64], int, str]:
        data = np.frombuffer(block, np.uint8)
        table, names, trouble = parse_lines(data, dim, named)
        lines = block.count(b"\n") if trouble is None else block.count(b"\n", 0, trouble[0])
        return table, *cut_out(data, names[:, 0], names[:, 1]), lines, "" if trouble is None else trouble[1]

    blocks: Iterator[bytes] = line_blocks(file, path)
    check_room(path, 4 * expected * dim)
    table = np.empty((max(expected, 1), dim), np.float32)
    blobs, lengths = [], [np.zeros(1, np.int64)]
    rows = lines = 0
    for part, blob, sizes, more, trouble in in_order(parse, chain([first] if first else [], blocks)):
        lines += more
        if trouble:
            raise ModelError(f"cannot read {path}: row {lines + 1:,} {trouble}")
        if rows + len(part) > len(table):
            size = max(rows + len(part), len(table) * 3 // 2)
            check_room(path, 4 * (size - len(table)) * dim)
            table.resize((size, dim), refcheck=False)
        table[rows : rows + len(part)] = part
        rows += len(part)
        blobs.append(blob)
        lengths.append(sizes)
    table.resize((rows, dim), refcheck=False)
    offsets = np.cumsum(np.concatenate(lengths))
    return Vocabulary(np.frombuffer(b"".join(blobs), np.uint8), offsets, np.zeros(rows, np.int64)), table


def write_rows(
    path: str | os.PathLike[str],
    target: str | os.PathLike[str],
    table: NDArray[np.float32],
    vocabulary: Vocabulary | None,
    *,
    header: bytes = b"",
    separator: bytes = b" ",
    precision: int = 0,
) -> None:
    """Write a header and a line a row: the item, if there is a vocabulary, and the numbers.

    Parameters
    ----------
    path : path-like
        Where to write.
    target : path-like
        What the file will be called; gzipped if that ends in ``.gz``.
    """
    from item2vec.vectors.formats.text_kernels import print_rows  # here, since it imports numba

    step = max(1, _BLOCK // table.shape[1])

    def block(first: int) -> memoryview:
        rows = table[first : first + step]
        if vocabulary is None:
            offsets = np.zeros(len(rows) + 1, np.int64)
            return print_rows(rows, np.empty(0, np.uint8), offsets, separator, precision)
        offsets = np.asarray(vocabulary.offsets[first : first + step + 1], np.int64)
        return print_rows(rows, vocabulary.blob, offsets, separator, precision)

    with create_text(path, is_gzip_name(target)) as file:
        file.write(header)
        for text in in_order(block, range(0, len(table), step)):
            file.write(text)
