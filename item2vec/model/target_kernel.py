"""The CPU kernel of hierarchical softmax and of CBOW: one window batch, centre by centre, on the tables' own memory.

Some rows x_i of a centre meet its targets, rows y_l of the output table (Mikolov et al. 2013b, equations 3 and 4)::

    S[l,i] = x_i·y_l
    G[l,i] = lr · w · σ(-S[l,i])   where w > 0,   lr · w · σ(S[l,i])   where w < 0,   w being W[l,i]
    ΔX = Gᵀ·Y        ΔY = G·X                           added to the tables at once

=========  ==============================================  ===================================================
           rows                                            targets
=========  ==============================================  ===================================================
skip-gram  contexts, MOST_ROWS at once, then two, then one
CBOW       the hidden vector of a window, or of two (ns)
hs                                                         the nodes on the centre's path, w = 1 - 2·code
ns                                                         the centres, w = 1, and their tile's negatives, -K/N
=========  ==============================================  ===================================================

A target that comes more than once among the negatives, or is one of two centres and a negative of the other, is one row
with the sum of its weights. Nothing is older than the few rows that step at once: every centre steps on the nodes near
the root, so these must be fresh. numba compiles `train_targets` once for each architecture and loss that needs it, as
``cbow`` and ``paths`` are None or not. Skip-gram with negative sampling has `item2vec.model.tile_kernel`.

The rows are those of the tables themselves (`item2vec.model.row_steps`); a frozen one is replaced by a copy.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.micro_kernel import inlined, kernel, sigma_softplus
from item2vec.model.row_steps import BLOCK, MOST_ROWS, row_scores, row_steps, squared_norms
from item2vec.model.simd import (
    LANES,
    address,
    at,
    fma,
    get,
    load,
    mul,
    prefetch,
    ptr,
    put,
    splat,
    store,
    sub,
    total,
    where_negative,
)
from item2vec.model.tile_gradients import STEP_LIMIT, step_factors
from item2vec.model.tile_scratch import SEEN
from item2vec.sampling.window_batch import CBOW_CENTRES

f32 = np.float32
MOST_ENTERING = 16  # contexts that are prefetched at once
LOW_NODES = 8  # of the next centre's path that are prefetched; those near the root are in the cache


@inlined
def _place(table, row, width, frozen, item, spare):
    """Where the row of an item may be read and stepped on: itself, or for a frozen item a copy in ``spare``."""
    if len(frozen) == 0 or frozen[item] == 0:
        return row
    for j in range(0, width, LANES):
        store(at(spare, j), load(at(table, row + j)))
    return (address(spare) - address(table)) // 4


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
def _add_centres(centres, m, drawn, targets, weights, seen, stamp):
    """Add the centres of m hidden vectors to the targets that they share; returns how many there are then."""
    n = drawn
    for i in range(m):
        item = get(at(centres, i))
        k = _find(item, targets, drawn, seen, stamp)
        if k == drawn:  # not among the negatives, perhaps the centre before it
            while k < n and get(at(targets, k)) != item:
                k += 1
        if k == n:
            put(at(targets, n), item)
            for row in range(m):
                put(at(weights, m * n + row), f32(0.0))
            n += 1
        put(at(weights, m * k + i), f32(1.0))  # a negative that is the centre itself is none
    store(at(weights, m * n), splat(f32(0.0)))
    return n


@inlined
def _gradients(G, weights, count, lr):
    """G = lr·w·σ(∓s), G holding minus the scores; returns the loss and the sum of the steps."""
    zero, rate = splat(f32(0.0)), splat(lr)
    loss, steps = zero, zero
    for k in range(0, count, LANES):
        w, s = load(at(weights, k)), load(at(G, k))
        wanted = where_negative(w, sub(zero, w), w)
        sigma, softplus = sigma_softplus(where_negative(w, sub(zero, s), s))
        loss = fma(wanted, softplus, loss)
        steps = fma(wanted, sigma, steps)
        store(at(G, k), mul(mul(w, sigma), rate))
    return total(loss), total(steps) * lr


@inlined
def _largest(minus, count):
    """The largest of minus[:count] by their amount."""
    most = f32(0.0)
    for k in range(count):
        most = max(most, -get(at(minus, k)))
    return most


@kernel
def _shrink(m, n, G, contexts, bounds, x_most, y_most, row_step, target_step, steps, keys, totals, slots):
    """Shrink G as `item2vec.model.tile_gradients.shrink_steps` does; returns 1 if anything was, else 0.

    The contexts of row i, which take its whole step, are those from bounds[i] to bounds[i+1].
    """
    for k in range(n):
        put(at(target_step, k), f32(0.0))
    for i in range(m):
        row = f32(0.0)
        for k in range(n):
            g = abs(get(at(G, m * k + i)))
            row += g
            put(at(target_step, k), get(at(target_step, k)) + g)
        for r in range(get(at(bounds, i)), get(at(bounds, i + 1))):
            put(at(steps, r), row)
    step_factors(contexts, get(at(bounds, m)), steps, y_most, keys, totals, slots)
    smallest = f32(1.0)
    for i in range(m):
        of_row = f32(1.0)
        for r in range(get(at(bounds, i)), get(at(bounds, i + 1))):
            of_row = min(of_row, get(at(steps, r)))
        for k in range(n):
            of_target = min(f32(1.0), STEP_LIMIT / max(get(at(target_step, k)) * x_most, f32(1e-30)))
            factor = min(of_row, of_target)
            smallest = min(smallest, factor)
            g = at(G, m * k + i)
            put(g, get(g) * factor)
    return 1 if smallest < f32(1.0) else 0


@kernel
def train_targets(
    inputs, outputs, stride, dim, items, start, stop, tiles, paths, negatives, wanted, lr, scratch, cbow, frozen
):
    """Train on one window batch with hierarchical softmax, or in CBOW with negative sampling, in place.

    Parameters
    ----------
    inputs, outputs : float32 [V·stride]
        The tables, rows ``stride`` apart, of which ``dim`` numbers are used and the rest are 0.
    items : int32 [M]
    start, stop : int64 [M]
    tiles : int64 [T+1]
    paths : (int64 [V+1], int32) or None
        See `item2vec.model.huffman.Paths`; None for negative sampling.
    negatives : int32 [T,N], flat
        Used if there are no paths.
    wanted : int
        K, the negatives that a pair is worth.
    lr : float32
    scratch : TargetScratch
        Of at least the batch's longest window, and the longest path or N.
    cbow : True or None
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does. Nodes are never frozen.

    Returns
    -------
    loss : float
        Sum over the pairs, and over the targets of each, of -w·log σ(±s), the scores before each step.
    pairs : int
        Of a centre and a context, or of a centre and its hidden vector.
    limited : int
        Steps that were limited.
    """
    tables, ids = (ptr(inputs), ptr(outputs)), ptr(items)
    width = (dim + LANES - 1) // LANES * LANES
    G, weights, signs, squares = ptr(scratch.G), ptr(scratch.weights), ptr(scratch.signs), ptr(scratch.squares)
    contexts, contexts_at, bounds = ptr(scratch.contexts), ptr(scratch.contexts_at), ptr(scratch.bounds)
    centres, targets, targets_at = ptr(scratch.centres), ptr(scratch.targets), ptr(scratch.targets_at)
    hidden, errors, hidden_at = ptr(scratch.hidden), ptr(scratch.errors), ptr(scratch.hidden_at)
    row_step, target_step, steps = ptr(scratch.row_step), ptr(scratch.target_step), ptr(scratch.steps)
    keys, totals, slots = ptr(scratch.keys), ptr(scratch.totals), len(scratch.keys)
    soon, seen, spare = ptr(scratch.soon), ptr(scratch.seen), ptr(scratch.spare)
    drawn_weights = ptr(scratch.drawn_weights)
    last_tile, fetched = len(tiles) - 2, tiles[0]
    N = len(negatives) // max(1, last_tile + 1)
    share = f32(wanted) / f32(max(1, N))
    loss, pairs, limited, drawn = 0.0, 0, 0, 0
    some_frozen = len(frozen[0]) > 0
    room = len(scratch.targets)
    if paths is not None:
        begin, up = ptr(paths[0]), ptr(paths[1])
    for i in range(SEEN):
        put(at(seen, i), np.int64(-1))
    for i in range(MOST_ROWS + 1):
        put(at(bounds, i), np.int64(i))
    for t in range(last_tile + 1):
        draws = at(ptr(negatives), t * N)
        if paths is None:
            drawn = _list_negatives(draws, N, share, targets, drawn_weights, seen, t)
            for k in range(drawn):
                put(at(targets_at, k), np.int64(get(at(targets, k))) * stride)
        c = tiles[t]
        while c < tiles[t + 1]:
            after = c + 1
            if paths is None:
                after = min(tiles[t + 1], c + CBOW_CENTRES)
            pending = 0
            if after < tiles[-1]:
                entering = max(fetched, min(stop[after], fetched + MOST_ENTERING))
                pending = _soon(at(ids, fetched), entering - fetched, tables[0], stride, soon, 0)
                fetched = entering
                if paths is None:
                    coming = min(CBOW_CENTRES, tiles[-1] - after)
                    pending = _soon(at(ids, after), coming, tables[1], stride, soon, pending)
                    if after == tiles[t + 1]:
                        pending = _soon(at(draws, N), N, tables[1], stride, soon, pending)
                else:
                    item = np.int64(get(at(ids, after)))
                    first, last = get(at(begin, item)), get(at(begin, item + 1))
                    for k in range(first, min(last, first + LOW_NODES)):
                        put(at(soon, pending), address(at(tables[1], np.int64(get(at(up, k)) >> 1) * stride)))
                        pending += 1
                    item = np.int64(get(at(ids, min(after + 1, tiles[-1] - 1))))
                    prefetch(address(at(up, get(at(begin, item)))))
            quota = pending // 3 + 1  # a few at a time: a core has few cache lines under way at once

            count, m = 0, 0
            x_most = f32(0.0)
            for centre in range(c, after):
                before = count
                for i in range(start[centre], stop[centre]):
                    item = get(at(ids, i))
                    put(at(contexts, count), item)
                    put(at(contexts_at, count), np.int64(item) * stride)
                    count += 1 if i != centre else 0
                if some_frozen:
                    for i in range(before, count):
                        item, mine = np.int64(get(at(contexts, i))), at(spare, (room + i) * width)
                        put(at(contexts_at, i), _place(tables[0], item * stride, width, frozen[0], item, mine))
                if cbow is not None and count > before:
                    put(at(centres, m), get(at(ids, centre)))
                    put(at(bounds, m), np.int64(before))
                    h, of_window = at(hidden, m * width), at(contexts_at, before)
                    x_most = max(x_most, mean_rows(tables[0], of_window, count - before, width, h))
                    m += 1
            if cbow is not None:
                put(at(bounds, m), np.int64(count))
            if count == 0:
                c = after
                continue
            for i in range(count, count + BLOCK):
                put(at(contexts_at, i), np.int64(0))
            if paths is None:
                _weights(drawn_weights, drawn, m, weights)
                n = _add_centres(centres, m, drawn, targets, weights, seen, t)
                for k in range(drawn if len(frozen[1]) == 0 else 0, n):
                    item = np.int64(get(at(targets, k)))
                    place = _place(tables[1], item * stride, width, frozen[1], item, at(spare, k * width))
                    put(at(targets_at, k), place)
            else:
                item = np.int64(get(at(ids, c)))
                first = get(at(begin, item))
                n = get(at(begin, item + 1)) - first
                _read_path(at(up, first), n, stride, targets_at, signs)
            for k in range(n, n + BLOCK):
                put(at(targets_at, k), np.int64(0))
            pairs += count if cbow is None else m
            if n == 0:
                c = after
                continue
            fetching = _fetch(soon, 0, min(pending, quota), width)
            done = 0
            y_most = f32(0.0)
            if cbow is None:
                squared_norms(tables[1], targets_at, n, width, squares)
                y_most = _largest(squares, n)
            while done < count:
                if cbow is None:
                    left = count - done
                    m = MOST_ROWS if left >= MOST_ROWS else (2 if left >= 2 else 1)
                    A, a_at, D = tables[0], at(contexts_at, done), tables[0]
                    squared_norms(A, a_at, m, width, squares)
                    x_most = _largest(squares, m)
                else:
                    A, a_at, D = hidden, hidden_at, errors
                row_scores(m, A, a_at, tables[1], targets_at, n, width, G, squares)
                fetching = _fetch(soon, fetching, min(pending, fetching + quota), width)
                if cbow is not None:
                    y_most = _largest(squares, n)
                if paths is not None:
                    _weights(signs, n, m, weights)
                cost, step = _gradients(G, weights, m * n, lr)
                loss += cost
                often = f32(1.0) if cbow is None else f32(count)
                if step * max(x_most, y_most * often) > STEP_LIMIT:
                    if cbow is None:
                        squared_norms(tables[1], targets_at, n, width, squares)
                        y_most = _largest(squares, n)
                    limited += _shrink(
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
                    for i in range(m):
                        first, last = get(at(bounds, i)), get(at(bounds, i + 1))
                        add_to_rows(tables[0], at(contexts_at, first), last - first, width, at(errors, i * width))
            c = after
    return loss, pairs, limited
