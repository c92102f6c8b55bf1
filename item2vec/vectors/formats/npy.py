"""numpy's .npy file of a table [items, dim], and its items in ``NAME.vocab.txt`` beside it, one a line.

Read are float16, float32 and float64, in either order of bytes and of axes; pickled objects never.
"""

from __future__ import annotations

import os
import tokenize
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.vectors.atomic import atomic_paths
from item2vec.vectors.formats.item_names import carried, checked
from item2vec.vectors.formats.sidecar import LINE_ENDS, beside, read_items, write_items
from item2vec.vectors.formats.streams import check_room
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = ".vocab.txt"
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What numpy raises for headers that are none: they are Python literals, which it leaves to Python's own parser.
_NO_HEADER = (ValueError, SyntaxError, TypeError, OverflowError, RecursionError, MemoryError, tokenize.TokenError)


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.export_vectors`."""
    vocabulary = carried(model, "npy", LINE_ENDS, replace_spaces)
    with atomic_paths(beside(path, ITEMS), path) as (items, temporary):
        write_items(items, vocabulary)
        with open(temporary, "wb") as file:
            table = np.ascontiguousarray(model.input)
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(table))
            file.write(table.data)  # write_array would not say why a disk took no more


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.read_vectors`."""
    mapped = _mapped(path)
    vocabulary = read_items(beside(path, ITEMS) if items is None else items, len(mapped), of=path)
    check_room(path, 4 * mapped.size)
    with np.errstate(over="ignore"):
        table = np.array(mapped, np.float32, order="C")
    return checked(path, vocabulary, table, "npy")


def _mapped(path: str) -> NDArray[np.floating]:
    """The table where it lies: nothing is allocated on the file's word. np.load would try archives and pickles too."""
    try:
        with open(path, "rb") as file:
            read_header = _HEADERS.get(np.lib.format.read_magic(file))
            if read_header is None:
                raise ModelError(
                    f"cannot read {path}: it is a .npy file of a version that tables of numbers do not need"
                )
            shape, columns_first, dtype = read_header(file)
            start, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except _NO_HEADER as error:
        raise ModelError(f"cannot read {path}: it is cut off, damaged or no .npy file of numbers") from error
    if len(shape) != 2 or dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
        raise ModelError(f"cannot read {path}: it holds {dtype!s:.60} {shape!s:.60}, not a table of floats")
    if min(shape) < 1:
        raise ModelError(f"cannot read {path}: there are no vectors in it")
    if shape[0] * shape[1] * dtype.itemsize > size - start:
        raise ModelError(f"cannot read {path}: it is too short for {shape[0]:,} rows of {shape[1]:,}; it is cut off")
    return np.memmap(path, dtype, "r", start, shape, "F" if columns_first else "C")
