"""Weighted events: a sequence is laid out in layers, layer k with the events of weight k or more.

To repeat an event of weight n on the spot would make it its own context n - 1 times over, and push its real
neighbours out of the window. Layers do neither: an item of weight n comes n times, and a pair of items as often as the
smaller of their weights says, as if a user had been there once for each. A layer with a single event, which has no
context, is left out: the largest weight of a sequence counts as the second largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from item2vec.errors import CorpusError

Array = Any  # kernels are typed by numba
MOST = 100  # tokens an event, on average, beyond which weights are more likely prices than repetitions


def repeat_by_weight(tokens: NDArray[np.int32], weights: NDArray[np.int64]) -> NDArray[np.int32]:
    """Tokens with every sequence laid out in its layers.

    Parameters
    ----------
    tokens : array, int32 [n]
        Codes from 1; the last of a sequence negative.
    weights : array, int64 [n]
        1 or more.

    Raises
    ------
    CorpusError
        If the layers would be more than `MOST` times as long as the events.
    """
    depths = np.empty(int(np.count_nonzero(tokens < 0)), np.int64)
    total = float(measure_layers(tokens, weights, depths))
    if total > MOST * len(tokens):
        raise CorpusError(
            f"the weights lay {len(tokens):,} events out as {total:,.0f}, more than {MOST} times as many; give smaller "
            "weights, their logarithm say, by --sql"
        )
    laid = np.empty(int(total), np.int32)
    fill_layers(tokens, weights, depths, laid)
    return laid


@njit(cache=True, nogil=True)
def measure_layers(tokens: Array, weights: Array, depths: Array) -> float:
    """Fill the number of layers of each sequence; the tokens of all, as a float that cannot overflow."""
    total, begin, sequence = 0.0, 0, 0
    for end in range(len(tokens)):
        if tokens[end] > 0:
            continue
        largest, depth = 1, 1
        for i in range(begin, end + 1):
            depth = max(depth, min(largest, weights[i])) if i > begin else 1
            largest = max(largest, weights[i])
        for i in range(begin, end + 1):
            total += min(weights[i], depth)
        depths[sequence] = depth
        sequence += 1
        begin = end + 1
    return total


@njit(cache=True, nogil=True)
def fill_layers(tokens: Array, weights: Array, depths: Array, laid: Array) -> None:
    """Write the layers of each sequence, each a sequence of its own."""
    alive = np.empty(len(tokens), np.int64)  # the events of the layer before, so that thin layers cost little
    begin, sequence, place = 0, 0, 0
    for end in range(len(tokens)):
        if tokens[end] > 0:
            continue
        count = end + 1 - begin
        for i in range(count):
            alive[i] = begin + i
        for layer in range(1, depths[sequence] + 1):
            left = 0
            for i in range(count):
                event = alive[i]
                if weights[event] >= layer:
                    alive[left] = event
                    laid[place + left] = abs(tokens[event])
                    left += 1
            count = left
            place += left
            laid[place - 1] = -laid[place - 1]
        sequence += 1
        begin = end + 1
