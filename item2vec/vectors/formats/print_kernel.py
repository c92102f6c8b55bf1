"""Rows of float32 to lines of text: a numba kernel for the many, exact arithmetic for the few it doubts.

A number v and the ends of the interval that rounds to it are scaled to nine digits before the point, in double
precision, with an error below 1e-6. The shortest text is the multiple of the largest power of ten in the
interval; the nearest to v if there are several. Where a comparison is closer than the error, the number is
left to `decimal_text.number_text`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from item2vec.vectors.formats.decimal_text import (
    DIGITS,
    HIGHEST_EXPONENT,
    LONGEST,
    LOWEST_EXPONENT,
    POWERS_FROM,
    number_text,
    powers_of_ten,
)

Array = Any  # kernels are typed by numba
_POWERS = powers_of_ten()
# By a float32's exponent bits: half the distance to the next number, and the decimal exponent, perhaps 1 too low.
_HALF_STEPS = np.array([2.0 ** (max(code, 1) - 151) for code in range(256)])
_EXPONENTS = np.array([int(np.floor((code - 127) * np.log10(2.0))) for code in range(256)], np.int64)
_ERROR = 2e-6  # at nine digits a double is good to 1e9 * 2**-51


@njit(cache=True, nogil=True)
def _digits(
    value: float, bits: int, precision: int, powers: Array, half_steps: Array, exponents: Array
) -> tuple[int, int]:
    """The digits of a positive normal number as an integer, and their last one's power of ten; -1: in doubt."""
    code = (bits >> 23) & 255
    exponent = exponents[code]
    if value >= powers[exponent + 1 - POWERS_FROM]:
        exponent += 1
    places = precision if precision > 0 else DIGITS
    scale = powers[places - 1 - exponent - POWERS_FROM]
    scaled = value * scale
    step = 1.0
    if precision == 0:
        half = half_steps[code]
        high = (value + half) * scale
        low = (value - (half if bits & 0x7FFFFF or code == 1 else half / 2)) * scale
        while True:
            wider = step * 10.0
            multiple = np.floor((high + _ERROR) / wider) * wider
            if multiple < low - _ERROR:
                break
            if multiple < low + _ERROR or multiple > high - _ERROR:
                return -1, 0
            step = wider
    nearest = np.floor(scaled / step + 0.5) * step
    if abs(abs(scaled - nearest) - step / 2) < _ERROR:
        return -1, 0
    if precision == 0:
        if nearest < low + _ERROR:
            if nearest > low - _ERROR:
                return -1, 0
            nearest += step
        if nearest > high - _ERROR:
            return -1, 0
    digits: Any = np.int64(nearest)
    return digits, exponent - places + 1


@njit(cache=True, nogil=True)
def _print_number(digits: int, power: int, out: Array, position: int) -> int:
    """Write digits · 10**power, and return where it ends."""
    while digits % 10 == 0:
        digits //= 10
        power += 1
    count = 1
    rest = digits // 10
    while rest > 0:
        rest //= 10
        count += 1
    exponent = power + count - 1
    if LOWEST_EXPONENT <= exponent <= HIGHEST_EXPONENT:
        if exponent < 0:  # 0.00ddd
            out[position] = 48
            out[position + 1] = 46
            for i in range(-exponent - 1):
                out[position + 2 + i] = 48
            first = position + 1 - exponent
            end = first + count
            for i in range(end - 1, first - 1, -1):
                out[i] = 48 + digits % 10
                digits //= 10
            return end
        point = position + exponent + 1
        if power >= 0:  # ddd000
            for i in range(power):
                out[point - 1 - i] = 48
            for i in range(point - 1 - power, position - 1, -1):
                out[i] = 48 + digits % 10
                digits //= 10
            return point
        end = position + count + 1  # dd.ddd
        for i in range(end - 1, point, -1):
            out[i] = 48 + digits % 10
            digits //= 10
        out[point] = 46
        for i in range(point - 1, position - 1, -1):
            out[i] = 48 + digits % 10
            digits //= 10
        return end
    end = position + count + (1 if count > 1 else 0)  # d.ddde-xx
    for i in range(end - 1, position + 1, -1):
        out[i] = 48 + digits % 10
        digits //= 10
    if count > 1:
        out[position + 1] = 46
    out[position] = 48 + digits % 10
    out[end] = 101
    out[end + 1] = 45 if exponent < 0 else 43
    size = abs(exponent)
    out[end + 2] = 48 + size // 10
    out[end + 3] = 48 + size % 10
    return end + 4


@njit(cache=True, nogil=True)
def _print_rows(
    table: Array, bits: Array, blob: Array, offsets: Array, separator: int, precision: int, row: int, column: int,
    out: Array, position: int, powers: Array, half_steps: Array, exponents: Array,
) -> tuple[int, int, int]:  # fmt: skip
    """Write from number (row, column) on; the first number in doubt, or the number of rows, and where it ends."""
    rows, dim = table.shape
    while row < rows:
        if column == 0:
            for i in range(offsets[row], offsets[row + 1]):
                out[position] = blob[i]
                position += 1
        while column < dim:
            if column > 0 or offsets[row + 1] > offsets[row]:
                out[position] = separator
                position += 1
            pattern = bits[row, column]
            magnitude = pattern & 0x7FFFFFFF
            normal = 0x00800000 <= magnitude < 0x7F800000
            digits = power = 0
            if normal:
                value = abs(float(table[row, column]))
                digits, power = _digits(value, magnitude, precision, powers, half_steps, exponents)
            if digits < 0 or (magnitude > 0 and not normal):
                return row, column, position
            if pattern < 0:
                out[position] = 45
                position += 1
            if magnitude == 0:
                out[position] = 48
                position += 1
            else:
                position = _print_number(digits, power, out, position)
            column += 1
        out[position] = 10
        position += 1
        row += 1
        column = 0
    return row, column, position


def print_rows(
    table: NDArray[np.float32],
    blob: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    separator: bytes = b" ",
    precision: int = 0,
) -> memoryview:
    """Return the rows as lines: the item, unless it is empty, and the numbers, with `separator` between them.

    Parameters
    ----------
    table : ndarray of float32 [rows, d]
    blob, offsets : ndarray of uint8 and of int64 [rows + 1]
        The item of row i is ``blob[offsets[i]:offsets[i + 1]]``.
    separator : bytes
        One byte.
    precision : int
        Significant digits, 1 to 9; 0 for the fewest that read back as the same number.
    """
    table = np.ascontiguousarray(table, np.float32)
    bits = table.view(np.int32)
    rows, dim = table.shape
    out = np.empty(int(offsets[-1] - offsets[0]) + rows * (dim * LONGEST + 2), np.uint8)
    row = column = position = 0
    while row < rows:
        row, column, position = _print_rows(
            table, bits, blob, offsets, separator[0], precision, row, column, out, position,
            _POWERS, _HALF_STEPS, _EXPONENTS,
        )  # fmt: skip
        if row < rows:  # one in doubt
            text = number_text(table[row, column], precision)
            out[position : position + len(text)] = np.frombuffer(text, np.uint8)
            position += len(text)
            column += 1
    return out[:position].data
