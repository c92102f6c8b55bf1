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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import fast_kernel, inlined
from item2vec.model.cpu.limit import STEP_LIMIT, gradients, largest, list_contexts, mask, shrink
from item2vec.model.cpu.rows import (
    BLOCK,
    PrivateRows,
    Rows,
    add_to_rows,
    mean_rows,
    prefetch_item,
    prefetch_path,
    renew_rows,
    renew_some,
    row_scores,
    row_steps,
    shift_of,
    squared_norms,
    take_rows,
)
from item2vec.model.cpu.scratch import Batch, Tables, TargetScratch
from item2vec.model.cpu.simd import LANES, Pointer, at, get, pointers, ptr, put, splat, store

f32 = np.float32


@inlined
def read_path(
    item: int, paths: tuple[Pointer, Pointer], width: int, private: tuple[int, int], work: TargetScratch[Pointer]
) -> int:
    """Where the row of each node of an item's path is, and 1 for bit 0, -1 for bit 1; returns how many there are."""
    first = get(at(paths[0], np.int64(item)))
    n: int = get(at(paths[0], np.int64(item) + 1)) - first
    for k in range(n):
        up = np.int64(get(at(paths[1], first + k)))
        row = up >> 1
        put(at(work.targets_at, k), row * width + (private[1] if row >= private[0] else 0))
        put(at(work.signs, k), f32(1 - 2 * (up & 1)))
    for k in range(n, n + BLOCK):
        put(at(work.targets_at, k), np.int64(0))
    store(at(work.signs, n), splat(f32(0.0)))
    return n


@inlined
def _spread_signs(signs: Pointer, n: int, m: int, weights: Pointer) -> None:
    """weights[l,i] = signs[l] for m rows i, and 0 behind them to the next whole register."""
    for k in range(n):
        sign = splat(get(at(signs, k)))
        for i in range(0, m, LANES):
            store(at(weights, m * k + i), sign)
    store(at(weights, m * n), splat(f32(0.0)))


@fast_kernel
def step_on_contexts(
    tables: Tables[Pointer], count: int, n: int, lr: np.float32, work: TargetScratch[Pointer]
) -> tuple[float, int]:
    """Step on the contexts of a centre and its path of n nodes; returns the loss, and the steps that were limited.

    An upper bound of the nodes' norms goes from the rows of one step to the next, instead of the norms.
    """
    width, Y = tables.width, Rows(tables.output, work.targets_at)
    loss, limited, done, weighted = 0.0, 0, 0, 0
    y_most = f32(0.0)
    if count > 2:
        squared_norms(Y, n, width, work.squares)
        y_most = largest(work.squares, n)
    while done < count:
        left = count - done
        m = 6 if left >= 6 else (4 if left >= 4 else (2 if left >= 2 else 1))
        X = Rows(tables.input, at(work.contexts_at, done))
        if m != weighted:
            _spread_signs(work.signs, n, m, work.weights)
            weighted = m
        squared_norms(X, m, width, work.squares)
        x_most = largest(work.squares, m)
        row_scores(m, X, Y, n, width, work.G, work.squares)
        if m <= 2:
            y_most = largest(work.squares, n)
        cost, step = gradients(work.G, work.weights, m * n, lr)
        loss += float(cost)
        if step * max(x_most, y_most) > STEP_LIMIT:
            if m > 2:
                squared_norms(Y, n, width, work.squares)
                y_most = largest(work.squares, n)
            for i in range(m + 1):
                put(at(work.bounds, i), np.int64(i))
            limited += shrink(m, n, at(work.contexts, done), x_most, y_most, work)
        row_steps(m, X, X, Y, n, width, work.G)
        done += m
        y_most = (np.sqrt(y_most) + step * np.sqrt(x_most)) ** 2
    return loss, limited


@fast_kernel
def step_on_mean(
    tables: Tables[Pointer], count: int, x_most: np.float32, n: int, lr: np.float32, work: TargetScratch[Pointer]
) -> tuple[np.float32, int]:
    """Step on the hidden vector of a centre, the mean of ``count`` contexts, and its path; as `step_on_contexts`."""
    width, limited = tables.width, 0
    H, E, Y = (
        Rows(work.hidden, work.hidden_at),
        Rows(work.errors, work.hidden_at),
        Rows(tables.output, work.targets_at),
    )
    row_scores(1, H, Y, n, width, work.G, work.squares)
    y_most = largest(work.squares, n)
    cost, step = gradients(work.G, work.signs, n, lr)
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        put(at(work.bounds, 0), np.int64(0))
        put(at(work.bounds, 1), np.int64(count))
        limited = shrink(1, n, work.contexts, x_most, y_most, work)
    row_steps(1, H, E, Y, n, width, work.G)
    return cost, limited


@fast_kernel
def train_paths(
    tables: Tables[NDArray[Any]],
    batch: Batch[NDArray[Any]],
    paths: tuple[NDArray[np.int64], NDArray[np.int32]],
    lr: np.float32,
    scratch: TargetScratch[NDArray[Any]],
    reach: int,
    cbow: bool | None,
    frozen: NDArray[np.uint8],
    private: PrivateRows[NDArray[np.float32]],
) -> tuple[float, int, int]:
    """Train on one window batch with hierarchical softmax, in place.

    Parameters
    ----------
    tables : Tables
    batch : Batch
        Only where its first tile begins and its last ends means anything; so do its negatives not.
    paths : (int64 [V+1], int32)
        See `item2vec.model.huffman.Paths`.
    lr : float32
    scratch : TargetScratch
        Of at least the batch's longest window and the longest path.
    reach : int
        The farthest distance of a context from its centre: how far ahead rows are prefetched.
    cbow : True or None
    frozen : uint8 [V] or [0]
        Not 0 where an item's row of the input table stays as it is; empty if none does. Nodes are never frozen.
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
    first_centre, last_centre, last_item = batch.tiles[0], batch.tiles[-1], len(batch.items) - 1
    table, given, work, mine = pointers(tables), pointers(batch), pointers(scratch), pointers(private)
    width, frozen_inputs = table.width, mask(frozen)
    ways = ptr(paths[0]), ptr(paths[1])
    own_nodes = mine.first, shift_of(table.output, width, mine)
    take_rows(table.output, width, mine)
    loss, pairs, limited = 0.0, 0, 0
    for c in range(first_centre, last_centre):
        done = c - first_centre
        if done & (mine.every - 1) == 0 and done > 0:
            renew_some(table.output, done // mine.every, width, mine)
        prefetch_item(table.input, given.items, min(c + 1 + reach, last_item), width)
        prefetch_path(
            table.output, given.items, min(c + 1, last_item), min(c + 2, last_item), ways, own_nodes[0], width
        )
        count = list_contexts(table.input, given, c, width, frozen_inputs, work, 0)
        for i in range(count, count + BLOCK):
            put(at(work.contexts_at, i), np.int64(0))
        n = read_path(get(at(given.items, c)), ways, width, own_nodes, work)
        if count > 0:
            pairs += count if cbow is None else 1
        if count == 0 or n == 0:
            continue
        if cbow is None:
            cost, shrunk = step_on_contexts(table, count, n, lr, work)
        else:
            contexts = Rows(table.input, work.contexts_at)
            x_most = mean_rows(contexts, count, width, work.hidden)
            mean_cost, shrunk = step_on_mean(table, count, x_most, n, lr, work)
            cost = float(mean_cost)
            add_to_rows(contexts, count, width, work.errors)
        loss += cost
        limited += shrunk
    renew_rows(table.output, 0, mine.copies, width, mine)
    return loss, pairs, limited
