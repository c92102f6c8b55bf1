"""From the rows of a tile to the gradients by its scores: the steps of the kernel between its products.

Names and layouts are those of `item2vec.model.tile_kernel`.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.across_lanes import put_four_totals, total
from item2vec.model.compiled import kernel
from item2vec.model.pointers import at, get, put
from item2vec.model.sigmoid import sigma_softplus
from item2vec.model.simd import LANES, add, fma, load, mul, splat, store, sub
from item2vec.model.tile_scratch import SEEN

f32 = np.float32
NEVER = f32(-1000.0)  # a score whose σ and softplus are exactly 0
STEP_LIMIT = f32(32.0)  # as in item2vec.model.reference; see benchmarks/LOG.md for why so much


@kernel
def centre_scores(Y, X, width, low, start, stop, first, centres, band, B, shift):
    """B = minus the scores of each centre with the rows of its window, by diagonals; NEVER for itself; else 0.

    Behind each window NEVER goes on to the next whole register, counted from the window's beginning.
    """
    zero, never = splat(f32(0.0)), splat(NEVER)
    for c in range(centres):
        line = at(B, c * band)
        for j in range(0, band, LANES):
            store(at(line, j), zero)
        begin, end = get(at(start, first + c)) - low, get(at(stop, first + c)) - low
        line = at(line, shift - c)  # item r of the tile stands at line[r]
        y = at(Y, c * width)
        for r in range(begin, end, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            x = at(X, r * width)
            for j in range(0, width, LANES):
                v = load(at(y, j))
                s0 = fma(v, load(x), s0)
                s1 = fma(v, load(at(x, width)), s1)
                s2 = fma(v, load(at(x, 2 * width)), s2)
                s3 = fma(v, load(at(x, 3 * width)), s3)
                x = at(x, LANES)
            put_four_totals(at(line, r), s0, s1, s2, s3)
        store(at(line, end), never)
        store(at(line, begin + (end - begin + LANES - 1) // LANES * LANES), zero)
        own = first + c - low
        if begin <= own < end:
            put(at(line, own), NEVER)


@kernel
def mark_windows(start, stop, first, centres, low, rows, windows):
    """windows[r] = how many of the tile's windows item low + r is in, as a context; returns their sum, the pairs."""
    for r in range(rows + 1):
        put(at(windows, r), 0)
    for c in range(first, first + centres):
        begin, end = at(windows, get(at(start, c)) - low), at(windows, get(at(stop, c)) - low)
        put(begin, get(begin) + 1)
        put(end, get(end) - 1)
    running = 0
    for r in range(rows):
        running += get(at(windows, r))
        put(at(windows, r), running)
    pairs = 0
    for c in range(first, first + centres):
        if get(at(start, c)) <= c < get(at(stop, c)):
            own = at(windows, c - low)
            put(own, get(own) - 1)
    for r in range(rows):
        pairs += get(at(windows, r))
    return pairs


@kernel
def negative_gradients(S, G, rows, columns, mask, windows, lr, share, row_step, column_step):
    """G[r,n] = -lr·share·windows[r]·σ(S[r,n]); sums of the steps by row and by column; returns the loss."""
    minus_lr = splat(-lr * share)
    loss = splat(f32(0.0))
    for n in range(0, columns, LANES):
        store(at(column_step, n), splat(f32(0.0)))
    for r in range(rows):
        of_row = splat(f32(0.0))
        often = splat(f32(get(at(windows, r))))
        for n in range(0, columns, LANES):
            i = r * columns + n
            sigma, softplus = sigma_softplus(load(at(S, i)))
            weight = mul(often, load(at(mask, n)))
            loss = fma(weight, softplus, loss)
            g = mul(mul(weight, sigma), minus_lr)
            store(at(G, i), g)
            of_row = sub(of_row, g)
            step = at(column_step, n)
            store(step, sub(load(step), g))
        put(at(row_step, r), total(of_row))
    return total(loss) * share


