"""The products of two hidden vectors that share negatives and have a target each: scores, and the step of both sides.

With n rows y_l that both meet, and rows u of the first and v of the second alone, the 2n + 2 scores stand as
h_0·y_0, h_1·y_0, h_0·y_1, ..., then h_0·u and h_1·v. `item2vec.model.row_scores` would meet u with h_1 and v with h_0
as well, a seventh of the work for n = 5, and pad n + 2 rows to a whole block.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.across_lanes import put_eight_totals, total
from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import at
from item2vec.model.row_scores import row_of, two_by_four
from item2vec.model.simd import LANES, add, fma, larger, load, splat, spread, store

f32 = np.float32


@inlined
def _four_rows(h, width, Y, y_at, S):
    """The scores of four rows that both meet; returns the lanes' largest sums of squares."""
    aa, bb, cc, dd = two_by_four(h, at(h, width), Y, y_at, width, S)
    return larger(larger(aa, bb), larger(cc, dd))


@inlined
def _one_row_and_own(h, width, Y, y_at, S):
    """The scores of the last row that both meet, and of each one's own."""
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


@kernel
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
    """The step of one register of a row that meets only ``a``; returns the error that it adds to d."""
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


@kernel
def pair_steps(h, e, width, Y, y_at, n, G):
    """Step on the n + 2 rows y by G's 2n + 2 numbers; e[0], e[1] = what h_0 and h_1 take of them, e[2] = the sum."""
    j = 0
    while j + 2 * LANES < width:
        _step_three(at(h, j), at(e, j), width, at(Y, j), y_at, n, G)
        j += 3 * LANES
    while j < width:
        _step_one(at(h, j), at(e, j), width, at(Y, j), y_at, n, G)
        j += LANES
