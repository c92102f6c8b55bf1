"""The CPU kernel of CBOW with negative sampling: one window batch, two centres at a time, on the tables' own memory.

The hidden vectors h_i of some centres, each the mean of its window, meet their targets y_l, rows of the output table:
the centres, and the negatives that their tile shares (Mikolov et al. 2013b, equation 4)::

    S[l,i] = h_i·y_l
    G[l,i] = lr · w · σ(-S[l,i])   where w > 0,   lr · w · σ(S[l,i])   where w < 0,   w being W[l,i]
    ΔH = Gᵀ·Y        ΔY = G·H                           added at once; ΔH[i] to each row of window i

w is 1 for a hidden vector's own centre, 0 for another's, and -K/N for each time that a negative was drawn; a target
that comes more than once is one row with the sum of its weights. The rows are those of the tables themselves; a frozen
one is replaced by a copy. Most steps are of two centres whose windows overlap and whose targets all differ, and go by
`_step_on_two`; all others by `_step_on_some`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.limit import STEP_LIMIT, Mask, gradients, largest, list_contexts, mask, place, shrink
from item2vec.model.cpu.rows import (
    BLOCK,
    Rows,
    add_to,
    add_to_rows,
    columns_from,
    mean_rows,
    prefetch_item,
    row_of,
    row_scores,
    row_steps,
    rows_from,
    two_by_four,
)
from item2vec.model.cpu.scratch import SEEN, Batch, Tables, TargetScratch
from item2vec.model.cpu.simd import (
    LANES,
    Pointer,
    Vector,
    add,
    at,
    fma,
    get,
    larger,
    load,
    mul,
    pointers,
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
# one target with the sum of its weights: 1 for the hidden vector whose centre it is, -K/N for each time that it was
# drawn. ``seen`` holds the stamp of a tile in the slots of its negatives.

f32 = np.float32


@inlined
def all_differ(negatives: Pointer, count: int, work: TargetScratch[Pointer], stamp: int) -> bool:
    """Make a tile's negatives its targets; returns whether they all differ (some that do are taken for equal)."""
    known = 0
    for k in range(count):
        item = get(at(negatives, k))
        put(at(work.targets, k), item)
        slot = at(work.seen, item & (SEEN - 1))
        known += 1 if get(slot) == stamp else 0
        put(slot, stamp)
    return known == 0


@inlined
def add_two(centres: Pointer, count: int, work: TargetScratch[Pointer], stamp: int) -> bool:
    """Put two centres behind the negatives; returns whether they differ from these and each other, as above."""
    first, second = get(centres), get(at(centres, 1))
    put(at(work.targets, count), first)
    put(at(work.targets, count + 1), second)
    known = get(at(work.seen, first & (SEEN - 1))) == stamp or get(at(work.seen, second & (SEEN - 1))) == stamp
    return first != second and not known


@inlined
def _find(item: int, n: int, work: TargetScratch[Pointer], stamp: int) -> int:
    """Where an item stands among n targets, or n: ``seen`` has the stamp in the slots of all of them."""
    if get(at(work.seen, item & (SEEN - 1))) == stamp:
        for k in range(n):
            if get(at(work.targets, k)) == item:
                return k
    return n


@inlined
def list_negatives(negatives: Pointer, count: int, share: np.float32, work: TargetScratch[Pointer], stamp: int) -> int:
    """Make the different negatives of a tile its targets, weighed -K/N for each draw; returns how many."""
    targets, weights = work.targets, work.drawn_weights
    n = 0
    for draw in range(count):
        item = get(at(negatives, draw))
        k = _find(item, n, work, stamp)
        if k == n:
            put(at(work.seen, item & (SEEN - 1)), stamp)
            put(at(targets, n), item)
            put(at(weights, n), f32(0.0))
            n += 1
        put(at(weights, k), get(at(weights, k)) - share)
    return n


@inlined
def list_targets(ids: Pointer, m: int, drawn: int, work: TargetScratch[Pointer], stamp: int) -> int:
    """Add the centres of m hidden vectors to their negatives, and fill the weights; returns how many targets."""
    bounds, targets, weights = work.bounds, work.targets, work.weights
    n = drawn
    for k in range(drawn):
        store(at(weights, m * k), splat(get(at(work.drawn_weights, k))))
    for i in range(m):
        if get(at(bounds, i)) == get(at(bounds, i + 1)):  # no contexts: it steps on nothing
            for k in range(n):
                put(at(weights, m * k + i), f32(0.0))
            continue
        item = get(at(ids, i))
        k = _find(item, drawn, work, stamp)
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
# reaches farther. That is what `item2vec.model.cpu.rows` does to one window after the other, with a third fewer rows.


