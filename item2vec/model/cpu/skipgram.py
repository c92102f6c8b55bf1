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

The products are `item2vec.model.cpu.matmul`'s. The scores of the centres lie in a band around the diagonal; they are
stored by diagonals, where a step in r is 1 and a step in c is `band - 1`, so that the same products read the band as a
strided matrix. A step is limited (see `item2vec.model.cpu.limit.shrink_steps`), so that tiles of any shape stay
stable where pair after pair would.
"""

from __future__ import annotations

import numpy as np

from item2vec.kernels import fast_kernel
from item2vec.model.cpu.limit import STEP_LIMIT, clear_sums, largest_step, shrink_steps, step_factors
from item2vec.model.cpu.matmul import registers_at, scores, update_columns
from item2vec.model.cpu.scratch import SEEN, Batch, Shape, plan_updates, pointers, tile_at
from item2vec.model.cpu.simd import (
    LANES,
    NEVER,
    add,
    address,
    at,
    fma,
    get,
    load,
    mul,
    ptr,
    put,
    put_four_totals,
    sigma_softplus,
    splat,
    store,
    sub,
    total,
    transpose_four,
)

# From the rows of a tile to the gradients by its scores: the steps of the kernel between its products.
#
# Names and layouts are those of `item2vec.model.cpu.skipgram`.

f32 = np.float32


@fast_kernel
def centre_scores(Y, X, width, low, start, stop, first, centres, band, B, shift):
    """B = minus the scores of each centre with the rows of its window, by diagonals; NEVER for itself; else 0.

    Behind each window NEVER goes on to the next whole register, counted from the window's beginning.
    """
    zero, never = splat(f32(0.0)), splat(NEVER)
    for c in range(centres):
        line = at(B, c * band)
        for j in range(0, band, LANES):
            store(at(line, j), zero)
        begin, end = get(at(start, first + c)) - low, get(at(stop, first + c)) - low
        line = at(line, shift - c)  # item r of the tile stands at line[r]
        y = at(Y, c * width)
        for r in range(begin, end, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            x = at(X, r * width)
            for j in range(0, width, LANES):
                v = load(at(y, j))
                s0 = fma(v, load(x), s0)
                s1 = fma(v, load(at(x, width)), s1)
                s2 = fma(v, load(at(x, 2 * width)), s2)
                s3 = fma(v, load(at(x, 3 * width)), s3)
                x = at(x, LANES)
            put_four_totals(at(line, r), s0, s1, s2, s3)
        store(at(line, end), never)
        store(at(line, begin + (end - begin + LANES - 1) // LANES * LANES), zero)
        own = first + c - low
        if begin <= own < end:
            put(at(line, own), NEVER)


@fast_kernel
def mark_windows(start, stop, first, centres, low, rows, windows):
    """windows[r] = how many of the tile's windows item low + r is in, as a context; returns their sum, the pairs."""
    for r in range(rows + 1):
        put(at(windows, r), 0)
    for c in range(first, first + centres):
        begin, end = at(windows, get(at(start, c)) - low), at(windows, get(at(stop, c)) - low)
        put(begin, get(begin) + 1)
        put(end, get(end) - 1)
    running = 0
    for r in range(rows):
        running += get(at(windows, r))
        put(at(windows, r), running)
    pairs = 0
    for c in range(first, first + centres):
        if get(at(start, c)) <= c < get(at(stop, c)):
            own = at(windows, c - low)
            put(own, get(own) - 1)
    for r in range(rows):
        pairs += get(at(windows, r))
    return pairs


@fast_kernel
def negative_gradients(S, G, rows, columns, mask, windows, lr, share, row_step, column_step):
    """G[r,n] = -lr·share·windows[r]·σ(S[r,n]); sums of the steps by row and by column; returns the loss."""
    minus_lr = splat(-lr * share)
    loss = splat(f32(0.0))
    for n in range(0, columns, LANES):
        store(at(column_step, n), splat(f32(0.0)))
    for r in range(rows):
        of_row = splat(f32(0.0))
        often = splat(f32(get(at(windows, r))))
        for n in range(0, columns, LANES):
            i = r * columns + n
            sigma, softplus = sigma_softplus(load(at(S, i)))
            weight = mul(often, load(at(mask, n)))
            loss = fma(weight, softplus, loss)
            g = mul(mul(weight, sigma), minus_lr)
            store(at(G, i), g)
            of_row = sub(of_row, g)
            step = at(column_step, n)
            store(step, sub(load(step), g))
        put(at(row_step, r), total(of_row))
    return total(loss) * share


