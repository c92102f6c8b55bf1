"""CBOW's hidden vectors: the mean of a window's input rows, and the way back from their steps to those rows.

With r over the items of centre c's window, without c itself, k_c of them (Mikolov et al. 2013a, section 3.1)::

    H[c] = 1/k_c · Σ_r X[r]            ΔX[r] = Σ_c ΔH[c], over the windows that r is in

The error goes to every context whole, as in word2vec.c and gensim (``cbow_mean=1``): the loss's gradient times k_c.
İrsoy et al. 2021 ("Corrected CBOW", kōan) divide it by k_c, which was not measured here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from item2vec.model.micro_kernel import kernel, sigma_softplus
from item2vec.model.simd import (
    LANES,
    add,
    at,
    fma,
    get,
    load,
    mul,
    ptr,
    put,
    put_four_totals,
    splat,
    spread,
    store,
    sub,
    total,
)
from item2vec.model.tile_gradients import NEVER, mark_windows
from item2vec.model.tile_scratch import aligned, padded

f32 = np.float32


class HiddenScratch(NamedTuple):
    """Work space of one worker for hidden vectors, all arrays flat; `make_hidden_scratch` gives their sizes."""

    contexts: npt.NDArray[Any]
    context_rows: npt.NDArray[Any]
    steps: npt.NDArray[Any]
    errors: npt.NDArray[Any]
    places: npt.NDArray[Any]
    start: npt.NDArray[Any]
    stop: npt.NDArray[Any]
    sums: npt.NDArray[Any]
    running: npt.NDArray[Any]
    counts: npt.NDArray[Any]


def make_hidden_scratch(rows: int, centres: int, dim: int) -> HiddenScratch:
    """Work space for at most so many context rows and windows at once."""
    width = padded(dim)
    return HiddenScratch(
        contexts=aligned(rows * width),
        context_rows=np.zeros(rows, np.int64),
        steps=np.zeros(rows + 1, np.float32),
        errors=aligned((centres + 1) * width),
        places=np.arange(centres, dtype=np.int64) * width,
        start=np.zeros(centres, np.int64),
        stop=np.zeros(centres, np.int64),
        sums=aligned((rows + 1) * width),
        running=aligned(width),
        counts=np.zeros(rows + 1, np.int64),
    )


@kernel
def mean_rows(X, width, count, h):
    """h = mean of the first rows of X, 0 where there are none; returns its squared norm."""
    share = splat(f32(1.0) / f32(max(1, count)))
    square = splat(f32(0.0))
    j = 0
    while j + 3 * LANES < width:
        a, b, c, d = splat(f32(0.0)), splat(f32(0.0)), splat(f32(0.0)), splat(f32(0.0))
        x = at(X, j)
        for _ in range(count):
            a, b = add(a, load(x)), add(b, load(at(x, LANES)))
            c, d = add(c, load(at(x, 2 * LANES))), add(d, load(at(x, 3 * LANES)))
            x = at(x, width)
        a, b, c, d = mul(a, share), mul(b, share), mul(c, share), mul(d, share)
        square = fma(a, a, fma(b, b, fma(c, c, fma(d, d, square))))
        p = at(h, j)
        store(p, a)
        store(at(p, LANES), b)
        store(at(p, 2 * LANES), c)
        store(at(p, 3 * LANES), d)
        j += 4 * LANES
    while j < width:
        a = splat(f32(0.0))
        x = at(X, j)
        for _ in range(count):
            a = add(a, load(x))
            x = at(x, width)
        a = mul(a, share)
        square = fma(a, a, square)
        store(at(h, j), a)
        j += LANES
    return total(square)


@kernel
def add_to_rows(table, rows_at, count, width, e):
    """table[rows_at[r]] += e for every r."""
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
        j += 4 * LANES
    while j < width:
        a = load(at(e, j))
        for r in range(count):
            p = at(table, get(at(rows_at, r)) + j)
            store(p, add(load(p), a))
        j += LANES


@kernel
def form_hidden(start, stop, first, centres, low, rows, width, scratch, H):
    """H[c] = mean of the contexts of centre first + c; returns the largest squared norm.

    By running sums over the rows of the tile, so that a wide window costs no more than a narrow one. How many windows
    each context is in is counted too. The scratch's start and stop, numbered from ``first`` on as the batch's are, then
    say where each hidden vector stands for the functions of `item2vec.model.tile_gradients`: H[c] is the one context
    of centre c, one place behind it, as if item first + 1 were the first row of the tile. An empty window has none.
    """
    X, sums = ptr(scratch.contexts), ptr(scratch.sums)
    mark_windows(start, stop, first, centres, low, rows, ptr(scratch.counts))
    for j in range(0, width, LANES):
        running = splat(f32(0.0))
        store(at(sums, j), running)
        x, s = at(X, j), at(sums, width + j)
        for _ in range(rows):
            running = add(running, load(x))
            store(s, running)
            x, s = at(x, width), at(s, width)
    most = f32(0.0)
    for c in range(centres):
        begin, end, own = get(at(start, first + c)), get(at(stop, first + c)), first + c
        inside = begin <= own < end
        count = end - begin - (1 if inside else 0)
        share = splat(f32(1.0) / f32(max(1, count)) if count > 0 else f32(0.0))
        without = splat(f32(1.0) if inside else f32(0.0))
        p, q, x, h = (
            at(sums, (begin - low) * width),
            at(sums, (end - low) * width),
            at(X, (own - low) * width),
            at(H, c * width),
        )
        even, odd = splat(f32(0.0)), splat(f32(0.0))
        for j in range(0, width, LANES):
            v = mul(share, sub(sub(load(at(q, j)), load(at(p, j))), mul(without, load(at(x, j)))))
            store(at(h, j), v)
            even, odd = odd, fma(v, v, even)
        most = max(most, total(add(even, odd)))
        put(at(ptr(scratch.start), c), own + 1)
        put(at(ptr(scratch.stop), c), own + 1 if count == 0 else own + 2)
    return most


@kernel
def hidden_gradients(H, Y, windows, centres, width, lr, G, row_step, centre_step):
    """G[c] = lr·σ(-h·y) of each hidden vector and its centre, 0 where the window is empty; returns the loss.

    Adds to the sums of the steps by row, and sets those by centre.
    """
    zero, loss = splat(f32(0.0)), splat(f32(0.0))
    for c in range(0, centres, 4):
        s0, s1, s2, s3 = zero, zero, zero, zero
        h, y = at(H, c * width), at(Y, c * width)
        for _ in range(0, width, LANES):
            s0 = fma(load(h), load(y), s0)
            s1 = fma(load(at(h, width)), load(at(y, width)), s1)
            s2 = fma(load(at(h, 2 * width)), load(at(y, 2 * width)), s2)
            s3 = fma(load(at(h, 3 * width)), load(at(y, 3 * width)), s3)
            h, y = at(h, LANES), at(y, LANES)
        put_four_totals(at(G, c), s0, s1, s2, s3)  # minus the scores
    for c in range(centres):
        if get(at(windows, c)) == 0:
            put(at(G, c), NEVER)
    store(at(G, centres), splat(NEVER))
    for c in range(0, centres, LANES):
        sigma, softplus = sigma_softplus(load(at(G, c)))
        g = mul(sigma, splat(lr))
        loss = add(loss, softplus)
        store(at(G, c), g)
    for c in range(centres):
        g = get(at(G, c))
        put(at(centre_step, c), g)
        put(at(row_step, c), get(at(row_step, c)) + g)
    return total(loss)


@kernel
def step_centres(H, Y, G, centres, outputs, rows_at, errors, width):
    """errors[c] = G[c]·Y[c], with which the hidden vectors' steps begin, and outputs[c] += G[c]·H[c]."""
    for c in range(centres):
        g = spread(at(G, c))
        h, y, e, row = at(H, c * width), at(Y, c * width), at(errors, c * width), at(outputs, get(at(rows_at, c)))
        for j in range(0, width, LANES):
            store(at(e, j), mul(g, load(at(y, j))))
            store(at(row, j), fma(g, load(at(h, j)), load(at(row, j))))


