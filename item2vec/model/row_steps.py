"""Small products of rows where they lie in their tables: scores, and the step of both sides in one pass.

One, two or four rows a_i meet n rows y_l that may lie anywhere: each side is a list of places, counted in float32
numbers from the beginning of a table. The n·m scores stand with the rows of one y_l side by side, S[l,i] at l·m + i, so
that the numbers which one y_l meets are read together. Nothing is gathered: a core's first-level cache holds what a
centre and its neighbours need, and rows are stepped on where the next centre finds them.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.micro_kernel import inlined, kernel
from item2vec.model.simd import LANES, add, at, fma, get, load, put_eight_totals, put_four_totals, splat, spread, store

f32 = np.float32
MOST_ROWS = 4  # rows a_i at once: with two sums each that is what the registers of AVX2 hold
BLOCK = 4  # rows y_l that a block of scores may read beyond the last


@inlined
def row_of(table, rows_at, i):
    """The row that stands at place i of a list."""
    return at(table, get(at(rows_at, i)))


@inlined
def _scores_of_four(A, a_at, Y, y_at, n, width, S):
    x0, x1, x2, x3 = row_of(A, a_at, 0), row_of(A, a_at, 1), row_of(A, a_at, 2), row_of(A, a_at, 3)
    z = splat(f32(0.0))
    for k in range(0, n, 3):
        y0, y1, y2 = row_of(Y, y_at, k), row_of(Y, y_at, k + 1), row_of(Y, y_at, k + 2)
        a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3 = z, z, z, z, z, z, z, z, z, z, z, z
        for j in range(0, width, LANES):
            u, v, w = load(at(y0, j)), load(at(y1, j)), load(at(y2, j))
            x = load(at(x0, j))
            a0, b0, c0 = fma(x, u, a0), fma(x, v, b0), fma(x, w, c0)
            x = load(at(x1, j))
            a1, b1, c1 = fma(x, u, a1), fma(x, v, b1), fma(x, w, c1)
            x = load(at(x2, j))
            a2, b2, c2 = fma(x, u, a2), fma(x, v, b2), fma(x, w, c2)
            x = load(at(x3, j))
            a3, b3, c3 = fma(x, u, a3), fma(x, v, b3), fma(x, w, c3)
        s = at(S, 4 * k)
        put_four_totals(s, a0, a1, a2, a3)
        put_four_totals(at(s, 4), b0, b1, b2, b3)
        put_four_totals(at(s, 8), c0, c1, c2, c3)


@inlined
def two_by_four(x0, x1, Y, y_at, width, S):
    """The scores of two rows with four, for `put_eight_totals`; returns the lanes' sums of squares of the four."""
    y0, y1, y2, y3 = row_of(Y, y_at, 0), row_of(Y, y_at, 1), row_of(Y, y_at, 2), row_of(Y, y_at, 3)
    z = splat(f32(0.0))
    a0, a1, b0, b1, c0, c1, d0, d1, aa, bb, cc, dd = z, z, z, z, z, z, z, z, z, z, z, z
    for j in range(0, width, LANES):
        x, w = load(at(x0, j)), load(at(x1, j))
        y = load(at(y0, j))
        a0, a1, aa = fma(x, y, a0), fma(w, y, a1), fma(y, y, aa)
        y = load(at(y1, j))
        b0, b1, bb = fma(x, y, b0), fma(w, y, b1), fma(y, y, bb)
        y = load(at(y2, j))
        c0, c1, cc = fma(x, y, c0), fma(w, y, c1), fma(y, y, cc)
        y = load(at(y3, j))
        d0, d1, dd = fma(x, y, d0), fma(w, y, d1), fma(y, y, dd)
    put_eight_totals(S, a0, a1, b0, b1, c0, c1, d0, d1)
    return aa, bb, cc, dd


@inlined
def _scores_of_two(A, a_at, Y, y_at, n, width, S, squares):
    x0, x1 = row_of(A, a_at, 0), row_of(A, a_at, 1)
    for k in range(0, n, 4):
        aa, bb, cc, dd = two_by_four(x0, x1, Y, at(y_at, k), width, at(S, 2 * k))
        put_four_totals(at(squares, k), aa, bb, cc, dd)


