"""The model file: one .safetensors file with both tables, the vocabulary, and a hash index to look items up.

Version 1 holds these tensors, V items of d numbers each, ids in order of descending count:

    input         F32 [V, d]   the vectors that `similar` compares
    output        F32 [V, d]   the context side of training; may be missing
    counts        I64 [V]      how often each item came
    items         U8  [bytes]  the items' UTF-8 bytes end to end
    item_offsets  I64 [V+1]    item i is items[item_offsets[i]:item_offsets[i+1]]
    hash_keys     U64 [V]      the items' hashes in ascending order, see `item2vec.vectors.hash_index`
    hash_ids      I32 [V]      the item of each hash

and in the file's metadata, under ``item2vec``, a JSON object: ``format`` (this version's 1), ``version`` (of
the item2vec that wrote it), and what the trainer adds: ``config``, ``corpus``, ...
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.vocabulary import Vocabulary
from item2vec.errors import ModelError
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.hash_index import HashIndex
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.safetensors_map import damaged, map_tensors

FORMAT = 1
METADATA_KEY = "item2vec"
_KINDS = {
    "input": (np.float32, 2),
    "output": (np.float32, 2),
    "counts": (np.int64, 1),
    "items": (np.uint8, 1),
    "item_offsets": (np.int64, 1),
    "hash_keys": (np.uint64, 1),
    "hash_ids": (np.int32, 1),
}
_CHUNK = 1 << 22  # bytes of items decoded at once while checking them


def save_model(
    path: str | os.PathLike[str],
    *,
    input: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    vocabulary: Vocabulary,
    metadata: dict[str, Any],
) -> None:
    """Write a model file; it appears whole or not at all.

    Parameters
    ----------
    path : str or path-like
        The target; one that is there is replaced.
    input, output : ndarray of float32 [V, d]
        The tables; `output` may be None. Contiguous ones are written without a copy.
    vocabulary : Vocabulary
        The V items, in the tables' order.
    metadata : dict
        What JSON can hold: ``config`` and ``corpus`` by custom. ``format`` and ``version`` are set here.

    Raises
    ------
    ModelError
        If the parts do not fit each other, or the file cannot be written.
    """
    from safetensors import SafetensorError  # here, since no query needs it
    from safetensors.numpy import save_file

    KeyedVectors(input, output, vocabulary, metadata)  # checks that the parts fit
    index = HashIndex.build(vocabulary)
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
    tensors = {name: np.ascontiguousarray(array, _KINDS[name][0]) for name, array in tensors.items()}
    text = _metadata_text(metadata)
    with atomic_path(path) as temporary:
        try:
            save_file(tensors, temporary, metadata={METADATA_KEY: text})
        except SafetensorError as error:  # wraps the system's error, of which only the text is left
            raise ModelError(f"cannot write {os.fspath(path)}: {error}") from error


def load_model(path: str | os.PathLike[str]) -> KeyedVectors:
    """Open a model file. The tables stay in the file, mapped into memory, and are read as they are used.

    Everything but the tables' numbers is checked first, so that a damaged file, or one made to do harm, is
    refused.

    Parameters
    ----------
    path : str or path-like
        A file that `save_model` wrote.

    Returns
    -------
    KeyedVectors
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
    _check_items(shown, tensors["items"], tensors["item_offsets"])
    _check_hashes(shown, tensors["hash_keys"], tensors["hash_ids"])
    if tensors["counts"].min() < 0:
        raise damaged(shown, "a count is negative")
    return KeyedVectors(
        tensors["input"],
        tensors.get("output"),
        Vocabulary(tensors["items"], tensors["item_offsets"], tensors["counts"]),
        metadata,
        hash_index=HashIndex(tensors["hash_keys"], tensors["hash_ids"]),
    )


def _metadata_text(metadata: dict[str, Any]) -> str:
    """The JSON of a model's metadata, with this format and version."""
    import item2vec  # here, since item2vec itself leads to this module

    try:
        return json.dumps(metadata | {"format": FORMAT, "version": item2vec.__version__}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"the model's metadata cannot be written as JSON: {error}") from error


def _read_metadata(path: str, texts: dict[str, str]) -> dict[str, Any]:
    """The JSON object under ``item2vec``, of a format that this version reads."""
    if METADATA_KEY not in texts:
        raise ModelError(f"cannot read {path}: it is a .safetensors file, but not of item2vec")
    try:
        metadata = json.loads(texts[METADATA_KEY])
        json.dumps(metadata, ensure_ascii=False).encode("utf-8")  # half a surrogate pair could not be shown
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
            raise damaged(path, f"tensor {name!r} is none that a model has")
        dtype, dimensions = _KINDS[name]
        if tensor.dtype != dtype or tensor.ndim != dimensions:
            raise damaged(path, f"tensor {name!r} is {tensor.ndim}-dimensional {tensor.dtype}")
    missing = [name for name in _KINDS if name not in tensors and name != "output"]
    if missing:
        raise damaged(path, f"tensor {missing[0]!r} is missing")
    items, dim = tensors["input"].shape
    if not 0 < items < 2**31 or dim < 1:
        raise damaged(path, f"its table has {items:,} rows of {dim:,}")
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("counts", "hash_keys", "hash_ids"), (items,))
    shapes |= {"item_offsets": (items + 1,), "output": (items, dim)}
    for name, shape in shapes.items():
        if name in tensors and tensors[name].shape != shape:
            raise damaged(path, f"tensor {name!r} has the shape {tensors[name].shape}, not {shape}")


def _check_items(path: str, blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
    """Every item lies within the blob and is whole UTF-8."""
    if offsets[0] != 0 or offsets[-1] != len(blob) or not np.all(offsets[1:] >= offsets[:-1]):
        raise damaged(path, "its item_offsets do not divide its items")
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    if np.any((blob[starts] & 0xC0) == 0x80):  # no item starts inside a character, so none ends in one
        raise damaged(path, "an item is not UTF-8")
    places = np.searchsorted(starts, np.arange(_CHUNK, len(blob), _CHUNK))
    cuts = np.unique(starts[places[places < len(starts)]]).tolist()
    for begin, end in itertools.pairwise([0, *cuts, len(blob)]):
        try:
            blob[begin:end].tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise damaged(path, "an item is not UTF-8") from error


def _check_hashes(path: str, keys: NDArray[np.uint64], ids: NDArray[np.int32]) -> None:
    """The hash index is in order and leads to items that are there."""
    if not np.all(keys[1:] >= keys[:-1]):
        raise damaged(path, "its hash_keys are not in order")
    if ids.min() < 0 or ids.max() >= len(ids):
        raise damaged(path, "its hash_ids lead to items that are not there")
