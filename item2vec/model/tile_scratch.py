"""The work space of a worker for the tile kernel, and what a batch needs of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from item2vec.model.compiled import kernel
from item2vec.model.micro_kernel import SCORE_ROWS, UPDATE_ROWS
from item2vec.model.simd import LANES

SEEN = 1024  # slots of the small tables that find negatives equal to a centre, and bound the steps of an item
REACH = UPDATE_ROWS - 1  # how far a block of rows reaches beyond the window of one of them


class Scratch(NamedTuple):
    """Work space of one worker, all arrays flat; `make_scratch` gives their sizes."""

    X: npt.NDArray[Any]
    Y: npt.NDArray[Any]
    Yt: npt.NDArray[Any]
    S: npt.NDArray[Any]
    G: npt.NDArray[Any]
    B: npt.NDArray[Any]
    row_step: npt.NDArray[Any]
    column_step: npt.NDArray[Any]
    mask: npt.NDArray[Any]
    windows: npt.NDArray[Any]
    skipped: npt.NDArray[Any]
    input_rows: npt.NDArray[Any]
    output_rows: npt.NDArray[Any]
    soon: npt.NDArray[Any]
    seen: npt.NDArray[Any]
    input_spans: npt.NDArray[Any]
    output_spans: npt.NDArray[Any]
    no_spans: npt.NDArray[Any]
    sums: npt.NDArray[Any]
    keys: npt.NDArray[Any]
    totals: npt.NDArray[Any]
    waste: npt.NDArray[Any]


def aligned(size: int, dtype: Any = np.float32) -> npt.NDArray[Any]:
    """Zeros [size] that begin on a 64-byte cache line."""
    raw = np.zeros(size * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * np.dtype(dtype).itemsize].view(dtype)


def padded(size: int, multiple: int = LANES) -> int:
    """Size rounded up to a multiple."""
    return -(-size // multiple) * multiple


def make_scratch(rows: int, centres: int, reach: int, negatives: int, dim: int) -> Scratch:
    """Work space for tiles of at most so many rows, centres, farthest context and negatives."""
    width, columns, band = padded(dim), padded(negatives), band_width(reach)
    blocked = padded(rows, SCORE_ROWS) + SCORE_ROWS
    outputs = negatives + centres + SCORE_ROWS + LANES
    slots = 1 << int(2 * max(blocked, outputs)).bit_length()  # of a hash table that stays half empty
    return Scratch(
        X=aligned(blocked * width),
        Y=aligned(outputs * width),
        Yt=aligned(width * columns),
        S=aligned(blocked * columns),
        G=aligned(blocked * columns + LANES),
        B=aligned((centres + UPDATE_ROWS) * band + 2 * LANES),
        row_step=aligned(blocked + 2 * band),
        column_step=aligned(columns + centres),
        mask=np.repeat(np.array([1, 0], np.float32), [negatives, columns - negatives]),
        windows=np.zeros(blocked + 1, np.int64),
        skipped=np.zeros(blocked, np.int64),
        input_rows=np.zeros(blocked, np.int64),
        output_rows=np.zeros(outputs, np.int64),
        soon=np.zeros(blocked + outputs, np.int64),
        seen=np.full(SEEN, -1, np.int64),
        input_spans=np.zeros(blocked, np.int64),
        output_spans=np.zeros(outputs, np.int64),
        no_spans=np.zeros(outputs, np.int64),
        sums=aligned(SEEN),
        keys=np.full(slots, -1, np.int64),
        totals=np.zeros(slots, np.float32),
        waste=aligned(width),
    )


@kernel
def band_width(reach):  # type: ignore[no-untyped-def]
    """Width of a centre's line of the band: its window, room for a block's other rows on both sides, a register."""
    return (2 * reach + 1 + 2 * REACH + 2 * (LANES - 1)) // LANES * LANES


@kernel
def tile_extent(items, start, stop, tiles, negatives, size):  # type: ignore[no-untyped-def]
    """Most rows and centres of any tile, and the farthest distance of a context from its centre.

    All are -1 where an index is out of range: an item or negative of ``size`` rows, a window or a tile of the items.
    """
    bad = (-1, -1, -1)
    count = len(items)
    lowest, highest = 0, -1
    for item in items:
        lowest, highest = min(lowest, item), max(highest, item)
    for item in negatives.ravel():  # not tile by tile: a view of each costs more than its numbers
        lowest, highest = min(lowest, item), max(highest, item)
    if lowest < 0 or highest >= size or len(start) != count or len(stop) != count:
        return bad
    rows, centres, reach = 0, 0, 0
    for t in range(len(tiles) - 1):
        first, last = tiles[t], tiles[t + 1]
        if first < 0 or last < first or last > count:
            return bad
        low, high = first, last
        for c in range(first, last):
            if start[c] < 0 or stop[c] < start[c] or stop[c] > count:
                return bad
            low, high = min(low, start[c]), max(high, stop[c])
            reach = max(reach, max(c - start[c], stop[c] - 1 - c))
        rows, centres = max(rows, high - low), max(centres, last - first)
    if len(tiles) - 1 != len(negatives):
        return bad
    return rows, centres, reach
