"""The model file: one .safetensors file with both tables, the vocabulary, and a hash index to look items up.

Version 1 holds these tensors, V items of d numbers each, ids in order of descending count:

    input         F32 [V, d]   the vectors that `similar` compares
    output        F32 [V, d]   the context side of training; may be missing
    counts        I64 [V]      how often each item came
    items         U8  [bytes]  the items' UTF-8 bytes end to end
    item_offsets  I64 [V+1]    item i is items[item_offsets[i]:item_offsets[i+1]]
    hash_keys     U64 [V]      the items' hashes in ascending order, see `item2vec.items.hash_index`
    hash_ids      I32 [V]      the item of each hash

Where items have display names:

    names         U8  [bytes]  the names' UTF-8 bytes end to end
    name_offsets  I64 [V+1]    item i is called names[name_offsets[i]:name_offsets[i+1]], empty if it has no name

Where a training may go on with more data, the R items that were too rare so far:

    rare_items    U8  [bytes]
    rare_offsets  I64 [R+1]
    rare_counts   I64 [R]

In a checkpoint of a training that validates, the tables of its best epoch:

    best_input    F32 [V, d]
    best_output   F32 [V, d]

and in the file's metadata, under ``item2vec``, a JSON object: ``format`` (this version's 1), ``version`` (of
the item2vec that wrote it), and what the trainer adds: ``config``, ``corpus``, ...; and under ``crc32`` the checksums
of `item2vec.files.safetensors`. All but those of the tables are compared when a model is opened.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError, brief
from item2vec.files.atomic import atomic_path
from item2vec.files.safetensors import check_sums, damaged, map_tensors, write_tensors
from item2vec.files.utf8 import first_not_utf8
from item2vec.items.hash_index import HashIndex, hash_items
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

FORMAT = 1
METADATA_KEY = "item2vec"
CHECKPOINT_KEY = "checkpoint"  # in the metadata of a training's checkpoint, see `item2vec.session.checkpoints`
_KINDS = {
    "input": (np.float32, 2),
    "output": (np.float32, 2),
    "counts": (np.int64, 1),
    "items": (np.uint8, 1),
    "item_offsets": (np.int64, 1),
    "hash_keys": (np.uint64, 1),
    "hash_ids": (np.int32, 1),
    "names": (np.uint8, 1),
    "name_offsets": (np.int64, 1),
    "rare_items": (np.uint8, 1),
    "rare_offsets": (np.int64, 1),
    "rare_counts": (np.int64, 1),
    "best_input": (np.float32, 2),
    "best_output": (np.float32, 2),
}
_MOST_COUNT = 1 << 50  # of an item: more tokens than any corpus has
_TABLES = ("input", "output", "best_input", "best_output")  # as large as the model; read as they are used
_OPTIONAL = (
    ("output",),
    ("names", "name_offsets"),
    ("rare_items", "rare_offsets", "rare_counts"),
    ("best_input", "best_output"),
)


class ModelParts(NamedTuple):
    """What a model file holds: tables ``float32 [V, d]``, items and names, and how they came to be.

    Attributes
    ----------
    output, names, rare : optional
        None where the file has none.
    """

    input: NDArray[np.float32]
    output: NDArray[np.float32] | None
    vocabulary: Vocabulary
    metadata: dict[str, Any]
    names: Names | None
    rare: Vocabulary | None
    hash_index: HashIndex


def check_parts(
    input: NDArray[np.float32], output: NDArray[np.float32] | None, vocabulary: Vocabulary, names: Names | None
) -> None:
    """Refuse tables and names that do not fit the items.

    Raises
    ------
    ModelError
        Naming what does not fit.
    """
    for name, table in (("input", input), ("output", output)):
        if table is not None and (table.dtype != np.float32 or table.ndim != 2 or 0 in table.shape):
            raise ModelError(f"the {name} table is {table.dtype} {table.shape}; it must be float32 [items, dim]")
    if len(input) != len(vocabulary):
        raise ModelError(f"the input table has {len(input):,} rows for {len(vocabulary):,} items")
    if output is not None and output.shape != input.shape:
        raise ModelError(f"the output table is {output.shape} and the input table {input.shape}")
    if names is not None and len(names) != len(vocabulary):
        raise ModelError(f"there are {len(names):,} names for {len(vocabulary):,} items")


def save_model(
    path: str | os.PathLike[str],
    *,
    input: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    vocabulary: Vocabulary,
    metadata: dict[str, Any],
    names: Names | None = None,
    rare: Vocabulary | None = None,
    hash_index: HashIndex | None = None,
    best: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> None:
    """Write a model file; it appears whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The target; one that is there is replaced.
    input, output : ndarray of float32 [V, d]
        The tables; `output` may be None. They are written without a copy, also if their rows are padded.
    vocabulary : Vocabulary
        The V items, in the tables' order.
    metadata : dict
        What JSON can hold: ``config`` and ``corpus`` by custom. ``format`` and ``version`` are set here.
    names : Names, optional
        Display names of the V items.
    rare : Vocabulary, optional
        The items that were too rare so far.
    hash_index : HashIndex, optional
        Of the vocabulary, if it is at hand.
    best : tuple of two ndarrays of float32 [V, d], optional
        For a checkpoint: the tables of the best epoch so far.

    Raises
    ------
    ModelError
        If the parts do not fit each other, or the file cannot be written.
    """
    check_parts(input, output, vocabulary, names)
    index = HashIndex.build(vocabulary) if hash_index is None else hash_index
    tensors: dict[str, NDArray[Any]] = {
        "input": input,
        "counts": vocabulary.counts,
        "items": vocabulary.blob,
        "item_offsets": vocabulary.offsets,
        "hash_keys": index.keys,
        "hash_ids": index.ids,
    }
    if output is not None:
        tensors["output"] = output
    if names is not None:
        tensors |= {"names": names.blob, "name_offsets": names.offsets}
    if rare is not None:
        tensors |= {"rare_items": rare.blob, "rare_offsets": rare.offsets, "rare_counts": rare.counts}
    if best is not None:
        tensors |= {"best_input": best[0], "best_output": best[1]}
    tensors = {name: np.asarray(array, _KINDS[name][0]) for name, array in tensors.items()}
    text = _metadata_text(metadata)
    with atomic_path(path) as temporary:
        write_tensors(temporary, tensors, {METADATA_KEY: text})


def read_model(path: str | os.PathLike[str]) -> ModelParts:
    """Open a model file. The tables stay in the file, mapped into memory, and are read as they are used.

    Everything but the tables' numbers is checked first, so that a damaged file, or one made to do harm, is
    refused.

    Parameters
    ----------
    path : str or path-like
        A file that `save_model` wrote.

    Returns
    -------
    ModelParts
        With read-only tables.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or not a model: naming it and what is wrong.
    """
    shown = os.fspath(path)
    tensors, texts = map_tensors(path)
    metadata = _read_metadata(shown, texts)
    _check_kinds(shown, tensors)
    check_sums(shown, tensors, texts, [name for name in tensors if name not in _TABLES])
    _check_texts(shown, "item", tensors["items"], tensors["item_offsets"])
    names = rare = None
    if "names" in tensors:
        _check_texts(shown, "name", tensors["names"], tensors["name_offsets"])
        names = Names(tensors["names"], tensors["name_offsets"])
    if "rare_items" in tensors:
        _check_texts(shown, "rare item", tensors["rare_items"], tensors["rare_offsets"])
        rare = Vocabulary(tensors["rare_items"], tensors["rare_offsets"], tensors["rare_counts"])
    vocabulary = Vocabulary(tensors["items"], tensors["item_offsets"], tensors["counts"])
    index = HashIndex(tensors["hash_keys"], tensors["hash_ids"])
    _check_index(shown, index, vocabulary)
    if any(tensors[name].min(initial=0) < 0 for name in ("counts", "rare_counts") if name in tensors):
        raise damaged(shown, "a count is negative")
    if any(tensors[name].max(initial=0) > _MOST_COUNT for name in ("counts", "rare_counts") if name in tensors):
        raise damaged(shown, f"a count is above {_MOST_COUNT:,}")
    return ModelParts(tensors["input"], tensors.get("output"), vocabulary, metadata, names, rare, index)


def check_model_file(path: str | os.PathLike[str]) -> int:
    """Read all of a model file, its tables too, and compare it with its checksums.

    Returns
    -------
    int
        How many tensors were compared; 0 in a file of an earlier version, which has no checksums.

    Raises
    ------
    ModelError
        If it cannot be read or is damaged: naming it and what is wrong.
    """
    read_model(path)
    return check_sums(path, *map_tensors(path))


def _metadata_text(metadata: dict[str, Any]) -> str:
    """Return the JSON of a model's metadata, with this format and version."""
    import item2vec  # here, since item2vec itself leads to this module

    try:
        return json.dumps(metadata | {"format": FORMAT, "version": item2vec.__version__}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"the model's metadata cannot be written as JSON: {error}") from error


