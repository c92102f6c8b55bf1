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
from item2vec.model.target_steps import gradients, largest, list_contexts, mask, place, shrink, target_pointers
from item2vec.model.tile_gradients import STEP_LIMIT
from item2vec.model.tile_scratch import SEEN
from item2vec.model.tile_shape import Batch
from item2vec.sampling.window_batch import CBOW_CENTRES

f32 = np.float32


@kernel
def _step_on_two(tables, stride, width, items, c, windows, N, lr, room):
    """The usual case: two centres with overlapping windows, N negatives, no item of either twice, and none frozen.

    Returns the loss, or -1 and no step if that may have to be limited.
    """
    for k in range(N + CBOW_CENTRES):
        put(at(room.targets_at, k), np.int64(get(at(room.targets, k))) * stride)
    x_most = mean_two(tables[0], items, stride, c, windows, width, room.hidden)
    y_most = pair_scores(room.hidden, width, tables[1], room.targets_at, N, room.G)
    cost, step = gradients(room.G, room.pair_weights, CBOW_CENTRES * (N + 1), lr)
    contexts = windows.high - windows.low + windows.right - windows.left
    if step * max(x_most, y_most * f32(contexts)) > STEP_LIMIT:
        return f32(-1.0)
    pair_steps(room.hidden, room.errors, width, tables[1], room.targets_at, N, room.G)
    add_to_two(tables[0], items, stride, c, windows, width, room.errors)
    return cost


@inlined
def _hidden_vectors(table, batch, c, m, stride, width, frozen, spare, room):
    """The means of the windows of m centres; returns their contexts, the centres that have some, the largest norm."""
    count, filled, x_most = 0, 0, f32(0.0)
    put(room.bounds, np.int64(0))
    for i in range(m):
        before = count
        count = list_contexts(table, batch, c + i, stride, width, frozen, spare, room, count)
        filled += 1 if count > before else 0
        put(at(room.bounds, i + 1), np.int64(count))
        norm = mean_rows(table, at(room.contexts_at, before), count - before, width, at(room.hidden, i * width))
        x_most = max(x_most, norm)
    return count, filled, x_most


@inlined
def _place_targets(table, n, stride, width, frozen, room):
    """Where the rows of n targets are."""
    for k in range(n):
        item = np.int64(get(at(room.targets, k)))
        put(at(room.targets_at, k), place(table, item * stride, width, frozen, item, at(room.spare, k * width)))
    for k in range(n, n + BLOCK):
        put(at(room.targets_at, k), np.int64(0))


@kernel
def _step_on_some(tables, stride, width, batch, c, m, drawn, lr, room, frozen, first_spare, slots, t):
    """One or two centres, any, and ``drawn`` negatives; returns loss, centres with contexts, and steps limited."""
    count, filled, x_most = _hidden_vectors(
        tables[0], batch, c, m, stride, width, frozen[0], at(room.spare, first_spare * width), room
    )
    if count == 0:
        return f32(0.0), 0, 0
    n = list_targets(
        at(batch.items, c), room.bounds, m, drawn, room.drawn_weights, room.targets, room.weights, room.seen, t
    )
    _place_targets(tables[1], n, stride, width, frozen[1], room)
    row_scores(m, room.hidden, room.hidden_at, tables[1], room.targets_at, n, width, room.G, room.squares)
    y_most = largest(room.squares, n)
    cost, step = gradients(room.G, room.weights, m * n, lr)
    limited = 0
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        limited = shrink(
            m, n, room.G, room.contexts, room.bounds, x_most, y_most, room.row_step, room.target_step, room.steps,
            room.keys, room.totals, slots
        )  # fmt: skip
    for j in range(0, m * width, LANES):
        store(at(room.errors, j), splat(f32(0.0)))
    row_steps(m, room.hidden, room.hidden_at, room.errors, room.hidden_at, tables[1], room.targets_at, n, width, room.G)
    for i in range(m):
        first, last = get(at(room.bounds, i)), get(at(room.bounds, i + 1))
        add_to_rows(tables[0], at(room.contexts_at, first), last - first, width, at(room.errors, i * width))
    return cost, filled, limited


@inlined
def _prefetch(tables, items, draws, c, m, ahead, last_item, drawn, N, stride, width):
    """Prefetch what the next centres need: contexts that enter, the centres themselves, and a tile's negatives."""
    for i in range(c, c + m):
        prefetch_item(tables[0], items, min(i + ahead, last_item), stride, width)
        prefetch_item(tables[1], items, min(i + CBOW_CENTRES, last_item), stride, width)
    for k in range(drawn, N):
        prefetch_item(tables[1], draws, N + k, stride, width)


@inlined
def _fill(room, N, share):
    """Forget what is left of the last batch, and fill the weights of `_step_on_two`."""
    for i in range(SEEN):
        put(at(room.seen, i), np.int64(-1))
    for k in range(CBOW_CENTRES * N):
        put(at(room.pair_weights, k), -share)
    store(at(room.pair_weights, CBOW_CENTRES * N), splat(f32(0.0)))
    for i in range(CBOW_CENTRES):
        put(at(room.pair_weights, CBOW_CENTRES * N + i), f32(1.0))


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
    tables, batch = (ptr(inputs), ptr(outputs)), Batch(ptr(items), ptr(start), ptr(stop))
    masks = mask(frozen[0]), mask(frozen[1])
    width = (dim + LANES - 1) // LANES * LANES
    room, slots, first_spare = target_pointers(scratch), len(scratch.keys), len(scratch.targets)
    last_tile, last_item, ahead = len(tiles) - 2, len(items) - 1, CBOW_CENTRES + reach
    N = len(negatives) // max(1, last_tile + 1)
    share = f32(wanted) / f32(max(1, N))
    _fill(room, N, share)
    free = N > 0 and masks[0][0] == 0 and masks[1][0] == 0
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        draws = at(ptr(negatives), t * N)
        drawn = -1  # not listed: mostly that is not needed
        differ = free and tiles[t + 1] - tiles[t] > 1 and all_differ(draws, N, room.targets, room.seen, t)
        for c in range(tiles[t], tiles[t + 1], CBOW_CENTRES):
            m = min(tiles[t + 1] - c, CBOW_CENTRES)
            fetched = 0 if c + m == tiles[t + 1] and t < last_tile else N  # the next tile's negatives
            _prefetch(tables, batch.items, draws, c, m, ahead, last_item, fetched, N, stride, width)
            if differ and m == CBOW_CENTRES and add_two(at(batch.items, c), N, room.targets, room.seen, t):
                windows = overlap(batch.start, batch.stop, c)
                if windows.left <= c and windows.right > c + 1:
                    cost = _step_on_two(tables, stride, width, batch.items, c, windows, N, lr, room)
                    if cost >= 0:
                        loss += cost
                        pairs += CBOW_CENTRES
                        continue
            if drawn < 0:
                drawn = list_negatives(draws, N, share, room.targets, room.drawn_weights, room.seen, t)
            cost, filled, shrunk = _step_on_some(
                tables, stride, width, batch, c, m, drawn, lr, room, masks, first_spare, slots, t
            )
            loss += cost
            pairs += filled
            limited += shrunk
    return loss, pairs, limited
