"""The CPU kernel of hierarchical softmax: one window batch, centre by centre, on the tables' own memory.

Some rows x_i of a centre, its contexts or in CBOW their mean, meet the nodes y_l on the centre's path, rows of the
output table (Mikolov et al. 2013b, equation 3)::

    S[l,i] = x_i·y_l
    G[l,i] = lr · σ(-S[l,i])   where the code's bit is 0,   -lr · σ(S[l,i])   where it is 1
    ΔX = Gᵀ·Y        ΔY = G·X                           added to the tables at once

In skip-gram six contexts step at once as long as there are so many, then four, then two, then one. Nothing is older
than the few rows that step at once: every centre steps on the nodes near the root, so these must be fresh. numba
compiles `train_paths` once for each architecture, as ``cbow`` is None or not.

The rows are those of the tables themselves; a frozen one is replaced by a copy, and a node near the root may be a
worker's own (`item2vec.model.cpu.rows`).
"""

from __future__ import annotations

import numpy as np

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.limit import STEP_LIMIT, gradients, largest, list_contexts, mask, shrink, target_pointers
from item2vec.model.cpu.rows import (
    BLOCK,
    add_to_rows,
    mean_rows,
    prefetch_item,
    prefetch_path,
    private_pointers,
    renew_rows,
    renew_some,
    row_scores,
    row_steps,
    shift_of,
    squared_norms,
    take_rows,
)
from item2vec.model.cpu.scratch import Batch
from item2vec.model.cpu.simd import LANES, at, get, ptr, put, splat, store

# The step of a centre's rows and the nodes on its path: `item2vec.model.cpu.paths` says of what equation.

f32 = np.float32


@inlined
def read_path(item, paths, stride, private, room):
    """Where the row of each node of an item's path is, and 1 for bit 0, -1 for bit 1; returns how many there are."""
    first = get(at(paths[0], np.int64(item)))
    n = get(at(paths[0], np.int64(item) + 1)) - first
    for k in range(n):
        up = np.int64(get(at(paths[1], first + k)))
        row = up >> 1
        put(at(room.targets_at, k), row * stride + (private[1] if row >= private[0] else 0))
        put(at(room.signs, k), f32(1 - 2 * (up & 1)))
    for k in range(n, n + BLOCK):
        put(at(room.targets_at, k), np.int64(0))
    store(at(room.signs, n), splat(f32(0.0)))
    return n


@inlined
def _spread_signs(signs, n, m, weights):
    """weights[l,i] = signs[l] for m rows i, and 0 behind them to the next whole register."""
    for k in range(n):
        sign = splat(get(at(signs, k)))
        for i in range(0, m, LANES):
            store(at(weights, m * k + i), sign)
    store(at(weights, m * n), splat(f32(0.0)))


@fast_kernel
def step_on_contexts(tables, width, count, n, lr, room, slots):
    """Return the contexts of a centre and its path of n nodes; returns the loss, and the steps that were limited.

    An upper bound of the nodes' norms goes from the rows of one step to the next, instead of the norms.
    """
    loss, limited, done, weighted = 0.0, 0, 0, 0
    y_most = f32(0.0)
    if count > 2:
        squared_norms(tables[1], room.targets_at, n, width, room.squares)
        y_most = largest(room.squares, n)
    while done < count:
        left = count - done
        m = 6 if left >= 6 else (4 if left >= 4 else (2 if left >= 2 else 1))
        rows_at = at(room.contexts_at, done)
        if m != weighted:
            _spread_signs(room.signs, n, m, room.weights)
            weighted = m
        squared_norms(tables[0], rows_at, m, width, room.squares)
        x_most = largest(room.squares, m)
        row_scores(m, tables[0], rows_at, tables[1], room.targets_at, n, width, room.G, room.squares)
        if m <= 2:
            y_most = largest(room.squares, n)
        cost, step = gradients(room.G, room.weights, m * n, lr)
        loss += cost
        if step * max(x_most, y_most) > STEP_LIMIT:
            if m > 2:
                squared_norms(tables[1], room.targets_at, n, width, room.squares)
                y_most = largest(room.squares, n)
            for i in range(m + 1):
                put(at(room.bounds, i), np.int64(i))
            limited += shrink(
                m, n, room.G, at(room.contexts, done), room.bounds, x_most, y_most, room.row_step, room.target_step,
                room.steps, room.keys, room.totals, slots
            )  # fmt: skip
        row_steps(m, tables[0], rows_at, tables[0], rows_at, tables[1], room.targets_at, n, width, room.G)
        done += m
        y_most = (np.sqrt(y_most) + step * np.sqrt(x_most)) ** 2
    return loss, limited


