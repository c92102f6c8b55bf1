"""Float32 numbers as decimal text, both ways and exact: the rules, in plain Python.

The kernels beside this module (`text_kernels`) compute in double precision and know how far
off they may be: where that could matter, about once in ten million numbers, they say so, and the exact
arithmetic here decides. Writing takes the fewest digits that read back as the same number, or a given number
of digits; the exponent is written below 1e-4 and from 1e9 on, as C's ``%.9g`` does.
"""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

DIGITS = 9  # significant digits that every float32 survives (Steele and White 1990)
LONGEST = 16  # characters of a number as written here, and its separator: -1.23456789e-38 and a space
LOWEST_EXPONENT, HIGHEST_EXPONENT = -4, DIGITS - 1  # what is written without an exponent
POWERS_FROM = -90  # exponent of the first of `powers_of_ten`
_NUMBER = re.compile(rb"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:nan|inf(?:inity)?)", re.IGNORECASE)


def powers_of_ten() -> NDArray[np.float64]:
    """10**e for e from `POWERS_FROM` to 60, each rounded correctly."""
    return np.array([float(f"1e{exponent}") for exponent in range(POWERS_FROM, 61)])


def exact_float32(text: bytes) -> np.float32 | None:
    """Return the float32 nearest to a decimal number, ties to even; None if it is no number."""
    if not _NUMBER.fullmatch(text):
        return None
    wide = float(text)
    with np.errstate(over="ignore"):
        near = np.float32(wide)
        if float(near) == wide or not 1e-46 < abs(wide) < 1e39:
            return near
        # The double is the nearest to the text, and its nearest float32 is the text's too, unless it lies
        # halfway between two: then the text decides on which side it is.
        other = np.nextafter(near, np.float32(np.copysign(np.inf, wide - float(near))))
    if np.isfinite([near, other]).all():
        middle = float(near) / 2 + float(other) / 2
    else:  # between the largest float32 and what would be the next one
        middle = float(np.copysign(float(np.finfo(np.float32).max) + 2.0**103, wide))
    exact = Decimal(text.decode())
    if wide != middle or exact == Decimal(middle):
        return near
    above = exact > Decimal(middle)
    return near if (near > other) == above else other


def number_text(value: np.float32, precision: int = 0) -> bytes:
    """Return a number in `precision` significant digits, or for 0 in the fewest that read back as it."""
    wide = float(value)
    if not np.isfinite(wide):
        return b"nan" if wide != wide else b"inf" if wide > 0 else b"-inf"
    if precision:
        text = f"{wide:.{precision - 1}e}".encode()
    else:
        text = np.format_float_scientific(value, unique=True, trim="-").encode()
    sign = b"-" if text.startswith(b"-") else b""
    mantissa, exponent_text = text.lstrip(b"-").split(b"e")
    return sign + _laid_out(mantissa.replace(b".", b"").rstrip(b"0") or b"0", int(exponent_text))


def _laid_out(digits: bytes, exponent: int) -> bytes:
    """Return the number d.ddd·10**exponent, as text."""
    if not LOWEST_EXPONENT <= exponent <= HIGHEST_EXPONENT:
        fraction = b"." + digits[1:] if len(digits) > 1 else b""
        return digits[:1] + fraction + b"e%c%02d" % (b"-" if exponent < 0 else b"+", abs(exponent))
    if exponent < 0:
        return b"0." + b"0" * (-exponent - 1) + digits
    whole = digits[: exponent + 1].ljust(exponent + 1, b"0")
    return whole + (b"." + digits[exponent + 1 :] if len(digits) > exponent + 1 else b"")
