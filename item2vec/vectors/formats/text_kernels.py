"""Lines of text to rows of float32 and back: numba kernels for the many, exact arithmetic for the few they doubt."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import kernel
from item2vec.vectors.formats.decimal_text import (
    DIGITS,
    HIGHEST_EXPONENT,
    LONGEST,
    LOWEST_EXPONENT,
    POWERS_FROM,
    exact_float32,
    number_text,
    powers_of_ten,
)

# Lines of text to rows of float32: a numba kernel for the many, exact arithmetic for the few it doubts.
#
# A number's first 19 digits w and its power of ten e give x = w · 10**e in double precision. Three roundings are
# in it, so the number is within x (1 ± 2**-50). If both ends of that interval have the same nearest float32, it
# is the number's; if not, the number is left to `decimal_text.exact_float32`.

_POWERS = powers_of_ten()
_LOW, _HIGH = 1.0 - 2.0**-50, 1.0 + 2.0**-50
_DOUBTS = 4096  # numbers left to Python between two calls of the kernel
_FULL = -1
_TOO_FEW = -2
_SPACE, _TAB, _NEWLINE, _RETURN = 32, 9, 10, 13


@kernel(inline="always")
def _is_separator(code: int) -> bool:
    return code in (_SPACE, _TAB, _RETURN)


@kernel
def _parse_number(
    data: NDArray[np.uint8], start: int, stop: int, powers: NDArray[np.float64]
) -> tuple[float, int, bool]:
    """Return the number at data[start:stop], where its token ends, and whether it is sure."""
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
        digit: Any = np.int64(data[i]) - 48  # an int to numba
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


class Parsed(NamedTuple):
    """What is filled with lines.

    Attributes
    ----------
    table : float32 [rows, d]
    names : int64 [rows, 2]
        Where each item starts and stops.
    doubts : int64 [any, 4]
        Row, column, start and stop of numbers that are left to Python.
    """

    table: NDArray[np.float32]
    names: NDArray[np.int64]
    doubts: NDArray[np.int64]


@kernel
def _parse_fields(
    data: NDArray[np.uint8], start: int, stop: int, parsed: Parsed, row: int, powers: NDArray[np.float64], doubtful: int
) -> tuple[int, int]:
    """Read a row of numbers from data[start:stop].

    Parameters
    ----------
    data : uint8 [bytes]
    start, stop : int
    parsed : Parsed
    row : int
        The row of the table to fill.
    powers : float64
        See `decimal_text.powers_of_ten`.
    doubtful : int
        Doubts so far.

    Returns
    -------
    (int, int)
        Doubts so far, and where the last number ended, or -1 if there are too few.
    """
    table, doubts = parsed.table, parsed.doubts
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


@kernel
def _parse_lines(
    data: NDArray[np.uint8], position: int, row: int, named: bool, parsed: Parsed, powers: NDArray[np.float64]
) -> tuple[int, int, int, int]:
    """Read lines from ``data[position:]`` into rows of `table` from `row` on, and their items' places.

    Returns the row and the position reached, the number of doubts, and 0, or _FULL if the doubts are full, or
    _TOO_FEW for a line that has not an item and a row's numbers.
    """
    names, dim = parsed.names, parsed.table.shape[1]
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
        if doubtful + dim > len(parsed.doubts):
            return row, position, doubtful, _FULL
        item = position
        if named:
            while item < last and not _is_separator(data[item]):
                item += 1
        # Usually an item has no spaces. If that gives no row, the last fields are the numbers.
        before = doubtful
        doubtful, reached = _parse_fields(data, item, last, parsed, row, powers, doubtful)
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
            doubtful, reached = _parse_fields(data, item, last, parsed, row, powers, doubtful)
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
    parsed = Parsed(table, names, doubts)
    row = position = 0
    status = _FULL
    while status == _FULL:
        with np.errstate(over="ignore"):  # of doubtful numbers, where numba is told to leave Python as it is
            row, position, doubtful, status = _parse_lines(data, position, row, named, parsed, _POWERS)
        for at, column, start, stop in doubts[:doubtful].tolist():
            text = data[start:stop].tobytes()
            value = exact_float32(text)
            if value is None:
                shown = text[:40].decode("utf-8", "replace")
                return table[:at], names[:at], (int(names[at, 0]), f"has {shown!r} where a number should be")
            table[at, column] = value
    trouble = (
        None
        if status == 0
        else (position, f"does not have an item and {dim} numbers" if named else f"does not have {dim} numbers")
    )
    return table[:row], names[:row], trouble


# Rows of float32 to lines of text: a numba kernel for the many, exact arithmetic for the few it doubts.
#
# A number v and the ends of the interval that rounds to it are scaled to nine digits before the point, in double
# precision, with an error below 1e-6. The shortest text is the multiple of the largest power of ten in the
# interval; the nearest to v if there are several. Where a comparison is closer than the error, the number is
# left to `decimal_text.number_text`.


class Constants(NamedTuple):
    """Tables that printing looks numbers up in.

    Attributes
    ----------
    powers : float64
        See `decimal_text.powers_of_ten`.
    half_steps : float64 [256]
        By a float32's exponent bits: half the distance to the next number.
    exponents : int64 [256]
        By the same: the decimal exponent, perhaps 1 too low.
    """

    powers: NDArray[np.float64]
    half_steps: NDArray[np.float64]
    exponents: NDArray[np.int64]


_CONSTANTS = Constants(
    powers_of_ten(),
    np.array([2.0 ** (max(code, 1) - 151) for code in range(256)]),
    np.array([int(np.floor((code - 127) * np.log10(2.0))) for code in range(256)], np.int64),
)
_ERROR = 2e-6  # at nine digits a double is good to 1e9 * 2**-51


@kernel
def _digits(value: float, bits: int, precision: int, constants: Constants) -> tuple[int, int]:
    """Return the digits of a positive normal number as an integer, and their last one's power of ten; -1: in doubt."""
    powers, half_steps, exponents = constants
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
    digits: Any = np.int64(nearest)  # an int to numba
    return digits, exponent - places + 1


@kernel
def _print_number(digits: int, power: int, out: NDArray[np.uint8], position: int) -> int:
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


@kernel
def _print_rows(
    table: NDArray[np.float32],
    blob: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    separator: int,
    precision: int,
    row: int,
    column: int,
    out: NDArray[np.uint8],
    position: int,
    constants: Constants,
) -> tuple[int, int, int]:
    """Write rows as lines, up to a number in doubt.

    Parameters
    ----------
    table : float32 [rows, d]
    blob, offsets : uint8, int64 [rows + 1]
        The item of row i is ``blob[offsets[i]:offsets[i + 1]]``.
    separator : int
        A byte.
    precision : int
        Significant digits; 0 for the fewest that read back as the same number.
    row, column : int
        The first number.
    out : uint8
        Filled from ``position`` on.
    position : int
    constants : Constants

    Returns
    -------
    (int, int, int)
        Row and column of the first number in doubt, or the number of rows and 0; and where the text ends.
    """
    bits = table.view(np.int32)
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
                digits, power = _digits(value, magnitude, precision, constants)
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
    rows, dim = table.shape
    out = np.empty(int(offsets[-1] - offsets[0]) + rows * (dim * LONGEST + 2), np.uint8)
    row = column = position = 0
    while row < rows:
        row, column, position = _print_rows(
            table, blob, offsets, separator[0], precision, row, column, out, position, _CONSTANTS
        )
        if row < rows:  # one in doubt
            text = number_text(table[row, column], precision)
            out[position : position + len(text)] = np.frombuffer(text, np.uint8)
            position += len(text)
            column += 1
    return out[:position].data
