"""What the kernels of CBOW and of hierarchical softmax share: the steps of a few rows' scores, and their limit."""

from __future__ import annotations

import numpy as np

from item2vec.model.across_lanes import total
from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import address, at, get, ptr, put
from item2vec.model.sigmoid import sigma_softplus
from item2vec.model.simd import LANES, fma, load, mul, splat, store, sub, where_negative
from item2vec.model.target_scratch import TargetScratch
from item2vec.model.tile_gradients import STEP_LIMIT, step_factors

f32 = np.float32


@kernel
def target_pointers(scratch):
    """The same work space as pointers: as an argument, an array is seven numbers and counts its references."""
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
    """The largest of minus[:count] by their amount."""
    most = f32(0.0)
    for k in range(count):
        most = max(most, -get(at(minus, k)))
    return most


@kernel
def shrink(m, n, G, contexts, bounds, x_most, y_most, row_step, target_step, steps, keys, totals, slots):
    """Shrink G as `item2vec.model.tile_gradients.shrink_steps` does; returns 1 if anything was, else 0.

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
