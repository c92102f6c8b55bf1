"""The CPU kernel of CBOW with negative sampling: one window batch, two centres at a time, on the tables' own memory.

The hidden vectors h_i of some centres, each the mean of its window, meet their targets y_l, rows of the output table:
the centres, and the negatives that their tile shares (Mikolov et al. 2013b, equation 4)::

    S[l,i] = h_i·y_l
    G[l,i] = lr · w · σ(-S[l,i])   where w > 0,   lr · w · σ(S[l,i])   where w < 0,   w being W[l,i]
    ΔH = Gᵀ·Y        ΔY = G·H                           added at once; ΔH[i] to each row of window i

w is 1 for a hidden vector's own centre, 0 for another's, and -K/N for each time that a negative was drawn; a target
that comes more than once is one row with the sum of its weights. The rows are those of the tables themselves; a frozen
one is replaced by a copy. Most steps are of two centres whose windows overlap and whose targets all differ, and go by
`item2vec.model.cpu.cbow` and `item2vec.model.cpu.cbow`; all others by `item2vec.model.cpu.rows`.

No array may be touched within the loops but by its pointer: numba counts references to arrays by locked instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.limit import STEP_LIMIT, gradients, largest, list_contexts, mask, place, shrink, target_pointers
from item2vec.model.cpu.rows import (
    BLOCK,
    add_to_rows,
    mean_rows,
    prefetch_item,
    row_of,
    row_scores,
    row_steps,
    two_by_four,
)
from item2vec.model.cpu.scratch import SEEN, Batch
from item2vec.model.cpu.simd import (
    LANES,
    add,
    at,
    fma,
    get,
    larger,
    load,
    mul,
    ptr,
    put,
    put_eight_totals,
    splat,
    spread,
    store,
    total,
)
from item2vec.sampling.window_batch import CBOW_CENTRES

# The targets of CBOW's centres: their tile's negatives and the centres themselves, each item once.
#
# Mostly all of them differ, which is quickly seen and leaves nothing to be weighed. Where some are equal, an item is
# one
# target with the sum of its weights: 1 for the hidden vector whose centre it is, -K/N for each time that it was drawn.
# ``seen`` holds the stamp of a tile in the slots of its negatives.

f32 = np.float32


@inlined
def all_differ(negatives, count, targets, seen, stamp):
    """Make a tile's negatives its targets; returns whether they all differ (some that do are taken for equal)."""
    known = 0
    for k in range(count):
        item = get(at(negatives, k))
        put(at(targets, k), item)
        slot = at(seen, item & (SEEN - 1))
        known += 1 if get(slot) == stamp else 0
        put(slot, stamp)
    return known == 0


@inlined
def add_two(centres, count, targets, seen, stamp):
    """Put two centres behind the negatives; returns whether they differ from these and each other, as above."""
    first, second = get(centres), get(at(centres, 1))
    put(at(targets, count), first)
    put(at(targets, count + 1), second)
    known = get(at(seen, first & (SEEN - 1))) == stamp or get(at(seen, second & (SEEN - 1))) == stamp
    return first != second and not known


@inlined
def _find(item, targets, n, seen, stamp):
    """Where an item stands among n targets, or n: seen has the stamp in the slots of all of them."""
    if get(at(seen, item & (SEEN - 1))) == stamp:
        for k in range(n):
            if get(at(targets, k)) == item:
                return k
    return n


@inlined
def list_negatives(negatives, count, share, targets, weights, seen, stamp):
    """Return the different negatives of a tile and -K/N times how often each was drawn; returns how many."""
    n = 0
    for draw in range(count):
        item = get(at(negatives, draw))
        k = _find(item, targets, n, seen, stamp)
        if k == n:
            put(at(seen, item & (SEEN - 1)), stamp)
            put(at(targets, n), item)
            put(at(weights, n), f32(0.0))
            n += 1
        put(at(weights, k), get(at(weights, k)) - share)
    return n