def _read_metadata(path: str, texts: dict[str, str]) -> dict[str, Any]:
    """Return the JSON object under ``item2vec``, of a format that this version reads."""
    if METADATA_KEY not in texts:
        raise ModelError(f"cannot read {path}: it is a .safetensors file, but not one of item2vec")
    try:
        metadata = json.loads(texts[METADATA_KEY])
        json.dumps(metadata, ensure_ascii=False, allow_nan=False).encode(
            "utf-8"
        )  # half a surrogate pair could not be shown
    except (ValueError, RecursionError) as error:
        raise damaged(path, "its item2vec metadata is not JSON") from error
    if not isinstance(metadata, dict) or type(metadata.get("format")) is not int:
        raise damaged(path, "its item2vec metadata names no format")
    if metadata["format"] != FORMAT:
        raise ModelError(
            f"cannot read {path}: it has format {metadata['format']} and this item2vec reads {FORMAT}; "
            "use a newer item2vec"
        )
    return metadata


def _check_kinds(path: str, tensors: dict[str, NDArray[Any]]) -> None:
    """Each tensor is known, and has the type and the shape that the others ask for."""
    for name, tensor in tensors.items():
        if name not in _KINDS:
            raise damaged(path, f"tensor {name!r} does not belong to a model")
        dtype, dimensions = _KINDS[name]
        if tensor.dtype != dtype or tensor.ndim != dimensions:
            raise damaged(path, f"tensor {name!r} is {tensor.ndim}-dimensional {tensor.dtype}")
    absent = {name for group in _OPTIONAL if not any(name in tensors for name in group) for name in group}
    missing = [name for name in _KINDS if name not in tensors and name not in absent]
    if missing:
        raise damaged(path, f"tensor {missing[0]!r} is missing")
    items, dim = tensors["input"].shape
    if not 0 < items < 2**31 or dim < 1:
        raise damaged(path, f"its table has {items:,} rows of {dim:,}")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("counts", "hash_keys", "hash_ids"), (items,))
    shapes |= {"item_offsets": (items + 1,), "name_offsets": (items + 1,)}
    shapes |= dict.fromkeys(("output", "best_input", "best_output"), (items, dim))
    if "rare_counts" in tensors:
        shapes["rare_offsets"] = (len(tensors["rare_counts"]) + 1,)
    for name, shape in shapes.items():
        if name in tensors and tensors[name].shape != shape:
            raise damaged(path, f"tensor {name!r} has the shape {tensors[name].shape}, not {shape}")


