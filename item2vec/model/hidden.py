"""CBOW's hidden vectors: the mean of a window's input rows, and the way back from their steps to those rows.

With r over the items of centre c's window, without c itself, k_c of them (Mikolov et al. 2013a, section 3.1)::

    H[c] = 1/k_c · Σ_r X[r]            ΔX[r] = Σ_c ΔH[c], over the windows that r is in

The error goes to every context whole, as in word2vec.c and gensim (``cbow_mean=1``): the loss's gradient times k_c.
İrsoy et al. 2021 ("Corrected CBOW", kōan) divide it by k_c, which was not measured here.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.across_lanes import total
from item2vec.model.compiled import kernel
from item2vec.model.pointers import at, get
from item2vec.model.simd import LANES, add, fma, load, mul, splat, store

f32 = np.float32


@kernel
def mean_rows(table, rows_at, count, width, h):
    """h = mean of the rows at ``count`` places of the table; returns its squared norm."""
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


@kernel
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
