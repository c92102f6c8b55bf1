"""Tables of numbers with their items in a file beside them: numpy's .npy, .safetensors, TensorFlow's Projector."""

from __future__ import annotations

import os
import tokenize
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_paths
from item2vec.files.safetensors import check_sums, map_tensors
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.item_names import carried, checked
from item2vec.vectors.formats.streams import MOST_DIM, check_room, open_vectors
from item2vec.vectors.formats.text_rows import read_rows, write_rows
from item2vec.vectors.keyed_vectors import KeyedVectors, load_model
from item2vec.vectors.model_file import METADATA_KEY

# Tables of numbers with their items in a file beside them: numpy's .npy, and .safetensors.

# A file of items beside a file of numbers: one item a line, UTF-8.

_LONGEST_LINE = 1 << 20  # bytes
_OFTEN = 1 << 26  # bytes of lines after which the memory is looked at
LINE_ENDS = b"\n\r"  # what no item of such a file can have


def beside(path: str | os.PathLike[str], ending: str) -> str:
    """Return the name of the file beside `path` with another ending."""
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
        raise ModelError(f"cannot read {of}: the file with its items, {path}, is not there; name it with `items=FILE`")
    with open_vectors(path) as file:
        names = [line.removesuffix(b"\n").removesuffix(b"\r") for line in _lines(file, path, rows + 2)]
    if header:
        names = [name.split(b"\t", 1)[0] for name in names[len(names) == rows + 1 :]]
    if len(names) != rows:
        count = f"more than {rows:,}" if len(names) > rows else f"{len(names):,}"
        raise ModelError(f"cannot read {of}: it has {rows:,} vectors and {path} {count} items")
    return Vocabulary.from_items(names, np.zeros(rows, np.int64))


def _lines(file: BinaryIO, path: str, most: int) -> Iterator[bytes]:
    """Yield the first lines of a file: neither their number nor their length is left to the file."""
    size = 0
    for line in islice(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), most):
        if len(line) > _LONGEST_LINE:
            raise ModelError(f"cannot read {path}: a line has over {_LONGEST_LINE:,} bytes, too long for an item")
        yield line
        if (size + len(line)) // _OFTEN > size // _OFTEN:
            check_room(path, 2 * _OFTEN, "its items")
        size += len(line)


# numpy's .npy file of a table [items, dim], and its items in ``NAME.vocab.txt`` beside it, one a line.
#
# Read are float16, float32 and float64, in either order of bytes and of axes; pickled objects never.

ITEMS = ".vocab.txt"
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What numpy raises for headers that are none: they are Python literals, which it leaves to Python's own parser.
_NO_HEADER = (ValueError, SyntaxError, TypeError, OverflowError, RecursionError, MemoryError, tokenize.TokenError)


def write_npy(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "npy", LINE_ENDS, replace_spaces)
    with atomic_paths(beside(path, ITEMS), path) as (items, temporary):
        write_items(items, vocabulary)
        with open(temporary, "wb") as file:
            table = np.ascontiguousarray(model.input)
            np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(table))
            file.write(table.data)  # write_array would not say why a disk took no more


def read_npy(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    mapped = _mapped(path)
    vocabulary = read_items(beside(path, ITEMS) if items is None else items, len(mapped), of=path)
    check_room(path, 4 * mapped.size)
    with np.errstate(over="ignore"):
        table = np.array(mapped, np.float32, order="C")
    return checked(path, vocabulary, table, "npy")


def _mapped(path: str) -> NDArray[np.floating]:
    """Return the table where it lies: nothing is allocated on the file's word; np.load would try pickles too."""
    try:
        with open(path, "rb") as file:
            read_header = _HEADERS.get(np.lib.format.read_magic(file))
            if read_header is None:
                raise ModelError(
                    f"cannot read {path}: its .npy version is not supported; save it again with numpy.save"
                )
            shape, columns_first, dtype = read_header(file)
            start, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except _NO_HEADER as error:
        raise ModelError(f"cannot read {path}: it is cut off, damaged, or not a .npy file of numbers") from error
    if len(shape) != 2 or dtype.kind != "f" or dtype.itemsize not in (2, 4, 8):
        raise ModelError(f"cannot read {path}: it holds {dtype!s:.60} {shape!s:.60}, not a table of floats")
    if min(shape) < 1:
        raise ModelError(f"cannot read {path}: there are no vectors in it")
    if shape[0] * shape[1] * dtype.itemsize > size - start:
        raise ModelError(f"cannot read {path}: it is too short for {shape[0]:,} rows of {shape[1]:,}; it is cut off")
    return np.memmap(path, dtype, "r", start, shape, "F" if columns_first else "C")


# A .safetensors file: item2vec's own model file, or one tensor of another tool with its items beside it.
#
# Written is the model file with the chosen table as ``input``: other tools find it there by that name, and all
# of item2vec's commands read it. Of a foreign file the only table of numbers is read, and its items from
# ``NAME.vocab.txt``.


def write_safetensors(
    model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int
) -> None:
    """Write a model with one table; see `item2vec.vectors.formats.registry.export_vectors`."""
    model.save(path)


def read_safetensors(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    tensors, texts = map_tensors(path)
    check_sums(path, tensors, texts)
    if METADATA_KEY in texts and items is None:
        return load_model(path)
    tables = {name: tensor for name, tensor in tensors.items() if tensor.ndim == 2 and tensor.dtype.kind == "f"}
    if len(tables) != 1:
        held = ", ".join(f"{name} {tensor.shape}" for name, tensor in list(tensors.items())[:5]) or "none"
        raise ModelError(f"cannot read {path}: it must hold one table of float32, and its tensors are {held}")
    (found,) = tables.values()
    check_room(path, 4 * found.size)
    table = np.array(found, np.float32)
    vocabulary = read_items(beside(path, ITEMS) if items is None else items, len(table), of=path)
    return checked(path, vocabulary, table, "safetensors")


# The pair of files that TensorFlow's Embedding Projector loads: ``NAME.tsv`` and ``NAME.metadata.tsv``.
#
# The first has the numbers, separated by tabs, without a header; the second the items, one a line. Metadata of
# several columns has their names in its first line; the first column is then the item, and where items have display
# names
# the second is those.

METADATA = ".metadata.tsv"
_LONGEST_NUMBERS = 1 << 22


def write_projector(
    model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int
) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "projector", b"\t" + LINE_ENDS, replace_spaces)
    with atomic_paths(beside(path, METADATA), path) as (items, temporary):
        if model.names is None:
            write_items(items, vocabulary)
        else:
            _write_named(items, vocabulary, model.names)
        write_rows(temporary, path, model.input, None, separator=b"\t", precision=precision)


def _write_named(path: str | os.PathLike[str], vocabulary: Vocabulary, names: Names) -> None:
    """Write a line of columns, then an item and its name a line; an item without one is called as it is."""
    with open(path, "wb") as file:
        file.write(b"item\tname\n")
        for index in range(len(vocabulary)):
            item = vocabulary.items_bytes(index)
            name = " ".join((names[index] or "").split()).encode() or item
            file.write(item + b"\t" + name + b"\n")


def read_projector(path: str, items: str | None) -> KeyedVectors:
    """Read a pair; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        first = file.readline(_LONGEST_NUMBERS)
        dim = len(first.split())
        if not 1 <= dim <= MOST_DIM:
            raise ModelError(f"cannot read {path}: its first line has {dim:,} numbers")
        _, table = read_rows(file, path, dim, named=False, first=first)
    vocabulary = read_items(beside(path, METADATA) if items is None else items, len(table), of=path, header=True)
    return checked(path, vocabulary, table, "projector")
