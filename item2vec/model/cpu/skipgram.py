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

from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import fast_kernel
from item2vec.model.cpu.limit import (
    STEP_LIMIT,
    Mask,
    Sums,
    clear_sums,
    is_frozen,
    largest_step,
    mask,
    shrink_steps,
    step_factors,
)
from item2vec.model.cpu.matmul import Product, registers_at, scores, update_columns
from item2vec.model.cpu.rows import Rows
from item2vec.model.cpu.scratch import SEEN, Batch, Scratch, Shape, Tables, Tile, plan_updates, tile_at
from item2vec.model.cpu.simd import (
    LANES,
    NEVER,
    Pointer,
    add,
    address,
    at,
    fma,
    get,
    load,
    mul,
    pointers,
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

f32 = np.float32


@fast_kernel
def centre_scores(shape: Shape, batch: Batch[Pointer], tile: Tile, work: Scratch[Pointer]) -> None:
    """B = minus the scores of each centre with the rows of its window, by diagonals; NEVER for itself; else 0.

    Behind each window NEVER goes on to the next whole register, counted from the window's beginning.
    """
    width, low, first, band = shape.width, tile.low, tile.first, tile.band
    Y = at(work.Y, shape.negatives * width)
    zero, never = splat(f32(0.0)), splat(NEVER)
    for c in range(tile.centres):
        line = at(work.B, c * band)
        for j in range(0, band, LANES):
            store(at(line, j), zero)
        begin, end = get(at(batch.start, first + c)) - low, get(at(batch.stop, first + c)) - low
        line = at(line, tile.shift - c)  # item r of the tile stands at line[r]
        y = at(Y, c * width)
        for r in range(begin, end, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            x = at(work.X, r * width)
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
def mark_windows(batch: Batch[Pointer], tile: Tile, windows: Pointer) -> int:
    """windows[r] = how many of the tile's windows row r is in, as a context; returns their sum, the pairs."""
    first, last, low, rows = tile.first, tile.first + tile.centres, tile.low, tile.rows
    for r in range(rows + 1):
        put(at(windows, r), 0)
    for c in range(first, last):
        begin, end = at(windows, get(at(batch.start, c)) - low), at(windows, get(at(batch.stop, c)) - low)
        put(begin, get(begin) + 1)
        put(end, get(end) - 1)
    running = 0
    for r in range(rows):
        running += get(at(windows, r))
        put(at(windows, r), running)
    pairs = 0
    for c in range(first, last):
        if get(at(batch.start, c)) <= c < get(at(batch.stop, c)):
            own = at(windows, c - low)
            put(own, get(own) - 1)
    for r in range(rows):
        pairs += get(at(windows, r))
    return pairs


@fast_kernel
def negative_gradients(
    rows: int, columns: int, lr: np.float32, share: np.float32, row_step: Pointer, work: Scratch[Pointer]
) -> np.float32:
    """G[r,n] = -lr·share·windows[r]·σ(S[r,n]); sums of the steps by row and by column; returns the loss."""
    minus_lr = splat(-lr * share)
    loss = splat(f32(0.0))
    for n in range(0, columns, LANES):
        store(at(work.column_step, n), splat(f32(0.0)))
    for r in range(rows):
        of_row = splat(f32(0.0))
        often = splat(f32(get(at(work.windows, r))))
        for n in range(0, columns, LANES):
            i = r * columns + n
            sigma, softplus = sigma_softplus(load(at(work.S, i)))
            weight = mul(often, load(at(work.mask, n)))
            loss = fma(weight, softplus, loss)
            g = mul(mul(weight, sigma), minus_lr)
            store(at(work.G, i), g)
            of_row = sub(of_row, g)
            step = at(work.column_step, n)
            store(step, sub(load(step), g))
        put(at(row_step, r), total(of_row))
    return total(loss) * share


@fast_kernel
def skip_equal(
    shape: Shape, batch: Batch[Pointer], tile: Tile, draws: Pointer, share: np.float32, work: Scratch[Pointer]
) -> float:
    """Take the pairs of a centre with a negative that is the centre itself out of G; returns their loss."""
    first, last, low, columns, row_step = tile.first, tile.first + tile.centres, tile.low, shape.columns, work.row_step
    items, start, stop, skipped = batch.items, batch.start, batch.stop, work.skipped
    loss = 0.0
    for c in range(first, last):
        put(at(work.seen, get(at(items, c)) & (SEEN - 1)), np.int64(first))
    for n in range(shape.negatives):
        negative = get(at(draws, n))
        if get(at(work.seen, negative & (SEEN - 1))) != first:
            continue
        begin, end = tile.rows, 0
        for c in range(first, last):
            if get(at(items, c)) == negative:
                begin, end = min(begin, get(at(start, c)) - low), max(end, get(at(stop, c)) - low)
                for i in range(get(at(start, c)), get(at(stop, c))):
                    if i != c:
                        put(at(skipped, i - low), get(at(skipped, i - low)) + 1)
        for r in range(begin, end):
            k = get(at(skipped, r))
            if k > 0:
                put(at(skipped, r), 0)
                g = at(work.G, r * columns + n)
                less = get(g) * (f32(k) / f32(get(at(work.windows, r))))
                put(g, get(g) - less)
                of_row, of_negative = at(row_step, tile.band + r), at(work.column_step, n)
                put(of_row, get(of_row) + less)
                put(of_negative, get(of_negative) + less)
                s = np.float64(get(at(work.S, r * columns + n)))
                loss += k * share * (max(s, 0.0) + np.log1p(np.exp(-abs(s))))
    return loss


@fast_kernel
def centre_gradients(
    batch: Batch[Pointer], tile: Tile, lr: np.float32, row_step: Pointer, column_step: Pointer, B: Pointer
) -> np.float32:
    """B = lr·σ(B) in each window, B holding minus the scores; adds to the sums of the steps; returns the loss."""
    first, low = tile.first, tile.low
    rate = splat(lr)
    loss = splat(f32(0.0))
    for c in range(tile.centres):
        line = at(B, c * tile.band + tile.shift - c)
        begin, end = get(at(batch.start, first + c)) - low, get(at(batch.stop, first + c)) - low
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
def _gather(
    table: Pointer, ids: Pointer, count: int, X: Pointer, rows_at: Pointer, width: int, frozen: Mask, waste: Pointer
) -> np.float32:
    """Copy the rows of some items, and list where their steps go: to these rows, or for frozen items to ``waste``.

    Parameters
    ----------
    table : float32 [V·width]
    ids : int32 [count]
    count : int
    X : float32 [count, width]
        Filled.
    rows_at : int64 [count]
        Filled, in numbers from the table's beginning.
    width : int
    frozen : Mask
    waste : float32 [width]

    Returns
    -------
    float32
        The largest squared norm of a row.
    """
    most = f32(0.0)
    for i in range(count):
        item = np.int64(get(at(ids, i)))
        row = item * width
        put(at(rows_at, i), (address(waste) - address(table)) // 4 if is_frozen(frozen, item) else row)
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
def _gather_tile(
    tables: Tables[Pointer],
    shape: Shape,
    batch: Batch[Pointer],
    tile: Tile,
    draws: Pointer,
    work: Scratch[Pointer],
    frozen: tuple[Mask, Mask],
) -> tuple[np.float32, np.float32]:
    """Fill X, Y and Yᵀ of a tile, and where their rows' steps go.

    Parameters
    ----------
    tables : Tables
    shape : Shape
    batch : Batch
    tile : Tile
    draws : int32 [N]
        The tile's negatives.
    work : Scratch
    frozen : (Mask, Mask)

    Returns
    -------
    (float32, float32)
        The largest squared norms of a row of X and of Y.
    """
    width, N = shape.width, shape.negatives
    ids, targets = at(batch.items, tile.low), at(batch.items, tile.first)
    Y, to = work.Y, work.output_rows
    x_most = _gather(tables.input, ids, tile.rows, work.X, work.input_rows, width, frozen[0], work.waste)
    of_centres, to_centres = at(Y, N * width), at(to, N)
    y_most = max(
        _gather(tables.output, draws, N, Y, to, width, frozen[1], work.waste),
        _gather(tables.output, targets, tile.centres, of_centres, to_centres, width, frozen[1], work.waste),
    )
    for n in range(0, N, 4):
        for j in range(0, width, LANES):
            transpose_four(at(Y, n * width + j), width, at(work.Yt, j * shape.columns + n), shape.columns)
    return x_most, y_most


@fast_kernel
def _gradients(
    shape: Shape,
    batch: Batch[Pointer],
    tile: Tile,
    draws: Pointer,
    lr: np.float32,
    share: np.float32,
    work: Scratch[Pointer],
) -> tuple[float, int]:
    """Fill G of the negatives and the band of the centres, and the sums of the steps by row and by column.

    Parameters
    ----------
    shape : Shape
    batch : Batch
    tile : Tile
    draws : int32 [N]
        The tile's negatives.
    lr, share : float32
        The learning rate, and K/N.
    work : Scratch

    Returns
    -------
    (float, int)
        The loss and the pairs.
    """
    columns, row_step, of_centres = shape.columns, at(work.row_step, tile.band), at(work.column_step, shape.columns)
    scores(work.X, tile.rows, shape.width, work.Yt, columns, shape.dim, work.S)
    pairs = mark_windows(batch, tile, work.windows)
    loss = negative_gradients(tile.rows, columns, lr, share, row_step, work)
    loss -= skip_equal(shape, batch, tile, draws, share, work)
    centre_scores(shape, batch, tile, work)
    loss += centre_gradients(batch, tile, lr, row_step, of_centres, work.B)
    return float(loss), pairs


@fast_kernel
def _limit(
    shape: Shape,
    batch: Batch[Pointer],
    tile: Tile,
    draws: Pointer,
    x_most: np.float32,
    y_most: np.float32,
    work: Scratch[Pointer],
) -> int:
    """Shrink the steps of a tile that are too long.

    Parameters
    ----------
    shape : Shape
    batch : Batch
    tile : Tile
    draws : int32 [N]
        The tile's negatives.
    x_most, y_most : float32
        The largest squared norms of a row of X and of Y.
    work : Scratch

    Returns
    -------
    int
        1 if any was, else 0.
    """
    ids, targets = at(batch.items, tile.low), at(batch.items, tile.first)
    row_step, of_centres = at(work.row_step, tile.band), at(work.column_step, shape.columns)
    clear_sums(work.sums)
    largest = largest_step(ids, tile.rows, row_step, work.sums) * y_most
    clear_sums(work.sums)
    largest = max(largest, largest_step(draws, shape.negatives, work.column_step, work.sums) * x_most)
    largest = max(largest, largest_step(targets, tile.centres, of_centres, work.sums) * x_most)
    if largest <= STEP_LIMIT:
        return 0
    step_factors(ids, tile.rows, row_step, y_most, Sums(work.keys, work.totals, work.slots))
    return shrink_steps(shape, tile, targets, draws, x_most, work)


@fast_kernel
def _plan_prefetch(
    tables: Tables[Pointer],
    shape: Shape,
    batch: Batch[Pointer],
    seen: int,
    begin: int,
    end: int,
    draws: Pointer,
    soon: Pointer,
) -> int:
    """List the addresses of the rows that the next tile will gather.

    Parameters
    ----------
    tables : Tables
    shape : Shape
    batch : Batch
    seen : int
        Items up to this place this tile has gathered.
    begin, end : int
        The next tile's centres.
    draws : int32 [N]
        The next tile's negatives.
    soon : int64
        Filled.

    Returns
    -------
    int
        How many.
    """
    n = 0
    for i in range(seen, max(seen, get(at(batch.stop, end - 1)))):
        put(at(soon, n), address(at(tables.input, np.int64(get(at(batch.items, i))) * shape.width)))
        n += 1
    for i in range(begin, end):
        put(at(soon, n), address(at(tables.output, np.int64(get(at(batch.items, i))) * shape.width)))
        n += 1
    for i in range(shape.negatives):
        put(at(soon, n), address(at(tables.output, np.int64(get(at(draws, i))) * shape.width)))
        n += 1
    return n


@fast_kernel
def _update(tables: Tables[Pointer], shape: Shape, tile: Tile, work: Scratch[Pointer], pending: int) -> None:
    """Add ΔX and ΔY to the tables, some columns after the others, and prefetch the first ``pending`` of work.soon."""
    plan_updates(tile, work)
    width, columns, N, P = shape.width, shape.columns, shape.negatives, tile.centres
    G, soon, of_centres = work.G, work.soon, at(work.output_rows, N)
    line, bands = tile.band - 1, at(work.B, tile.shift)  # item r and centre c at bands[r + c·line]
    quota = pending // (3 * (width // (4 * LANES) + 1)) + 1
    done, j = 0, 0
    while j < width:
        wide = registers_at(j, width)
        inputs, outputs, x, y = at(tables.input, j), at(tables.output, j), at(work.X, j), at(work.Y, j)
        update_columns(
            wide, Rows(inputs, work.input_rows), tile.rows, width, Product(G, columns, 1, y, N),
            Product(bands, 1, line, at(y, N * width), P), work.input_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        update_columns(
            wide, Rows(outputs, work.output_rows), N, width, Product(G, 1, columns, x, tile.rows),
            Product(bands, 0, 0, x, 0), work.no_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        update_columns(
            wide, Rows(outputs, of_centres), P, width, Product(bands, line, 1, x, 0),
            Product(bands, line, 1, x, tile.rows), work.output_spans, at(soon, done), min(quota, pending - done)
        )  # fmt: skip
        done = min(pending, done + quota)
        j += wide * LANES


@fast_kernel
def train_tiles(
    tables: Tables[NDArray[Any]],
    batch: Batch[NDArray[Any]],
    wanted: int,
    lr: np.float32,
    scratch: Scratch[NDArray[Any]],
    frozen: tuple[NDArray[np.uint8], NDArray[np.uint8]],
) -> tuple[float, int, int]:
    """Train on one window batch of skip-gram with negative sampling, in place.

    Parameters
    ----------
    tables : Tables
    batch : Batch
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
    tiles = batch.tiles
    last_tile = len(tiles) - 2
    N = len(batch.negatives) // max(1, last_tile + 1)
    table, given, work = pointers(tables), pointers(batch), pointers(scratch)
    masks = mask(frozen[0]), mask(frozen[1])
    shape = Shape(table.width, table.dim, N, (N + LANES - 1) // LANES * LANES)
    share = f32(wanted) / f32(max(1, N))
    loss, pairs, limited = 0.0, 0, 0
    for t in range(last_tile + 1):
        if tiles[t] == tiles[t + 1]:
            continue
        tile, draws = tile_at(given, tiles[t], tiles[t + 1]), at(given.negatives, t * N)
        x_most, y_most = _gather_tile(table, shape, given, tile, draws, work, masks)
        cost, count = _gradients(shape, given, tile, draws, lr, share, work)
        loss += cost
        pairs += count
        limited += _limit(shape, given, tile, draws, x_most, y_most, work)
        pending = 0
        if t < last_tile and tiles[t + 2] > tiles[t + 1]:
            pending = _plan_prefetch(
                table, shape, given, tile.low + tile.rows, tiles[t + 1], tiles[t + 2], at(draws, N), work.soon
            )
        _update(table, shape, tile, work, pending)
    return loss, pairs, limited
