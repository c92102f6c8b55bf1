"""Is a usearch index what its header says? Looked at before the library maps it, since the library trusts the bytes.

The library follows the numbers of neighbours without looking where they lead, so that a file made to do harm could
have it read anywhere in memory. The format is usearch's own (unum-cloud/usearch, ``docs/format.md``, version 2),
numbers little-endian:

    matrix    u32 rows, u32 bytes a row, then the rows' vectors
    head      64 bytes: "usearch", u16 major, minor, patch, four kinds, u64 present, deleted, dimensions, ...
    graph     u64 nodes, connectivity, connectivity of level 0, highest level, first node
    levels    i16 a node
    nodes     u64 key, i16 level, then for each level from 0 a u32 count and room for its u32 neighbours
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

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
        return "its numbers of items do not agree"
    if not (0 < connectivity <= _MOST and 0 < base <= _MOST and first < nodes):
        return "its graph cannot be"
    levels = data[levels_at : levels_at + 2 * nodes].view("<i2").astype(np.int64)
    if levels.min() < 0 or levels.max() != highest or levels[first] != highest:
        return "the levels of its graph do not agree"
    sizes = _NODE + 4 + 4 * base + levels * (4 + 4 * connectivity)
    starts = levels_at + 2 * nodes + np.cumsum(sizes) - sizes
    if starts[-1] + sizes[-1] != len(data):
        return "its graph is cut off or too long"
    return _nodes_fault(data, starts, levels, items, (base, connectivity))


def _nodes_fault(
    data: NDArray[np.uint8], starts: NDArray[np.int64], levels: NDArray[np.int64], items: int, room: tuple[int, int]
) -> str | None:
    """The same for the nodes: keys, levels, and where their neighbours lead."""
    base, connectivity = room
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
                return "its graph leads out of itself"
            if level and (levels[linked[used]] < level).any():
                return "its graph leads to nodes that are not on its level"
    return None


def _numbers(data: NDArray[np.uint8], starts: NDArray[np.int64], count: int, kind: str) -> NDArray[np.integer]:
    """So many neighbouring numbers at each of some places, which need not be aligned; [places, count]."""
    width = np.dtype(kind).itemsize * count
    windows = as_strided(data[:width].view(f"V{width}"), (len(data) - width + 1,), (1,))
    return windows[starts].view(kind).reshape(len(starts), count)