@inlined
def list_targets(ids, bounds, m, drawn, drawn_weights, targets, weights, seen, stamp):
    """Add the centres of m hidden vectors to their negatives, and fill the weights; returns how many targets."""
    n = drawn
    for k in range(drawn):
        store(at(weights, m * k), splat(get(at(drawn_weights, k))))
    for i in range(m):
        if get(at(bounds, i)) == get(at(bounds, i + 1)):  # no contexts: it steps on nothing
            for k in range(n):
                put(at(weights, m * k + i), f32(0.0))
            continue
        item = get(at(ids, i))
        k = _find(item, targets, drawn, seen, stamp)
        if k == drawn:  # not among the negatives, perhaps the centre before it
            while k < n and get(at(targets, k)) != item:
                k += 1
        if k == n:
            put(at(targets, n), item)
            store(at(weights, m * n), splat(f32(0.0)))
            n += 1
        put(at(weights, m * k + i), f32(1.0))  # a negative that is the centre itself is none
    store(at(weights, m * n), splat(f32(0.0)))
    return n


# CBOW's hidden vectors of two neighbouring centres at once: what both windows share is read and stepped on once.
#
# Centres c and c+1, each in the other's window, have windows that overlap but for a few rows at either end. A row that
# both have takes the sum of both steps, c and c+1 take each other's, and an end takes the step of the window that
# reaches
# farther. That is what `item2vec.model.cpu.rows` does to one window after the other, with a third fewer rows.


class Overlap(NamedTuple):
    """Two windows as places of a batch: low:left and right:high are of one of them, left:right is of both."""

    low: int
    left: int
    right: int
    high: int
    left_of: int  # the centre whose window low:left is of: 0 or 1
    right_of: int


@inlined
def overlap(start, stop, c):
    """Return the `Overlap` of the windows of c and c+1."""
    a, b = get(at(start, c)), get(at(start, c + 1))
    y, z = get(at(stop, c)), get(at(stop, c + 1))
    return Overlap(min(a, b), max(a, b), min(y, z), max(y, z), 1 if b < a else 0, 1 if z > y else 0)


@inlined
def _sum_four(table, ids, stride, first, last, j, sums):
    """Add columns j:j+4·LANES of the rows at some places to four sums."""
    a, b, c, d = sums
    for r in range(first, last):
        p = at(table, np.int64(get(at(ids, r))) * stride + j)
        a, b = add(a, load(p)), add(b, load(at(p, LANES)))
        c, d = add(c, load(at(p, 2 * LANES))), add(d, load(at(p, 3 * LANES)))
    return a, b, c, d


@inlined
def _sum_one(table, ids, stride, first, last, j, a):
    for r in range(first, last):
        a = add(a, load(at(table, np.int64(get(at(ids, r))) * stride + j)))
    return a


@inlined
def _put_four(h, sums, share, square):
    """Four registers of a mean; returns its squares, added up lane by lane."""
    a, b, c, d = mul(sums[0], share), mul(sums[1], share), mul(sums[2], share), mul(sums[3], share)
    store(h, a)
    store(at(h, LANES), b)
    store(at(h, 2 * LANES), c)
    store(at(h, 3 * LANES), d)
    return fma(a, a, fma(b, b, fma(c, c, fma(d, d, square))))


