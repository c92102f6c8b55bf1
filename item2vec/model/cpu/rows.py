"""Rows where they lie in their tables: prefetched, scored, stepped on, averaged, and kept private for a while."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.simd import (
    LANES,
    add,
    address,
    aligned,
    at,
    fma,
    get,
    load,
    mul,
    padded,
    prefetch,
    ptr,
    put_eight_totals,
    put_four_totals,
    splat,
    spread,
    store,
    sub,
    total,
)

# Rows that will be needed soon, asked of memory: a row is some cache lines that no cache has.

LOW_NODES = 8  # of a path that are prefetched; those near the root are in the cache


@inlined
def prefetch_row(table, row, stride, width):
    """Prefetch a row of a table."""
    where = address(at(table, row * stride))
    for j in range(0, 4 * width, 64):
        prefetch(where + j)


@inlined
def prefetch_item(table, ids, i, stride, width):
    """Prefetch the row of the item at place i."""
    prefetch_row(table, np.int64(get(at(ids, i))), stride, width)


@inlined
def prefetch_path(table, ids, i, later, paths, private, stride, width):
    """Prefetch the low nodes of the path of the item at place i, and the beginning of the path of a later one.

    Rows from ``private`` on are left alone: a worker has them.
    """
    item = np.int64(get(at(ids, i)))
    first = get(at(paths[0], item))
    for k in range(first, min(get(at(paths[0], item + 1)), first + LOW_NODES)):
        row = np.int64(get(at(paths[1], k)) >> 1)
        if row >= private:
            break
        prefetch_row(table, row, stride, width)
    prefetch(address(at(paths[1], get(at(paths[0], np.int64(get(at(ids, later))))))))


# Scores of rows where they lie in their tables.
#
# One, two, four or six rows a_i meet n rows y_l that may lie anywhere: each side is a list of places, counted in
# float32
# numbers from the beginning of a table. The n·m scores stand with the rows of one y_l side by side, S[l,i] at l·m + i,
# so
# that the numbers which one y_l meets are read together. Nothing is gathered: a core's first-level cache holds what a
# centre and its neighbours need, and rows are stepped on where the next centre finds them.

f32 = np.float32
BLOCK = 4  # rows y_l that a block of scores may read beyond the last


@inlined
def row_of(table, rows_at, i):
    """Return the row that stands at place i of a list."""
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
    """Score two rows with four, for `put_eight_totals`; return the lanes' sums of squares of the four."""
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


@fast_kernel
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


@fast_kernel
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


# The step of rows and their targets where they lie in their tables: both sides in one pass.
#
# Names and layouts are those of `item2vec.model.cpu.rows`.

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


@fast_kernel
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


# CBOW's hidden vectors: the mean of a window's input rows, and the way back from their steps to those rows.
#
# With r over the items of centre c's window, without c itself, k_c of them (Mikolov et al. 2013a, section 3.1)::
#
#     H[c] = 1/k_c · Σ_r X[r]            ΔX[r] = Σ_c ΔH[c], over the windows that r is in
#
# The error goes to every context whole, as in word2vec.c and gensim (``cbow_mean=1``): the loss's gradient times k_c.
# İrsoy et al. 2021 ("Corrected CBOW", kōan) divide it by k_c, which was not measured here.


@fast_kernel
def mean_rows(table, rows_at, count, width, h):
    """Return h = mean of the rows at ``count`` places of the table; returns its squared norm."""
    share = splat(f32(1.0) / f32(max(1, count)))
    zero = splat(f32(0.0))
    square = zero
    j = 0
    while j + 3 * LANES < width:
        a, b, c, d = zero, zero, zero, zero
        for r in range(count):
            p = at(table, get(at(rows_at, r)) + j)
            a, b = add(a, load(p)), add(b, load(at(p, LANES)))
            c, d = add(c, load(at(p, 2 * LANES))), add(d, load(at(p, 3 * LANES)))
        a, b, c, d = mul(a, share), mul(b, share), mul(c, share), mul(d, share)
        square = fma(a, a, fma(b, b, fma(c, c, fma(d, d, square))))
        p = at(h, j)
        store(p, a)
        store(at(p, LANES), b)
        store(at(p, 2 * LANES), c)
        store(at(p, 3 * LANES), d)
        j += 4 * LANES
    while j < width:
        a = zero
        for r in range(count):
            a = add(a, load(at(table, get(at(rows_at, r)) + j)))
        a = mul(a, share)
        square = fma(a, a, square)
        store(at(h, j), a)
        j += LANES
    return total(square)