class Overlap(NamedTuple):
    """Two windows as places of a batch: low:left and right:high are of one of them, left:right is of both."""

    low: int
    left: int
    right: int
    high: int
    left_of: int  # the centre whose window low:left is of: 0 or 1
    right_of: int


@inlined
def overlap(start: Pointer, stop: Pointer, c: int) -> Overlap:
    """Return the `Overlap` of the windows of c and c+1."""
    a, b = get(at(start, c)), get(at(start, c + 1))
    y, z = get(at(stop, c)), get(at(stop, c + 1))
    return Overlap(min(a, b), max(a, b), min(y, z), max(y, z), 1 if b < a else 0, 1 if z > y else 0)


Four = tuple[Vector, Vector, Vector, Vector]


@inlined
def _sum_four(table: Pointer, ids: Pointer, first: int, last: int, width: int, sums: Four) -> Four:
    """Add the first four registers of the rows at some places to four sums."""
    a, b, c, d = sums
    for r in range(first, last):
        p = at(table, np.int64(get(at(ids, r))) * width)
        a, b = add(a, load(p)), add(b, load(at(p, LANES)))
        c, d = add(c, load(at(p, 2 * LANES))), add(d, load(at(p, 3 * LANES)))
    return a, b, c, d


@inlined
def _sum_one(table: Pointer, ids: Pointer, first: int, last: int, width: int, a: Vector) -> Vector:
    for r in range(first, last):
        a = add(a, load(at(table, np.int64(get(at(ids, r))) * width)))
    return a


@inlined
def _put_four(h: Pointer, sums: Four, share: Vector, square: Vector) -> Vector:
    """Four registers of a mean; returns its squares, added up lane by lane."""
    a, b, c, d = mul(sums[0], share), mul(sums[1], share), mul(sums[2], share), mul(sums[3], share)
    store(h, a)
    store(at(h, LANES), b)
    store(at(h, 2 * LANES), c)
    store(at(h, 3 * LANES), d)
    return fma(a, a, fma(b, b, fma(c, c, fma(d, d, square))))


@fast_kernel
def mean_two(table: Pointer, ids: Pointer, c: int, windows: Overlap, width: int, h: Pointer) -> np.float32:
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
        x = at(table, j)
        both = _sum_four(x, ids, left, c, width, (z, z, z, z))
        both = _sum_four(x, ids, c + 2, right, width, both)
        u4 = _sum_four(x, ids, c + 1, c + 2, width, both)
        v4 = _sum_four(x, ids, c, c + 1, width, both)
        if zero_left:
            u4 = _sum_four(x, ids, low, left, width, u4)
        else:
            v4 = _sum_four(x, ids, low, left, width, v4)
        if zero_right:
            u4 = _sum_four(x, ids, right, high, width, u4)
        else:
            v4 = _sum_four(x, ids, right, high, width, v4)
        square = _put_four(at(h, j), u4, k0, square)
        second = _put_four(at(h, j + width), v4, k1, second)
        j += 4 * LANES
    while j < width:
        x = at(table, j)
        s = _sum_one(x, ids, left, c, width, z)
        s = _sum_one(x, ids, c + 2, right, width, s)
        u = _sum_one(x, ids, c + 1, c + 2, width, s)
        v = _sum_one(x, ids, c, c + 1, width, s)
        if zero_left:
            u = _sum_one(x, ids, low, left, width, u)
        else:
            v = _sum_one(x, ids, low, left, width, v)
        if zero_right:
            u = _sum_one(x, ids, right, high, width, u)
        else:
            v = _sum_one(x, ids, right, high, width, v)
        u, v = mul(u, k0), mul(v, k1)
        square, second = fma(u, u, square), fma(v, v, second)
        store(at(h, j), u)
        store(at(h, j + width), v)
        j += LANES
    return total(larger(square, second))


@inlined
def _add_row(p: Pointer, step: Pointer, width: int) -> None:
    j = 0
    while j + 3 * LANES < width:
        add_to(at(p, j), load(at(step, j)))
        add_to(at(p, j + LANES), load(at(step, j + LANES)))
        add_to(at(p, j + 2 * LANES), load(at(step, j + 2 * LANES)))
        add_to(at(p, j + 3 * LANES), load(at(step, j + 3 * LANES)))
        j += 4 * LANES
    while j < width:
        add_to(at(p, j), load(at(step, j)))
        j += LANES


