"""From codes in order of first occurrence to ids in order of count: numba kernels for the second pass."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any  # kernels are typed by numba

# Place, int64 [3]: where the next token and the next sequence go.
ITEM = 0
SEQUENCE = 1
BEGIN = 2  # where the sequence that is being written began


@njit(cache=True, nogil=True)
def recode(tokens: Array, ranks: Array, items: Array, offsets: Array, place: Array) -> None:
    """Write the kept tokens' ids, and an offset behind each sequence that kept any.

    Parameters
    ----------
    tokens : array, int32
        Codes from 1; the last of a sequence negative.
    ranks : array, int32
        Code to id, -1 for a dropped item.
    items, offsets : arrays, int32 and int64
        Filled from place[ITEM] and place[SEQUENCE] on, which are brought forward.
    place : array, int64 [3]
    """
    item, sequence, begin = place[ITEM], place[SEQUENCE], place[BEGIN]
    for code in tokens:
        rank = ranks[abs(code)]
        if rank >= 0:
            items[item] = rank
            item += 1
        if code < 0 and item > begin:
            offsets[sequence] = item
            sequence += 1
            begin = item
    place[ITEM], place[SEQUENCE], place[BEGIN] = item, sequence, begin


@njit(cache=True, nogil=True)
def gather_items(blob: Array, offsets: Array, chosen: Array, out: Array, out_offsets: Array) -> None:
    """Copy the bytes of the chosen items, in that order, to ``out``, where ``out_offsets`` says."""
    for i in range(len(chosen)):
        source, target = offsets[chosen[i]], out_offsets[i]
        for j in range(out_offsets[i + 1] - target):
            out[target + j] = blob[source + j]