def _check_texts(path: str, what: str, blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
    """Every item, or name, lies within the blob and is whole UTF-8."""
    article = "an" if what == "item" else "a"
    if offsets[0] != 0 or offsets[-1] != len(blob) or not np.all(offsets[1:] >= offsets[:-1]):
        raise damaged(path, f"its {what} offsets do not divide its {what}s")
    if first_not_utf8(blob, offsets) is not None:
        raise damaged(path, f"{article} {what} is not UTF-8")


def _check_index(path: str, index: HashIndex, vocabulary: Vocabulary) -> None:
    """Check that the hash index is in order and leads to items that are there, none of them twice."""
    keys, ids = index.keys, index.ids
    if not np.all(keys[1:] >= keys[:-1]):
        raise damaged(path, "its hash_keys are not in order")
    if ids.min() < 0 or ids.max() >= len(ids):
        raise damaged(path, "its hash_ids lead to items that are not there")
    alike = np.flatnonzero(keys[1:] == keys[:-1])
    if not len(alike):
        return
    # Hardly ever by accident. A look-up compares all items of one hash, so there must be no more than really have it.
    places = np.union1d(alike, alike + 1)
    some = vocabulary.take(ids[places])
    if np.any(hash_items(some.blob, some.offsets) != keys[places]):
        raise damaged(path, "its hash_keys are not those of its items")
    if (pair := index.first_duplicate(vocabulary)) is not None:
        raise damaged(path, f"the item {brief(vocabulary[pair[0]])} comes twice")
