"""numpy's .npy file of a table [items, dim], and its items in ``NAME.vocab.txt`` beside it, one a line.

Read are float16, float32 and float64, in either order of bytes and of axes; pickled objects never.
"""

from __future__ import annotations

import os

import numpy as np

from item2vec.errors import ModelError
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.formats.item_names import carried, checked
from item2vec.vectors.formats.sidecar import LINE_ENDS, beside, read_items, write_items
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = ".vocab.txt"


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.export_vectors`."""
    vocabulary = carried(model, "npy", LINE_ENDS, replace_spaces)
    with atomic_path(beside(path, ITEMS)) as items, atomic_path(path) as temporary:
        write_items(items, vocabulary)
        with open(temporary, "wb") as file:
            np.lib.format.write_array(file, np.ascontiguousarray(model.input), allow_pickle=False)


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.read_vectors`."""
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)  # so that nothing is allocated on its word
    except OSError as error:
        raise ModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (ValueError, SyntaxError, EOFError, OverflowError) as error:  # what numpy raises for damaged files
        raise ModelError(f"cannot read {path}: it is cut off, damaged or no .npy file of numbers") from error
    if mapped.ndim != 2 or mapped.dtype.kind != "f" or mapped.dtype.itemsize not in (2, 4, 8):
        raise ModelError(f"cannot read {path}: it holds {mapped.dtype} {mapped.shape}, not a table of floats")
    vocabulary = read_items(beside(path, ITEMS) if items is None else items, len(mapped), of=path)
    with np.errstate(over="ignore"):
        table = np.array(mapped, np.float32, order="C")
    return checked(path, vocabulary, table, "npy")
