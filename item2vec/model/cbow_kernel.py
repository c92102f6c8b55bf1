"""The CPU kernel of CBOW with negative sampling: one window batch, two centres at a time, on the tables' own memory.

The hidden vectors h_i of some centres, each the mean of its window, meet their targets y_l, rows of the output table:
the centres, and the negatives that their tile shares (Mikolov et al. 2013b, equation 4)::

    S[l,i] = h_i·y_l
    G[l,i] = lr · w · σ(-S[l,i])   where w > 0,   lr · w · σ(S[l,i])   where w < 0,   w being W[l,i]
    ΔH = Gᵀ·Y        ΔY = G·H                           added at once; ΔH[i] to each row of window i

w is 1 for a hidden vector's own centre, 0 for another's, and -K/N for each time that a negative was drawn; a target
that comes more than once is one row with the sum of its weights. The rows are those of the tables themselves; a frozen
one is replaced by a copy. Most steps are of two centres whose windows overlap and whose targets all differ, and go by
`item2vec.model.hidden_pair` and `item2vec.model.pair_products`; all others by `item2vec.model.row_steps`.

No array may be touched within the loops but by its pointer: numba counts references to arrays by locked instructions.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.cbow_targets import add_two, all_differ, list_negatives, list_targets
from item2vec.model.compiled import inlined, kernel
from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.hidden_pair import add_to_two, mean_two, overlap
from item2vec.model.pair_products import pair_scores, pair_steps
from item2vec.model.pointers import at, get, ptr, put
from item2vec.model.prefetching import prefetch_item
from item2vec.model.row_scores import BLOCK, row_scores
from item2vec.model.row_steps import row_steps
from item2vec.model.simd import LANES, splat, store
from item2vec.model.target_steps import gradients, largest, mask, place, shrink
from item2vec.model.tile_gradients import STEP_LIMIT
from item2vec.model.tile_scratch import SEEN
from item2vec.sampling.window_batch import CBOW_CENTRES

f32 = np.float32


@inlined
def _list_contexts(ids, first, last, centre, stride, contexts, contexts_at, count):
    """Add the items of a window without its centre, and where their rows begin; returns how many there are then."""
    for i in range(first, last):
        item = get(at(ids, i))
        put(at(contexts, count), item)
        put(at(contexts_at, count), np.int64(item) * stride)
        count += 1 if i != centre else 0
    return count


@kernel
def _step_on_two(tables, stride, width, ids, c, windows, targets, targets_at, N, weights, lr, hidden, errors, G):
    """The usual case: two centres with overlapping windows, N negatives, no item of either twice, and none frozen.

    Returns the loss, or -1 and no step if that may have to be limited.
    """
    for k in range(N + CBOW_CENTRES):
        put(at(targets_at, k), np.int64(get(at(targets, k))) * stride)
    x_most = mean_two(tables[0], ids, stride, c, windows, width, hidden)
    y_most = pair_scores(hidden, width, tables[1], targets_at, N, G)
    cost, step = gradients(G, weights, CBOW_CENTRES * (N + 1), lr)
    contexts = windows.high - windows.low + windows.right - windows.left
    if step * max(x_most, y_most * f32(contexts)) > STEP_LIMIT:
        return f32(-1.0)
    pair_steps(hidden, errors, width, tables[1], targets_at, N, G)
    add_to_two(tables[0], ids, stride, c, windows, width, errors)
    return cost


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
    starts, stops = ptr(start), ptr(stop)
    frozen_inputs, frozen_outputs = mask(frozen[0]), mask(frozen[1])
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
    pair_weights = ptr(scratch.pair_weights)
    for k in range(CBOW_CENTRES * N):
        put(at(pair_weights, k), -share)
    store(at(pair_weights, CBOW_CENTRES * N), splat(f32(0.0)))
    for i in range(CBOW_CENTRES):
        put(at(pair_weights, CBOW_CENTRES * N + i), f32(1.0))
    free = N > 0 and frozen_inputs[0] == 0 and frozen_outputs[0] == 0
    for t in range(last_tile + 1):
        draws = at(ptr(negatives), t * N)
        drawn = -1  # not listed: mostly that is not needed
        differ = free and tiles[t + 1] - tiles[t] > 1 and all_differ(draws, N, targets, seen, t)
        for c in range(tiles[t], tiles[t + 1], CBOW_CENTRES):
            m = min(tiles[t + 1] - c, CBOW_CENTRES)
            for i in range(m):
                prefetch_item(tables[0], ids, min(c + i + ahead, last_item), stride, width)
                prefetch_item(tables[1], ids, min(c + i + CBOW_CENTRES, last_item), stride, width)
            fetched = 0 if c + m == tiles[t + 1] and t < last_tile else N  # the next tile's negatives
            for k in range(fetched, N):
                prefetch_item(tables[1], draws, N + k, stride, width)
            if differ and m == CBOW_CENTRES and add_two(at(ids, c), N, targets, seen, t):
                windows = overlap(starts, stops, c)
                if windows.left <= c and windows.right > c + 1:
                    cost = _step_on_two(
                        tables, stride, width, ids, c, windows, targets, targets_at, N, pair_weights, lr,
                        hidden, errors, G
                    )  # fmt: skip
                    if cost >= 0:
                        loss += cost
                        pairs += CBOW_CENTRES
                        continue
            count = 0
            x_most = f32(0.0)
            put(bounds, np.int64(0))
            for i in range(m):
                before = count
                count = _list_contexts(ids, start[c + i], stop[c + i], c + i, stride, contexts, contexts_at, count)
                pairs += 1 if count > before else 0
                put(at(bounds, i + 1), np.int64(count))
                if frozen_inputs[0] > 0:
                    for r in range(before, count):
                        item, mine = np.int64(get(at(contexts, r))), at(spare, (room + r) * width)
                        put(at(contexts_at, r), place(tables[0], item * stride, width, frozen_inputs, item, mine))
                x_most = max(
                    x_most, mean_rows(tables[0], at(contexts_at, before), count - before, width, at(hidden, i * width))
                )
            if count == 0:
                continue
            if drawn < 0:
                drawn = list_negatives(draws, N, share, targets, drawn_weights, seen, t)
            n = list_targets(at(ids, c), bounds, m, drawn, drawn_weights, targets, weights, seen, t)
            for k in range(n):
                item = np.int64(get(at(targets, k)))
                mine = at(spare, k * width)
                put(at(targets_at, k), place(tables[1], item * stride, width, frozen_outputs, item, mine))
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
            for j in range(0, m * width, LANES):
                store(at(errors, j), splat(f32(0.0)))
            row_steps(m, hidden, hidden_at, errors, hidden_at, tables[1], targets_at, n, width, G)
            for i in range(m):
                first, last = get(at(bounds, i)), get(at(bounds, i + 1))
                add_to_rows(tables[0], at(contexts_at, first), last - first, width, at(errors, i * width))
    return loss, pairs, limited