@fast_kernel
def skip_equal(
    items, start, stop, first, centres, negatives, count, seen, skipped, windows, rows, columns, low, share, S, G,
    row_step, column_step
):  # fmt: skip
    """Take the pairs of a centre with a negative that is the centre itself out of G; returns their loss."""
    loss = 0.0
    for c in range(first, first + centres):
        put(at(seen, get(at(items, c)) & (SEEN - 1)), np.int64(first))
    for n in range(count):
        negative = get(at(negatives, n))
        if get(at(seen, negative & (SEEN - 1))) != first:
            continue
        begin, end = rows, 0
        for c in range(first, first + centres):
            if get(at(items, c)) == negative:
                begin, end = min(begin, get(at(start, c)) - low), max(end, get(at(stop, c)) - low)
                for i in range(get(at(start, c)), get(at(stop, c))):
                    if i != c:
                        put(at(skipped, i - low), get(at(skipped, i - low)) + 1)
        for r in range(begin, end):
            k = get(at(skipped, r))
            if k > 0:
                put(at(skipped, r), 0)
                g = at(G, r * columns + n)
                less = get(g) * (f32(k) / f32(get(at(windows, r))))
                put(g, get(g) - less)
                put(at(row_step, r), get(at(row_step, r)) + less)
                put(at(column_step, n), get(at(column_step, n)) + less)
                s = np.float64(get(at(S, r * columns + n)))
                loss += k * share * (max(s, 0.0) + np.log1p(np.exp(-abs(s))))
    return loss


@fast_kernel
def centre_gradients(B, band, shift, start, stop, first, low, centres, lr, row_step, column_step):
    """B = lr·σ(B) in each window, B holding minus the scores; adds to the sums of the steps; returns the loss."""
    rate = splat(lr)
    loss = splat(f32(0.0))
    for c in range(centres):
        line = at(B, c * band + shift - c)
        begin, end = get(at(start, first + c)) - low, get(at(stop, first + c)) - low
        of_centre = splat(f32(0.0))
        for r in range(begin, end, LANES):
            sigma, softplus = sigma_softplus(load(at(line, r)))
            g = mul(sigma, rate)
            store(at(line, r), g)
            loss = add(loss, softplus)
            of_centre = add(of_centre, g)
            step = at(row_step, r)
            store(step, add(load(step), g))
        put(at(column_step, c), total(of_centre))
    return total(loss)


@fast_kernel
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


@fast_kernel
def _gather_tile(tables, shape, batch, tile, draws, room, frozen):
    """X, Y and Yᵀ of a tile, and where their rows' steps go; returns the largest squared norms of X and of Y."""
    stride, width, N = shape.stride, shape.width, shape.negatives
    ids, targets = at(batch.items, tile.low), at(batch.items, tile.first)
    X, Y, to = room.X, room.Y, room.output_rows
    x_most = _gather(tables[0], stride, width, ids, tile.rows, X, room.input_rows, frozen[0], room.waste)
    y_most = max(
        _gather(tables[1], stride, width, draws, N, Y, to, frozen[1], room.waste),
        _gather(
            tables[1], stride, width, targets, tile.centres, at(Y, N * width), at(to, N), frozen[1], room.waste
        ),
    )  # fmt: skip
    for n in range(0, N, 4):
        for j in range(0, width, LANES):
            transpose_four(at(Y, n * width + j), width, at(room.Yt, j * shape.columns + n), shape.columns)
    return x_most, y_most


@fast_kernel
def _gradients(shape, batch, tile, draws, lr, share, room):
    """G of the negatives and of the band of centres, and the sums of its steps by row; returns loss and pairs."""
    starts, stops, first, P, low, R = batch.start, batch.stop, tile.first, tile.centres, tile.low, tile.rows
    width, columns, row_step = shape.width, shape.columns, at(room.row_step, tile.band)
    scores(room.X, R, width, room.Yt, columns, shape.dim, room.S)
    pairs = mark_windows(starts, stops, first, P, low, R, room.windows)
    loss = negative_gradients(
        room.S, room.G, R, columns, room.mask, room.windows, lr, share, row_step, room.column_step
    )  # fmt: skip
    loss -= skip_equal(
        batch.items, starts, stops, first, P, draws, shape.negatives, room.seen, room.skipped, room.windows, R,
        columns, low, share, room.S, room.G, row_step, room.column_step
    )  # fmt: skip
    of_centres, Y = at(room.column_step, columns), at(room.Y, shape.negatives * width)
    centre_scores(Y, room.X, width, low, starts, stops, first, P, tile.band, room.B, tile.shift)
    loss += centre_gradients(
        room.B, tile.band, tile.shift, starts, stops, first, low, P, lr, row_step, of_centres
    )  # fmt: skip
    return loss, pairs


