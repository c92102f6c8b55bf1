"""Scores of rows where they lie in their tables.

One, two, four or six rows a_i meet n rows y_l that may lie anywhere: each side is a list of places, counted in float32
numbers from the beginning of a table. The n·m scores stand with the rows of one y_l side by side, S[l,i] at l·m + i, so
that the numbers which one y_l meets are read together. Nothing is gathered: a core's first-level cache holds what a
centre and its neighbours need, and rows are stepped on where the next centre finds them.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.across_lanes import put_eight_totals, put_four_totals
from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import at, get
from item2vec.model.simd import LANES, fma, load, splat

f32 = np.float32
BLOCK = 4  # rows y_l that a block of scores may read beyond the last


@inlined
def row_of(table, rows_at, i):
    """The row that stands at place i of a list."""
    return at(table, get(at(rows_at, i)))


@inlined
def _scores_of_six(A, a_at, Y, y_at, n, width, S):
    x0, x1, x2 = row_of(A, a_at, 0), row_of(A, a_at, 1), row_of(A, a_at, 2)
    x3, x4, x5 = row_of(A, a_at, 3), row_of(A, a_at, 4), row_of(A, a_at, 5)
    z = splat(f32(0.0))
    for k in range(0, n, 2):
        y0, y1 = row_of(Y, y_at, k), row_of(Y, y_at, k + 1)
        a0, a1, a2, a3, a4, a5, b0, b1, b2, b3, b4, b5 = z, z, z, z, z, z, z, z, z, z, z, z
        for j in range(0, width, LANES):
            u, v = load(at(y0, j)), load(at(y1, j))
            x = load(at(x0, j))
            a0, b0 = fma(x, u, a0), fma(x, v, b0)
            x = load(at(x1, j))
            a1, b1 = fma(x, u, a1), fma(x, v, b1)
            x = load(at(x2, j))
            a2, b2 = fma(x, u, a2), fma(x, v, b2)
            x = load(at(x3, j))
            a3, b3 = fma(x, u, a3), fma(x, v, b3)
            x = load(at(x4, j))
            a4, b4 = fma(x, u, a4), fma(x, v, b4)
            x = load(at(x5, j))
            a5, b5 = fma(x, u, a5), fma(x, v, b5)
        s = at(S, 6 * k)
        put_eight_totals(s, a0, a1, a2, a3, a4, a5, b0, b1)
        put_four_totals(at(s, 8), b2, b3, b4, b5)


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
    """S[l,i] = -a_i·y_l and squares[l] = -‖y_l‖² for m = 1, 2, 4 or 6 rows a_i; the squares with 1 and 2 only.

    Up to BLOCK - 1 rows y_l beyond the last are read, and as many scores written.
    """
    if m == 6:
        _scores_of_six(A, a_at, Y, y_at, n, width, S)
    elif m == 4:
        _scores_of_four(A, a_at, Y, y_at, n, width, S)
    elif m == 2:
        _scores_of_two(A, a_at, Y, y_at, n, width, S, squares)
    else:
        _scores_of_one(A, a_at, Y, y_at, n, width, S, squares)