@fast_kernel
def add_to_rows(table, rows_at, count, width, e):
    """table[rows_at[r]] += e for every r, and e = 0."""
    zero = splat(f32(0.0))
    j = 0
    while j + 3 * LANES < width:
        a, b, c, d = load(at(e, j)), load(at(e, j + LANES)), load(at(e, j + 2 * LANES)), load(at(e, j + 3 * LANES))
        for r in range(count):
            p = at(table, get(at(rows_at, r)) + j)
            store(p, add(load(p), a))
            p = at(p, LANES)
            store(p, add(load(p), b))
            p = at(p, LANES)
            store(p, add(load(p), c))
            p = at(p, LANES)
            store(p, add(load(p), d))
        for i in range(4):
            store(at(e, j + i * LANES), zero)
        j += 4 * LANES
    while j < width:
        a = load(at(e, j))
        for r in range(count):
            p = at(table, get(at(rows_at, r)) + j)
            store(p, add(load(p), a))
        store(at(e, j), zero)
        j += LANES


# Rows that every worker steps on all the time, kept by each of them for itself for a while.
#
# The nodes near the root of a Huffman tree are stepped on at every centre. Workers that all do so in one table wait for
# each other's cache lines longer than they compute. So a worker has copies of these rows, steps on them, and now and
# then
# adds to the table what a copy has moved by, and takes the row anew::
#
#     Y[n] += mine - base        mine = base = Y[n]
#
# As in Hogwild (Niu et al. 2011), steps are lost only where two workers write a row at the same moment; what a worker
# reads of the others' steps is older. The last row of the table, the tree's root, is renewed every ``every`` centres,
# the
# two before it half as often, the four before these a quarter as often, and so on: about as often as each of them is
# stepped on, for a node has the count of its items.

_COPIES = 255  # the eight highest levels of a full tree: beyond, another worker seldom has the row just now
_CENTRES = 64  # of all workers together, between two renewals of the root (benchmarks/LOG.md has others)
_LEAST_CENTRES = 4


class PrivateRows(NamedTuple):
    """A worker's copies of the last ``count`` rows of a table.

    Attributes
    ----------
    first, count : int
        The row that the first copy is of, and how many there are.
    every : int
        Centres until the last row is renewed; a power of two.
    mine, base : float32 [count·stride], flat
        Each copy, and what it was when it was taken.
    """

    first: int
    count: int
    every: int
    mine: npt.NDArray[Any]
    base: npt.NDArray[Any]


def make_private_rows(nodes: int, dim: int, workers: int) -> PrivateRows:
    """Room for a worker's copies, of the last of so many rows of d numbers; none if it works alone.

    The more workers there are, the oftener each renews its copies: together they step on a row as often in between.
    """
    count = min(nodes, _COPIES) if workers > 1 else 0
    every = max(_LEAST_CENTRES, _CENTRES >> (workers - 1).bit_length())
    return PrivateRows(nodes - count, count, every, aligned(count * padded(dim)), aligned(count * padded(dim)))


@inlined
def private_pointers(private):
    """`PrivateRows` as the other functions here take them, without arrays, whose references would be counted."""
    return PrivateRows(private.first, private.count, private.every, ptr(private.mine), ptr(private.base))


@inlined
def shift_of(table, stride, private):
    """How far a copy is from its row, in numbers."""
    return (address(private.mine) - address(table)) // 4 - private.first * stride


@fast_kernel
def take_rows(table, stride, private):
    """Make all copies."""
    for j in range(0, private.count * stride, LANES):
        y = load(at(table, private.first * stride + j))
        store(at(private.mine, j), y)
        store(at(private.base, j), y)


@fast_kernel
def renew_rows(table, first, last, stride, private):
    """Add to the rows first:last, counted from the first copy's, what their copies have moved by; take them anew."""
    row, mine, base = at(table, private.first * stride), private.mine, private.base
    for j in range(first * stride, last * stride, LANES):
        y = add(load(at(row, j)), sub(load(at(mine, j)), load(at(base, j))))
        store(at(row, j), y)
        store(at(mine, j), y)
        store(at(base, j), y)


@inlined
def renew_some(table, steps, stride, private):
    """Renew those copies whose turn it is after so many times ``every`` centres."""
    last, some = private.count, 1
    while last > 0 and steps & (some - 1) == 0:
        renew_rows(table, max(0, last - some), last, stride, private)
        last -= some
        some *= 2
