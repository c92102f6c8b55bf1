"""Vectors as lines or records of an item and its numbers: word2vec.c's text and binary formats, and GloVe's text."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.decimal_text import exact_float32
from item2vec.vectors.formats.item_names import WHITE, carried, checked, cut_out
from item2vec.vectors.formats.streams import (
    MOST_DIM,
    check_room,
    content_bound,
    create_text,
    in_order,
    is_gzip_name,
    open_vectors,
)
from item2vec.vectors.formats.text_rows import read_rows, write_rows
from item2vec.vectors.keyed_vectors import KeyedVectors

# word2vec.c's text and binary formats: a line ``items dim``, then the items with their numbers.

# The text format of word2vec.c: a line ``items dim``, then a line an item: the item and its numbers.
#
# fastText's ``.vec`` is the same; it and word2vec.c end each line with a space, which readers must allow for.
# Most readers (word2vec.c itself, gensim, fastText, ...) end an item at the first white space, so an item that
# has any cannot be written. This one takes the last `dim` fields as the vector.

_LONGEST_HEADER = 200  # bytes; two numbers and their line's end


def write_text(
    model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int
) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "word2vec", WHITE, replace_spaces)
    with atomic_path(path) as temporary:
        header = b"%d %d\n" % model.input.shape
        write_rows(temporary, path, model.input, vocabulary, header=header, precision=precision)


def read_text(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        rows, dim = read_header(path, file.readline(_LONGEST_HEADER), text=True)
        vocabulary, table = read_rows(file, path, dim, expected=rows)
    if again := _written_twice(vocabulary, table, rows):
        odd = (
            f"{path} has its first {again:,} rows twice, as gensim writes vectors of whole numbers; the copies were "
            "dropped"
        )
        warnings.warn(odd, stacklevel=2)
        vocabulary, table = vocabulary.take(np.arange(again, len(table))), table[again:]
    if len(table) == rows + 1 and vocabulary.items_bytes(rows) == b"<unk>":  # GloVe's -write-header 1 does not count it
        warnings.warn(f"{path} has <unk> in the end, which its header does not count; it is kept", stacklevel=2)
        rows += 1
    if len(table) != rows:
        what = "it is cut off" if len(table) < rows else "its header is wrong"
        if dim == 1:
            what += ", or it has no header: then give `format=glove`"
        raise ModelError(f"cannot read {path}: its header says {rows:,} items and {len(table):,} are there; {what}")
    return checked(path, vocabulary, table, "word2vec")


def _written_twice(vocabulary: Vocabulary, table: NDArray[np.float32], rows: int) -> int:
    """Return how many rows stand in front a second time.

    gensim writes items that are the whole numbers 0, 1, 2 ... in a row both by number and by name, and counts them once
    (KeyedVectors.save_word2vec_format; seen in 4.4.0).
    """
    again = len(table) - rows
    if not 0 < again <= rows or not np.array_equal(table[:again], table[again : 2 * again]):
        return 0
    names = [str(number) for number in range(again)]
    first, second = (vocabulary.take(np.arange(start, start + again)).index_to_key() for start in (0, again))
    return again if first == second == names else 0


def header_of(line: bytes) -> tuple[int, int] | None:
    """Return the two numbers of a header, or None if the line is not a header."""
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
            "short; it is cut off, or not in this format"
        )
    return rows, dim


# The binary format of word2vec.c: a line ``items dim``, then the item, a space and its float32 numbers each.
#
# word2vec.c ends each vector with a line end, gensim does not; a reader skips it where it is. An item ends at
# the first space, so that items with white space cannot be carried, and line ends before an item are not its own.
# Numbers are little-endian.

_BLOCK = 1 << 23  # bytes read or written at once
_NEWLINE = 10
_LONGEST_NAME = 1 << 16  # bytes; word2vec.c's own bound is 100


def write_binary(
    model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int
) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "word2vec-binary", WHITE, replace_spaces)
    with atomic_path(path) as temporary, create_text(temporary, is_gzip_name(path)) as file:
        file.write(b"%d %d\n" % model.input.shape)
        for block in _written(model.input, vocabulary):
            file.write(block.data)


def read_binary(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        rows, dim = read_header(path, file.readline(200), text=False)
        check_room(path, 4 * rows * dim)
        table = np.empty((rows, dim), np.float32)
        vocabulary = _read_into(table, file, path)
    return checked(path, vocabulary, table, "word2vec-binary")


def _written(table: NDArray[np.float32], vocabulary: Vocabulary) -> Iterator[NDArray[np.uint8]]:
    """Yield the file's bytes after the header, in blocks."""
    width = 4 * table.shape[1]
    step = max(1, _BLOCK // (width + 16))
    for first in range(0, len(table), step):
        rows = np.ascontiguousarray(table[first : first + step], "<f4")
        offsets = np.asarray(vocabulary.offsets[first : first + step + 1], np.int64)
        lengths = np.diff(offsets)
        starts = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths + width + 2, out=starts[1:])
        block = np.empty(starts[-1], np.uint8)
        letters = np.repeat(starts[:-1] - (offsets[:-1] - offsets[0]), lengths) + np.arange(offsets[-1] - offsets[0])
        block[letters] = vocabulary.blob[offsets[0] : offsets[-1]]
        block[starts[:-1] + lengths] = 32
        _windows(block, width)[starts[:-1] + lengths + 1] = rows.view(f"V{width}")[:, 0]
        block[starts[1:] - 1] = 10
        yield block


