"""From ordered events to sequences: where one ends, which repetitions count, and what weights mean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError
from item2vec.kernels import kernel

# How `lay_out` treats an item that came before.
NONE, CONSECUTIVE, BASKET = 0, 1, 2
MODES = {"none": NONE, "consecutive": CONSECUTIVE, "basket": BASKET}

# State, int64 [5]: what `lay_out` hands from one batch of events to the next.
USER = 0
TIME = 1
SEQUENCES = 2  # begun so far
OPEN = 3  # code of the newest token, whose sequence may go on; 0 before the first
WEIGHT = 4  # of that token


def new_state() -> NDArray[np.int64]:
    """Return the state before the first event; no user has the number -1."""
    return np.array([-1, 0, 0, 0, 1], np.int64)


@kernel
def lay_out(
    users: NDArray[np.int64],
    times: NDArray[np.int64],
    gap: float,
    codes: NDArray[np.int32],
    weights: NDArray[np.int64],
    mode: int,
    seen: NDArray[np.int64],
    state: NDArray[np.int64],
    tokens: NDArray[np.int32],
    token_weights: NDArray[np.int64],
) -> int:
    """Lay events out as tokens; the last of a sequence is negative, as `recoding.recode` takes them.

    The newest token stays in the state until the next event says whether its sequence goes on.

    Parameters
    ----------
    users : array, int64 [n]
        A number a user, 0 or more; the events of one follow one another.
    times : array, int64 [n] or [0]
        Ascending within a user; empty where no gap ends a sequence.
    gap : float
        A sequence begins where the time is more than this after that of the event before.
    codes : array, int32 [n]
        The items, from 1.
    weights : array, int64 [n] or [0]
        How often each event counts; empty: once.
    mode : int
        NONE: all events count. CONSECUTIVE: not one that repeats the item before. BASKET: not one whose item was
        in its sequence already. The first of a repetition stays, with its weight.
    seen : array, int64 [items + 1]
        The sequence that an item was in last; zeros before the first call.
    state : array, int64 [5]
    tokens, token_weights : arrays, int32 [n] and int64 [n] or [0]
        Filled from the start.

    Returns
    -------
    int
        Tokens written.
    """
    written = 0
    for i in range(len(codes)):
        code = codes[i]
        begins = users[i] != state[USER]
        if len(times) > 0:
            begins = begins or times[i] - state[TIME] > gap
            state[TIME] = times[i]
        state[USER] = users[i]
        if begins:
            state[SEQUENCES] += 1
        elif (mode == CONSECUTIVE and code == state[OPEN]) or (mode == BASKET and seen[code] == state[SEQUENCES]):
            continue
        seen[code] = state[SEQUENCES]
        if state[OPEN] > 0:
            tokens[written] = -state[OPEN] if begins else state[OPEN]
            if len(weights) > 0:
                token_weights[written] = state[WEIGHT]
            written += 1
        state[OPEN] = code
        if len(weights) > 0:
            state[WEIGHT] = weights[i]
    return written


@kernel
def count_tokens(tokens: NDArray[np.int32], place: int, counts: NDArray[np.int64], first: NDArray[np.int64]) -> None:
    """Count tokens by code, and note where each code comes first.

    Parameters
    ----------
    tokens : array, int32
        Codes from 1, negative at a sequence's end.
    place : int
        Tokens before these.
    counts, first : arrays, int64 [items + 1]
        Added to; ``first`` holds -1 for what has not come yet.
    """
    for i in range(len(tokens)):
        code = abs(tokens[i])
        counts[code] += 1
        if first[code] < 0:
            first[code] = place + i


# Weighted events: a sequence is laid out in layers, layer k with the events of weight k or more.
#
# To repeat an event of weight n on the spot would make it its own context n - 1 times over, and push its real
# neighbours out of the window. Layers do neither: an item of weight n comes n times, and a pair of items as often as
# the smaller of their weights says, as if a user had been there once for each. A layer with a single event, which has
# no context, is left out: the largest weight of a sequence counts as the second largest.

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
            "weights, their logarithm say, by `sql`"
        )
    laid = np.empty(int(total), np.int32)
    fill_layers(tokens, weights, depths, laid)
    return laid


@kernel
def measure_layers(tokens: NDArray[np.int32], weights: NDArray[np.int64], depths: NDArray[np.int64]) -> float:
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


@kernel
def fill_layers(
    tokens: NDArray[np.int32], weights: NDArray[np.int64], depths: NDArray[np.int64], laid: NDArray[np.int32]
) -> None:
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
