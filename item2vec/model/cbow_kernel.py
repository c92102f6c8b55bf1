"""The CPU kernel of CBOW with negative sampling: one window batch, two centres at a time, on the tables' own memory.

The hidden vectors h_i of some centres, each the mean of its window, meet their targets y_l, rows of the output table:
the centres, and the negatives that their tile shares (Mikolov et al. 2013b, equation 4)::

    S[l,i] = h_i·y_l
    G[l,i] = lr · w · σ(-S[l,i])   where w > 0,   lr · w · σ(S[l,i])   where w < 0,   w being W[l,i]
    ΔH = Gᵀ·Y        ΔY = G·H                           added at once; ΔH[i] to each row of window i

w is 1 for a hidden vector's own centre, 0 for another's, and -K/N for each time that a negative was drawn; a target
that comes more than once is one row with the sum of its weights. The rows are those of the tables themselves
(`item2vec.model.row_steps`); a frozen one is replaced by a copy.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.micro_kernel import inlined, kernel
from item2vec.model.row_steps import BLOCK, row_scores, row_steps
from item2vec.model.simd import LANES, address, at, get, prefetch, ptr, put, splat, store
from item2vec.model.target_steps import gradients, largest, place, shrink
from item2vec.model.tile_gradients import STEP_LIMIT
from item2vec.model.tile_scratch import SEEN
from item2vec.sampling.window_batch import CBOW_CENTRES

f32 = np.float32


@inlined
def _find(item, targets, n, seen, stamp):
    """Where an item stands among n targets, or n: seen has the stamp in the slots of all of them."""
    if get(at(seen, item & (SEEN - 1))) == stamp:
        for k in range(n):
            if get(at(targets, k)) == item:
                return k
    return n


@inlined
def _list_negatives(negatives, count, share, targets, weights, seen, stamp):
    """The different negatives of a tile and -K/N times how often each was drawn; returns how many."""
    n = 0
    for draw in range(count):
        item = get(at(negatives, draw))
        k = _find(item, targets, n, seen, stamp)
        if k == n:
            put(at(seen, item & (SEEN - 1)), stamp)
            put(at(targets, n), item)
            put(at(weights, n), f32(0.0))
            n += 1
        put(at(weights, k), get(at(weights, k)) - share)
    return n


@inlined
def _prefetch_row(table, ids, i, last, stride, width):
    """Prefetch the row of the item at place i, or of the last one."""
    where = address(at(table, np.int64(get(at(ids, min(i, last)))) * stride))
    for j in range(0, 4 * width, 64):
        prefetch(where + j)


@inlined
def _list_contexts(ids, first, last, centre, stride, contexts, contexts_at, count):
    """Add the items of a window without its centre, and where their rows begin; returns how many there are then."""
    for i in range(first, last):
        item = get(at(ids, i))
        put(at(contexts, count), item)
        put(at(contexts_at, count), np.int64(item) * stride)
        count += 1 if i != centre else 0
    return count


@inlined
def _list_targets(ids, bounds, m, drawn, drawn_weights, targets, weights, seen, stamp):
    """Add the centres of m hidden vectors to their negatives, and fill the weights; returns how many targets."""
    n = drawn
    for k in range(drawn):
        store(at(weights, m * k), splat(get(at(drawn_weights, k))))
    for i in range(m):
        if get(at(bounds, i)) == get(at(bounds, i + 1)):  # no contexts: it steps on nothing
            for k in range(n):
                put(at(weights, m * k + i), f32(0.0))
            continue
        item = get(at(ids, i))
        k = _find(item, targets, drawn, seen, stamp)
        if k == drawn:  # not among the negatives, perhaps the centre before it
            while k < n and get(at(targets, k)) != item:
                k += 1
        if k == n:
            put(at(targets, n), item)
            store(at(weights, m * n), splat(f32(0.0)))
            n += 1
        put(at(weights, m * k + i), f32(1.0))  # a negative that is the centre itself is none
    store(at(weights, m * n), splat(f32(0.0)))
    return n


@kernel
def train_cbow(inputs, outputs, stride, dim, items, start, stop, tiles, negatives, wanted, lr, scratch, reach, frozen):
    """Train on one window batch of CBOW with negative sampling, in place.

    Parameters
    ----------
    inputs, outputs : float32 [V·stride]
        The tables, rows ``stride`` apart, of which ``dim`` numbers are used and the rest are 0.
    items : int32 [M]
    start, stop : int64 [M]
    tiles : int64 [T+1]
    negatives : int32 [T,N], flat
    wanted : int
        K, the negatives that a pair is worth.
    lr : float32
    scratch : TargetScratch
        Of at least the batch's longest window, and N.
    reach : int
        The farthest distance of a context from its centre: how far ahead rows are prefetched.
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does.

    Returns
    -------
    loss : float
        Sum over the hidden vectors, and over the targets of each, of -|w|·log σ(±s), the scores before each step.
    pairs : int
        Hidden vectors: centres that have a context.
    limited : int
        Steps that were limited.
    """
    tables, ids = (ptr(inputs), ptr(outputs)), ptr(items)
    width = (dim + LANES - 1) // LANES * LANES
    G, weights, squares = ptr(scratch.G), ptr(scratch.weights), ptr(scratch.squares)
    contexts, contexts_at, bounds = ptr(scratch.contexts), ptr(scratch.contexts_at), ptr(scratch.bounds)
    targets, targets_at = ptr(scratch.targets), ptr(scratch.targets_at)
    hidden, errors, hidden_at = ptr(scratch.hidden), ptr(scratch.errors), ptr(scratch.hidden_at)
    row_step, target_step, steps = ptr(scratch.row_step), ptr(scratch.target_step), ptr(scratch.steps)
    keys, totals, slots = ptr(scratch.keys), ptr(scratch.totals), len(scratch.keys)
    seen, spare, drawn_weights = ptr(scratch.seen), ptr(scratch.spare), ptr(scratch.drawn_weights)
    last_tile, last_item = len(tiles) - 2, len(items) - 1
    N = len(negatives) // max(1, last_tile + 1)
    share = f32(wanted) / f32(max(1, N))
    loss, pairs, limited = 0.0, 0, 0
    ahead = CBOW_CENTRES + reach
    room = len(scratch.targets)
    for i in range(SEEN):
        put(at(seen, i), np.int64(-1))
    for t in range(last_tile + 1):
        draws = at(ptr(negatives), t * N)
        drawn = _list_negatives(draws, N, share, targets, drawn_weights, seen, t)
        for c in range(tiles[t], tiles[t + 1], CBOW_CENTRES):
            m = min(tiles[t + 1] - c, CBOW_CENTRES)
            count = 0
            x_most = f32(0.0)
            put(bounds, np.int64(0))
            for i in range(m):
                _prefetch_row(tables[0], ids, c + i + ahead, last_item, stride, width)
                _prefetch_row(tables[1], ids, c + i + CBOW_CENTRES, last_item, stride, width)
                before = count
                count = _list_contexts(ids, start[c + i], stop[c + i], c + i, stride, contexts, contexts_at, count)
                pairs += 1 if count > before else 0
                put(at(bounds, i + 1), np.int64(count))
                if len(frozen[0]) > 0:
                    for r in range(before, count):
                        item, mine = np.int64(get(at(contexts, r))), at(spare, (room + r) * width)
                        put(at(contexts_at, r), place(tables[0], item * stride, width, frozen[0], item, mine))
                x_most = max(
                    x_most, mean_rows(tables[0], at(contexts_at, before), count - before, width, at(hidden, i * width))
                )
            if count == 0:
                continue
            n = _list_targets(at(ids, c), bounds, m, drawn, drawn_weights, targets, weights, seen, t)
            for k in range(n):
                item = np.int64(get(at(targets, k)))
                put(at(targets_at, k), place(tables[1], item * stride, width, frozen[1], item, at(spare, k * width)))
            for k in range(n, n + BLOCK):
                put(at(targets_at, k), np.int64(0))
            row_scores(m, hidden, hidden_at, tables[1], targets_at, n, width, G, squares)
            y_most = largest(squares, n)
            cost, step = gradients(G, weights, m * n, lr)
            loss += cost
            if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
                limited += shrink(
                    m, n, G, contexts, bounds, x_most, y_most, row_step, target_step, steps, keys, totals, slots
                )
            row_steps(m, hidden, hidden_at, errors, hidden_at, tables[1], targets_at, n, width, G)
            fetched = 0 if c + m == tiles[t + 1] and t < last_tile else N  # the next tile's negatives
            for i in range(m):
                more = min(N, fetched + N // m + 1)
                for k in range(fetched, more):
                    _prefetch_row(tables[1], draws, N + k, N + k, stride, width)
                fetched = more
                first, last = get(at(bounds, i)), get(at(bounds, i + 1))
                add_to_rows(tables[0], at(contexts_at, first), last - first, width, at(errors, i * width))
    return loss, pairs, limited
