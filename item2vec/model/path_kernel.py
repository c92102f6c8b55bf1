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
worker's own (`item2vec.model.private_rows`).
"""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import kernel
from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.path_steps import read_path, step_on_contexts, step_on_mean
from item2vec.model.pointers import at, get, ptr, put
from item2vec.model.prefetching import prefetch_item, prefetch_path
from item2vec.model.private_rows import private_pointers, renew_rows, renew_some, shift_of, take_rows
from item2vec.model.row_scores import BLOCK
from item2vec.model.simd import LANES
from item2vec.model.target_steps import list_contexts, mask, target_pointers
from item2vec.model.tile_shape import Batch

f32 = np.float32


@kernel
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
