"""The CPU kernel of skip-gram with negative sampling: one window batch, tile by tile, on the tables' own memory.

A tile is P centres in a row of the batch, the R items that their windows reach, and N negatives that they share. With
X [R,d] the items' input rows, Y [N+P,d] the output rows of the negatives and of the centres, all as they were before
the tile, w[r] the number of the tile's windows that item r is in, and K negatives wanted a pair::

    S = X·Yᵀ                                            scores
    G[r,n] = -lr · K/N · w[r] · σ(S[r,n])               negatives, for each pair of the tile
    G[r,c] =  lr · σ(-S[r,c])                           centre c, where r is in its window
    ΔX = G·Y        ΔY = Gᵀ·X                           added to the tables at the end of the tile

which is the gradient of Mikolov et al. 2013b, equation 4, with the tile's negatives shared as in pWord2Vec (Ji et al.
2016) and their weight K/N. A negative equal to a centre is skipped for that centre's pairs.

The products are `item2vec.model.micro_kernel`'s. The scores of the centres lie in a band around the diagonal; they are
stored by diagonals, where a step in r is 1 and a step in c is `band - 1`, so that the same products read the band as a
strided matrix. A step is limited (see `item2vec.model.tile_gradients.shrink_steps`), so that tiles of any shape stay
stable where pair after pair would.

numba's cache of `train_tiles` does not see changes in the files it builds on: `make clean` after editing those.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.micro_kernel import UPDATE_ROWS, kernel, registers_at, scores, update_columns
from item2vec.model.simd import (
    LANES,
    add,
    address,
    at,
    fma,
    get,
    load,
    ptr,
    put,
    splat,
    store,
    total,
    transpose_four,
)
from item2vec.model.tile_gradients import (
    STEP_LIMIT,
    centre_gradients,
    centre_scores,
    clear_sums,
    largest_step,
    mark_windows,
    negative_gradients,
    shrink_steps,
    skip_equal,
    step_factors,
)
from item2vec.model.tile_scratch import REACH, band_width

f32 = np.float32


@kernel
def _gather(table, stride, width, ids, count, X, rows_at, frozen, waste):
    """X[i] = table[ids[i]], rows_at[i] = where its step goes: that row, or for a frozen item the row of waste.

    Returns the largest squared norm of a row.
    """
    most = f32(0.0)
    some_frozen = len(frozen) > 0
    for i in range(count):
        item = np.int64(get(at(ids, i)))
        row = item * stride
        stays = some_frozen and get(at(ptr(frozen), item)) != 0
        put(at(rows_at, i), (address(waste) - address(table)) // 4 if stays else row)
        source = at(table, row)
        x = at(X, i * width)
        even, odd = splat(f32(0.0)), splat(f32(0.0))
        for j in range(0, width - LANES, 2 * LANES):
            v, w = load(at(source, j)), load(at(source, j + LANES))
            even, odd = fma(v, v, even), fma(w, w, odd)
            store(at(x, j), v)
            store(at(x, j + LANES), w)
        if width % (2 * LANES):
            v = load(at(source, width - LANES))
            even = fma(v, v, even)
            store(at(x, width - LANES), v)
        most = max(most, total(add(even, odd)))
    return most


@kernel
def _plan_updates(start, stop, first, centres, low, rows, reach, input_spans, output_spans):
    """Which centres each block of the tile's items may meet, and which items each block of its centres.

    As far as the farthest window of the tile reaches, though most reach less: loops of one length are predicted.
    """
    for r in range(0, rows, UPDATE_ROWS):
        c, end = max(0, low + r - first - reach), min(centres, low + r + UPDATE_ROWS - first + reach)
        span = at(input_spans, 2 * (r // UPDATE_ROWS))
        put(span, c)
        put(at(span, 1), max(c, end))
    for c in range(0, centres, UPDATE_ROWS):
        own = first + c - low
        span = at(output_spans, 2 * (c // UPDATE_ROWS))
        put(span, max(0, own - reach))
        put(at(span, 1), min(rows, own + UPDATE_ROWS + reach))


@kernel
def _plan_prefetch(inputs, outputs, stride, items, begin, end, first, last, negatives, count, soon):
    """List the addresses of the rows that the next tile will gather; returns how many."""
    n = 0
    for i in range(begin, end):
        put(at(soon, n), address(at(inputs, np.int64(get(at(items, i))) * stride)))
        n += 1
    for i in range(first, last):
        put(at(soon, n), address(at(outputs, np.int64(get(at(items, i))) * stride)))
        n += 1
    for i in range(count):
        put(at(soon, n), address(at(outputs, np.int64(get(at(negatives, i))) * stride)))
        n += 1
    return n


@kernel
def train_tiles(inputs, outputs, stride, dim, items, start, stop, tiles, negatives, wanted, lr, scratch, frozen):
    """Train on one window batch of skip-gram with negative sampling, in place.

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
    scratch : Scratch
        Of at least the batch's `tile_extent`.
    frozen : (uint8 [V] or [0], uint8 [V] or [0])
        Of each table: not 0 where an item's row stays as it is; empty if none does.

    Returns
    -------
    loss : float
        Sum over the pairs of -log σ(s) - K/N Σ log σ(-s_n), the scores before each tile's step.
    pairs : int
        Of a centre and a context.
    limited : int
        Tiles whose steps were limited.
    """
    tables = ptr(inputs), ptr(outputs)
    X, Y, Yt, S, G, B = (
        ptr(scratch.X),
        ptr(scratch.Y),
        ptr(scratch.Yt),
        ptr(scratch.S),
        ptr(scratch.G),
        ptr(scratch.band),
    )
    soon, seen = ptr(scratch.soon), ptr(scratch.seen)
    input_rows, output_rows, windows = ptr(scratch.input_rows), ptr(scratch.output_rows), ptr(scratch.windows)
    column_step, mask, skipped = ptr(scratch.column_step), ptr(scratch.mask), ptr(scratch.skipped)
    sums, keys, totals = ptr(scratch.sums), ptr(scratch.keys), ptr(scratch.totals)
    input_spans, output_spans, no_spans = (
        ptr(scratch.input_spans), ptr(scratch.output_spans), ptr(scratch.no_spans)
    )  # fmt: skip
    ids, waste = ptr(items), ptr(scratch.waste)
    width = (dim + LANES - 1) // LANES * LANES
    last_tile = len(tiles) - 2
    N = len(negatives) // max(1, last_tile + 1)
    columns = (N + LANES - 1) // LANES * LANES
    share = f32(wanted) / f32(max(1, N))
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        first, P = tiles[t], tiles[t + 1] - tiles[t]
        if P == 0:
            continue
        starts, stops = ptr(start), ptr(stop)
        low, high, reach = start[first], stop[first], 0
        for c in range(first, first + P):
            low, high = min(low, start[c]), max(high, stop[c])
            reach = max(reach, max(c - start[c], stop[c] - 1 - c))
        low, high = min(low, first), max(high, first + P)
        R = high - low
        draws = at(ptr(negatives), t * N)

        pending, done = 0, 0
        if t < last_tile and tiles[t + 2] > tiles[t + 1]:
            after = tiles[t + 1]
            pending = _plan_prefetch(
                tables[0], tables[1], stride, ids, high, max(high, stop[tiles[t + 2] - 1]), after, tiles[t + 2],
                at(draws, N), N, soon
            )  # fmt: skip
        quota = pending // (3 * (width // (4 * LANES) + 1)) + 1

        x_most = _gather(tables[0], stride, width, at(ids, low), R, X, input_rows, frozen[0], waste)
        band = band_width(reach)
        shift = low - first + reach + REACH  # row r of the tile stands at line[r - c + shift] of centre c
        row_step = at(ptr(scratch.row_step), band)
        y_most = max(
            _gather(tables[1], stride, width, draws, N, Y, output_rows, frozen[1], waste),
            _gather(
                tables[1], stride, width, at(ids, first), P, at(Y, N * width), at(output_rows, N), frozen[1], waste
            ),
        )
        for n in range(0, N, 4):
            for j in range(0, width, LANES):
                transpose_four(at(Y, n * width + j), width, at(Yt, j * columns + n), columns)
        scores(X, R, width, Yt, columns, dim, S)

        pairs += mark_windows(starts, stops, first, P, low, R, windows)
        loss += negative_gradients(S, G, R, columns, mask, windows, lr, share, row_step, column_step)
        loss -= skip_equal(
            ids, starts, stops, first, P, draws, N, seen, skipped, windows, R, columns, low, share, S, G,
            row_step, column_step
        )  # fmt: skip
        targets, of_centres = at(ids, first), at(column_step, columns)
        centre_scores(at(Y, N * width), X, width, low, starts, stops, first, P, band, B, shift)
        loss += centre_gradients(B, band, shift, starts, stops, first, low, P, lr, row_step, of_centres)
        clear_sums(sums)
        largest = largest_step(at(ids, low), R, row_step, sums) * y_most
        clear_sums(sums)
        largest = max(largest, largest_step(draws, N, column_step, sums) * x_most)
        largest = max(largest, largest_step(targets, P, of_centres, sums) * x_most)
        if largest > STEP_LIMIT:
            slots = len(scratch.keys)
            step_factors(at(ids, low), R, row_step, y_most, keys, totals, slots)
            limited += shrink_steps(
                G, R, columns, B, band, shift, P, targets, draws, N, row_step, column_step, x_most, keys, totals, slots
            )  # fmt: skip

        _plan_updates(starts, stops, first, P, low, R, reach, input_spans, output_spans)
        bands = at(B, shift)  # item r and centre c at bands[r + c·(band - 1)]
        j = 0
        while j < width:
            wide = registers_at(j, width)
            inputs_at, outputs_at, x, y = at(tables[0], j), at(tables[1], j), at(X, j), at(Y, j)
            update_columns(
                wide, inputs_at, input_rows, R, width, G, columns, 1, y, N,
                bands, 1, band - 1, at(y, N * width), input_spans, at(soon, done), min(quota, pending - done)
            )  # fmt: skip
            done = min(pending, done + quota)
            update_columns(
                wide, outputs_at, output_rows, N, width, G, 1, columns, x, R,
                bands, 0, 0, x, no_spans, at(soon, done), min(quota, pending - done)
            )  # fmt: skip
            done = min(pending, done + quota)
            update_columns(
                wide, outputs_at, at(output_rows, N), P, width, bands, band - 1, 1, x, 0,
                bands, band - 1, 1, x, output_spans, at(soon, done), min(quota, pending - done)
            )  # fmt: skip
            done = min(pending, done + quota)
            j += wide * LANES
    return loss, pairs, limited
