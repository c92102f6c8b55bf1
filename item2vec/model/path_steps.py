"""The step of a centre's rows and the nodes on its path: `item2vec.model.path_kernel` says of what equation."""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import at, get, put
from item2vec.model.row_scores import BLOCK, row_scores, squared_norms
from item2vec.model.row_steps import row_steps
from item2vec.model.simd import LANES, splat, store
from item2vec.model.target_steps import gradients, largest, shrink
from item2vec.model.tile_gradients import STEP_LIMIT

f32 = np.float32


@inlined
def read_path(item, paths, stride, private, room):
    """Where the row of each node of an item's path is, and 1 for bit 0, -1 for bit 1; returns how many there are."""
    first = get(at(paths[0], np.int64(item)))
    n = get(at(paths[0], np.int64(item) + 1)) - first
    for k in range(n):
        up = np.int64(get(at(paths[1], first + k)))
        row = up >> 1
        put(at(room.targets_at, k), row * stride + (private[1] if row >= private[0] else 0))
        put(at(room.signs, k), f32(1 - 2 * (up & 1)))
    for k in range(n, n + BLOCK):
        put(at(room.targets_at, k), np.int64(0))
    store(at(room.signs, n), splat(f32(0.0)))
    return n


@inlined
def _spread_signs(signs, n, m, weights):
    """weights[l,i] = signs[l] for m rows i, and 0 behind them to the next whole register."""
    for k in range(n):
        sign = splat(get(at(signs, k)))
        for i in range(0, m, LANES):
            store(at(weights, m * k + i), sign)
    store(at(weights, m * n), splat(f32(0.0)))


@kernel
def step_on_contexts(tables, width, count, n, lr, room, slots):
    """The contexts of a centre and its path of n nodes; returns the loss, and the steps that were limited.

    An upper bound of the nodes' norms goes from the rows of one step to the next, instead of the norms.
    """
    loss, limited, done, weighted = 0.0, 0, 0, 0
    y_most = f32(0.0)
    if count > 2:
        squared_norms(tables[1], room.targets_at, n, width, room.squares)
        y_most = largest(room.squares, n)
    while done < count:
        left = count - done
        m = 6 if left >= 6 else (4 if left >= 4 else (2 if left >= 2 else 1))
        rows_at = at(room.contexts_at, done)
        if m != weighted:
            _spread_signs(room.signs, n, m, room.weights)
            weighted = m
        squared_norms(tables[0], rows_at, m, width, room.squares)
        x_most = largest(room.squares, m)
        row_scores(m, tables[0], rows_at, tables[1], room.targets_at, n, width, room.G, room.squares)
        if m <= 2:
            y_most = largest(room.squares, n)
        cost, step = gradients(room.G, room.weights, m * n, lr)
        loss += cost
        if step * max(x_most, y_most) > STEP_LIMIT:
            if m > 2:
                squared_norms(tables[1], room.targets_at, n, width, room.squares)
                y_most = largest(room.squares, n)
            for i in range(m + 1):
                put(at(room.bounds, i), np.int64(i))
            limited += shrink(
                m, n, room.G, at(room.contexts, done), room.bounds, x_most, y_most, room.row_step, room.target_step,
                room.steps, room.keys, room.totals, slots
            )  # fmt: skip
        row_steps(m, tables[0], rows_at, tables[0], rows_at, tables[1], room.targets_at, n, width, room.G)
        done += m
        y_most = (np.sqrt(y_most) + step * np.sqrt(x_most)) ** 2
    return loss, limited


@kernel
def step_on_mean(outputs, width, count, x_most, n, lr, room, slots):
    """The hidden vector of a centre, the mean of ``count`` contexts, and its path; as `step_on_contexts`."""
    limited = 0
    row_scores(1, room.hidden, room.hidden_at, outputs, room.targets_at, n, width, room.G, room.squares)
    y_most = largest(room.squares, n)
    cost, step = gradients(room.G, room.signs, n, lr)
    if step * max(x_most, y_most * f32(count)) > STEP_LIMIT:
        put(at(room.bounds, 0), np.int64(0))
        put(at(room.bounds, 1), np.int64(count))
        limited = shrink(
            1, n, room.G, room.contexts, room.bounds, x_most, y_most, room.row_step, room.target_step, room.steps,
            room.keys, room.totals, slots
        )  # fmt: skip
    row_steps(1, room.hidden, room.hidden_at, room.errors, room.hidden_at, outputs, room.targets_at, n, width, room.G)
    return cost, limited
