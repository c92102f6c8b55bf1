"""The index file: usearch's graph in a .safetensors file, with what it was built of and what it is worth.

One tensor, ``graph`` (U8, what usearch's ``Index.save`` gave), and under ``item2vec-index`` in the metadata a JSON
object: ``format`` (1) and the fields of `IndexFacts`. Nothing in it runs. The file is mapped, and the whole graph is
looked through before use (0.2 s for a million items), since usearch itself trusts it.
"""

from __future__ import annotations

import json
import os
import shlex
import struct
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path
from item2vec.files.safetensors import check_sums, map_tensors, write_tensors
from item2vec.vectors.approximate import SCALAR, ApproximateIndex, IndexFacts, empty_graph

# Is a usearch index what its header says? Looked at before the library maps it, since the library trusts the bytes.
#
# The library follows the numbers of neighbours without looking where they lead, so that a file made to do harm could
# have it read anywhere in memory. The format is usearch's own (unum-cloud/usearch, ``docs/format.md``, version 2),
# numbers little-endian:
#
#     matrix    u32 rows, u32 bytes a row, then the rows' vectors
#     head      64 bytes: "usearch", u16 major, minor, patch, four kinds, u64 present, deleted, dimensions, ...
#     graph     u64 nodes, connectivity, connectivity of level 0, highest level, first node
#     levels    i16 a node
#     nodes     u64 key, i16 level, then for each level from 0 a u32 count and room for its u32 neighbours

_MATRIX = struct.Struct("<II")
_HEAD = struct.Struct("<7sHHHBBBBQQQB")
_HEAD_BYTES = 64
_GRAPH = struct.Struct("<QQQQQ")
_KINDS = {"metric": 105, "scalar": 0, "key": 14, "slot": 15}  # inner product; the caller's; u64; u32
_NODE = 10  # bytes of a node before its neighbours
_MOST = 1 << 10  # neighbours of a node: far more than any graph has
_BLOCK = 1 << 16  # nodes looked at together


def graph_fault(data: NDArray[np.uint8], items: int, dim: int, scalar: int, width: int) -> str | None:
    """Say what is wrong with a serialised index, None if nothing is.

    Parameters
    ----------
    data : ndarray of uint8 [bytes]
        What usearch's ``Index.save`` gave.
    items : int
        Keys are below.
    dim : int
        Numbers of a vector.
    scalar, width : int
        usearch's number of the kind of scalar, and its bytes.

    Returns
    -------
    str or None
    """
    if len(data) < _MATRIX.size:
        return "it is cut off"
    rows, row_bytes = _MATRIX.unpack(data[: _MATRIX.size].tobytes())
    head = _MATRIX.size + rows * row_bytes
    graph = head + _HEAD_BYTES
    levels_at = graph + _GRAPH.size
    if row_bytes != dim * width or not 0 < rows <= items or levels_at + 2 * rows > len(data):
        return "its vectors are not those of the model, or cut off"
    magic, major, _, _, *kinds, present, deleted, dimensions, multi = _HEAD.unpack(
        data[head : head + _HEAD.size].tobytes()
    )
    if magic != b"usearch" or major != 2 or kinds != [_KINDS["metric"], scalar, _KINDS["key"], _KINDS["slot"]]:
        return "it is of another kind or version of usearch"
    nodes, connectivity, base, highest, first = _GRAPH.unpack(data[graph:levels_at].tobytes())
    if (nodes, present, deleted, dimensions, multi) != (rows, rows, 0, dim, 0):
        return "its numbers of items disagree"
    if not (0 < connectivity <= _MOST and 0 < base <= _MOST and first < nodes):
        return "its graph is not valid"
    levels = data[levels_at : levels_at + 2 * nodes].view("<i2").astype(np.int64)
    if levels.min() < 0 or levels.max() != highest or levels[first] != highest:
        return "the levels of its graph do not agree"
    sizes = _NODE + 4 + 4 * base + levels * (4 + 4 * connectivity)
    starts = levels_at + 2 * nodes + np.cumsum(sizes) - sizes
    if starts[-1] + sizes[-1] != len(data):
        return "its graph is cut off or too long"
    return _nodes_fault(data, starts, levels, items, (base, connectivity))


