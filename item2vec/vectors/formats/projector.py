"""The pair of files that TensorFlow's Embedding Projector loads: ``NAME.tsv`` and ``NAME.metadata.tsv``.

The first has the numbers, separated by tabs, without a header; the second the items, one a line. Metadata of
several columns has their names in its first line; the first column is then the item, and where items have display names
the second is those.
"""

from __future__ import annotations

import os

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_paths
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.arrays import LINE_ENDS, beside, read_items, write_items
from item2vec.vectors.formats.item_names import carried, checked
from item2vec.vectors.formats.streams import MOST_DIM, open_vectors
from item2vec.vectors.formats.text_rows import read_rows, write_rows
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = ".metadata.tsv"
_LONGEST_LINE = 1 << 22


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    vocabulary = carried(model, "projector", b"\t" + LINE_ENDS, replace_spaces)
    with atomic_paths(beside(path, ITEMS), path) as (items, temporary):
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


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a pair; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        first = file.readline(_LONGEST_LINE)
        dim = len(first.split())
        if not 1 <= dim <= MOST_DIM:
            raise ModelError(f"cannot read {path}: its first line has {dim:,} numbers")
        _, table = read_rows(file, path, dim, named=False, first=first)
    vocabulary = read_items(beside(path, ITEMS) if items is None else items, len(table), of=path, header=True)
    return checked(path, vocabulary, table, "projector")
