"""The work space of the CPU kernels: what a batch needs of it, made once for each thread, handed on as pointers."""

from __future__ import annotations

import threading
import weakref
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.kernels import fast_kernel
from item2vec.model.cpu.matmul import SCORE_ROWS, UPDATE_ROWS
from item2vec.model.cpu.rows import BLOCK, MOST_ROWS, PrivateRows, make_private_rows
from item2vec.model.cpu.simd import LANES, aligned, at, get, padded, ptr, put
from item2vec.model.huffman import Paths, make_paths
from item2vec.sampling.window_batch import CBOW_CENTRES

# The work space of a worker for the tile kernel, and what a batch needs of it.

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


@fast_kernel
def band_width(reach):  # type: ignore[no-untyped-def]
    """Width of a centre's line of the band: its window, room for a block's other rows on both sides, a register."""
    return (2 * reach + 1 + 2 * REACH + 2 * (LANES - 1)) // LANES * LANES


@fast_kernel
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


# Where a tile lies in its batch, and the work space as pointers: what the steps of the tile kernel hand each other.


class Shape(NamedTuple):
    """Of the tables and the negatives: rows ``stride`` apart, ``width`` numbers of a row with its padding."""

    stride: int
    width: int
    dim: int
    negatives: int
    columns: int  # negatives in whole registers


class Batch(NamedTuple):
    """Pointers to the batch's items and windows."""

    items: Any
    start: Any
    stop: Any


class Tile(NamedTuple):
    """The centres first:first+centres of a batch, and the items low:low+rows that their windows reach."""

    first: int
    centres: int
    low: int
    rows: int
    reach: int  # the farthest distance of a context from its centre
    band: int  # width of a line of the band
    shift: int  # row r of the tile stands at line[r - c + shift] of centre c


@fast_kernel
def pointers(scratch):
    """Return the same work space as pointers: as an argument, an array is seven numbers."""
    return Scratch(
        ptr(scratch.X), ptr(scratch.Y), ptr(scratch.Yt), ptr(scratch.S), ptr(scratch.G), ptr(scratch.B),
        ptr(scratch.row_step), ptr(scratch.column_step), ptr(scratch.mask), ptr(scratch.windows),
        ptr(scratch.skipped), ptr(scratch.input_rows), ptr(scratch.output_rows), ptr(scratch.soon),
        ptr(scratch.seen), ptr(scratch.input_spans), ptr(scratch.output_spans), ptr(scratch.no_spans),
        ptr(scratch.sums), ptr(scratch.keys), ptr(scratch.totals), ptr(scratch.waste)
    )  # fmt: skip


@fast_kernel
def tile_at(batch, begin, end):
    """Where the tile with the centres begin:end of the batch lies."""
    low, high, reach = begin, end, 0
    for c in range(begin, end):
        first, last = get(at(batch.start, c)), get(at(batch.stop, c))
        low, high = min(low, first), max(high, last)
        reach = max(reach, max(c - first, last - 1 - c))
    return Tile(begin, end - begin, low, high - low, reach, band_width(reach), low - begin + reach + REACH)


