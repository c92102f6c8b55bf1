"""The CPU kernel of hierarchical softmax: one window batch, centre by centre, on the tables' own memory.

With X [m,d] the input rows of a centre's contexts, or in CBOW their mean alone, Y [L,d] the output rows of the inner
nodes on the centre's path, b[l] the bit of its code there, all as they were before (Mikolov et al. 2013b, equation 3)::

    S = X·Yᵀ
    G[i,l] = lr · (1 - b[l] - σ(S[i,l]))
    ΔX = G·Y        ΔY = Gᵀ·X                           added to the tables at once

Every centre steps on the nodes near the root, so these must be fresh: nothing is shared between centres, and a wide
window is taken in parts of at most PART contexts. numba compiles `train_paths` once for each architecture, as ``cbow``
is True or None.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from item2vec.model.hidden import add_to_rows, mean_rows
from item2vec.model.huffman import PART
from item2vec.model.micro_kernel import kernel, sigma_softplus
from item2vec.model.simd import (
    LANES,
    add,
    address,
    at,
    fma,
    get,
    load,
    mul,
    prefetch,
    ptr,
    put,
    put_four_totals,
    splat,
    spread,
    store,
    total,
)
from item2vec.model.tile_gradients import STEP_LIMIT, step_factors
from item2vec.model.tile_scratch import aligned, padded

f32 = np.float32
_ROOM = 4  # rows that the products read beyond the last


class PathScratch(NamedTuple):
    """Work space of one worker for paths, all arrays flat; `make_path_scratch` gives their sizes."""

    X: npt.NDArray[Any]
    Y: npt.NDArray[Any]
    G: npt.NDArray[Any]
    sign: npt.NDArray[Any]
    contexts: npt.NDArray[Any]
    context_ids: npt.NDArray[Any]
    input_rows: npt.NDArray[Any]
    output_rows: npt.NDArray[Any]
    row_step: npt.NDArray[Any]
    node_step: npt.NDArray[Any]
    error: npt.NDArray[Any]
    none: npt.NDArray[Any]
    keys: npt.NDArray[Any]
    totals: npt.NDArray[Any]
    waste: npt.NDArray[Any]


def make_path_scratch(window: int, path: int, dim: int, cbow: bool) -> PathScratch:
    """Work space for windows of at most so many items and paths of at most so many nodes."""
    width, nodes, contexts = padded(dim), padded(path) + LANES, window if cbow else PART
    slots = 1 << int(2 * contexts + 2).bit_length()
    return PathScratch(
        X=aligned((PART + _ROOM) * width),
        Y=aligned((nodes + _ROOM) * width),
        G=aligned((PART + _ROOM) * nodes),
        sign=aligned(nodes),
        contexts=aligned((contexts + 1) * width if cbow else 0),
        context_ids=np.zeros(contexts + 1, np.int32),
        input_rows=np.zeros(contexts + 1, np.int64),
        output_rows=np.zeros(nodes, np.int64),
        row_step=np.zeros(contexts + 1, np.float32),
        node_step=aligned(nodes),
        error=aligned(width),
        none=np.zeros(2 * max(PART, nodes), np.int64),
        keys=np.full(slots, -1, np.int64),
        totals=np.zeros(slots, np.float32),
        waste=aligned(width),
    )


@kernel
def _copy_row(source, target, width):
    """Copy a row; returns its squared norm."""
    even, odd = splat(f32(0.0)), splat(f32(0.0))
    for j in range(0, width - LANES, 2 * LANES):
        v, w = load(at(source, j)), load(at(source, j + LANES))
        even, odd = fma(v, v, even), fma(w, w, odd)
        store(at(target, j), v)
        store(at(target, j + LANES), w)
    if width % (2 * LANES):
        v = load(at(source, width - LANES))
        even = fma(v, v, even)
        store(at(target, width - LANES), v)
    return total(add(even, odd))


@kernel
def _climb(tree, size, item, stride, rows_at, sign):
    """List an item's path from below: where each node's row begins, and 1 for bit 0, -1 for bit 1; returns how many.

    Behind the path sign goes on with 0 to the next whole register.
    """
    n = 0
    up = np.int64(get(at(tree, item)))
    while up >= 0:
        node = up >> 1
        put(at(rows_at, n), node * stride)
        put(at(sign, n), f32(1 - 2 * (up & 1)))
        n += 1
        up = np.int64(get(at(tree, size + node)))
    store(at(sign, n), splat(f32(0.0)))
    return n


@kernel
def _prefetch_row(table, row, width):
    where = address(at(table, row))
    for j in range(0, 4 * width, 64):
        prefetch(where + j)


@kernel
def _path_gradients(X, m, Y, n, width, columns, sign, lr, G, row_step, node_step):
    """G[i,l] = lr·(1 - b[l] - σ(x·y)), and the sums of the steps |G| by row and by node; returns the loss."""
    zero, loss = splat(f32(0.0)), splat(f32(0.0))
    for j in range(0, columns, LANES):
        store(at(node_step, j), zero)
    for i in range(m):
        g = at(G, i * columns)
        for node in range(0, n, 4):
            s0, s1, s2, s3 = zero, zero, zero, zero
            x, y = at(X, i * width), at(Y, node * width)
            for _ in range(0, width, LANES):
                v = load(x)
                s0 = fma(v, load(y), s0)
                s1 = fma(v, load(at(y, width)), s1)
                s2 = fma(v, load(at(y, 2 * width)), s2)
                s3 = fma(v, load(at(y, 3 * width)), s3)
                x, y = at(x, LANES), at(y, LANES)
            put_four_totals(at(g, node), s0, s1, s2, s3)  # minus the scores
        of_row = zero
        for j in range(0, columns, LANES):
            toward = load(at(sign, j))
            sigma, softplus = sigma_softplus(mul(toward, load(at(g, j))))
            wanted = mul(toward, toward)  # 0 behind the path
            loss = fma(wanted, softplus, loss)
            step = mul(mul(wanted, sigma), splat(lr))
            of_row = add(of_row, step)
            store(at(node_step, j), add(load(at(node_step, j)), step))
            store(at(g, j), mul(toward, step))
        put(at(row_step, i), total(of_row))
    return total(loss)


@kernel
def _step(inputs, input_rows, X, m, outputs, output_rows, Y, n, width, columns, G):
    """inputs[i] += G[i]·Y and outputs[l] += G[:,l]·X, the rows at the places given; G is 0 behind the path.

    Four nodes at a time, so that a number of G, once in a register, serves both products.
    """
    for node in range(0, n, 4):
        left = n - node
        for j in range(0, width, LANES):
            p = at(Y, node * width + j)
            y0, y1, y2, y3 = load(p), load(at(p, width)), load(at(p, 2 * width)), load(at(p, 3 * width))
            zero = splat(f32(0.0))
            a0, a1, a2, a3 = zero, zero, zero, zero
            x, g = at(X, j), at(G, node)
            for i in range(m):
                v = load(x)
                g0, g1, g2, g3 = spread(g), spread(at(g, 1)), spread(at(g, 2)), spread(at(g, 3))
                a0, a1, a2, a3 = fma(g0, v, a0), fma(g1, v, a1), fma(g2, v, a2), fma(g3, v, a3)
                row = at(inputs, get(at(input_rows, i)) + j)
                store(row, add(load(row), fma(g3, y3, fma(g2, y2, fma(g1, y1, mul(g0, y0))))))
                x, g = at(x, width), at(g, columns)
            row = at(outputs, get(at(output_rows, node)) + j)
            store(row, add(load(row), a0))
            if left > 1:
                row = at(outputs, get(at(output_rows, node + 1)) + j)
                store(row, add(load(row), a1))
            if left > 2:
                row = at(outputs, get(at(output_rows, node + 2)) + j)
                store(row, add(load(row), a2))
            if left > 3:
                row = at(outputs, get(at(output_rows, node + 3)) + j)
                store(row, add(load(row), a3))


@kernel
def _shrink(m, n, columns, ids, contexts, cbow, x_most, y_most, G, row_step, node_step, keys, totals, slots):
    """Shrink G as `item2vec.model.tile_gradients.shrink_steps` does; returns 1 if anything was, else 0."""
    if cbow is not None:  # every context takes the whole step of their mean
        for r in range(contexts):
            put(at(row_step, r), get(row_step))
    step_factors(ids, contexts, row_step, y_most, keys, totals, slots)
    if cbow is not None:
        for r in range(contexts):
            put(row_step, min(get(row_step), get(at(row_step, r))))
    smallest = f32(1.0)
    for i in range(m):
        for j in range(n):
            of_node = min(f32(1.0), STEP_LIMIT / max(get(at(node_step, j)) * x_most, f32(1e-30)))
            factor = min(get(at(row_step, i)), of_node)
            smallest = min(smallest, factor)
            g = at(G, i * columns + j)
            put(g, get(g) * factor)
    return 1 if smallest < f32(1.0) else 0


@kernel
def train_paths(inputs, outputs, stride, dim, items, start, stop, first, last, tree, lr, scratch, cbow, frozen):
    """Train on the centres first:last of a window batch with hierarchical softmax, in place.

    Parameters
    ----------
    inputs, outputs : float32 [V·stride]
        The tables, rows ``stride`` apart, of which ``dim`` numbers are used and the rest are 0.
    items : int32 [M]
    start, stop : int64 [M]
    first, last : int
    tree : int32 [2V-1]
        See `item2vec.model.huffman`.
    lr : float32
    scratch : PathScratch
        Of at least the batch's longest window and the tree's longest path.
    cbow : True or None
    frozen : uint8 [V] or [0]
        Not 0 where an item's input row stays as it is; empty if none does.

    Returns
    -------
    loss : float
        Sum over the pairs, and over the nodes of each path, of -log σ(±s), the scores before each step.
    pairs : int
        Of a centre and a context, or of a centre and its hidden vector.
    limited : int
        Steps that were limited.
    """
    tables, ids = (ptr(inputs), ptr(outputs)), ptr(items)
    X, Y, G, sign = ptr(scratch.X), ptr(scratch.Y), ptr(scratch.G), ptr(scratch.sign)
    contexts, context_ids, error = ptr(scratch.contexts), ptr(scratch.context_ids), ptr(scratch.error)
    input_rows, output_rows, none = ptr(scratch.input_rows), ptr(scratch.output_rows), ptr(scratch.none)
    row_step, node_step = ptr(scratch.row_step), ptr(scratch.node_step)
    keys, totals, slots = ptr(scratch.keys), ptr(scratch.totals), len(scratch.keys)
    up, size = ptr(tree), (len(tree) + 1) // 2
    width = (dim + LANES - 1) // LANES * LANES
    # where the steps of frozen items go: a row of nobody, counted from the table's beginning
    some_frozen, waste = len(frozen) > 0, (address(ptr(scratch.waste)) - address(tables[0])) // 4
    loss, pairs, limited = 0.0, 0, 0
    for c in range(first, last):
        n = _climb(up, size, get(at(ids, c)), stride, output_rows, sign)
        columns = (n + LANES - 1) // LANES * LANES
        if c + 1 < last:  # the next centre's path from below, the nodes that are not near the root
            above = np.int64(get(at(up, get(at(ids, c + 1)))))
            for _ in range(6):
                if above >= 0:
                    _prefetch_row(tables[1], (above >> 1) * stride, width)
                    above = np.int64(get(at(up, size + (above >> 1))))
            if stop[c + 1] > stop[c] and stop[c + 1] - 1 < len(items):
                _prefetch_row(tables[0], np.int64(get(at(ids, stop[c + 1] - 1))) * stride, width)
        at_item, end = start[c], stop[c]
        while at_item < end:
            count = 0
            x_most = f32(0.0)
            if cbow is None:
                while at_item < end and count < PART:
                    if at_item != c:
                        item = np.int64(get(at(ids, at_item)))
                        put(at(context_ids, count), np.int32(item))
                        put(at(input_rows, count), waste if some_frozen and frozen[item] != 0 else item * stride)
                        source = at(tables[0], item * stride)
                        x_most = max(x_most, _copy_row(source, at(X, count * width), width))
                        count += 1
                    at_item += 1
                m = count
            else:
                while at_item < end:
                    if at_item != c:
                        item = np.int64(get(at(ids, at_item)))
                        put(at(context_ids, count), np.int32(item))
                        put(at(input_rows, count), waste if some_frozen and frozen[item] != 0 else item * stride)
                        _copy_row(at(tables[0], item * stride), at(contexts, count * width), width)
                        count += 1
                    at_item += 1
                m = min(1, count)
                x_most = mean_rows(contexts, width, count, X)
            pairs += m
            if m == 0 or n == 0:
                continue
            y_most = f32(0.0)
            for j in range(n):
                y_most = max(y_most, _copy_row(at(tables[1], get(at(output_rows, j))), at(Y, j * width), width))
            loss += _path_gradients(X, m, Y, n, width, columns, sign, lr, G, row_step, node_step)
            step = f32(0.0)
            for i in range(m):
                step += get(at(row_step, i))
            often = count if cbow is not None else 1
            if step * max(x_most, y_most * f32(often)) > STEP_LIMIT:
                limited += _shrink(
                    m, n, columns, context_ids, count, cbow, x_most, y_most, G, row_step, node_step, keys, totals, slots
                )  # fmt: skip
            if cbow is None:
                table, rows_at = tables[0], input_rows
            else:
                table, rows_at = error, none
                for j in range(0, width, LANES):
                    store(at(error, j), splat(f32(0.0)))
            _step(table, rows_at, X, m, tables[1], output_rows, Y, n, width, columns, G)
            if cbow is not None:
                add_to_rows(tables[0], input_rows, count, width, error)
    return loss, pairs, limited
