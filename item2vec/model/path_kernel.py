"""The CPU kernel of hierarchical softmax: one window batch, centre by centre, on the tables' own memory.

Some rows x_i of a centre, its contexts or in CBOW their mean, meet the nodes y_l on the centre's path, rows of the
output table (Mikolov et al. 2013b, equation 3)::

    S[l,i] = x_i·y_l
    G[l,i] = lr · σ(-S[l,i])   where the code's bit is 0,   -lr · σ(S[l,i])   where it is 1
    ΔX = Gᵀ·Y        ΔY = G·X                           added to the tables at once

In skip-gram MOST_ROWS contexts step at once, then two, then one. Nothing is older than the few rows that step at once:
every centre steps on the nodes near the root, so these must be fresh. numba compiles `train_paths` once for each
architecture, as ``cbow`` is None or not.

The rows are those of the tables themselves (`item2vec.model.row_steps`); a frozen one is replaced by a copy.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.micro_kernel import inlined, kernel
from item2vec.model.row_steps import BLOCK, MOST_ROWS, row_scores, row_steps, squared_norms
from item2vec.model.simd import LANES, address, at, get, prefetch, ptr, put, splat, store
from item2vec.model.target_steps import gradients, largest, mask, place, shrink
from item2vec.model.tile_gradients import STEP_LIMIT

f32 = np.float32
MOST_ENTERING = 16  # contexts that are prefetched at once
LOW_NODES = 8  # of the next centre's path that are prefetched; those near the root are in the cache


@inlined
def _soon(ids, count, table, stride, soon, pending):
    """Add the addresses of some items' rows to ``soon``; returns how many there are then."""
    for i in range(count):
        put(at(soon, pending + i), address(at(table, np.int64(get(at(ids, i))) * stride)))
    return pending + count


@inlined
def _fetch(soon, first, last, width):
    """Prefetch the rows whose addresses are soon[first:last]; returns last."""
    for i in range(first, last):
        where = get(at(soon, i))
        for j in range(0, 4 * width, 64):
            prefetch(where + j)
    return last


@inlined
def _read_path(path, n, stride, rows_at, signs):
    """Where the row of each node of a path begins, and 1 for bit 0, -1 for bit 1."""
    for k in range(n):
        up = np.int64(get(at(path, k)))
        put(at(rows_at, k), (up >> 1) * stride)
        put(at(signs, k), f32(1 - 2 * (up & 1)))


@inlined
def _weights(of_targets, n, m, weights):
    """weights[l,i] = of_targets[l], and 0 behind them to the next whole register."""
    for k in range(n):
        store(at(weights, m * k), splat(get(at(of_targets, k))))
    store(at(weights, m * n), splat(f32(0.0)))