@fast_kernel
def _limit(shape, batch, tile, draws, x_most, y_most, room, slots):
    """Shrink the steps of a tile that are too long; returns 1 if any was, else 0."""
    ids, targets, columns = at(batch.items, tile.low), at(batch.items, tile.first), shape.columns
    row_step, of_centres = at(room.row_step, tile.band), at(room.column_step, columns)
    clear_sums(room.sums)
    largest = largest_step(ids, tile.rows, row_step, room.sums) * y_most
    clear_sums(room.sums)
    largest = max(largest, largest_step(draws, shape.negatives, room.column_step, room.sums) * x_most)
    largest = max(largest, largest_step(targets, tile.centres, of_centres, room.sums) * x_most)
    if largest <= STEP_LIMIT:
        return 0
    step_factors(ids, tile.rows, row_step, y_most, room.keys, room.totals, slots)
    return shrink_steps(
        room.G, tile.rows, columns, room.B, tile.band, tile.shift, tile.centres, targets, draws, shape.negatives,
        row_step, room.column_step, x_most, room.keys, room.totals, slots
    )  # fmt: skip


@fast_kernel
def _plan_prefetch(tables, shape, batch, tile, begin, end, draws, soon):
    """List the addresses of the rows that the next tile, of the centres begin:end, will gather; returns how many."""
    n, seen = 0, tile.low + tile.rows
    for i in range(seen, max(seen, get(at(batch.stop, end - 1)))):
        put(at(soon, n), address(at(tables[0], np.int64(get(at(batch.items, i))) * shape.stride)))
        n += 1
    for i in range(begin, end):
        put(at(soon, n), address(at(tables[1], np.int64(get(at(batch.items, i))) * shape.stride)))
        n += 1
    for i in range(shape.negatives):
        put(at(soon, n), address(at(tables[1], np.int64(get(at(draws, i))) * shape.stride)))
        n += 1
    return n


@fast_kernel
def _update(tables, shape, tile, room, pending):
    """Add ΔX and ΔY to the tables, some columns after the others, and prefetch the first ``pending`` of room.soon."""
    plan_updates(tile, room)
    width, columns, N, P = shape.width, shape.columns, shape.negatives, tile.centres
    G, soon, of_centres = room.G, room.soon, at(room.output_rows, N)
    band, bands = tile.band, at(room.B, tile.shift)  # item r and centre c at bands[r + c·(band - 1)]
    quota = pending // (3 * (width // (4 * LANES) + 1)) + 1
    done, j = 0, 0
    while j < width:
        wide = registers_at(j, width)
        inputs_at, outputs_at, x, y = at(tables[0], j), at(tables[1], j), at(room.X, j), at(room.Y, j)
        update_columns(
            wide, inputs_at, room.input_rows, tile.rows, width, G, columns, 1, y, N,
            bands, 1, band - 1, at(y, N * width), room.input_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        update_columns(
            wide, outputs_at, room.output_rows, N, width, G, 1, columns, x, tile.rows,
            bands, 0, 0, x, room.no_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        update_columns(
            wide, outputs_at, of_centres, P, width, bands, band - 1, 1, x, 0,
            bands, band - 1, 1, x, room.output_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        j += wide * LANES


@fast_kernel
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
    batch, room, slots = Batch(ptr(items), ptr(start), ptr(stop)), pointers(scratch), len(scratch.keys)
    last_tile = len(tiles) - 2
    N = len(negatives) // max(1, last_tile + 1)
    columns = (N + LANES - 1) // LANES * LANES
    shape = Shape(stride, (dim + LANES - 1) // LANES * LANES, dim, N, columns)
    share = f32(wanted) / f32(max(1, N))
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        if tiles[t] == tiles[t + 1]:
            continue
        tile, draws = tile_at(batch, tiles[t], tiles[t + 1]), at(ptr(negatives), t * N)
        x_most, y_most = _gather_tile(tables, shape, batch, tile, draws, room, frozen)
        cost, count = _gradients(shape, batch, tile, draws, lr, share, room)
        loss += cost
        pairs += count
        limited += _limit(shape, batch, tile, draws, x_most, y_most, room, slots)
        pending = 0
        if t < last_tile and tiles[t + 2] > tiles[t + 1]:
            pending = _plan_prefetch(tables, shape, batch, tile, tiles[t + 1], tiles[t + 2], at(draws, N), room.soon)
        _update(tables, shape, tile, room, pending)
    return loss, pairs, limited