def _read_into(table: NDArray[np.float32], file: BinaryIO, path: str) -> Vocabulary:
    """Fill the table; return the items."""
    width = 4 * table.shape[1]
    filled = table.view(f"V{width}")[:, 0]

    def copy(part: tuple[bytes, NDArray[np.int64], int]) -> tuple[bytes, NDArray[np.int64]]:
        data, spaces, row = np.frombuffer(part[0], np.uint8), part[1], part[2]
        filled[row : row + len(spaces)] = _windows(data, width)[spaces + 1]
        starts = np.concatenate([[0], spaces[:-1] + 1 + width])
        while (before := (data[starts] == _NEWLINE) & (starts < spaces)).any():
            starts += before
        return cut_out(data, starts, spaces)

    # The search for the next block's items goes on while threads copy this one's.
    names, lengths = zip(*in_order(copy, _blocks(file, path, width, len(table))), strict=True)
    blob = np.frombuffer(b"".join(names), np.uint8)
    offsets = np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths]))
    return Vocabulary(blob, offsets, np.zeros(len(table), np.int64))


def _blocks(file: BinaryIO, path: str, width: int, rows: int) -> Iterator[tuple[bytes, NDArray[np.int64], int]]:
    """Bytes that start with an entry, where the items of its whole entries end, and the number of the first."""
    row = 0
    rest = b""
    while row < rows:
        block = file.read(max(_BLOCK, width))
        text = rest + block
        spaces = _spaces(text, width, rows - row)
        rest = text
        if len(spaces):
            yield text, spaces, row
            row += len(spaces)
            rest = text[int(spaces[-1]) + 1 + width :]
        elif not block or len(text) > 2 * _BLOCK + width:
            raise ModelError(
                f"cannot read {path}: its header says {rows:,} items and {row:,} are there; it is cut off or damaged"
            )
    if rest.strip(b"\n") or file.read(2).strip():
        raise ModelError(f"cannot read {path}: it has more data after the {rows:,} items that its header claims")


def _spaces(text: bytes, width: int, most: int) -> NDArray[np.int64]:
    """Where the items of the whole entries end, at most so many."""
    found: list[int] = []
    append, index = found.append, text.index
    step = 1 + width
    position = 0
    # Each place depends on the one before. This loop holds the interpreter's lock while the others copy, so that it
    # does nothing but go on; what it should not have found is taken off after it.
    with contextlib.suppress(ValueError):  # there is no further space
        while True:
            space = index(b" ", position)
            append(space)
            position = space + step
    spaces = np.array(found[:most], np.int64)
    lengths = np.diff(spaces, prepend=-step) - step
    whole = (spaces <= len(text) - step) & (lengths <= _LONGEST_NAME)
    return spaces if whole.all() else spaces[: int(np.argmin(whole))]


def _windows(data: NDArray[np.uint8], width: int) -> NDArray[np.void]:
    """Every `width` neighbouring bytes as one element, so that rows are copied wherever they start."""
    return as_strided(data[:width].view(f"V{width}"), (len(data) - width + 1,), (1,))


# GloVe's text format: a line an item, the item and its numbers, and no header.
#
# The length of the vectors is not said. It is one less than the fewest fields of the first thousand lines,
# since an item may have spaces (as in the vectors of Common Crawl that GloVe's authors publish).

_LOOKED_AT = 1000  # lines
_LOOKED_AT_BYTES = 1 << 24
_LONGEST_LINE = 1 << 22  # bytes of one of them


def write_glove(
    model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int
) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "glove", WHITE, replace_spaces)
    with atomic_path(path) as temporary:
        write_rows(temporary, path, model.input, vocabulary, precision=precision)


def read_glove(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        lines = _first_lines(file)
        dim = min((_numbers_of(line) for line in lines if line.strip()), default=0)
        if not 1 <= dim <= MOST_DIM:
            raise ModelError(f"cannot read {path}: a line does not have an item and its numbers")
        _say_if_ambiguous(path, lines, dim)
        vocabulary, table = read_rows(file, path, dim, first=b"".join(lines))
    return checked(path, vocabulary, table, "glove")


def _numbers_of(line: bytes) -> int:
    """Return how many numbers a line may have: all behind its first tab, if they are numbers, else all but one."""
    name, tab, rest = line.partition(b"\t")
    numbers = rest.split()
    if tab and name.strip() and numbers and all(exact_float32(number) is not None for number in numbers):
        return len(numbers)
    return len(line.split()) - 1


def _say_if_ambiguous(path: str, lines: list[bytes], dim: int) -> None:
    """Warn where whole numbers stand behind every name: they may be the names' ends, as in ``Apollo 13``."""
    rows = [line.split() for line in lines if line.strip()]
    if dim < 2 or any(b"\t" in line for line in lines) or any(len(row) != dim + 1 for row in rows):
        return
    if all(row[1].isdigit() for row in rows) and not any(row[0].isdigit() or row[2].isdigit() for row in rows):
        shown = b" ".join(rows[0][:2]).decode("utf-8", "replace")
        warnings.warn(
            f"{path} has a whole number behind each item, as in {shown!r}; it is taken as the first of {dim} numbers. "
            "If it belongs to the item, put a tab behind the item",
            stacklevel=3,
        )


def _first_lines(file: BinaryIO) -> list[bytes]:
    """Return the lines from which the length of the vectors is told; the last may be cut off."""
    lines: list[bytes] = []
    size = 0
    while len(lines) < _LOOKED_AT and size < _LOOKED_AT_BYTES and (line := file.readline(_LONGEST_LINE)):
        lines.append(line)
        size += len(line)
    return lines
