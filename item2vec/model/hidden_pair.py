"""CBOW's hidden vectors of two neighbouring centres at once: what both windows share is read and stepped on once.

Centres c and c+1, each in the other's window, have windows that overlap but for a few rows at either end. A row that
both have takes the sum of both steps, c and c+1 take each other's, and an end takes the step of the window that reaches
farther. That is what `item2vec.model.hidden` does to one window after the other, with a third fewer rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from item2vec.model.across_lanes import total
from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import at, get
from item2vec.model.simd import LANES, add, fma, larger, load, mul, splat, store

f32 = np.float32


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
    """The `Overlap` of the windows of c and c+1."""
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


@kernel
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


@kernel
def add_to_two(table, ids, stride, c, windows, width, e):
    """Add e[0] to the rows of the window of c, e[1] to that of c+1, and e[2], their sum, to those of both."""
    for r in range(windows.low, windows.high):
        step = 2
        step = windows.left_of if r < windows.left else step
        step = windows.right_of if r >= windows.right else step
        step = 1 if r == c else step
        step = 0 if r == c + 1 else step
        _add_row(at(table, np.int64(get(at(ids, r))) * stride), at(e, step * width), width)