@inlined
def _scores_of_one(A, a_at, Y, y_at, n, width, S, squares):
    x0 = row_of(A, a_at, 0)
    z = splat(f32(0.0))
    for k in range(0, n, 4):
        y0, y1, y2, y3 = row_of(Y, y_at, k), row_of(Y, y_at, k + 1), row_of(Y, y_at, k + 2), row_of(Y, y_at, k + 3)
        a, b, c, d, aa, bb, cc, dd = z, z, z, z, z, z, z, z
        for j in range(0, width, LANES):
            x = load(at(x0, j))
            y = load(at(y0, j))
            a, aa = fma(x, y, a), fma(y, y, aa)
            y = load(at(y1, j))
            b, bb = fma(x, y, b), fma(y, y, bb)
            y = load(at(y2, j))
            c, cc = fma(x, y, c), fma(y, y, cc)
            y = load(at(y3, j))
            d, dd = fma(x, y, d), fma(y, y, dd)
        put_four_totals(at(S, k), a, b, c, d)
        put_four_totals(at(squares, k), aa, bb, cc, dd)


@kernel
def squared_norms(A, a_at, n, width, squares):
    """squares[i] = -‖a_i‖²; up to BLOCK - 1 more are read and written."""
    z = splat(f32(0.0))
    for k in range(0, n, 4):
        x0, x1, x2, x3 = row_of(A, a_at, k), row_of(A, a_at, k + 1), row_of(A, a_at, k + 2), row_of(A, a_at, k + 3)
        a, b, c, d = z, z, z, z
        for j in range(0, width, LANES):
            x = load(at(x0, j))
            a = fma(x, x, a)
            x = load(at(x1, j))
            b = fma(x, x, b)
            x = load(at(x2, j))
            c = fma(x, x, c)
            x = load(at(x3, j))
            d = fma(x, x, d)
        put_four_totals(at(squares, k), a, b, c, d)


@kernel
def row_scores(m, A, a_at, Y, y_at, n, width, S, squares):
    """S[l,i] = -a_i·y_l and squares[l] = -‖y_l‖² for m = 1, 2 or 4 rows a_i; with 4 the squares are left alone.

    Up to BLOCK - 1 rows y_l beyond the last are read, and as many scores written.
    """
    if m == 4:
        _scores_of_four(A, a_at, Y, y_at, n, width, S)
    elif m == 2:
        _scores_of_two(A, a_at, Y, y_at, n, width, S, squares)
    else:
        _scores_of_one(A, a_at, Y, y_at, n, width, S, squares)


@inlined
def _add_to(p, v):
    store(p, add(load(p), v))


@inlined
def _step_four(A, a_at, D, d_at, Y, y_at, n, j, G):
    """Columns j:j+LANES of `row_steps` for four rows."""
    a0, a1, a2, a3 = (
        load(at(row_of(A, a_at, 0), j)),
        load(at(row_of(A, a_at, 1), j)),
        load(at(row_of(A, a_at, 2), j)),
        load(at(row_of(A, a_at, 3), j)),
    )
    z = splat(f32(0.0))
    d0, d1, d2, d3 = z, z, z, z
    Y, g = at(Y, j), G
    for k in range(n):
        p = row_of(Y, y_at, k)
        y = load(p)
        g0, g1, g2, g3 = spread(g), spread(at(g, 1)), spread(at(g, 2)), spread(at(g, 3))
        d0, d1, d2, d3 = fma(g0, y, d0), fma(g1, y, d1), fma(g2, y, d2), fma(g3, y, d3)
        store(p, fma(g3, a3, fma(g2, a2, fma(g1, a1, fma(g0, a0, y)))))
        g = at(g, 4)
    _add_to(at(row_of(D, d_at, 0), j), d0)
    _add_to(at(row_of(D, d_at, 1), j), d1)
    _add_to(at(row_of(D, d_at, 2), j), d2)
    _add_to(at(row_of(D, d_at, 3), j), d3)


