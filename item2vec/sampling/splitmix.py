"""SplitMix64 (Steele, Lea and Flood 2014, figure 16): a state goes on by `STEP`, `mix` makes a number of it.

Its steps do not wait for each other, its state is one 64-bit number, and it leaps ahead at no cost: each shard of a
training has a `stretch` of the one sequence to itself, so that what is drawn does not depend on who draws it, or when.
"""

from __future__ import annotations

import numpy as np
from numba import njit

STEP = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
HALF = np.uint64(32)
_STRETCH = 36  # log2 of the numbers that a shard may draw: 2**28 shards have different ones
_MASK = (1 << 64) - 1


def stretch(seed: int, number: int) -> np.uint64:
    """Return the state from which stretch ``number`` of the sequence that starts at ``seed`` goes on."""
    return np.uint64((seed + (number << _STRETCH) * int(STEP)) & _MASK)


@njit(inline="always")
def mix(state):  # type: ignore[no-untyped-def]
    """SplitMix64's output for a state."""
    z = (state ^ (state >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)
