"""The limit on how far a step may take a row, and the steps of a few rows' scores that CBOW and paths share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.scratch import SEEN, Batch, Scratch, Shape, TargetScratch, Tile
from item2vec.model.cpu.simd import (
    LANES,
    Index,
    Pointer,
    address,
    at,
    fma,
    get,
    load,
    mul,
    ptr,
    put,
    sigma_softplus,
    splat,
    store,
    sub,
    total,
    where_negative,
)

f32 = np.float32


STEP_LIMIT = f32(32.0)  # as in item2vec.model.reference; see benchmarks/LOG.md for why so much


@fast_kernel
def clear_sums(sums: Pointer) -> None:
    """Zero the SEEN sums of `largest_step`."""
    for i in range(0, SEEN, LANES):
        store(at(sums, i), splat(f32(0.0)))


@fast_kernel
def largest_step(ids: Pointer, count: int, steps: Pointer, sums: Pointer) -> np.float32:
    """Add the steps to the sums of their items, and return the largest; items may share a sum, so it is a bound."""
    most = f32(0.0)
    for i in range(count):
        p = at(sums, get(at(ids, i)) & (SEEN - 1))
        step = get(p) + get(at(steps, i))
        put(p, step)
        most = max(most, step)
    return most


# A hash table from items to the sums of their steps, for all the places that an item has in a batch's step.


class Sums(NamedTuple):
    """A hash table with open addressing.

    Attributes
    ----------
    keys : pointer to int64 [slots]
        Items, -1 for a free slot.
    totals : pointer to float32 [slots]
    slots : int
        A power of two.
    """

    keys: Pointer
    totals: Pointer
    slots: int


@fast_kernel
def _slot(item: int, sums: Sums) -> Index:
    """Where an item stands, or may be put."""
    slot: Index = (np.int64(item) * 2654435761) & (sums.slots - 1)
    while get(at(sums.keys, slot)) != item and get(at(sums.keys, slot)) != -1:
        slot = (slot + 1) & (sums.slots - 1)
    return slot


@fast_kernel
def _sum_by_item(ids: Pointer, count: int, steps: Pointer, sums: Sums) -> None:
    for i in range(count):
        slot = _slot(get(at(ids, i)), sums)
        put(at(sums.keys, slot), np.int64(get(at(ids, i))))
        put(at(sums.totals, slot), get(at(sums.totals, slot)) + get(at(steps, i)))


@fast_kernel
def _factors(ids: Pointer, count: int, steps: Pointer, sums: Sums, most: np.float32) -> np.float32:
    """steps[i] = what the steps of item ids[i] are to be multiplied by; returns the smallest."""
    smallest = f32(1.0)
    for i in range(count):
        total_step = get(at(sums.totals, _slot(get(at(ids, i)), sums)))
        factor = min(f32(1.0), STEP_LIMIT / max(total_step * most, f32(1e-30)))
        put(at(steps, i), factor)
        smallest = min(smallest, factor)
    return smallest


@fast_kernel
def _clear(sums: Sums) -> None:
    for i in range(sums.slots):
        put(at(sums.keys, i), np.int64(-1))
        put(at(sums.totals, i), f32(0.0))


@fast_kernel
def step_factors(ids: Pointer, count: int, steps: Pointer, most: np.float32, sums: Sums) -> None:
    """steps[i] = the factor that keeps the summed step of item ids[i] within the limit; see `shrink_steps`."""
    _clear(sums)
    _sum_by_item(ids, count, steps, sums)
    _factors(ids, count, steps, sums, most)


@fast_kernel
def shrink_steps(
    shape: Shape, tile: Tile, targets: Pointer, draws: Pointer, x_most: np.float32, work: Scratch[Pointer]
) -> int:
    """Shrink G and B where an item's step could change one of its scores by more than STEP_LIMIT; 1 if any, else 0.

    A row x with the steps g to rows y changes each of its scores by at most Σ|g|·max‖y‖², by Cauchy and Schwarz. Pair
    after pair each step sees the one before it and stops by itself; a tile's summed step does not, and without a limit
    it diverges where windows, negatives or the learning rate are large. All of an item's places in the tile count.
    Takes the `step_factors` of the rows, and finds those of the columns.
    """
    sums, columns, count = Sums(work.keys, work.totals, work.slots), shape.columns, shape.negatives
    rows, centres, band, shift = tile.rows, tile.centres, tile.band, tile.shift
    row_factor, column_step, of_centres = at(work.row_step, band), work.column_step, at(work.column_step, columns)
    _clear(sums)
    _sum_by_item(draws, count, column_step, sums)
    _sum_by_item(targets, centres, of_centres, sums)
    smallest = _factors(draws, count, column_step, sums, x_most)
    smallest = min(smallest, _factors(targets, centres, of_centres, sums, x_most))
    for r in range(rows):
        smallest = min(smallest, get(at(row_factor, r)))
    if smallest == f32(1.0):
        return 0
    for r in range(rows):
        for n in range(count):
            g = at(work.G, r * columns + n)
            put(g, get(g) * min(get(at(row_factor, r)), get(at(column_step, n))))
    for c in range(centres):
        for r in range(max(0, c - shift), min(rows, c - shift + band)):
            g = at(work.B, c * band + r - c + shift)
            put(g, get(g) * min(get(at(row_factor, r)), get(at(of_centres, c))))
    return 1


# What the kernels of CBOW and of hierarchical softmax share: the steps of a few rows' scores, and their limit.


class Mask(NamedTuple):
    """The marks of frozen rows of a table.

    Attributes
    ----------
    size : int
        0 if no row is frozen.
    marks : pointer to uint8 [size]
        Not 0 where an item's row stays as it is.
    """

    size: int
    marks: Pointer


@inlined
def mask(frozen: NDArray[np.uint8]) -> Mask:
    """Return an array of marks as the parts of a kernel take it."""
    return Mask(len(frozen), ptr(frozen))


@inlined
def is_frozen(frozen: Mask, item: Index) -> bool:
    """Return whether an item's row stays as it is."""
    return frozen.size > 0 and get(at(frozen.marks, item)) != 0


