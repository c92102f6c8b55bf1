"""A .safetensors file: item2vec's own model file, or one tensor of another tool with its items beside it.

Written is the model file with the chosen table as ``input``: other tools find it there by that name, and all
of item2vec's commands read it. Of a foreign file the only table of numbers is read, and its items from
``NAME.vocab.txt``.
"""

from __future__ import annotations

import os

import numpy as np

from item2vec.errors import ModelError
from item2vec.vectors.formats.item_names import checked
from item2vec.vectors.formats.npy import ITEMS
from item2vec.vectors.formats.sidecar import beside, read_items
from item2vec.vectors.formats.streams import check_room
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.model_file import METADATA_KEY, load_model
from item2vec.vectors.safetensors_map import map_tensors


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write a model with one table; see `item2vec.vectors.formats.export_vectors`."""
    model.save(path)


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.read_vectors`."""
    tensors, texts = map_tensors(path)
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
