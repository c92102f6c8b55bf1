"""The work space of the CPU kernels: what a batch needs of it, made once for each thread, handed on as pointers.

Work space is a named tuple of arrays, so that kernels have it by name. `item2vec.model.cpu.simd.pointers` makes a named
tuple of pointers of it, which is what the parts of a kernel hand each other.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Generic, NamedTuple

import numpy as np
from numba import types
from numba.extending import typeof_impl
from numpy.typing import NDArray
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.kernels import fast_kernel
from item2vec.model.cpu.matmul import SCORE_ROWS, UPDATE_ROWS
from item2vec.model.cpu.rows import BLOCK, MOST_ROWS, PrivateRows, make_private_rows
from item2vec.model.cpu.simd import LANES, Buffer, Pointer, aligned, at, get, padded, put
from item2vec.model.huffman import Paths, make_paths
from item2vec.sampling.window_batch import CBOW_CENTRES

# What a kernel is given.


class Tables(NamedTuple, Generic[Buffer]):
    """Both tables, and how their rows lie.

    Attributes
    ----------
    input, output : float32 [V·width]
    width : int
        Numbers from row to row, in whole registers; those from ``dim`` on are 0.
    dim : int
        Numbers of a row that are used.
    """

    input: Buffer
    output: Buffer
    width: int
    dim: int


class Batch(NamedTuple, Generic[Buffer]):
    """A `item2vec.sampling.window_batch.WindowBatch`.

    Attributes
    ----------
    items : int32 [M]
    start, stop : int64 [M]
    tiles : int64 [T+1]
    negatives : int32 [T·N]
    """

    items: Buffer
    start: Buffer
    stop: Buffer
    tiles: Buffer
    negatives: Buffer


# The work space of a worker for the tile kernel, and what a batch needs of it.

SEEN = 1024  # slots of the small tables that find negatives equal to a centre, and bound the steps of an item
REACH = UPDATE_ROWS - 1  # how far a block of rows reaches beyond the window of one of them


class Scratch(NamedTuple, Generic[Buffer]):
    """Work space of one worker for tiles of at most R rows, P centres and N negatives.

    All arrays are flat, and some are longer than said here, for whole blocks and registers. C is N in whole registers,
    d the width of a row, and L that of a line of the band.

    Attributes
    ----------
    X : float32 [R, d]
        The items' input rows.
    Y : float32 [N+P, d]
        The output rows of the negatives, then of the centres.
    Yt : float32 [d, C]
        Those of the negatives, transposed.
    S, G : float32 [R, C]
        Scores with the negatives, and how far to step.
    B : float32 [P, L]
        Both for the centres, by diagonals (`item2vec.model.cpu.skipgram`).
    row_step : float32 [L+R+L]
        Sum of the steps of each row, from L on: the lines of the band reach beyond both ends.
    column_step : float32 [C+P]
        The same of each negative, and of each centre.
    mask : float32 [C]
        1 for a negative, 0 for the padding behind them.
    windows : int64 [R+1]
        How many windows a row is in.
    skipped : int64 [R]
        How many of these are of a centre that equals a negative; zeros between two uses.
    input_rows, output_rows : int64 [R], int64 [N+P]
        Where the steps of X and Y go, in numbers from the table's beginning.
    soon : int64 [R+N+P]
        Addresses of rows that the next tile gathers.
    seen : int64 [SEEN]
        In the slots of a tile's centres: the first of them.
    input_spans, output_spans, no_spans : int64 [2·blocks]
        First and last centre that each block of rows may meet, first and last row that each block of centres may meet,
        and zeros.
    sums : float32 [SEEN]
        See `item2vec.model.cpu.limit.largest_step`.
    keys, totals : int64 [slots], float32 [slots]
        A hash table from items to the sums of their steps.
    waste : float32 [d]
        Where the steps of frozen rows go.
    slots : int
        A power of two.
    """

    X: Buffer
    Y: Buffer
    Yt: Buffer
    S: Buffer
    G: Buffer
    B: Buffer
    row_step: Buffer
    column_step: Buffer
    mask: Buffer
    windows: Buffer
    skipped: Buffer
    input_rows: Buffer
    output_rows: Buffer
    soon: Buffer
    seen: Buffer
    input_spans: Buffer
    output_spans: Buffer
    no_spans: Buffer
    sums: Buffer
    keys: Buffer
    totals: Buffer
    waste: Buffer
    slots: int


def make_scratch(rows: int, centres: int, reach: int, negatives: int, dim: int) -> Scratch[NDArray[Any]]:
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
        slots=slots,
    )


@fast_kernel
def band_width(reach: int) -> int:
    """Width of a centre's line of the band: its window, room for a block's other rows on both sides, a register."""
    return (2 * reach + 1 + 2 * REACH + 2 * (LANES - 1)) // LANES * LANES


@fast_kernel
def tile_extent(
    items: NDArray[np.int32],
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    tiles: NDArray[np.int64],
    negatives: NDArray[np.int32],
    size: int,
) -> tuple[int, int, int]:
    """Most rows and centres of any tile, and the farthest distance of a context from its centre.

    All are -1 where an index is out of range: an item or negative of ``size`` rows, a window or a tile of the items.
    """
    bad = (-1, -1, -1)
    count = len(items)
    lowest, highest = 0, -1
    for item in items:
        lowest, highest = min(lowest, item), max(highest, item)
    drawn: NDArray[np.int32] = negatives.ravel()  # not tile by tile: a view of each costs more than its numbers
    for item in drawn:
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


# Where a tile lies in its batch: what the steps of the tile kernel hand each other.


class Shape(NamedTuple):
    """What all tiles of a batch have in common.

    Attributes
    ----------
    width, dim : int
        As in `Tables`.
    negatives, columns : int
        N, and the same in whole registers.
    """

    width: int
    dim: int
    negatives: int
    columns: int


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
def tile_at(batch: Batch[Pointer], begin: int, end: int) -> Tile:
    """Where the tile with the centres begin:end of the batch lies."""
    low, high, reach = begin, end, 0
    for c in range(begin, end):
        first, last = get(at(batch.start, c)), get(at(batch.stop, c))
        low, high = min(low, first), max(high, last)
        reach = max(reach, max(c - first, last - 1 - c))
    return Tile(begin, end - begin, low, high - low, reach, band_width(reach), low - begin + reach + REACH)


@fast_kernel
def plan_updates(tile: Tile, work: Scratch[Pointer]) -> None:
    """Which centres each block of the tile's items may meet, and which items each block of its centres.

    As far as the farthest window of the tile reaches, though most reach less: loops of one length are predicted.
    """
    lead, reach = tile.first - tile.low, tile.reach
    for r in range(0, tile.rows, UPDATE_ROWS):
        c, end = max(0, r - lead - reach), min(tile.centres, r + UPDATE_ROWS - lead + reach)
        span = at(work.input_spans, 2 * (r // UPDATE_ROWS))
        put(span, c)
        put(at(span, 1), max(c, end))
    for c in range(0, tile.centres, UPDATE_ROWS):
        own = c + lead
        span = at(work.output_spans, 2 * (c // UPDATE_ROWS))
        put(span, max(0, own - reach))
        put(at(span, 1), min(tile.rows, own + UPDATE_ROWS + reach))


# The work space of a worker for the kernels of CBOW and of hierarchical softmax.


class TargetScratch(NamedTuple, Generic[Buffer]):
    """Work space of one worker for at most MOST_ROWS rows at once, their W contexts, and the L targets that they meet.

    All arrays are flat, and some are longer than said here, for whole blocks and registers. d is the width of a row.

    Attributes
    ----------
    hidden, errors : float32 [MOST_ROWS, d]
        Hidden vectors, and what each adds to its contexts; the errors are zeros between two uses.
    hidden_at : int64 [MOST_ROWS]
        Where each of these begins.
    G, weights : float32 [L, rows]
        Scores and then how far to step; weights of the scores, positive where they are to be high, negative where low.
    pair_weights : float32 [2·L]
        The weights of CBOW's usual case, two centres.
    signs, drawn_weights : float32 [L]
        1 and -1 for the bits of a path; the weights of a tile's negatives.
    squares : float32 [L]
        Minus the squared norms of some rows.
    contexts, contexts_at : int32 [W], int64 [W]
        Items, and where their rows are.
    targets, targets_at : int32 [L], int64 [L]
        The same of the targets.
    bounds : int64 [MOST_ROWS+1]
        The contexts of row i are those from bounds[i] to bounds[i+1].
    target_step, steps : float32 [L], float32 [W]
        Sum of the steps of each target, and of each context.
    seen : int64 [SEEN]
        In the slots of a tile's negatives: the tile.
    keys, totals : int64 [slots], float32 [slots]
        A hash table from items to the sums of their steps.
    spare_targets, spare_contexts : float32 [L, d], float32 [W, d]
        Copies of frozen rows.
    slots : int
        A power of two.
    """

    hidden: Buffer
    errors: Buffer
    hidden_at: Buffer
    G: Buffer
    weights: Buffer
    pair_weights: Buffer
    signs: Buffer
    drawn_weights: Buffer
    squares: Buffer
    contexts: Buffer
    contexts_at: Buffer
    targets: Buffer
    targets_at: Buffer
    bounds: Buffer
    target_step: Buffer
    steps: Buffer
    seen: Buffer
    keys: Buffer
    totals: Buffer
    spare_targets: Buffer
    spare_contexts: Buffer
    slots: int


def make_target_scratch(window: int, targets: int, dim: int) -> TargetScratch[NDArray[Any]]:
    """Work space for windows of at most so many items and at most so many targets of a centre."""
    width, work = padded(dim), padded(targets + BLOCK + CBOW_CENTRES) + LANES
    contexts = CBOW_CENTRES * window + BLOCK
    slots = 1 << int(2 * contexts).bit_length()
    return TargetScratch(
        hidden=aligned(MOST_ROWS * width),
        errors=aligned(MOST_ROWS * width),
        hidden_at=np.arange(MOST_ROWS, dtype=np.int64) * width,
        G=aligned(MOST_ROWS * work),
        weights=aligned(MOST_ROWS * work),
        pair_weights=aligned(CBOW_CENTRES * work),
        signs=aligned(work),
        drawn_weights=aligned(work),
        squares=aligned(work),
        contexts=np.zeros(contexts, np.int32),
        contexts_at=np.zeros(contexts, np.int64),
        targets=np.zeros(work, np.int32),
        targets_at=np.zeros(work, np.int64),
        bounds=np.arange(MOST_ROWS + 1),
        target_step=aligned(work),
        steps=aligned(contexts),
        seen=np.full(SEEN, -1, np.int64),
        keys=np.full(slots, -1, np.int64),
        totals=np.zeros(slots, np.float32),
        spare_targets=aligned(work * width),
        spare_contexts=aligned(contexts * width),
        slots=slots,
    )


# numba looks at each array of a named tuple at each call, some twenty microseconds for these. The types of work space
# are always the same, so one look at each kind does.

_types: dict[type, Any] = {}


@typeof_impl.register(Scratch)
@typeof_impl.register(TargetScratch)
def _type_once(space: Scratch[Any] | TargetScratch[Any], purpose: Any) -> Any:
    """Return numba's type of work space."""
    kind = type(space)
    if kind not in _types:
        _types[kind] = types.BaseTuple.from_types([typeof_impl(field, purpose) for field in space], kind)
    return _types[kind]


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
    scratch: Scratch[NDArray[Any]]
    target_sizes: tuple[int, int, int] = (-1, -1, -1)
    targets: TargetScratch[NDArray[Any]]
    private_sizes: tuple[int, int, int] = (-1, -1, -1)
    private: PrivateRows[NDArray[np.float32]]

    def work_space(self, extent: tuple[int, ...], negatives: int, dim: int) -> Scratch[NDArray[Any]]:
        """Work space for tiles of that extent; made anew only if too small."""
        there = self.extent if self.shape == (negatives, dim) else (-1, -1, -1)
        if any(needed > had for needed, had in zip(extent, there, strict=True)):
            rows, centres, reach = map(max, extent, there)
            self.scratch = make_scratch(rows, centres, reach, negatives, dim)
            self.extent, self.shape = (rows, centres, reach), (negatives, dim)
        return self.scratch

    def target_space(self, window: int, targets: int, dim: int) -> TargetScratch[NDArray[Any]]:
        """Work space for windows, targets of a centre and dimension of that size; made anew only if too small."""
        had = self.target_sizes
        if dim != had[2] or window > had[0] or targets > had[1]:
            if dim == had[2]:
                window, targets = max(window, had[0]), max(targets, had[1])
            self.targets = make_target_scratch(window, targets, dim)
            self.target_sizes = window, targets, dim
        return self.targets

    def private_rows(self, nodes: int, dim: int, workers: int) -> PrivateRows[NDArray[np.float32]]:
        """Room for copies of the last of so many nodes; made anew only if it was made for others."""
        if self.private_sizes != (nodes, dim, workers):
            self.private = make_private_rows(nodes, dim, workers)
            self.private_sizes = nodes, dim, workers
        return self.private