@kernel
def train_paths(inputs, outputs, stride, dim, items, start, stop, tiles, paths, lr, scratch, cbow, frozen):
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
    cbow : True or None
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does. Nodes are never frozen.

    Returns
    -------
    loss : float
        Sum over the pairs, and over the nodes of each, of -log σ(±s), the scores before each step.
    pairs : int
        Of a centre and a context, or of a centre and its hidden vector.
    limited : int
        Steps that were limited.
    """
    tables, ids = (ptr(inputs), ptr(outputs)), ptr(items)
    frozen_inputs = mask(frozen[0])
    width = (dim + LANES - 1) // LANES * LANES
    G, weights, signs, squares = ptr(scratch.G), ptr(scratch.weights), ptr(scratch.signs), ptr(scratch.squares)
    contexts, contexts_at, bounds = ptr(scratch.contexts), ptr(scratch.contexts_at), ptr(scratch.bounds)
    targets_at = ptr(scratch.targets_at)
    hidden, errors, hidden_at = ptr(scratch.hidden), ptr(scratch.errors), ptr(scratch.hidden_at)
    row_step, target_step, steps = ptr(scratch.row_step), ptr(scratch.target_step), ptr(scratch.steps)
    keys, totals, slots = ptr(scratch.keys), ptr(scratch.totals), len(scratch.keys)
    soon, spare = ptr(scratch.soon), ptr(scratch.spare)
    begin, up = ptr(paths[0]), ptr(paths[1])
    fetched = tiles[0]
    loss, pairs, limited = 0.0, 0, 0
    for i in range(MOST_ROWS + 1):
        put(at(bounds, i), np.int64(i))
    for c in range(tiles[0], tiles[-1]):
        after = c + 1
        pending = 0
        if after < tiles[-1]:
            entering = max(fetched, min(stop[after], fetched + MOST_ENTERING))
            pending = _soon(at(ids, fetched), entering - fetched, tables[0], stride, soon, 0)
            fetched = entering
            item = np.int64(get(at(ids, after)))
            first, last = get(at(begin, item)), get(at(begin, item + 1))
            for k in range(first, min(last, first + LOW_NODES)):
                put(at(soon, pending), address(at(tables[1], np.int64(get(at(up, k)) >> 1) * stride)))
                pending += 1
            item = np.int64(get(at(ids, min(after + 1, tiles[-1] - 1))))
            prefetch(address(at(up, get(at(begin, item)))))
        quota = pending // 3 + 1  # a few at a time: a core has few cache lines under way at once

        count = 0
        for i in range(start[c], stop[c]):
            item = get(at(ids, i))
            put(at(contexts, count), item)
            put(at(contexts_at, count), np.int64(item) * stride)
            count += 1 if i != c else 0
        item = np.int64(get(at(ids, c)))
        first = get(at(begin, item))
        n = get(at(begin, item + 1)) - first
        if count > 0:
            pairs += count if cbow is None else 1
        if count == 0 or n == 0:
            continue
        if frozen_inputs[0] > 0:
            for i in range(count):
                item, mine = np.int64(get(at(contexts, i))), at(spare, i * width)
                put(at(contexts_at, i), place(tables[0], item * stride, width, frozen_inputs, item, mine))
        for i in range(count, count + BLOCK):
            put(at(contexts_at, i), np.int64(0))
        _read_path(at(up, first), n, stride, targets_at, signs)
        for k in range(n, n + BLOCK):
            put(at(targets_at, k), np.int64(0))
        m, x_most = 1, f32(0.0)
        if cbow is not None:
            put(at(bounds, 1), np.int64(count))
            x_most = mean_rows(tables[0], contexts_at, count, width, hidden)
        fetching = _fetch(soon, 0, min(pending, quota), width)
        done = 0
        y_most = f32(0.0)
        if cbow is None:
            squared_norms(tables[1], targets_at, n, width, squares)
            y_most = largest(squares, n)
        while done < count:
            if cbow is None:
                left = count - done
                m = MOST_ROWS if left >= MOST_ROWS else (2 if left >= 2 else 1)
                A, a_at, D = tables[0], at(contexts_at, done), tables[0]
                squared_norms(A, a_at, m, width, squares)
                x_most = largest(squares, m)
            else:
                A, a_at, D = hidden, hidden_at, errors
            row_scores(m, A, a_at, tables[1], targets_at, n, width, G, squares)
            fetching = _fetch(soon, fetching, min(pending, fetching + quota), width)
            if cbow is not None:
                y_most = largest(squares, n)
            _weights(signs, n, m, weights)
            cost, step = gradients(G, weights, m * n, lr)
            loss += cost
            often = f32(1.0) if cbow is None else f32(count)
            if step * max(x_most, y_most * often) > STEP_LIMIT:
                if cbow is None:
                    squared_norms(tables[1], targets_at, n, width, squares)
                    y_most = largest(squares, n)
                limited += shrink(
                    m, n, G, at(contexts, done), bounds, x_most, y_most, row_step, target_step, steps, keys, totals,
                    slots
                )  # fmt: skip
            row_steps(m, A, a_at, D, a_at, tables[1], targets_at, n, width, G)
            fetching = _fetch(soon, fetching, min(pending, fetching + quota), width)
            if cbow is None:
                done += m
                y_most = (np.sqrt(y_most) + step * np.sqrt(x_most)) ** 2  # at most, of the next rows' targets
            else:
                done = count
                add_to_rows(tables[0], contexts_at, count, width, errors)
    return loss, pairs, limited
