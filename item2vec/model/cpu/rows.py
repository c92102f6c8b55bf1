"""Rows where they lie in their tables: prefetched, scored, stepped on, averaged, and kept private for a while."""

from __future__ import annotations

from typing import Generic, NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.simd import (
    LANES,
    Buffer,
    Index,
    Pointer,
    Vector,
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
def prefetch_row(table: Pointer, row: Index, width: int) -> None:
    """Prefetch a row of a table."""
    where = address(at(table, row * width))
    for j in range(0, 4 * width, 64):
        prefetch(where + j)


@inlined
def prefetch_item(table: Pointer, ids: Pointer, i: int, width: int) -> None:
    """Prefetch the row of the item at place i."""
    prefetch_row(table, np.int64(get(at(ids, i))), width)


@inlined
def prefetch_path(
    table: Pointer, ids: Pointer, i: int, later: int, paths: tuple[Pointer, Pointer], private: int, width: int
) -> None:
    """Prefetch the low nodes of the path of the item at place i, and the beginning of the path of a later one.

    Parameters
    ----------
    table : float32 [V·width]
    ids : int32 [M]
    i, later : int
        Places in ``ids``.
    paths : (int64 [V+1], int32)
        See `item2vec.model.huffman.Paths`.
    private : int
        Rows from this on are left alone: a worker has them.
    width : int
        Numbers from row to row.
    """
    item = np.int64(get(at(ids, i)))
    first = get(at(paths[0], item))
    for k in range(first, min(get(at(paths[0], item + 1)), first + LOW_NODES)):
        row = np.int64(get(at(paths[1], k)) >> 1)
        if row >= private:
            break
        prefetch_row(table, row, width)
    prefetch(address(at(paths[1], get(at(paths[0], np.int64(get(at(ids, later))))))))


# Scores of rows where they lie in their tables.
#
# One, two, four or six rows a_i meet n rows y_l that may lie anywhere. The n·m scores stand with those of one y_l side
# by side, S[l,i] at l·m + i, so that the numbers which one y_l meets are read together. Nothing is gathered: a core's
# first-level cache holds what a centre and its neighbours need, and rows are stepped on where the next centre finds
# them.

f32 = np.float32
BLOCK = 4  # rows y_l that a block of scores may read beyond the last


class Rows(NamedTuple):
    """Some rows of a table, which may lie anywhere in it.

    Attributes
    ----------
    table : pointer to float32
    places : pointer to int64
        Where each row begins, in numbers from the table's beginning.
    """

    table: Pointer
    places: Pointer


@inlined
def row_of(rows: Rows, i: int) -> Pointer:
    """Return row i."""
    return at(rows.table, get(at(rows.places, i)))


@inlined
def rows_from(rows: Rows, i: int) -> Rows:
    """Return the rows from row i on."""
    return Rows(rows.table, at(rows.places, i))


@inlined
def columns_from(rows: Rows, j: int) -> Rows:
    """Return the rows from their column j on."""
    return Rows(at(rows.table, j), rows.places)


@inlined
def _scores_of_six(A: Rows, Y: Rows, n: int, width: int, S: Pointer) -> None:
    x0, x1, x2 = row_of(A, 0), row_of(A, 1), row_of(A, 2)
    x3, x4, x5 = row_of(A, 3), row_of(A, 4), row_of(A, 5)
    z = splat(f32(0.0))
    for k in range(0, n, 2):
        y0, y1 = row_of(Y, k), row_of(Y, k + 1)
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
def _scores_of_four(A: Rows, Y: Rows, n: int, width: int, S: Pointer) -> None:
    x0, x1, x2, x3 = row_of(A, 0), row_of(A, 1), row_of(A, 2), row_of(A, 3)
    z = splat(f32(0.0))
    for k in range(0, n, 3):
        y0, y1, y2 = row_of(Y, k), row_of(Y, k + 1), row_of(Y, k + 2)
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
def two_by_four(x0: Pointer, x1: Pointer, Y: Rows, width: int, S: Pointer) -> tuple[Vector, Vector, Vector, Vector]:
    """Score two rows with four, for `put_eight_totals`; return the lanes' sums of squares of the four."""
    y0, y1, y2, y3 = row_of(Y, 0), row_of(Y, 1), row_of(Y, 2), row_of(Y, 3)
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
def _scores_of_two(A: Rows, Y: Rows, n: int, width: int, S: Pointer, squares: Pointer) -> None:
    x0, x1 = row_of(A, 0), row_of(A, 1)
    for k in range(0, n, 4):
        aa, bb, cc, dd = two_by_four(x0, x1, rows_from(Y, k), width, at(S, 2 * k))
        put_four_totals(at(squares, k), aa, bb, cc, dd)


@inlined
def _scores_of_one(A: Rows, Y: Rows, n: int, width: int, S: Pointer, squares: Pointer) -> None:
    x0 = row_of(A, 0)
    z = splat(f32(0.0))
    for k in range(0, n, 4):
        y0, y1, y2, y3 = row_of(Y, k), row_of(Y, k + 1), row_of(Y, k + 2), row_of(Y, k + 3)
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
def squared_norms(A: Rows, n: int, width: int, squares: Pointer) -> None:
    """squares[i] = -‖a_i‖²; up to BLOCK - 1 more are read and written."""
    z = splat(f32(0.0))
    for k in range(0, n, 4):
        x0, x1, x2, x3 = row_of(A, k), row_of(A, k + 1), row_of(A, k + 2), row_of(A, k + 3)
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
def row_scores(m: int, A: Rows, Y: Rows, n: int, width: int, S: Pointer, squares: Pointer) -> None:
    """S[l,i] = -a_i·y_l and squares[l] = -‖y_l‖² for m = 1, 2, 4 or 6 rows a_i; the squares with 1 and 2 only.

    Up to BLOCK - 1 rows y_l beyond the last are read, and as many scores written.

    Parameters
    ----------
    m, n : int
        Rows of A and of Y.
    A, Y : Rows
    width : int
        Numbers of a row, in whole registers.
    S : float32 [(n + BLOCK - 1)·m]
    squares : float32 [n + BLOCK - 1]
    """
    if m == 6:
        _scores_of_six(A, Y, n, width, S)
    elif m == 4:
        _scores_of_four(A, Y, n, width, S)
    elif m == 2:
        _scores_of_two(A, Y, n, width, S, squares)
    else:
        _scores_of_one(A, Y, n, width, S, squares)


# The step of rows and their targets where they lie in their tables: both sides in one pass.

MOST_ROWS = 6  # rows a_i at once: with a sum each that is what the registers of AVX2 hold


@inlined
def add_to(p: Pointer, v: Vector) -> None:
    """Add v to the register at p."""
    store(p, add(load(p), v))


@inlined
def _step_six(A: Rows, D: Rows, Y: Rows, n: int, j: int, G: Pointer) -> None:
    """Columns j:j+LANES of `row_steps` for six rows."""
    a0, a1, a2 = load(at(row_of(A, 0), j)), load(at(row_of(A, 1), j)), load(at(row_of(A, 2), j))
    a3, a4, a5 = load(at(row_of(A, 3), j)), load(at(row_of(A, 4), j)), load(at(row_of(A, 5), j))
    z = splat(f32(0.0))
    d0, d1, d2, d3, d4, d5 = z, z, z, z, z, z
    Y, g = columns_from(Y, j), G
    for k in range(n):
        p = row_of(Y, k)
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
    add_to(at(row_of(D, 0), j), d0)
    add_to(at(row_of(D, 1), j), d1)
    add_to(at(row_of(D, 2), j), d2)
    add_to(at(row_of(D, 3), j), d3)
    add_to(at(row_of(D, 4), j), d4)
    add_to(at(row_of(D, 5), j), d5)


@inlined
def _step_four(A: Rows, D: Rows, Y: Rows, n: int, j: int, G: Pointer) -> None:
    """Columns j:j+LANES of `row_steps` for four rows."""
    a0, a1, a2, a3 = (
        load(at(row_of(A, 0), j)),
        load(at(row_of(A, 1), j)),
        load(at(row_of(A, 2), j)),
        load(at(row_of(A, 3), j)),
    )
    z = splat(f32(0.0))
    d0, d1, d2, d3 = z, z, z, z
    Y, g = columns_from(Y, j), G
    for k in range(n):
        p = row_of(Y, k)
        y = load(p)
        g0, g1, g2, g3 = spread(g), spread(at(g, 1)), spread(at(g, 2)), spread(at(g, 3))
        d0, d1, d2, d3 = fma(g0, y, d0), fma(g1, y, d1), fma(g2, y, d2), fma(g3, y, d3)
        store(p, fma(g3, a3, fma(g2, a2, fma(g1, a1, fma(g0, a0, y)))))
        g = at(g, 4)
    add_to(at(row_of(D, 0), j), d0)
    add_to(at(row_of(D, 1), j), d1)
    add_to(at(row_of(D, 2), j), d2)
    add_to(at(row_of(D, 3), j), d3)


@inlined
def _step_two(A: Rows, D: Rows, Y: Rows, n: int, j: int, G: Pointer) -> None:
    """Columns j:j+2·LANES of `row_steps` for two rows."""
    p, q = at(row_of(A, 0), j), at(row_of(A, 1), j)
    a0, b0, a1, b1 = load(p), load(at(p, LANES)), load(q), load(at(q, LANES))
    z = splat(f32(0.0))
    d0, e0, d1, e1 = z, z, z, z
    Y, g = columns_from(Y, j), G
    for k in range(n):
        p = row_of(Y, k)
        y, w = load(p), load(at(p, LANES))
        g0, g1 = spread(g), spread(at(g, 1))
        d0, e0, d1, e1 = fma(g0, y, d0), fma(g0, w, e0), fma(g1, y, d1), fma(g1, w, e1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
        store(at(p, LANES), fma(g1, b1, fma(g0, b0, w)))
        g = at(g, 2)
    p, q = at(row_of(D, 0), j), at(row_of(D, 1), j)
    add_to(p, d0)
    add_to(at(p, LANES), e0)
    add_to(q, d1)
    add_to(at(q, LANES), e1)


@inlined
def _step_one(A: Rows, D: Rows, Y: Rows, n: int, j: int, G: Pointer) -> None:
    """Columns j:j+4·LANES of `row_steps` for one row."""
    p = at(row_of(A, 0), j)
    a, b, c, d = load(p), load(at(p, LANES)), load(at(p, 2 * LANES)), load(at(p, 3 * LANES))
    z = splat(f32(0.0))
    aa, bb, cc, dd = z, z, z, z
    Y = columns_from(Y, j)
    for k in range(n):
        p = row_of(Y, k)
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
    p = at(row_of(D, 0), j)
    add_to(p, aa)
    add_to(at(p, LANES), bb)
    add_to(at(p, 2 * LANES), cc)
    add_to(at(p, 3 * LANES), dd)


@inlined
def _step_last(m: int, A: Rows, D: Rows, Y: Rows, n: int, j: int, G: Pointer) -> None:
    """Columns j:j+LANES of `row_steps` for one or two rows.

    Parameters
    ----------
    m, A, D, Y, n, G
        As for `row_steps`.
    j : int
    """
    second = m - 1
    a0, a1 = load(at(row_of(A, 0), j)), load(at(row_of(A, second), j))
    zero = splat(f32(0.0))
    d0, d1 = zero, zero
    if second == 0:
        a1 = zero
    Y = columns_from(Y, j)
    for k in range(n):
        p = row_of(Y, k)
        y = load(p)
        g0, g1 = spread(at(G, m * k)), spread(at(G, m * k + second))
        d0, d1 = fma(g0, y, d0), fma(g1, y, d1)
        store(p, fma(g1, a1, fma(g0, a0, y)))
    add_to(at(row_of(D, 0), j), d0)
    if second == 1:
        add_to(at(row_of(D, 1), j), d1)


@fast_kernel
def row_steps(m: int, A: Rows, D: Rows, Y: Rows, n: int, width: int, G: Pointer) -> None:
    """d_i += Σ_l G[l,i]·y_l and y_l += Σ_i G[l,i]·a_i, all from the rows as they were, for m = 1, 2, 4 or 6 rows.

    Parameters
    ----------
    m, n : int
        Rows of A and D, and of Y.
    A, D, Y : Rows
        D may be A. A row may be among those of D more than once, not among those of Y.
    width : int
        Numbers of a row, in whole registers.
    G : float32 [n·m]
    """
    j = 0
    if m == 6:
        while j < width:
            _step_six(A, D, Y, n, j, G)
            j += LANES
    elif m == 4:
        while j < width:
            _step_four(A, D, Y, n, j, G)
            j += LANES
    elif m == 2:
        while j + LANES < width:
            _step_two(A, D, Y, n, j, G)
            j += 2 * LANES
    else:
        while j + 3 * LANES < width:
            _step_one(A, D, Y, n, j, G)
            j += 4 * LANES
    while j < width:
        _step_last(m, A, D, Y, n, j, G)
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
def mean_rows(rows: Rows, count: int, width: int, h: Pointer) -> np.float32:
    """Fill h, the mean of the first ``count`` rows, and return its squared norm."""
    share = splat(f32(1.0) / f32(max(1, count)))
    zero = splat(f32(0.0))
    square = zero
    j = 0
    while j + 3 * LANES < width:
        a, b, c, d = zero, zero, zero, zero
        for r in range(count):
            p = at(row_of(rows, r), j)
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
            a = add(a, load(at(row_of(rows, r), j)))
        a = mul(a, share)
        square = fma(a, a, square)
        store(at(h, j), a)
        j += LANES
    return total(square)


@fast_kernel
def add_to_rows(rows: Rows, count: int, width: int, e: Pointer) -> None:
    """Add e to each of the first ``count`` rows, and make it 0."""
    zero = splat(f32(0.0))
    j = 0
    while j + 3 * LANES < width:
        a, b, c, d = load(at(e, j)), load(at(e, j + LANES)), load(at(e, j + 2 * LANES)), load(at(e, j + 3 * LANES))
        for r in range(count):
            p = at(row_of(rows, r), j)
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
            p = at(row_of(rows, r), j)
            store(p, add(load(p), a))
        store(at(e, j), zero)
        j += LANES


# Rows that every worker steps on all the time, kept by each of them for itself for a while.
#
# The nodes near the root of a Huffman tree are stepped on at every centre. Workers that all do so in one table wait for
# each other's cache lines longer than they compute. So a worker has copies of these rows, steps on them, and now and
# then adds to the table what a copy has moved by, and takes the row anew::
#
#     Y[n] += mine - base        mine = base = Y[n]
#
# As in Hogwild (Niu et al. 2011), steps are lost only where two workers write a row at the same moment; what a worker
# reads of the others' steps is older. The last row of the table, the tree's root, is renewed every ``every`` centres,
# the two before it half as often, the four before these a quarter as often, and so on: about as often as each of them
# is stepped on, for a node has the count of its items.

_COPIES = 255  # the eight highest levels of a full tree: beyond, another worker seldom has the row just now
_CENTRES = 64  # of all workers together, between two renewals of the root (benchmarks/LOG.md has others)
_LEAST_CENTRES = 4


class PrivateRows(NamedTuple, Generic[Buffer]):
    """A worker's copies of the last rows of a table.

    Attributes
    ----------
    first, copies : int
        The row that the first copy is of, and how many there are.
    every : int
        Centres until the last row is renewed; a power of two.
    mine, base : float32 [copies·width], flat
        Each copy, and what it was when it was taken; pointers to them within the kernels.
    """

    first: int
    copies: int
    every: int
    mine: Buffer
    base: Buffer


def make_private_rows(nodes: int, dim: int, workers: int) -> PrivateRows[NDArray[np.float32]]:
    """Room for a worker's copies, of the last of so many rows of d numbers; none if it works alone.

    The more workers there are, the oftener each renews its copies: together they step on a row as often in between.
    """
    count = min(nodes, _COPIES) if workers > 1 else 0
    every = max(_LEAST_CENTRES, _CENTRES >> (workers - 1).bit_length())
    return PrivateRows(nodes - count, count, every, aligned(count * padded(dim)), aligned(count * padded(dim)))


@inlined
def shift_of(table: Pointer, width: int, private: PrivateRows[Pointer]) -> int:
    """How far a copy is from its row, in numbers."""
    return (address(private.mine) - address(table)) // 4 - private.first * width


@fast_kernel
def take_rows(table: Pointer, width: int, private: PrivateRows[Pointer]) -> None:
    """Make all copies."""
    for j in range(0, private.copies * width, LANES):
        y = load(at(table, private.first * width + j))
        store(at(private.mine, j), y)
        store(at(private.base, j), y)


@fast_kernel
def renew_rows(table: Pointer, first: int, last: int, width: int, private: PrivateRows[Pointer]) -> None:
    """Add to the rows first:last, counted from the first copy's, what their copies have moved by; take them anew."""
    row, mine, base = at(table, private.first * width), private.mine, private.base
    for j in range(first * width, last * width, LANES):
        y = add(load(at(row, j)), sub(load(at(mine, j)), load(at(base, j))))
        store(at(row, j), y)
        store(at(mine, j), y)
        store(at(base, j), y)


@inlined
def renew_some(table: Pointer, steps: int, width: int, private: PrivateRows[Pointer]) -> None:
    """Renew those copies whose turn it is after so many times ``every`` centres."""
    last, some = private.copies, 1
    while last > 0 and steps & (some - 1) == 0:
        renew_rows(table, max(0, last - some), last, width, private)
        last -= some
        some *= 2