@inlined
def _step_two(A, a_at, D, d_at, Y, y_at, n, j, G):
    """Columns j:j+2·LANES of `row_steps` for two rows."""
    p, q = at(row_of(A, a_at, 0), j), at(row_of(A, a_at, 1), j)
    a0, b0, a1, b1 = load(p), load(at(p, LANES)), load(q), load(at(q, LANES))
    z = splat(f32(0.0))
    d0, e0, d1, e1 = z, z, z, z
    Y, g = at(Y, j), G
    for k in range(n):
        p = row_of(Y, y_at, k)
        y, w = load(p), load(at(p, LANES))
        g0, g1 = spread(g), spread(at(g, 1))
        d0, e0, d1, e1 = fma(g0, y, d0), fma(g0, w, e0), fma(g1, y, d1), fma(g1, w, e1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
        store(at(p, LANES), fma(g1, b1, fma(g0, b0, w)))
        g = at(g, 2)
    p, q = at(row_of(D, d_at, 0), j), at(row_of(D, d_at, 1), j)
    _add_to(p, d0)
    _add_to(at(p, LANES), e0)
    _add_to(q, d1)
    _add_to(at(q, LANES), e1)


@inlined
def _step_one(A, a_at, D, d_at, Y, y_at, n, j, G):
    """Columns j:j+4·LANES of `row_steps` for one row."""
    p = at(row_of(A, a_at, 0), j)
    a, b, c, d = load(p), load(at(p, LANES)), load(at(p, 2 * LANES)), load(at(p, 3 * LANES))
    z = splat(f32(0.0))
    aa, bb, cc, dd = z, z, z, z
    Y = at(Y, j)
    for k in range(n):
        p = row_of(Y, y_at, k)
        g = spread(at(G, k))
        y = load(p)
        aa = fma(g, y, aa)
        store(p, fma(g, a, y))
        p = at(p, LANES)
        y = load(p)
        bb = fma(g, y, bb)
        store(p, fma(g, b, y))
        p = at(p, LANES)
        y = load(p)
        cc = fma(g, y, cc)
        store(p, fma(g, c, y))
        p = at(p, LANES)
        y = load(p)
        dd = fma(g, y, dd)
        store(p, fma(g, d, y))
    p = at(row_of(D, d_at, 0), j)
    _add_to(p, aa)
    _add_to(at(p, LANES), bb)
    _add_to(at(p, 2 * LANES), cc)
    _add_to(at(p, 3 * LANES), dd)


@inlined
def _step_last(m, A, a_at, D, d_at, Y, y_at, n, j, G):
    """Columns j:j+LANES of `row_steps` for one or two rows."""
    second = m - 1
    a0, a1 = load(at(row_of(A, a_at, 0), j)), load(at(row_of(A, a_at, second), j))
    zero = splat(f32(0.0))
    d0, d1 = zero, zero
    if second == 0:
        a1 = zero
    Y = at(Y, j)
    for k in range(n):
        p = row_of(Y, y_at, k)
        y = load(p)
        g0, g1 = spread(at(G, m * k)), spread(at(G, m * k + second))
        d0, d1 = fma(g0, y, d0), fma(g1, y, d1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
    _add_to(at(row_of(D, d_at, 0), j), d0)
    if second == 1:
        _add_to(at(row_of(D, d_at, 1), j), d1)


@kernel
def row_steps(m, A, a_at, D, d_at, Y, y_at, n, width, G):
    """d_i += Σ_l G[l,i]·y_l and y_l += Σ_i G[l,i]·a_i, all from the rows as they were, for m = 1, 2 or 4 rows.

    D may be A. A row may be in a list of places more than once on the side of D, not on that of Y.
    """
    j = 0
    if m == 4:
        while j < width:
            _step_four(A, a_at, D, d_at, Y, y_at, n, j, G)
            j += LANES
    elif m == 2:
        while j + LANES < width:
            _step_two(A, a_at, D, d_at, Y, y_at, n, j, G)
            j += 2 * LANES
    else:
        while j + 3 * LANES < width:
            _step_one(A, a_at, D, d_at, Y, y_at, n, j, G)
            j += 4 * LANES
    while j < width:
        _step_last(m, A, a_at, D, d_at, Y, y_at, n, j, G)
        j += LANES