def _nodes_fault(
    data: NDArray[np.uint8], starts: NDArray[np.int64], levels: NDArray[np.int64], items: int, degrees: tuple[int, int]
) -> str | None:
    """Return the same for the nodes: keys, levels, and where their neighbours lead."""
    base, connectivity = degrees
    times = np.zeros(items, np.int64)
    for first in range(0, len(starts), _BLOCK):
        begin = starts[first : first + _BLOCK]
        keys = _numbers(data, begin, 1, "<u8")[:, 0]
        if keys.max() >= items:
            return "its keys are not the model's items"
        np.add.at(times, keys.astype(np.int64), 1)
        if not np.array_equal(_numbers(data, begin + 8, 1, "<i2")[:, 0], levels[first : first + _BLOCK]):
            return "the levels of its graph do not agree"
    if times.max() > 1:
        return "its keys are not the model's items"
    for level in range(int(levels.max()) + 1):
        tall = starts[levels >= level]
        place = _NODE if level == 0 else _NODE + 4 + 4 * base + (level - 1) * (4 + 4 * connectivity)
        many = base if level == 0 else connectivity
        for first in range(0, len(tall), _BLOCK):
            lists = _numbers(data, tall[first : first + _BLOCK] + place, 1 + many, "<u4")
            used = np.arange(many) < lists[:, :1]
            linked = np.where(used, lists[:, 1:], 0)
            if lists[:, 0].max() > many or linked.max() >= len(levels):
                return "its graph has links to items that do not exist"
            if level and (levels[linked[used]] < level).any():
                return "its graph leads to nodes that are not on its level"
    return None


def _numbers(data: NDArray[np.uint8], starts: NDArray[np.int64], count: int, kind: str) -> NDArray[np.integer]:
    """So many neighbouring numbers at each of some places, which need not be aligned; [places, count]."""
    width = np.dtype(kind).itemsize * count
    windows = as_strided(data[:width].view(f"V{width}"), (len(data) - width + 1,), (1,))
    return windows[starts].view(kind).reshape(len(starts), count)


FORMAT = 1
METADATA_KEY = "item2vec-index"
_SCALAR_KIND = {"f32": (11, 4), "bf16": (4, 2), "i8": (23, 1)}  # usearch's numbers, and bytes


def index_path(model_path: str | os.PathLike[str]) -> Path:
    """Where a model's index lies by custom: beside it, its ending replaced by ``.index``."""
    return Path(model_path).with_suffix(".index")


def save_index(index: ApproximateIndex, path: str | os.PathLike[str]) -> None:
    """Write an index; the file appears whole or not at all.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    graph = np.frombuffer(index.graph.save(), np.uint8)
    text = json.dumps({"format": FORMAT} | asdict(index.facts))
    with atomic_path(path) as temporary:
        write_tensors(temporary, {"graph": graph}, {METADATA_KEY: text})


def index_command(model_path: str | os.PathLike[str] | None) -> str:
    """Return the command that builds a model's index, for messages."""
    return "`item2vec index`" if model_path is None else f"`item2vec index -m {shlex.quote(os.fspath(model_path))}`"


def load_index(
    path: str | os.PathLike[str], *, model_path: str | os.PathLike[str] | None = None, whole: bool = False
) -> ApproximateIndex:
    """Map an index file, after looking through all of it.

    Parameters
    ----------
    path : str or path-like
    model_path : str or path-like, optional
        The file of the model whose index it is to be, for messages.
    whole : bool
        Whether to compare the graph with its checksum too, which reads all of it.

    Raises
    ------
    ModelError
        If it is missing, damaged, or usearch is not installed: naming it and what to do.
    """
    shown, command = os.fspath(path), index_command(model_path)
    if not os.path.exists(shown):
        raise ModelError(f"there is no index at {shown}; build one with {command}")
    try:
        tensors, texts = map_tensors(path)
        check_sums(path, tensors, texts, None if whole else ())
        facts = _facts(texts.get(METADATA_KEY))
        data = tensors.get("graph")
        if facts is None or data is None or data.dtype != np.uint8:
            raise ModelError(f"cannot read {shown}: it is not an index of this version")
        fault = graph_fault(data, facts.items, facts.dim, *_SCALAR_KIND[SCALAR])
        if fault is not None:
            raise ModelError(f"cannot read {shown}: {fault}")
    except ModelError as error:
        raise ModelError(f"{error}; build the index again with {command}") from error
    graph = empty_graph(facts.dim, facts.connectivity)
    try:
        graph.view(data)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read {shown}: {error}; build the index again with {command}") from error
    return ApproximateIndex(graph, facts, data)


def _facts(text: str | None) -> IndexFacts | None:
    """Return the facts in the metadata, None if they are not those of an index of this format."""
    try:
        given: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    kinds: dict[str, Any] = {"int": int, "float": (int, float), "str": str}
    names = {field.name: kinds[str(field.type)] for field in fields(IndexFacts)}
    if not isinstance(given, dict) or given.pop("format", None) != FORMAT or given.keys() != names.keys():
        return None
    if not all(isinstance(given[name], kind) and type(given[name]) is not bool for name, kind in names.items()):
        return None
    facts = IndexFacts(**given)
    sensible = 0 < facts.items < 2**31 and 0 < facts.dim < 2**20 and 2 <= facts.connectivity <= 256
    return facts if sensible and 0 < facts.effort <= 1 << 16 and 0 <= facts.recall <= 1 else None
