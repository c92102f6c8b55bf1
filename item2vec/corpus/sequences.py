"""From ordered events to sequences: where one ends, and which repetitions count. numba kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = Any  # kernels are typed by numba

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
    """The state before the first event; no user has the number -1."""
    return np.array([-1, 0, 0, 0, 1], np.int64)


@njit(cache=True, nogil=True)
def lay_out(
    users: Array, times: Array, gap: float, codes: Array, weights: Array, mode: int,
    seen: Array, state: Array, tokens: Array, token_weights: Array,
) -> int:  # fmt: skip
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


@njit(cache=True, nogil=True)
def count_tokens(tokens: Array, place: int, counts: Array, first: Array) -> None:
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