@inlined
def place(table: Pointer, width: int, frozen: Mask, item: Index, spare: Pointer) -> Index:
    """Where the row of an item may be read and stepped on: itself, or for a frozen item a copy in ``spare``."""
    row = item * width
    if not is_frozen(frozen, item):
        return row
    for j in range(0, width, LANES):
        store(at(spare, j), load(at(table, row + j)))
    return (address(spare) - address(table)) // 4


@inlined
def list_contexts(
    table: Pointer, batch: Batch[Pointer], c: int, width: int, frozen: Mask, work: TargetScratch[Pointer], count: int
) -> int:
    """Add the items of the window of centre c, and where their rows are, to ``count`` others; returns how many then.

    Parameters
    ----------
    table : float32 [V·width]
    batch : Batch
    c : int
    width : int
        Numbers from row to row.
    frozen : Mask
        Such rows are copied to work.spare_contexts.
    work : TargetScratch
    count : int
    """
    before = count
    for i in range(get(at(batch.start, c)), get(at(batch.stop, c))):
        item = get(at(batch.items, i))
        put(at(work.contexts, count), item)
        put(at(work.contexts_at, count), np.int64(item) * width)
        count += 1 if i != c else 0
    if frozen.size > 0:
        for r in range(before, count):
            item, copy = np.int64(get(at(work.contexts, r))), at(work.spare_contexts, r * width)
            put(at(work.contexts_at, r), place(table, width, frozen, item, copy))
    return count


@inlined
def gradients(G: Pointer, weights: Pointer, count: int, lr: np.float32) -> tuple[np.float32, np.float32]:
    """G = lr·w·σ(∓s), G holding minus the scores; returns the loss and the sum of the steps."""
    zero, rate = splat(f32(0.0)), splat(lr)
    loss, steps = zero, zero
    for k in range(0, count, LANES):
        w, s = load(at(weights, k)), load(at(G, k))
        wanted = where_negative(w, sub(zero, w), w)
        sigma, softplus = sigma_softplus(where_negative(w, sub(zero, s), s))
        loss = fma(wanted, softplus, loss)
        steps = fma(wanted, sigma, steps)
        store(at(G, k), mul(mul(w, sigma), rate))
    return total(loss), total(steps) * lr


@inlined
def largest(minus: Pointer, count: int) -> np.float32:
    """Return the largest of minus[:count] by their amount."""
    most = f32(0.0)
    for k in range(count):
        most = max(most, -get(at(minus, k)))
    return most


@fast_kernel
def shrink(
    m: int, n: int, contexts: Pointer, x_most: np.float32, y_most: np.float32, work: TargetScratch[Pointer]
) -> int:
    """Shrink G, of n targets and m rows, as `shrink_steps` does; returns 1 if anything was, else 0.

    The contexts of row i, which take its whole step, are those from work.bounds[i] to work.bounds[i+1].
    """
    G, bounds, target_step, steps = work.G, work.bounds, work.target_step, work.steps
    for k in range(n):
        put(at(target_step, k), f32(0.0))
    for i in range(m):
        row = f32(0.0)
        for k in range(n):
            g = abs(get(at(G, m * k + i)))
            row += g
            put(at(target_step, k), get(at(target_step, k)) + g)
        for r in range(get(at(bounds, i)), get(at(bounds, i + 1))):
            put(at(steps, r), row)
    step_factors(contexts, get(at(bounds, m)), steps, y_most, Sums(work.keys, work.totals, work.slots))
    smallest = f32(1.0)
    for i in range(m):
        of_row = f32(1.0)
        for r in range(get(at(bounds, i)), get(at(bounds, i + 1))):
            of_row = min(of_row, get(at(steps, r)))
        for k in range(n):
            of_target = min(f32(1.0), STEP_LIMIT / max(get(at(target_step, k)) * x_most, f32(1e-30)))
            factor = min(of_row, of_target)
            smallest = min(smallest, factor)
            g = at(G, m * k + i)
            put(g, get(g) * factor)
    return 1 if smallest < f32(1.0) else 0
