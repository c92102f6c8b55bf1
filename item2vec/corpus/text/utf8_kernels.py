"""Is it UTF-8 text? numba kernels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import kernel


@kernel
def find_invalid(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """Position of the first byte in data[start:stop] that is NUL or begins no UTF-8 character, or -1.

    Well-formed is what Unicode 15, table 3-7 says: no overlong forms, no surrogates, nothing above U+10FFFF.
    """
    position = start
    while position < stop:
        lead = data[position]
        if lead < 0x80:
            if lead == 0:
                return position
            position += 1
            continue
        if lead < 0xC2 or lead > 0xF4:
            return position
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if position + more >= stop:
            return position
        low, high = 0x80, 0xBF
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
        elif lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
        for i in range(1, more + 1):
            if data[position + i] < low or data[position + i] > high:
                return position
            low, high = 0x80, 0xBF
        position += more + 1
    return -1


@kernel
def all_valid(blob: NDArray[np.uint8], offsets: NDArray[np.int64], items: int) -> bool:
    """Whether each item is UTF-8 without NUL, by itself: no character begins in one and ends in the next."""
    for i in range(items):  # noqa: SIM110  a loop is what numba compiles
        if find_invalid(blob, offsets[i], offsets[i + 1]) >= 0:
            return False
    return True