@fast_kernel
def plan_updates(tile, room):
    """Which centres each block of the tile's items may meet, and which items each block of its centres.

    As far as the farthest window of the tile reaches, though most reach less: loops of one length are predicted.
    """
    lead, reach = tile.first - tile.low, tile.reach
    for r in range(0, tile.rows, UPDATE_ROWS):
        c, end = max(0, r - lead - reach), min(tile.centres, r + UPDATE_ROWS - lead + reach)
        span = at(room.input_spans, 2 * (r // UPDATE_ROWS))
        put(span, c)
        put(at(span, 1), max(c, end))
    for c in range(0, tile.centres, UPDATE_ROWS):
        own = c + lead
        span = at(room.output_spans, 2 * (c // UPDATE_ROWS))
        put(span, max(0, own - reach))
        put(at(span, 1), min(tile.rows, own + UPDATE_ROWS + reach))


# The work space of a worker for the kernels of CBOW and of hierarchical softmax.


class TargetScratch(NamedTuple):
    """Work space of one worker, all arrays flat; `make_target_scratch` gives their sizes."""

    hidden: npt.NDArray[Any]
    errors: npt.NDArray[Any]
    hidden_at: npt.NDArray[Any]
    G: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    pair_weights: npt.NDArray[Any]
    signs: npt.NDArray[Any]
    drawn_weights: npt.NDArray[Any]
    squares: npt.NDArray[Any]
    contexts: npt.NDArray[Any]
    contexts_at: npt.NDArray[Any]
    targets: npt.NDArray[Any]
    targets_at: npt.NDArray[Any]
    bounds: npt.NDArray[Any]
    row_step: npt.NDArray[Any]
    target_step: npt.NDArray[Any]
    steps: npt.NDArray[Any]
    seen: npt.NDArray[Any]
    keys: npt.NDArray[Any]
    totals: npt.NDArray[Any]
    spare: npt.NDArray[Any]


def make_target_scratch(window: int, targets: int, dim: int) -> TargetScratch:
    """Work space for windows of at most so many items and at most so many targets of a centre."""
    width, room = padded(dim), padded(targets + BLOCK + CBOW_CENTRES) + LANES
    contexts = CBOW_CENTRES * window + BLOCK
    slots = 1 << int(2 * contexts).bit_length()
    return TargetScratch(
        hidden=aligned(MOST_ROWS * width),
        errors=aligned(MOST_ROWS * width),
        hidden_at=np.arange(MOST_ROWS, dtype=np.int64) * width,
        G=aligned(MOST_ROWS * room),
        weights=aligned(MOST_ROWS * room),
        pair_weights=aligned(CBOW_CENTRES * room),
        signs=aligned(room),
        drawn_weights=aligned(room),
        squares=aligned(room),
        contexts=np.zeros(contexts, np.int32),
        contexts_at=np.zeros(contexts, np.int64),
        targets=np.zeros(room, np.int32),
        targets_at=np.zeros(room, np.int64),
        bounds=np.arange(MOST_ROWS + 1),
        row_step=aligned(MOST_ROWS),
        target_step=aligned(room),
        steps=aligned(contexts),
        seen=np.full(SEEN, -1, np.int64),
        keys=np.full(slots, -1, np.int64),
        totals=np.zeros(slots, np.float32),
        spare=aligned((contexts + room) * width),
    )


# The work space of each thread that runs the CPU kernels: made once, and anew only if it is too small.

_lock = threading.Lock()
_last: tuple[weakref.ref[Tensor], int, int, Paths] | None = None


def paths_of(tree: Tensor, rows: int) -> Paths:
    """Check that the tree is one of a table's rows, and make its paths: once for each tree, for all threads.

    Raises
    ------
    TrainingError
        If it is not.
    """
    global _last
    with _lock:
        if _last is None or _last[0]() is not tree or _last[1:3] != (tree._version, rows):
            paths = make_paths(np.ascontiguousarray(tree.cpu().numpy(), np.int32), rows)
            if paths is None:
                raise TrainingError(f"the tree is not one of {rows:,} items")
            _last = weakref.ref(tree, _forget), tree._version, rows, paths
        return _last[3]


def _forget(tree: weakref.ref[Tensor]) -> None:
    """Let the paths go with their tree."""
    global _last
    if _last is not None and _last[0] is tree:
        _last = None


class WorkSpace(threading.local):
    """Each thread's work space, and the sizes that it was made for."""

    extent: tuple[int, ...] = (-1, -1, -1)
    shape: tuple[int, int] = (-1, -1)
    scratch: Scratch
    target_sizes: tuple[int, int, int] = (-1, -1, -1)
    targets: TargetScratch
    private_sizes: tuple[int, int, int] = (-1, -1, -1)
    private: PrivateRows

    def work_space(self, extent: tuple[int, ...], negatives: int, dim: int) -> Scratch:
        """Work space for tiles of that extent; made anew only if too small."""
        there = self.extent if self.shape == (negatives, dim) else (-1, -1, -1)
        if any(needed > had for needed, had in zip(extent, there, strict=True)):
            rows, centres, reach = map(max, extent, there)
            self.scratch = make_scratch(rows, centres, reach, negatives, dim)
            self.extent, self.shape = (rows, centres, reach), (negatives, dim)
        return self.scratch

    def target_space(self, window: int, targets: int, dim: int) -> TargetScratch:
        """Work space for windows, targets of a centre and dimension of that size; made anew only if too small."""
        had = self.target_sizes
        if dim != had[2] or window > had[0] or targets > had[1]:
            if dim == had[2]:
                window, targets = max(window, had[0]), max(targets, had[1])
            self.targets = make_target_scratch(window, targets, dim)
            self.target_sizes = window, targets, dim
        return self.targets

    def private_rows(self, nodes: int, dim: int, workers: int) -> PrivateRows:
        """Room for copies of the last of so many nodes; made anew only if it was made for others."""
        if self.private_sizes != (nodes, dim, workers):
            self.private = make_private_rows(nodes, dim, workers)
            self.private_sizes = nodes, dim, workers
        return self.private