@kernel
def skip_equal(
    items, start, stop, first, centres, negatives, count, seen, skipped, windows, rows, columns, low, share, S, G,
    row_step, column_step
):  # fmt: skip
    """Take the pairs of a centre with a negative that is the centre itself out of G; returns their loss."""
    loss = 0.0
    for c in range(first, first + centres):
        put(at(seen, get(at(items, c)) & (SEEN - 1)), np.int64(first))
    for n in range(count):
        negative = get(at(negatives, n))
        if get(at(seen, negative & (SEEN - 1))) != first:
            continue
        begin, end = rows, 0
        for c in range(first, first + centres):
            if get(at(items, c)) == negative:
                begin, end = min(begin, get(at(start, c)) - low), max(end, get(at(stop, c)) - low)
                for i in range(get(at(start, c)), get(at(stop, c))):
                    if i != c:
                        put(at(skipped, i - low), get(at(skipped, i - low)) + 1)
        for r in range(begin, end):
            k = get(at(skipped, r))
            if k > 0:
                put(at(skipped, r), 0)
                g = at(G, r * columns + n)
                less = get(g) * (f32(k) / f32(get(at(windows, r))))
                put(g, get(g) - less)
                put(at(row_step, r), get(at(row_step, r)) + less)
                put(at(column_step, n), get(at(column_step, n)) + less)
                s = np.float64(get(at(S, r * columns + n)))
                loss += k * share * (max(s, 0.0) + np.log1p(np.exp(-abs(s))))
    return loss


@kernel
def centre_gradients(B, band, shift, start, stop, first, low, centres, lr, row_step, column_step):
    """B = lr·σ(B) in each window, B holding minus the scores; adds to the sums of the steps; returns the loss."""
    rate = splat(lr)
    loss = splat(f32(0.0))
    for c in range(centres):
        line = at(B, c * band + shift - c)
        begin, end = get(at(start, first + c)) - low, get(at(stop, first + c)) - low
        of_centre = splat(f32(0.0))
        for r in range(begin, end, LANES):
            sigma, softplus = sigma_softplus(load(at(line, r)))
            g = mul(sigma, rate)
            store(at(line, r), g)
            loss = add(loss, softplus)
            of_centre = add(of_centre, g)
            step = at(row_step, r)
            store(step, add(load(step), g))
        put(at(column_step, c), total(of_centre))
    return total(loss)


@kernel
def clear_sums(sums):
    """Zero the SEEN sums of `largest_step`."""
    for i in range(0, SEEN, LANES):
        store(at(sums, i), splat(f32(0.0)))


@kernel
def largest_step(ids, count, steps, sums):
    """Add the steps to the sums of their items, and return the largest; items may share a sum, so it is a bound."""
    most = f32(0.0)
    for i in range(count):
        p = at(sums, get(at(ids, i)) & (SEEN - 1))
        step = get(p) + get(at(steps, i))
        put(p, step)
        most = max(most, step)
    return most


@kernel
def _slot(item, keys, size):
    """Where an item stands in a hash table of ``size`` slots, a power of two, or may be put."""
    slot = (np.int64(item) * 2654435761) & (size - 1)
    while get(at(keys, slot)) != item and get(at(keys, slot)) != -1:
        slot = (slot + 1) & (size - 1)
    return slot


@kernel
def _sum_by_item(ids, count, steps, keys, totals, size):
    for i in range(count):
        slot = _slot(get(at(ids, i)), keys, size)
        put(at(keys, slot), np.int64(get(at(ids, i))))
        put(at(totals, slot), get(at(totals, slot)) + get(at(steps, i)))


@kernel
def _factors(ids, count, steps, keys, totals, size, most):
    """steps[i] = what the steps of item ids[i] are to be multiplied by; returns the smallest."""
    smallest = f32(1.0)
    for i in range(count):
        total_step = get(at(totals, _slot(get(at(ids, i)), keys, size)))
        factor = min(f32(1.0), STEP_LIMIT / max(total_step * most, f32(1e-30)))
        put(at(steps, i), factor)
        smallest = min(smallest, factor)
    return smallest


@kernel
def _clear(keys, totals, size):
    for i in range(size):
        put(at(keys, i), np.int64(-1))
        put(at(totals, i), f32(0.0))


@kernel
def step_factors(ids, count, steps, most, keys, totals, size):
    """steps[i] = the factor that keeps the summed step of item ids[i] within the limit; see `shrink_steps`."""
    _clear(keys, totals, size)
    _sum_by_item(ids, count, steps, keys, totals, size)
    _factors(ids, count, steps, keys, totals, size, most)


@kernel
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