@fast_kernel
def step_on_mean(outputs, width, count, x_most, n, lr, room, slots):
    """Return the hidden vector of a centre, the mean of ``count`` contexts, and its path; as `step_on_contexts`."""
    limited = 0
    row_scores(1, room.hidden, room.hidden_at, outputs, room.targets_at, n, width, room.G, room.squares)
    y_most = largest(room.squares, n)
    cost, step = gradients(room.G, room.signs, n, lr)
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        put(at(room.bounds, 0), np.int64(0))
        put(at(room.bounds, 1), np.int64(count))
        limited = shrink(
            1, n, room.G, room.contexts, room.bounds, x_most, y_most, room.row_step, room.target_step, room.steps,
            room.keys, room.totals, slots
        )  # fmt: skip
    row_steps(1, room.hidden, room.hidden_at, room.errors, room.hidden_at, outputs, room.targets_at, n, width, room.G)
    return cost, limited


@fast_kernel
def train_paths(
    inputs, outputs, stride, dim, items, start, stop, tiles, paths, lr, scratch, reach, cbow, frozen, private
):  # fmt: skip
    """Train on one window batch with hierarchical softmax, in place.

    Parameters
    ----------
    inputs, outputs : float32 [V·stride]
        The tables, rows ``stride`` apart, of which ``dim`` numbers are used and the rest are 0.
    items : int32 [M]
    start, stop : int64 [M]
    tiles : int64 [T+1]
        Only where the first begins and the last ends means anything.
    paths : (int64 [V+1], int32)
        See `item2vec.model.huffman.Paths`.
    lr : float32
    scratch : TargetScratch
        Of at least the batch's longest window and the longest path.
    reach : int
        The farthest distance of a context from its centre: how far ahead rows are prefetched.
    cbow : True or None
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does. Nodes are never frozen.
    private : PrivateRows
        Of the output table; without any, all nodes are stepped on where they are.

    Returns
    -------
    loss : float
        Sum over the pairs, and over the nodes of each, of -log σ(±s), the scores before each step.
    pairs : int
        Of a centre and a context, or of a centre and its hidden vector.
    limited : int
        Steps that were limited.
    """
    tables, batch = (ptr(inputs), ptr(outputs)), Batch(ptr(items), ptr(start), ptr(stop))
    frozen_inputs = mask(frozen[0])
    width = (dim + LANES - 1) // LANES * LANES
    room, slots = target_pointers(scratch), len(scratch.keys)
    ways = ptr(paths[0]), ptr(paths[1])
    mine = private_pointers(private)
    own_nodes = mine.first, shift_of(tables[1], stride, mine)
    take_rows(tables[1], stride, mine)
    first_centre, last_centre, last_item = tiles[0], tiles[-1], len(items) - 1
    loss, pairs, limited = 0.0, 0, 0
    for c in range(first_centre, last_centre):
        done = c - first_centre
        if done & (mine.every - 1) == 0 and done > 0:
            renew_some(tables[1], done // mine.every, stride, mine)
        prefetch_item(tables[0], batch.items, min(c + 1 + reach, last_item), stride, width)
        prefetch_path(
            tables[1], batch.items, min(c + 1, last_item), min(c + 2, last_item), ways, own_nodes[0], stride, width
        )
        count = list_contexts(tables[0], batch, c, stride, width, frozen_inputs, room.spare, room, 0)
        for i in range(count, count + BLOCK):
            put(at(room.contexts_at, i), np.int64(0))
        n = read_path(get(at(batch.items, c)), ways, stride, own_nodes, room)
        if count > 0:
            pairs += count if cbow is None else 1
        if count == 0 or n == 0:
            continue
        if cbow is None:
            cost, shrunk = step_on_contexts(tables, width, count, n, lr, room, slots)
        else:
            x_most = mean_rows(tables[0], room.contexts_at, count, width, room.hidden)
            cost, shrunk = step_on_mean(tables[1], width, count, x_most, n, lr, room, slots)
            add_to_rows(tables[0], room.contexts_at, count, width, room.errors)
        loss += cost
        limited += shrunk
    renew_rows(tables[1], 0, mine.count, stride, mine)
    return loss, pairs, limited
