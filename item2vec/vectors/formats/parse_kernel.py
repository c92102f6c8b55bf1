"""Lines of text to rows of float32: a numba kernel for the many, exact arithmetic for the few it doubts.

A number's first 19 digits w and its power of ten e give x = w · 10**e in double precision. Three roundings are
in it, so the number is within x (1 ± 2**-50). If both ends of that interval have the same nearest float32, it
is the number's; if not, the number is left to `decimal_text.exact_float32`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from item2vec.vectors.formats.decimal_text import POWERS_FROM, exact_float32, powers_of_ten

Array = Any  # kernels are typed by numba
_POWERS = powers_of_ten()
_LOW, _HIGH = 1.0 - 2.0**-50, 1.0 + 2.0**-50
_DOUBTS = 4096  # numbers left to Python between two calls of the kernel
_FULL = -1
_TOO_FEW = -2
_SPACE, _TAB, _NEWLINE, _RETURN = 32, 9, 10, 13


@njit(cache=True, nogil=True, inline="always")
def _is_separator(code: int) -> bool:
    return code in (_SPACE, _TAB, _RETURN)


@njit(cache=True, nogil=True)
def _parse_number(data: Array, start: int, stop: int, powers: Array) -> tuple[float, int, bool]:
    """The number at data[start:stop], where its token ends, and whether it is sure."""
    i = start
    negative = False
    if data[i] == 45 or data[i] == 43:
        negative = data[i] == 45
        i += 1
    mantissa = np.uint64(0)
    digits = 0  # in the mantissa, leading zeros not counted
    seen = 0
    exponent = 0
    while i < stop:
        digit: Any = np.int64(data[i]) - 48
        if digit < 0 or digit > 9:
            break
        if digits < 19:
            mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            digits += int(mantissa > 0)
        else:
            exponent += 1
        seen += 1
        i += 1
    if i < stop and data[i] == 46:
        i += 1
        while i < stop:
            digit = np.int64(data[i]) - 48
            if digit < 0 or digit > 9:
                break
            if digits < 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(digit)
                digits += int(mantissa > 0)
                exponent -= 1
            seen += 1
            i += 1
    sure = seen > 0
    if i < stop and sure and (data[i] == 101 or data[i] == 69):
        i += 1
        down = False
        if i < stop and (data[i] == 45 or data[i] == 43):
            down = data[i] == 45
            i += 1
        power = 0
        first = i
        while i < stop:
            digit = np.int64(data[i]) - 48
            if digit < 0 or digit > 9:
                break
            power = min(power * 10 + digit, 100_000)
            i += 1
        sure = i > first
        exponent += -power if down else power
    while i < stop and not _is_separator(data[i]):
        sure = False
        i += 1
    value = 0.0
    if sure and mantissa > 0:
        sure = POWERS_FROM <= exponent < POWERS_FROM + len(powers)
        if sure:
            value = float(mantissa) * powers[exponent - POWERS_FROM]
            # Beyond float32's range the conversion is left to Python, which does not warn.
            sure = value < 3.4e38 and np.float32(value * _LOW) == np.float32(value * _HIGH)
    return (-value if negative else value), i, sure


@njit(cache=True, nogil=True)
def _parse_fields(
    data: Array, start: int, stop: int, table: Array, row: int, powers: Array, doubts: Array, doubtful: int
) -> tuple[int, int]:
    """Read a row of numbers from data[start:stop]; the number of doubts after it, and where it ended or -1."""
    i = start
    for column in range(table.shape[1]):
        while i < stop and _is_separator(data[i]):
            i += 1
        if i == stop:
            return doubtful, -1
        first = i
        value, i, sure = _parse_number(data, first, stop, powers)
        table[row, column] = value
        if not sure:
            doubts[doubtful, 0] = row
            doubts[doubtful, 1] = column
            doubts[doubtful, 2] = first
            doubts[doubtful, 3] = i
            doubtful += 1
    while i < stop and _is_separator(data[i]):
        i += 1
    return doubtful, i


@njit(cache=True, nogil=True)
def _parse_lines(
    data: Array, position: int, row: int, named: bool, table: Array, names: Array, powers: Array, doubts: Array
) -> tuple[int, int, int, int]:
    """Read lines from ``data[position:]`` into rows of `table` from `row` on, and their items' places.

    Returns the row and the position reached, the number of doubts, and 0, or _FULL if the doubts are full, or
    _TOO_FEW for a line that has not an item and a row's numbers.
    """
    dim = table.shape[1]
    doubtful = 0
    end = len(data)
    while position < end:
        stop = position
        while stop < end and data[stop] != _NEWLINE:
            stop += 1
        last = stop
        while last > position and _is_separator(data[last - 1]):
            last -= 1
        if last == position:  # an empty line
            position = stop + 1
            continue
        if doubtful + dim > len(doubts):
            return row, position, doubtful, _FULL
        item = position
        if named:
            while item < last and not _is_separator(data[item]):
                item += 1
        # Usually an item has no spaces. If that gives no row, the last fields are the numbers.
        before = doubtful
        doubtful, reached = _parse_fields(data, item, last, table, row, powers, doubts, doubtful)
        if reached != last or doubtful > before:
            doubtful = before
            first = last
            for _ in range(dim):
                while first > position and not _is_separator(data[first - 1]):
                    first -= 1
                item = first
                while first > position and _is_separator(data[first - 1]):
                    first -= 1
            if named:
                item = first
            doubtful, reached = _parse_fields(data, item, last, table, row, powers, doubts, doubtful)
        if reached != last or (named and item == position) or (not named and item != position):
            return row, position, before, _TOO_FEW
        names[row, 0] = position
        names[row, 1] = item
        row += 1
        position = stop + 1
    return row, position, doubtful, 0


def parse_lines(
    data: NDArray[np.uint8], dim: int, named: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64], tuple[int, str] | None]:
    """Read whole lines: an item, if `named`, and `dim` numbers each, separated by spaces or tabs.

    The last `dim` fields of a line are its numbers, so that an item may have spaces. Empty lines are skipped.

    Parameters
    ----------
    data : ndarray of uint8 [bytes]
    dim : int
    named : bool

    Returns
    -------
    table : ndarray of float32 [rows, dim]
    names : ndarray of int64 [rows, 2]
        Where each item starts and stops in `data`.
    trouble : (int, str) or None
        Where the first line starts that is none, and what is wrong with it; the rows before it are good.
    """
    # As many as there are lines, if each had the letters of a row; and the one that will be found too short.
    rows = min(int(np.count_nonzero(data == _NEWLINE)) + 1, len(data) // (2 * dim) + 2)
    table = np.empty((rows, dim), np.float32)
    names = np.empty((rows, 2), np.int64)
    doubts = np.empty((max(_DOUBTS, 2 * dim), 4), np.int64)
    row = position = 0
    status = _FULL
    while status == _FULL:
        with np.errstate(over="ignore"):  # of doubtful numbers, where numba is told to leave Python as it is
            row, position, doubtful, status = _parse_lines(data, position, row, named, table, names, _POWERS, doubts)
        for at, column, start, stop in doubts[:doubtful].tolist():
            text = data[start:stop].tobytes()
            value = exact_float32(text)
            if value is None:
                shown = text[:40].decode("utf-8", "replace")
                return table[:at], names[:at], (int(names[at, 0]), f"has {shown!r} where a number should be")
            table[at, column] = value
    trouble = (
        None if status == 0 else (position, f"has not an item and {dim} numbers" if named else f"has not {dim} numbers")
    )
    return table[:row], names[:row], trouble