@fast_kernel
def add_to_two(table: Pointer, ids: Pointer, c: int, windows: Overlap, width: int, e: Pointer) -> None:
    """Add e[0] to the rows of the window of c, e[1] to that of c+1, and e[2], their sum, to those of both."""
    for r in range(windows.low, windows.high):
        step = 2
        step = windows.left_of if r < windows.left else step
        step = windows.right_of if r >= windows.right else step
        step = 1 if r == c else step
        step = 0 if r == c + 1 else step
        _add_row(at(table, np.int64(get(at(ids, r))) * width), at(e, step * width), width)


# The products of two hidden vectors that share negatives and have a target each: scores, and the step of both sides.
#
# With n rows y_l that both meet, and rows u of the first and v of the second alone, the 2n + 2 scores stand as
# h_0·y_0, h_1·y_0, h_0·y_1, ..., then h_0·u and h_1·v. `item2vec.model.cpu.rows` would meet u with h_1 and v with h_0
# as well, a seventh of the work for n = 5, and pad n + 2 rows to a whole block.


@inlined
def _four_rows(h: Pointer, width: int, Y: Rows, S: Pointer) -> Vector:
    """Return the scores of four rows that both meet; returns the lanes' largest sums of squares."""
    aa, bb, cc, dd = two_by_four(h, at(h, width), Y, width, S)
    return larger(larger(aa, bb), larger(cc, dd))


@inlined
def _one_row_and_own(h: Pointer, width: int, Y: Rows, S: Pointer) -> Vector:
    """Return the scores of the last row that both meet, and of each one's own."""
    y, u, v = row_of(Y, 0), row_of(Y, 1), row_of(Y, 2)
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
def pair_scores(h: Pointer, width: int, Y: Rows, n: int, S: Pointer) -> np.float32:
    """Minus the 2n + 2 scores; returns a bound of every ‖y‖², the sum of each lane's largest. n is at least 1."""
    most = splat(f32(0.0))
    k = 0
    while k + 4 < n:
        most = larger(most, _four_rows(h, width, rows_from(Y, k), at(S, 2 * k)))
        k += 4
    while k + 1 < n:
        most = larger(most, _one_row_and_own(h, width, rows_from(Y, k), at(S, 2 * k)))
        k += 1
    return total(larger(most, _one_row_and_own(h, width, rows_from(Y, k), at(S, 2 * k))))


@inlined
def _put_errors(e: Pointer, width: int, first: Vector, second: Vector) -> None:
    store(e, first)
    store(at(e, width), second)
    store(at(e, 2 * width), add(first, second))


@inlined
def _own(p: Pointer, g: Vector, a: Vector, d: Vector) -> Vector:
    """Return the step of one register of a row that meets only ``a``; returns the error that it adds to d."""
    y = load(p)
    store(p, fma(g, a, y))
    return fma(g, y, d)


@inlined
def _step_three(h: Pointer, e: Pointer, width: int, Y: Rows, n: int, G: Pointer) -> None:
    """Three registers of `pair_steps`."""
    z = splat(f32(0.0))
    q = at(h, width)
    a0, b0, c0 = load(h), load(at(h, LANES)), load(at(h, 2 * LANES))
    a1, b1, c1 = load(q), load(at(q, LANES)), load(at(q, 2 * LANES))
    d0, e0, f0, d1, e1, f1 = z, z, z, z, z, z
    for k in range(n):
        g0, g1 = spread(at(G, 2 * k)), spread(at(G, 2 * k + 1))
        p = row_of(Y, k)
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
    p, g0 = row_of(Y, n), spread(at(G, 2 * n))
    d0, e0, f0 = _own(p, g0, a0, d0), _own(at(p, LANES), g0, b0, e0), _own(at(p, 2 * LANES), g0, c0, f0)
    p, g1 = row_of(Y, n + 1), spread(at(G, 2 * n + 1))
    d1, e1, f1 = _own(p, g1, a1, d1), _own(at(p, LANES), g1, b1, e1), _own(at(p, 2 * LANES), g1, c1, f1)
    _put_errors(e, width, d0, d1)
    _put_errors(at(e, LANES), width, e0, e1)
    _put_errors(at(e, 2 * LANES), width, f0, f1)