@kernel
def spread_errors(table, start, stop, first, centres, low, rows, width, scratch):
    """Add each hidden vector's step to the rows of its contexts, by running sums over the rows of the tile."""
    errors, rows_at, sums, counts = (
        ptr(scratch.errors),
        ptr(scratch.context_rows),
        ptr(scratch.sums),
        ptr(scratch.counts),
    )
    zero = splat(f32(0.0))
    for j in range(0, (rows + 1) * width, LANES):
        store(at(sums, j), zero)
    for c in range(centres):
        e = at(errors, c * width)
        p = at(sums, (get(at(start, first + c)) - low) * width)
        q = at(sums, (get(at(stop, first + c)) - low) * width)
        for j in range(0, width, LANES):
            v = load(at(e, j))
            store(at(p, j), add(load(at(p, j)), v))
            store(at(q, j), sub(load(at(q, j)), v))
    running = ptr(scratch.running)
    for j in range(0, width, LANES):
        store(at(running, j), zero)
    for r in range(rows):
        c = low + r - first
        s, row = at(sums, r * width), at(table, get(at(rows_at, r)))
        inside = 0 <= c < centres and get(at(start, low + r)) <= low + r < get(at(stop, low + r))
        e = at(errors, c * width if inside else 0)
        without = splat(f32(1.0) if inside else f32(0.0))
        touched = splat(f32(1.0) if get(at(counts, r)) > 0 else f32(0.0))
        for j in range(0, width, LANES):
            v = add(load(at(running, j)), load(at(s, j)))
            store(at(running, j), v)
            v = mul(touched, sub(v, mul(without, load(at(e, j)))))
            store(at(row, j), add(load(at(row, j)), v))


@kernel
def context_steps(start, stop, first, centres, low, rows, hidden_step, counts, steps):
    """steps[r] = sum of the steps of the hidden vectors that context r is in."""
    for r in range(rows + 1):
        put(at(steps, r), f32(0.0))
    for c in range(centres):
        step = get(at(hidden_step, c))
        begin, end = at(steps, get(at(start, first + c)) - low), at(steps, get(at(stop, first + c)) - low)
        put(begin, get(begin) + step)
        put(end, get(end) - step)
    running = f32(0.0)
    for r in range(rows):
        running += get(at(steps, r))
        put(at(steps, r), running)
    for c in range(first, first + centres):
        if get(at(start, c)) <= c < get(at(stop, c)):
            own = at(steps, c - low)
            put(own, get(own) - get(at(hidden_step, c - first)))
    for r in range(rows):
        if get(at(counts, r)) == 0:
            put(at(steps, r), f32(0.0))


@kernel
def hidden_factors(start, stop, first, centres, low, factors, hidden_step):
    """hidden_step[c] = the smallest factor of the contexts of centre first + c."""
    for c in range(centres):
        smallest = f32(1.0)
        for r in range(get(at(start, first + c)), get(at(stop, first + c))):
            if r != first + c:
                smallest = min(smallest, get(at(factors, r - low)))
        put(at(hidden_step, c), smallest)