@fast_kernel
def mean_two(table, ids, stride, c, windows, width, h):
    """h[0], h[1] = means of the windows of c and c+1 without each one's own row.

    Returns a bound of both squared norms: the sum of each lane's larger.
    """
    z = splat(f32(0.0))
    low, left, right, high = windows.low, windows.left, windows.right, windows.high
    common = right - left - 1
    zero_left, zero_right = windows.left_of == 0, windows.right_of == 0
    n0 = common + (left - low if zero_left else 0) + (high - right if zero_right else 0)
    n1 = common + (0 if zero_left else left - low) + (0 if zero_right else high - right)
    k0, k1 = splat(f32(1.0) / f32(n0)), splat(f32(1.0) / f32(n1))
    square, second = z, z
    j = 0
    while j + 3 * LANES < width:
        both = _sum_four(table, ids, stride, left, c, j, (z, z, z, z))
        both = _sum_four(table, ids, stride, c + 2, right, j, both)
        u = _sum_four(table, ids, stride, c + 1, c + 2, j, both)
        v = _sum_four(table, ids, stride, c, c + 1, j, both)
        if zero_left:
            u = _sum_four(table, ids, stride, low, left, j, u)
        else:
            v = _sum_four(table, ids, stride, low, left, j, v)
        if zero_right:
            u = _sum_four(table, ids, stride, right, high, j, u)
        else:
            v = _sum_four(table, ids, stride, right, high, j, v)
        square = _put_four(at(h, j), u, k0, square)
        second = _put_four(at(h, j + width), v, k1, second)
        j += 4 * LANES
    while j < width:
        both = _sum_one(table, ids, stride, left, c, j, z)
        both = _sum_one(table, ids, stride, c + 2, right, j, both)
        u = _sum_one(table, ids, stride, c + 1, c + 2, j, both)
        v = _sum_one(table, ids, stride, c, c + 1, j, both)
        if zero_left:
            u = _sum_one(table, ids, stride, low, left, j, u)
        else:
            v = _sum_one(table, ids, stride, low, left, j, v)
        if zero_right:
            u = _sum_one(table, ids, stride, right, high, j, u)
        else:
            v = _sum_one(table, ids, stride, right, high, j, v)
        u, v = mul(u, k0), mul(v, k1)
        square, second = fma(u, u, square), fma(v, v, second)
        store(at(h, j), u)
        store(at(h, j + width), v)
        j += LANES
    return total(larger(square, second))


@inlined
def _add_row(p, step, width):
    j = 0
    while j + 3 * LANES < width:
        store(at(p, j), add(load(at(p, j)), load(at(step, j))))
        store(at(p, j + LANES), add(load(at(p, j + LANES)), load(at(step, j + LANES))))
        store(at(p, j + 2 * LANES), add(load(at(p, j + 2 * LANES)), load(at(step, j + 2 * LANES))))
        store(at(p, j + 3 * LANES), add(load(at(p, j + 3 * LANES)), load(at(step, j + 3 * LANES))))
        j += 4 * LANES
    while j < width:
        store(at(p, j), add(load(at(p, j)), load(at(step, j))))
        j += LANES


@fast_kernel
def add_to_two(table, ids, stride, c, windows, width, e):
    """Add e[0] to the rows of the window of c, e[1] to that of c+1, and e[2], their sum, to those of both."""
    for r in range(windows.low, windows.high):
        step = 2
        step = windows.left_of if r < windows.left else step
        step = windows.right_of if r >= windows.right else step
        step = 1 if r == c else step
        step = 0 if r == c + 1 else step
        _add_row(at(table, np.int64(get(at(ids, r))) * stride), at(e, step * width), width)


# The products of two hidden vectors that share negatives and have a target each: scores, and the step of both sides.
#
# With n rows y_l that both meet, and rows u of the first and v of the second alone, the 2n + 2 scores stand as
# h_0·y_0, h_1·y_0, h_0·y_1, ..., then h_0·u and h_1·v. `item2vec.model.cpu.rows` would meet u with h_1 and v with h_0
# as well, a seventh of the work for n = 5, and pad n + 2 rows to a whole block.


@inlined
def _four_rows(h, width, Y, y_at, S):
    """Return the scores of four rows that both meet; returns the lanes' largest sums of squares."""
    aa, bb, cc, dd = two_by_four(h, at(h, width), Y, y_at, width, S)
    return larger(larger(aa, bb), larger(cc, dd))


@inlined
def _one_row_and_own(h, width, Y, y_at, S):
    """Return the scores of the last row that both meet, and of each one's own."""
    y, u, v = row_of(Y, y_at, 0), row_of(Y, y_at, 1), row_of(Y, y_at, 2)
    z = splat(f32(0.0))
    a0, a1, b0, c1, aa, bb, cc = z, z, z, z, z, z, z
    for j in range(0, width, LANES):
        x, w = load(at(h, j)), load(at(h, j + width))
        p = load(at(y, j))
        a0, a1, aa = fma(x, p, a0), fma(w, p, a1), fma(p, p, aa)
        p = load(at(u, j))
        b0, bb = fma(x, p, b0), fma(p, p, bb)
        p = load(at(v, j))
        c1, cc = fma(w, p, c1), fma(p, p, cc)
    put_eight_totals(S, a0, a1, b0, c1, z, z, z, z)  # at once: σ reads them in one register
    return larger(larger(aa, bb), cc)


