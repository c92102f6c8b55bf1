"""The limit on how far a step may take a row, and the steps of a few rows' scores that CBOW and paths share."""

from __future__ import annotations

import numpy as np

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.scratch import SEEN, TargetScratch
from item2vec.model.cpu.simd import (
    LANES,
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
def clear_sums(sums):
    """Zero the SEEN sums of `largest_step`."""
    for i in range(0, SEEN, LANES):
        store(at(sums, i), splat(f32(0.0)))


@fast_kernel
def largest_step(ids, count, steps, sums):
    """Add the steps to the sums of their items, and return the largest; items may share a sum, so it is a bound."""
    most = f32(0.0)
    for i in range(count):
        p = at(sums, get(at(ids, i)) & (SEEN - 1))
        step = get(p) + get(at(steps, i))
        put(p, step)
        most = max(most, step)
    return most


@fast_kernel
def _slot(item, keys, size):
    """Where an item stands in a hash table of ``size`` slots, a power of two, or may be put."""
    slot = (np.int64(item) * 2654435761) & (size - 1)
    while get(at(keys, slot)) != item and get(at(keys, slot)) != -1:
        slot = (slot + 1) & (size - 1)
    return slot


@fast_kernel
def _sum_by_item(ids, count, steps, keys, totals, size):
    for i in range(count):
        slot = _slot(get(at(ids, i)), keys, size)
        put(at(keys, slot), np.int64(get(at(ids, i))))
        put(at(totals, slot), get(at(totals, slot)) + get(at(steps, i)))


@fast_kernel
def _factors(ids, count, steps, keys, totals, size, most):
    """steps[i] = what the steps of item ids[i] are to be multiplied by; returns the smallest."""
    smallest = f32(1.0)
    for i in range(count):
        total_step = get(at(totals, _slot(get(at(ids, i)), keys, size)))
        factor = min(f32(1.0), STEP_LIMIT / max(total_step * most, f32(1e-30)))
        put(at(steps, i), factor)
        smallest = min(smallest, factor)
    return smallest


@fast_kernel
def _clear(keys, totals, size):
    for i in range(size):
        put(at(keys, i), np.int64(-1))
        put(at(totals, i), f32(0.0))


@fast_kernel
def step_factors(ids, count, steps, most, keys, totals, size):
    """steps[i] = the factor that keeps the summed step of item ids[i] within the limit; see `shrink_steps`."""
    _clear(keys, totals, size)
    _sum_by_item(ids, count, steps, keys, totals, size)
    _factors(ids, count, steps, keys, totals, size, most)


@fast_kernel
def shrink_steps(
    G, rows, columns, B, band, shift, centres, targets, draws, count, row_factor, column_step, x_most, keys, totals,
    size,
):  # fmt: skip
    """Shrink G where an item's step could change one of its scores by more than STEP_LIMIT; returns 1 if any, else 0.

    A row x with the steps g to rows y changes each of its scores by at most Σ|g|·max‖y‖², by Cauchy and Schwarz. Pair
    after pair each step sees the one before it and stops by itself; a tile's summed step does not, and without a limit
    it diverges where windows, negatives or the learning rate are large. All of an item's places in the tile count.
    Takes the `step_factors` of the rows, and finds those of the columns.
    """
    _clear(keys, totals, size)
    of_centres = at(column_step, columns)
    _sum_by_item(draws, count, column_step, keys, totals, size)
    _sum_by_item(targets, centres, of_centres, keys, totals, size)
    smallest = _factors(draws, count, column_step, keys, totals, size, x_most)
    smallest = min(smallest, _factors(targets, centres, of_centres, keys, totals, size, x_most))
    for r in range(rows):
        smallest = min(smallest, get(at(row_factor, r)))
    if smallest == f32(1.0):
        return 0
    for r in range(rows):
        for n in range(count):
            g = at(G, r * columns + n)
            put(g, get(g) * min(get(at(row_factor, r)), get(at(column_step, n))))
    for c in range(centres):
        for r in range(max(0, c - shift), min(rows, c - shift + band)):
            g = at(B, c * band + r - c + shift)
            put(g, get(g) * min(get(at(row_factor, r)), get(at(of_centres, c))))
    return 1


# What the kernels of CBOW and of hierarchical softmax share: the steps of a few rows' scores, and their limit.


@fast_kernel
def target_pointers(scratch):
    """Return the same work space as pointers: as an argument, an array is seven numbers and counts its references."""
    return TargetScratch(
        ptr(scratch.hidden), ptr(scratch.errors), ptr(scratch.hidden_at), ptr(scratch.G), ptr(scratch.weights),
        ptr(scratch.pair_weights), ptr(scratch.signs), ptr(scratch.drawn_weights), ptr(scratch.squares),
        ptr(scratch.contexts), ptr(scratch.contexts_at), ptr(scratch.targets), ptr(scratch.targets_at),
        ptr(scratch.bounds), ptr(scratch.row_step), ptr(scratch.target_step), ptr(scratch.steps),
        ptr(scratch.seen), ptr(scratch.keys), ptr(scratch.totals),
        ptr(scratch.spare)
    )  # fmt: skip


@inlined
def mask(frozen):
    """Length and pointer of an array of marks, as `place` takes it: arrays have their references counted."""
    return len(frozen), ptr(frozen)


@inlined
def place(table, row, width, frozen, item, spare):
    """Where the row of an item may be read and stepped on: itself, or for a frozen item a copy in ``spare``."""
    if frozen[0] == 0 or get(at(frozen[1], item)) == 0:
        return row
    for j in range(0, width, LANES):
        store(at(spare, j), load(at(table, row + j)))
    return (address(spare) - address(table)) // 4


@inlined
def list_contexts(table, batch, c, stride, width, frozen, spare, room, count):
    """Add the items of the window of centre c, and where their rows are, to ``count`` others; returns how many then.

    Frozen rows are copied to ``spare``.
    """
    before = count
    for i in range(get(at(batch.start, c)), get(at(batch.stop, c))):
        item = get(at(batch.items, i))
        put(at(room.contexts, count), item)
        put(at(room.contexts_at, count), np.int64(item) * stride)
        count += 1 if i != c else 0
    if frozen[0] > 0:
        for r in range(before, count):
            item, copy = np.int64(get(at(room.contexts, r))), at(spare, r * width)
            put(at(room.contexts_at, r), place(table, item * stride, width, frozen, item, copy))
    return count


@inlined
def gradients(G, weights, count, lr):
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
def largest(minus, count):
    """Return the largest of minus[:count] by their amount."""
    most = f32(0.0)
    for k in range(count):
        most = max(most, -get(at(minus, k)))
    return most


@fast_kernel
def shrink(m, n, G, contexts, bounds, x_most, y_most, row_step, target_step, steps, keys, totals, slots):
    """Shrink G as `item2vec.model.cpu.limit.shrink_steps` does; returns 1 if anything was, else 0.

    The contexts of row i, which take its whole step, are those from bounds[i] to bounds[i+1].
    """
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
    step_factors(contexts, get(at(bounds, m)), steps, y_most, keys, totals, slots)
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