@inlined
def _step_one(h: Pointer, e: Pointer, width: int, Y: Rows, n: int, G: Pointer) -> None:
    """One register of `pair_steps`."""
    a0, a1, z = load(h), load(at(h, width)), splat(f32(0.0))
    d0, d1 = z, z
    for k in range(n):
        g0, g1 = spread(at(G, 2 * k)), spread(at(G, 2 * k + 1))
        p = row_of(Y, k)
        y = load(p)
        d0, d1 = fma(g0, y, d0), fma(g1, y, d1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
    d0 = _own(row_of(Y, n), spread(at(G, 2 * n)), a0, d0)
    d1 = _own(row_of(Y, n + 1), spread(at(G, 2 * n + 1)), a1, d1)
    _put_errors(e, width, d0, d1)


@fast_kernel
def pair_steps(h: Pointer, e: Pointer, width: int, Y: Rows, n: int, G: Pointer) -> None:
    """Step on the n + 2 rows y by G's 2n + 2 numbers; e[0], e[1] = what h_0 and h_1 take of them, e[2] = the sum."""
    j = 0
    while j + 2 * LANES < width:
        _step_three(at(h, j), at(e, j), width, columns_from(Y, j), n, G)
        j += 3 * LANES
    while j < width:
        _step_one(at(h, j), at(e, j), width, columns_from(Y, j), n, G)
        j += LANES


@fast_kernel
def _step_on_two(
    tables: Tables[Pointer],
    items: Pointer,
    c: int,
    windows: Overlap,
    N: int,
    lr: np.float32,
    work: TargetScratch[Pointer],
) -> np.float32:
    """Step in the usual case: two centres with overlapping windows, N negatives, no item twice, none frozen.

    Parameters
    ----------
    tables : Tables
    items : int32 [M]
    c : int
        The first centre.
    windows : Overlap
    N : int
        Negatives; work.targets holds them and both centres.
    lr : float32
    work : TargetScratch

    Returns
    -------
    float32
        The loss, or -1 and no step if that may have to be limited.
    """
    width, Y = tables.width, Rows(tables.output, work.targets_at)
    for k in range(N + CBOW_CENTRES):
        put(at(work.targets_at, k), np.int64(get(at(work.targets, k))) * width)
    x_most = mean_two(tables.input, items, c, windows, width, work.hidden)
    y_most = pair_scores(work.hidden, width, Y, N, work.G)
    cost, step = gradients(work.G, work.pair_weights, CBOW_CENTRES * (N + 1), lr)
    contexts = windows.high - windows.low + windows.right - windows.left
    if step * max(x_most, y_most * f32(contexts)) > STEP_LIMIT:
        return f32(-1.0)
    pair_steps(work.hidden, work.errors, width, Y, N, work.G)
    add_to_two(tables.input, items, c, windows, width, work.errors)
    return cost


@inlined
def _hidden_vectors(
    table: Pointer, batch: Batch[Pointer], c: int, m: int, width: int, frozen: Mask, work: TargetScratch[Pointer]
) -> tuple[int, int, np.float32]:
    """Take the means of the windows of m centres.

    Parameters
    ----------
    table : float32 [V·width]
        The input table.
    batch : Batch
    c, m : int
        The first centre, and how many.
    width : int
    frozen : Mask
    work : TargetScratch

    Returns
    -------
    (int, int, float32)
        Contexts, centres that have some, and the largest squared norm of a mean.
    """
    count, filled, x_most = 0, 0, f32(0.0)
    put(work.bounds, np.int64(0))
    for i in range(m):
        before = count
        count = list_contexts(table, batch, c + i, width, frozen, work, count)
        filled += 1 if count > before else 0
        put(at(work.bounds, i + 1), np.int64(count))
        contexts = Rows(table, at(work.contexts_at, before))
        x_most = max(x_most, mean_rows(contexts, count - before, width, at(work.hidden, i * width)))
    return count, filled, x_most


@inlined
def _place_targets(table: Pointer, n: int, width: int, frozen: Mask, work: TargetScratch[Pointer]) -> None:
    """Where the rows of n targets are."""
    for k in range(n):
        item = np.int64(get(at(work.targets, k)))
        put(at(work.targets_at, k), place(table, width, frozen, item, at(work.spare_targets, k * width)))
    for k in range(n, n + BLOCK):
        put(at(work.targets_at, k), np.int64(0))


@fast_kernel
def _step_on_some(
    tables: Tables[Pointer],
    batch: Batch[Pointer],
    c: int,
    m: int,
    drawn: int,
    lr: np.float32,
    work: TargetScratch[Pointer],
    frozen: tuple[Mask, Mask],
    t: int,
) -> tuple[np.float32, int, int]:
    """Step on one or two centres, any, and their negatives.

    Parameters
    ----------
    tables : Tables
    batch : Batch
    c, m : int
        The first centre, and how many.
    drawn : int
        The different negatives of the tile, which `list_negatives` has listed.
    lr : float32
    work : TargetScratch
    frozen : (Mask, Mask)
    t : int
        The tile.

    Returns
    -------
    (float32, int, int)
        The loss, centres that have contexts, and steps limited.
    """
    width = tables.width
    count, filled, x_most = _hidden_vectors(tables.input, batch, c, m, width, frozen[0], work)
    if count == 0:
        return f32(0.0), 0, 0
    n = list_targets(at(batch.items, c), m, drawn, work, t)
    _place_targets(tables.output, n, width, frozen[1], work)
    H, E, Y = (
        Rows(work.hidden, work.hidden_at),
        Rows(work.errors, work.hidden_at),
        Rows(tables.output, work.targets_at),
    )
    row_scores(m, H, Y, n, width, work.G, work.squares)
    y_most = largest(work.squares, n)
    cost, step = gradients(work.G, work.weights, m * n, lr)
    limited = 0
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        limited = shrink(m, n, work.contexts, x_most, y_most, work)
    for j in range(0, m * width, LANES):
        store(at(work.errors, j), splat(f32(0.0)))
    row_steps(m, H, E, Y, n, width, work.G)
    for i in range(m):
        first, last = get(at(work.bounds, i)), get(at(work.bounds, i + 1))
        contexts = Rows(tables.input, at(work.contexts_at, first))
        add_to_rows(contexts, last - first, width, at(work.errors, i * width))
    return cost, filled, limited


@inlined
def _prefetch(tables: Tables[Pointer], items: Pointer, c: int, m: int, ahead: int, last_item: int) -> None:
    """Prefetch what the next centres need: contexts that enter, and the centres themselves."""
    for i in range(c, c + m):
        prefetch_item(tables.input, items, min(i + ahead, last_item), tables.width)
        prefetch_item(tables.output, items, min(i + CBOW_CENTRES, last_item), tables.width)


@inlined
def _fill(work: TargetScratch[Pointer], N: int, share: np.float32) -> None:
    """Forget what is left of the last batch, and fill the weights of `_step_on_two`."""
    for i in range(SEEN):
        put(at(work.seen, i), np.int64(-1))
    for k in range(CBOW_CENTRES * N):
        put(at(work.pair_weights, k), -share)
    store(at(work.pair_weights, CBOW_CENTRES * N), splat(f32(0.0)))
    for i in range(CBOW_CENTRES):
        put(at(work.pair_weights, CBOW_CENTRES * N + i), f32(1.0))


@fast_kernel
def train_cbow(
    tables: Tables[NDArray[Any]],
    batch: Batch[NDArray[Any]],
    wanted: int,
    lr: np.float32,
    scratch: TargetScratch[NDArray[Any]],
    reach: int,
    frozen: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> tuple[float, int, int]:
    """Train on one window batch of CBOW with negative sampling, in place.

    Parameters
    ----------
    tables : Tables
    batch : Batch
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
    tiles = batch.tiles
    last_tile, last_item, ahead = len(tiles) - 2, len(batch.items) - 1, CBOW_CENTRES + reach
    N = len(batch.negatives) // max(1, last_tile + 1)
    table, given, work = pointers(tables), pointers(batch), pointers(scratch)
    masks = mask(frozen[0]), mask(frozen[1])
    share = f32(wanted) / f32(max(1, N))
    _fill(work, N, share)
    free = N > 0 and masks[0].size == 0 and masks[1].size == 0
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        draws = at(given.negatives, t * N)
        drawn = -1  # not listed: mostly that is not needed
        differ = free and tiles[t + 1] - tiles[t] > 1 and all_differ(draws, N, work, t)
        for c in range(tiles[t], tiles[t + 1], CBOW_CENTRES):
            m = min(tiles[t + 1] - c, CBOW_CENTRES)
            _prefetch(table, given.items, c, m, ahead, last_item)
            if c + m == tiles[t + 1] and t < last_tile:
                for k in range(N):
                    prefetch_item(table.output, draws, N + k, table.width)  # the next tile's
            if differ and m == CBOW_CENTRES and add_two(at(given.items, c), N, work, t):
                windows = overlap(given.start, given.stop, c)
                if windows.left <= c and windows.right > c + 1:
                    cost = _step_on_two(table, given.items, c, windows, N, lr, work)
                    if cost >= 0:
                        loss += float(cost)
                        pairs += CBOW_CENTRES
                        continue
            if drawn < 0:
                drawn = list_negatives(draws, N, share, work, t)
            cost, filled, shrunk = _step_on_some(table, given, c, m, drawn, lr, work, masks, t)
            loss += float(cost)
            pairs += filled
            limited += shrunk
    return loss, pairs, limited
