"""The products of small matrices that the CPU kernel is made of, on explicit vectors.

A block of the result is held in registers while the inner dimension runs: rows of A are broadcast number by number
against whole registers of B (Goto and van de Geijn 2008). Twelve accumulators, one register of B and three of A fit
the sixteen registers of AVX2; fewer than eight accumulators would wait for the latency of the multiply-adds.

Pointers are trusted; sizes are counted in float32 numbers, ``LANES`` (`item2vec.model.cpu.simd`) to a register.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.rows import Rows, add_to, row_of, rows_from
from item2vec.model.cpu.simd import LANES, Pointer, Vector, address, at, fma, get, load, prefetch, splat, spread, store

f32 = np.float32
SCORE_ROWS = 6  # rows of a block of scores, two registers wide
UPDATE_ROWS = 3  # rows of a block of updates, four or three registers wide


@inlined
def _scores_two(A: Pointer, a_row: int, B: Pointer, columns: int, n: int, C: Pointer) -> None:
    """C[6,2 registers] = A[6,n]·B[n,2 registers]."""
    z = splat(f32(0.0))
    a0, a1, b0, b1, c0, c1, d0, d1, e0, e1, f0, f1 = z, z, z, z, z, z, z, z, z, z, z, z
    D = at(A, 3 * a_row)
    for _ in range(n):
        y0, y1 = load(B), load(at(B, LANES))
        x = spread(A)
        a0, a1 = fma(x, y0, a0), fma(x, y1, a1)
        x = spread(at(A, a_row))
        b0, b1 = fma(x, y0, b0), fma(x, y1, b1)
        x = spread(at(A, 2 * a_row))
        c0, c1 = fma(x, y0, c0), fma(x, y1, c1)
        x = spread(D)
        d0, d1 = fma(x, y0, d0), fma(x, y1, d1)
        x = spread(at(D, a_row))
        e0, e1 = fma(x, y0, e0), fma(x, y1, e1)
        x = spread(at(D, 2 * a_row))
        f0, f1 = fma(x, y0, f0), fma(x, y1, f1)
        A, D, B = at(A, 1), at(D, 1), at(B, columns)
    for v, w in ((a0, a1), (b0, b1), (c0, c1), (d0, d1), (e0, e1), (f0, f1)):
        store(C, v)
        store(at(C, LANES), w)
        C = at(C, columns)


@inlined
def _scores_three(A: Pointer, a_row: int, B: Pointer, columns: int, n: int, C: Pointer) -> None:
    """C[4,3 registers] = A[4,n]·B[n,3 registers]."""
    z = splat(f32(0.0))
    a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2 = z, z, z, z, z, z, z, z, z, z, z, z
    D = at(A, 3 * a_row)
    for _ in range(n):
        y0, y1, y2 = load(B), load(at(B, LANES)), load(at(B, 2 * LANES))
        x = spread(A)
        a0, a1, a2 = fma(x, y0, a0), fma(x, y1, a1), fma(x, y2, a2)
        x = spread(at(A, a_row))
        b0, b1, b2 = fma(x, y0, b0), fma(x, y1, b1), fma(x, y2, b2)
        x = spread(at(A, 2 * a_row))
        c0, c1, c2 = fma(x, y0, c0), fma(x, y1, c1), fma(x, y2, c2)
        x = spread(D)
        d0, d1, d2 = fma(x, y0, d0), fma(x, y1, d1), fma(x, y2, d2)
        A, D, B = at(A, 1), at(D, 1), at(B, columns)
    for u, v, w in ((a0, a1, a2), (b0, b1, b2), (c0, c1, c2), (d0, d1, d2)):
        store(C, u)
        store(at(C, LANES), v)
        store(at(C, 2 * LANES), w)
        C = at(C, columns)


@inlined
def _scores_one(A: Pointer, a_row: int, B: Pointer, columns: int, n: int, C: Pointer) -> None:
    """C[6,1 register] = A[6,n]·B[n,1 register]."""
    z = splat(f32(0.0))
    a, b, c, d, e, f = z, z, z, z, z, z
    D = at(A, 3 * a_row)
    for _ in range(n):
        y = load(B)
        a = fma(spread(A), y, a)
        b = fma(spread(at(A, a_row)), y, b)
        c = fma(spread(at(A, 2 * a_row)), y, c)
        d = fma(spread(D), y, d)
        e = fma(spread(at(D, a_row)), y, e)
        f = fma(spread(at(D, 2 * a_row)), y, f)
        A, D, B = at(A, 1), at(D, 1), at(B, columns)
    for v in (a, b, c, d, e, f):
        store(C, v)
        C = at(C, columns)


@fast_kernel
def scores(A: Pointer, rows: int, a_row: int, B: Pointer, columns: int, n: int, C: Pointer) -> None:
    """C = A·B.

    Parameters
    ----------
    A : float32 [rows,n]
        Rows a_row apart; up to SCORE_ROWS - 1 more are read.
    rows, a_row : int
    B : float32 [n,columns]
    columns : int
        In whole registers.
    n : int
    C : float32 [rows,columns]
        Filled, with up to SCORE_ROWS - 1 more rows.
    """
    registers = columns // LANES
    j = 0
    if registers % 2 == 1 and registers > 1:
        for r in range(0, rows, 4):
            _scores_three(at(A, r * a_row), a_row, B, columns, n, at(C, r * columns))
        j = 3 * LANES
    while j + 2 * LANES <= columns:
        for r in range(0, rows, 6):
            _scores_two(at(A, r * a_row), a_row, at(B, j), columns, n, at(C, r * columns + j))
        j += 2 * LANES
    if j < columns:
        for r in range(0, rows, 6):
            _scores_one(at(A, r * a_row), a_row, at(B, j), columns, n, at(C, r * columns + j))


# Updates: rows of a table += A·B, for a product of whole rows of A and one of parts of them.

Three = tuple[Vector, Vector, Vector]
Nine = tuple[Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector]
Twelve = tuple[Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector]


class Product(NamedTuple):
    """The factors of a product A·B.

    Attributes
    ----------
    A : pointer to float32
    row, column : int
        From row to row of A, and along a row: A may be transposed, or a band stored by diagonals.
    B : pointer to float32
        Its rows are as far apart as those of the tables.
    n : int
        Columns of A, and rows of B.
    """

    A: Pointer
    row: int
    column: int
    B: Pointer
    n: int


@inlined
def _part(product: Product, r: int, first: int, last: int, width: int) -> Product:
    """Return the product of A[r:,first:last] and B[first:last]."""
    A = at(product.A, r * product.row + first * product.column)
    return Product(A, product.row, product.column, at(product.B, first * width), last - first)


@inlined
def _four_wide(acc: Twelve, product: Product, width: int) -> Twelve:
    """Add A[3,n]·B[n,4 registers] to twelve accumulators."""
    A, row, column, B, n = product
    a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3 = acc
    for _ in range(n):
        u, v, w = spread(A), spread(at(A, row)), spread(at(A, 2 * row))
        y = load(B)
        a0, b0, c0 = fma(u, y, a0), fma(v, y, b0), fma(w, y, c0)
        y = load(at(B, LANES))
        a1, b1, c1 = fma(u, y, a1), fma(v, y, b1), fma(w, y, c1)
        y = load(at(B, 2 * LANES))
        a2, b2, c2 = fma(u, y, a2), fma(v, y, b2), fma(w, y, c2)
        y = load(at(B, 3 * LANES))
        a3, b3, c3 = fma(u, y, a3), fma(v, y, b3), fma(w, y, c3)
        A, B = at(A, column), at(B, width)
    return a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3


@inlined
def _three_wide(acc: Nine, product: Product, width: int) -> Nine:
    """Add A[3,n]·B[n,3 registers] to nine accumulators."""
    A, row, column, B, n = product
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = acc
    for _ in range(n):
        u, v, w = spread(A), spread(at(A, row)), spread(at(A, 2 * row))
        y = load(B)
        a0, b0, c0 = fma(u, y, a0), fma(v, y, b0), fma(w, y, c0)
        y = load(at(B, LANES))
        a1, b1, c1 = fma(u, y, a1), fma(v, y, b1), fma(w, y, c1)
        y = load(at(B, 2 * LANES))
        a2, b2, c2 = fma(u, y, a2), fma(v, y, b2), fma(w, y, c2)
        A, B = at(A, column), at(B, width)
    return a0, a1, a2, b0, b1, b2, c0, c1, c2


@inlined
def _one_wide(acc: Three, product: Product, width: int) -> Three:
    """Add A[3,n]·B[n,1 register] to three accumulators."""
    A, row, column, B, n = product
    a, b, c = acc
    for _ in range(n):
        y = load(B)
        a, b, c = fma(spread(A), y, a), fma(spread(at(A, row)), y, b), fma(spread(at(A, 2 * row)), y, c)
        A, B = at(A, column), at(B, width)
    return a, b, c


@inlined
def _add_three(p: Pointer, u: Vector, v: Vector, w: Vector) -> None:
    add_to(p, u)
    add_to(at(p, LANES), v)
    add_to(at(p, 2 * LANES), w)


@inlined
def _update_four(rows: Rows, count: int, width: int, full: Product, partial: Product) -> None:
    """Update four registers of up to UPDATE_ROWS rows; see `update_columns`."""
    z = splat(f32(0.0))
    acc = _four_wide((z, z, z, z, z, z, z, z, z, z, z, z), full, width)
    acc = _four_wide(acc, partial, width)
    a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3 = acc
    p = row_of(rows, 0)
    _add_three(p, a0, a1, a2)
    add_to(at(p, 3 * LANES), a3)
    if count > 1:
        p = row_of(rows, 1)
        _add_three(p, b0, b1, b2)
        add_to(at(p, 3 * LANES), b3)
    if count > 2:
        p = row_of(rows, 2)
        _add_three(p, c0, c1, c2)
        add_to(at(p, 3 * LANES), c3)


@inlined
def _update_three(rows: Rows, count: int, width: int, full: Product, partial: Product) -> None:
    """Update three registers of up to UPDATE_ROWS rows; see `update_columns`."""
    z = splat(f32(0.0))
    acc = _three_wide((z, z, z, z, z, z, z, z, z), full, width)
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = _three_wide(acc, partial, width)
    _add_three(row_of(rows, 0), a0, a1, a2)
    if count > 1:
        _add_three(row_of(rows, 1), b0, b1, b2)
    if count > 2:
        _add_three(row_of(rows, 2), c0, c1, c2)


@inlined
def _update_one(rows: Rows, count: int, width: int, full: Product, partial: Product) -> None:
    """Update one register of up to UPDATE_ROWS rows; see `update_columns`."""
    z = splat(f32(0.0))
    acc = _one_wide((z, z, z), full, width)
    a, b, c = _one_wide(acc, partial, width)
    add_to(row_of(rows, 0), a)
    if count > 1:
        add_to(row_of(rows, 1), b)
    if count > 2:
        add_to(row_of(rows, 2), c)


@fast_kernel
def update_columns(
    registers: int, rows: Rows, count: int, width: int, full: Product, partial: Product, spans: Pointer, soon: Pointer,
    fetch: int
) -> None:  # fmt: skip
    """Add A[i]·B of one product, and A[i,first:last]·B[first:last] of another, to the first columns of each row i.

    All rows are done for these columns before the next columns are: so the columns of B stay in the first-level cache.
    In between, rows of the next tile are prefetched, a few a block, as a core has few cache lines under way at once.

    Parameters
    ----------
    registers : int
        4, 3 or 1: how many columns.
    rows : Rows
    count : int
        How many rows.
    width : int
        Numbers from row to row of both B.
    full, partial : Product
        The n of ``partial`` means nothing.
    spans : int64 [2·blocks]
        spans[2b] and spans[2b+1] are first and last of rows 3b to 3b+2.
    soon : int64 [fetch]
        Addresses of the rows to prefetch.
    fetch : int
    """
    a_time = fetch // ((count + UPDATE_ROWS - 1) // UPDATE_ROWS) + 1
    fetched = 0
    for r in range(0, count, UPDATE_ROWS):
        span = at(spans, 2 * (r // UPDATE_ROWS))
        block, left = rows_from(rows, r), count - r
        a, b = _part(full, r, 0, full.n, width), _part(partial, r, get(span), get(at(span, 1)), width)
        for i in range(fetched, min(fetch, fetched + a_time)):
            where = get(at(soon, i))
            for j in range(0, 4 * width, 64):
                prefetch(where + j)
        fetched += a_time
        for i in range(min(UPDATE_ROWS, left)):  # the sums are done some two hundred cycles from here
            where = address(row_of(block, i))
            for j in range(0, 4 * LANES * registers, 64):
                prefetch(where + j)
        if registers == 4:
            _update_four(block, left, width, a, b)
        elif registers == 3:
            _update_three(block, left, width, a, b)
        else:
            _update_one(block, left, width, a, b)


@fast_kernel
def registers_at(j: int, width: int) -> int:
    """How many registers wide, 4, 3 or 1, the columns from j on are updated; in all as few as can be."""
    left = (width - j) // LANES
    threes = (4 - left % 4) % 4
    if 3 * threes > left:
        return 4 if left >= 4 else 1
    return 4 if left > 3 * threes else 3