@fast_kernel
def pair_scores(h, width, Y, y_at, n, S):
    """Minus the 2n + 2 scores; returns a bound of every ‖y‖², the sum of each lane's largest. n is at least 1."""
    most = splat(f32(0.0))
    k = 0
    while k + 4 < n:
        most = larger(most, _four_rows(h, width, Y, at(y_at, k), at(S, 2 * k)))
        k += 4
    while k + 1 < n:
        most = larger(most, _one_row_and_own(h, width, Y, at(y_at, k), at(S, 2 * k)))
        k += 1
    return total(larger(most, _one_row_and_own(h, width, Y, at(y_at, k), at(S, 2 * k))))


@inlined
def _put_errors(e, width, first, second):
    store(e, first)
    store(at(e, width), second)
    store(at(e, 2 * width), add(first, second))


@inlined
def _own(p, g, a, d):
    """Return the step of one register of a row that meets only ``a``; returns the error that it adds to d."""
    y = load(p)
    store(p, fma(g, a, y))
    return fma(g, y, d)


@inlined
def _step_three(h, e, width, Y, y_at, n, G):
    """Three registers of `pair_steps`."""
    z = splat(f32(0.0))
    q = at(h, width)
    a0, b0, c0 = load(h), load(at(h, LANES)), load(at(h, 2 * LANES))
    a1, b1, c1 = load(q), load(at(q, LANES)), load(at(q, 2 * LANES))
    d0, e0, f0, d1, e1, f1 = z, z, z, z, z, z
    for k in range(n):
        g0, g1 = spread(at(G, 2 * k)), spread(at(G, 2 * k + 1))
        p = row_of(Y, y_at, k)
        y = load(p)
        d0, d1 = fma(g0, y, d0), fma(g1, y, d1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
        p = at(p, LANES)
        y = load(p)
        e0, e1 = fma(g0, y, e0), fma(g1, y, e1)
        store(p, fma(g1, b1, fma(g0, b0, y)))
        p = at(p, LANES)
        y = load(p)
        f0, f1 = fma(g0, y, f0), fma(g1, y, f1)
        store(p, fma(g1, c1, fma(g0, c0, y)))
    p, g0 = row_of(Y, y_at, n), spread(at(G, 2 * n))
    d0, e0, f0 = _own(p, g0, a0, d0), _own(at(p, LANES), g0, b0, e0), _own(at(p, 2 * LANES), g0, c0, f0)
    p, g1 = row_of(Y, y_at, n + 1), spread(at(G, 2 * n + 1))
    d1, e1, f1 = _own(p, g1, a1, d1), _own(at(p, LANES), g1, b1, e1), _own(at(p, 2 * LANES), g1, c1, f1)
    _put_errors(e, width, d0, d1)
    _put_errors(at(e, LANES), width, e0, e1)
    _put_errors(at(e, 2 * LANES), width, f0, f1)


@inlined
def _step_one(h, e, width, Y, y_at, n, G):
    """One register of `pair_steps`."""
    a0, a1, z = load(h), load(at(h, width)), splat(f32(0.0))
    d0, d1 = z, z
    for k in range(n):
        g0, g1 = spread(at(G, 2 * k)), spread(at(G, 2 * k + 1))
        p = row_of(Y, y_at, k)
        y = load(p)
        d0, d1 = fma(g0, y, d0), fma(g1, y, d1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
    d0 = _own(row_of(Y, y_at, n), spread(at(G, 2 * n)), a0, d0)
    d1 = _own(row_of(Y, y_at, n + 1), spread(at(G, 2 * n + 1)), a1, d1)
    _put_errors(e, width, d0, d1)


@fast_kernel
def pair_steps(h, e, width, Y, y_at, n, G):
    """Step on the n + 2 rows y by G's 2n + 2 numbers; e[0], e[1] = what h_0 and h_1 take of them, e[2] = the sum."""
    j = 0
    while j + 2 * LANES < width:
        _step_three(at(h, j), at(e, j), width, at(Y, j), y_at, n, G)
        j += 3 * LANES
    while j < width:
        _step_one(at(h, j), at(e, j), width, at(Y, j), y_at, n, G)
        j += LANES


@fast_kernel
def _step_on_two(tables, stride, width, items, c, windows, N, lr, room):
    """Step in the usual case: two centres with overlapping windows, N negatives, no item twice, none frozen.

    Returns the loss, or -1 and no step if that may have to be limited.
    """
    for k in range(N + CBOW_CENTRES):
        put(at(room.targets_at, k), np.int64(get(at(room.targets, k))) * stride)
    x_most = mean_two(tables[0], items, stride, c, windows, width, room.hidden)
    y_most = pair_scores(room.hidden, width, tables[1], room.targets_at, N, room.G)
    cost, step = gradients(room.G, room.pair_weights, CBOW_CENTRES * (N + 1), lr)
    contexts = windows.high - windows.low + windows.right - windows.left
    if step * max(x_most, y_most * f32(contexts)) > STEP_LIMIT:
        return f32(-1.0)
    pair_steps(room.hidden, room.errors, width, tables[1], room.targets_at, N, room.G)
    add_to_two(tables[0], items, stride, c, windows, width, room.errors)
    return cost


@inlined
def _hidden_vectors(table, batch, c, m, stride, width, frozen, spare, room):
    """Mean the windows of m centres; return their contexts, the centres that have some, the largest norm."""
    count, filled, x_most = 0, 0, f32(0.0)
    put(room.bounds, np.int64(0))
    for i in range(m):
        before = count
        count = list_contexts(table, batch, c + i, stride, width, frozen, spare, room, count)
        filled += 1 if count > before else 0
        put(at(room.bounds, i + 1), np.int64(count))
        norm = mean_rows(table, at(room.contexts_at, before), count - before, width, at(room.hidden, i * width))
        x_most = max(x_most, norm)
    return count, filled, x_most


@inlined
def _place_targets(table, n, stride, width, frozen, room):
    """Where the rows of n targets are."""
    for k in range(n):
        item = np.int64(get(at(room.targets, k)))
        put(at(room.targets_at, k), place(table, item * stride, width, frozen, item, at(room.spare, k * width)))
    for k in range(n, n + BLOCK):
        put(at(room.targets_at, k), np.int64(0))


@fast_kernel
def _step_on_some(tables, stride, width, batch, c, m, drawn, lr, room, frozen, first_spare, slots, t):
    """One or two centres, any, and ``drawn`` negatives; returns loss, centres with contexts, and steps limited."""
    count, filled, x_most = _hidden_vectors(
        tables[0], batch, c, m, stride, width, frozen[0], at(room.spare, first_spare * width), room
    )
    if count == 0:
        return f32(0.0), 0, 0
    n = list_targets(
        at(batch.items, c), room.bounds, m, drawn, room.drawn_weights, room.targets, room.weights, room.seen, t
    )
    _place_targets(tables[1], n, stride, width, frozen[1], room)
    row_scores(m, room.hidden, room.hidden_at, tables[1], room.targets_at, n, width, room.G, room.squares)
    y_most = largest(room.squares, n)
    cost, step = gradients(room.G, room.weights, m * n, lr)
    limited = 0
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        limited = shrink(
            m, n, room.G, room.contexts, room.bounds, x_most, y_most, room.row_step, room.target_step, room.steps,
            room.keys, room.totals, slots
        )  # fmt: skip
    for j in range(0, m * width, LANES):
        store(at(room.errors, j), splat(f32(0.0)))
    row_steps(m, room.hidden, room.hidden_at, room.errors, room.hidden_at, tables[1], room.targets_at, n, width, room.G)
    for i in range(m):
        first, last = get(at(room.bounds, i)), get(at(room.bounds, i + 1))
        add_to_rows(tables[0], at(room.contexts_at, first), last - first, width, at(room.errors, i * width))
    return cost, filled, limited


@inlined
def _prefetch(tables, items, draws, c, m, ahead, last_item, drawn, N, stride, width):
    """Prefetch what the next centres need: contexts that enter, the centres themselves, and a tile's negatives."""
    for i in range(c, c + m):
        prefetch_item(tables[0], items, min(i + ahead, last_item), stride, width)
        prefetch_item(tables[1], items, min(i + CBOW_CENTRES, last_item), stride, width)
    for k in range(drawn, N):
        prefetch_item(tables[1], draws, N + k, stride, width)


@inlined
def _fill(room, N, share):
    """Forget what is left of the last batch, and fill the weights of `_step_on_two`."""
    for i in range(SEEN):
        put(at(room.seen, i), np.int64(-1))
    for k in range(CBOW_CENTRES * N):
        put(at(room.pair_weights, k), -share)
    store(at(room.pair_weights, CBOW_CENTRES * N), splat(f32(0.0)))
    for i in range(CBOW_CENTRES):
        put(at(room.pair_weights, CBOW_CENTRES * N + i), f32(1.0))


@fast_kernel
def train_cbow(inputs, outputs, stride, dim, items, start, stop, tiles, negatives, wanted, lr, scratch, reach, frozen):
    """Train on one window batch of CBOW with negative sampling, in place.

    Parameters
    ----------
    inputs, outputs : float32 [V·stride]
        The tables, rows ``stride`` apart, of which ``dim`` numbers are used and the rest are 0.
    items : int32 [M]
    start, stop : int64 [M]
    tiles : int64 [T+1]
    negatives : int32 [T,N], flat
    wanted : int
        K, the negatives that a pair is worth.
    lr : float32
    scratch : TargetScratch
        Of at least the batch's longest window, and N.
    reach : int
        The farthest distance of a context from its centre: how far ahead rows are prefetched.
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does.

    Returns
    -------
    loss : float
        Sum over the hidden vectors, and over the targets of each, of -|w|·log σ(±s), the scores before each step.
    pairs : int
        Hidden vectors: centres that have a context.
    limited : int
        Steps that were limited.
    """
    tables, batch = (ptr(inputs), ptr(outputs)), Batch(ptr(items), ptr(start), ptr(stop))
    masks = mask(frozen[0]), mask(frozen[1])
    width = (dim + LANES - 1) // LANES * LANES
    room, slots, first_spare = target_pointers(scratch), len(scratch.keys), len(scratch.targets)
    last_tile, last_item, ahead = len(tiles) - 2, len(items) - 1, CBOW_CENTRES + reach
    N = len(negatives) // max(1, last_tile + 1)
    share = f32(wanted) / f32(max(1, N))
    _fill(room, N, share)
    free = N > 0 and masks[0][0] == 0 and masks[1][0] == 0
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        draws = at(ptr(negatives), t * N)
        drawn = -1  # not listed: mostly that is not needed
        differ = free and tiles[t + 1] - tiles[t] > 1 and all_differ(draws, N, room.targets, room.seen, t)
        for c in range(tiles[t], tiles[t + 1], CBOW_CENTRES):
            m = min(tiles[t + 1] - c, CBOW_CENTRES)
            fetched = 0 if c + m == tiles[t + 1] and t < last_tile else N  # the next tile's negatives
            _prefetch(tables, batch.items, draws, c, m, ahead, last_item, fetched, N, stride, width)
            if differ and m == CBOW_CENTRES and add_two(at(batch.items, c), N, room.targets, room.seen, t):
                windows = overlap(batch.start, batch.stop, c)
                if windows.left <= c and windows.right > c + 1:
                    cost = _step_on_two(tables, stride, width, batch.items, c, windows, N, lr, room)
                    if cost >= 0:
                        loss += cost
                        pairs += CBOW_CENTRES
                        continue
            if drawn < 0:
                drawn = list_negatives(draws, N, share, room.targets, room.drawn_weights, room.seen, t)
            cost, filled, shrunk = _step_on_some(
                tables, stride, width, batch, c, m, drawn, lr, room, masks, first_spare, slots, t
            )
            loss += cost
            pairs += filled
            limited += shrunk
    return loss, pairs, limited
