"""The step of rows and their targets where they lie in their tables: both sides in one pass.

Names and layouts are those of `item2vec.model.row_scores`.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import at
from item2vec.model.row_scores import row_of
from item2vec.model.simd import LANES, add, fma, load, splat, spread, store

f32 = np.float32
MOST_ROWS = 6  # rows a_i at once: with a sum each that is what the registers of AVX2 hold


@inlined
def _add_to(p, v):
    store(p, add(load(p), v))


@inlined
def _step_six(A, a_at, D, d_at, Y, y_at, n, j, G):
    """Columns j:j+LANES of `row_steps` for six rows."""
    a0, a1, a2 = load(at(row_of(A, a_at, 0), j)), load(at(row_of(A, a_at, 1), j)), load(at(row_of(A, a_at, 2), j))
    a3, a4, a5 = load(at(row_of(A, a_at, 3), j)), load(at(row_of(A, a_at, 4), j)), load(at(row_of(A, a_at, 5), j))
    z = splat(f32(0.0))
    d0, d1, d2, d3, d4, d5 = z, z, z, z, z, z
    Y, g = at(Y, j), G
    for k in range(n):
        p = row_of(Y, y_at, k)
        y = load(p)
        s = spread(g)
        d0, t = fma(s, y, d0), fma(s, a0, y)
        s = spread(at(g, 1))
        d1, t = fma(s, y, d1), fma(s, a1, t)
        s = spread(at(g, 2))
        d2, t = fma(s, y, d2), fma(s, a2, t)
        s = spread(at(g, 3))
        d3, t = fma(s, y, d3), fma(s, a3, t)
        s = spread(at(g, 4))
        d4, t = fma(s, y, d4), fma(s, a4, t)
        s = spread(at(g, 5))
        d5, t = fma(s, y, d5), fma(s, a5, t)
        store(p, t)
        g = at(g, 6)
    _add_to(at(row_of(D, d_at, 0), j), d0)
    _add_to(at(row_of(D, d_at, 1), j), d1)
    _add_to(at(row_of(D, d_at, 2), j), d2)
    _add_to(at(row_of(D, d_at, 3), j), d3)
    _add_to(at(row_of(D, d_at, 4), j), d4)
    _add_to(at(row_of(D, d_at, 5), j), d5)


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
    """d_i += Σ_l G[l,i]·y_l and y_l += Σ_i G[l,i]·a_i, all from the rows as they were, for m = 1, 2, 4 or 6 rows.

    D may be A. A row may be in a list of places more than once on the side of D, not on that of Y.
    """
    j = 0
    if m == 6:
        while j < width:
            _step_six(A, a_at, D, d_at, Y, y_at, n, j, G)
            j += LANES
    elif m == 4:
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
