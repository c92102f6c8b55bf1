"""What only a walk through all sequences tells: repetitions within them, and a hash of each. numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any  # kernels are typed by numba

# Totals, int64 [2].
CONSECUTIVE = 0  # items that are the same as the item before
EQUAL_PAIRS = 1  # pairs of equal items in one sequence

_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@njit(cache=True, nogil=True, error_model="numpy")
def walk(items: Array, offsets: Array, first: int, last: int, seen: Array, times: Array, hashes: Array, totals: Array):  # type: ignore[no-untyped-def]
    """Walk through the sequences first to last.

    Parameters
    ----------
    items, offsets : arrays, int32 and int64
        As a corpus has them.
    first, last : int
        Sequences.
    seen, times : arrays, int64 and int32 [items of the vocabulary]
        The sequence that an item was in last, -1 before the first, and how often it was in there.
    hashes : array, uint64 [sequences]
        Filled: equal sequences have equal hashes, others hardly ever (FNV-1a over whole ids, mixed).
    totals : array, int64 [2]
        Added to.
    """
    for sequence in range(first, last):
        value = _OFFSET
        before = -1
        for place in range(offsets[sequence], offsets[sequence + 1]):
            item = items[place]
            value = (value ^ np.uint64(item)) * _PRIME
            value ^= (value * _MIX) >> _SHIFT
            totals[CONSECUTIVE] += item == before
            before = item
            if seen[item] != sequence:
                seen[item] = sequence
                times[item] = 0
            totals[EQUAL_PAIRS] += times[item]
            times[item] += 1
        hashes[sequence] = value
