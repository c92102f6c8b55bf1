"""Float32 as decimal text: the kernels against exact fractions, hard cases, and numpy's shortest digits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from item2vec.vectors.formats.decimal_text import exact_float32, number_text
from item2vec.vectors.formats.text_kernels import parse_lines, print_rows

LARGEST = Fraction(float(np.finfo(np.float32).max))


def nearest_twin(text: str) -> float:
    """The float32 nearest to a decimal number, ties to even, by exact fractions; IEEE 754, section 4.3.1."""
    exact = abs(Fraction(text))
    sign = -1.0 if text.startswith("-") else 1.0
    if exact >= LARGEST + Fraction(2) ** 103:
        return sign * float("inf")
    power = -149  # of the distance between neighbours
    while exact >= Fraction(2) ** (power + 24):
        power += 1
    steps = exact / Fraction(2) ** power
    whole = int(steps)
    rest = steps - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2):
        whole += 1
    return sign * float(whole * Fraction(2) ** power)


def parsed(numbers: list[str]) -> np.ndarray:
    """What the kernel reads, a number a row."""
    data = np.frombuffer("".join(f"x {number}\n" for number in numbers).encode(), np.uint8)
    table, _, trouble = parse_lines(data, 1, True)
    assert trouble is None
    return table[:, 0]


def printed(values: np.ndarray, precision: int = 0) -> list[str]:
    """What the kernel writes."""
    row = np.asarray(values, np.float32).reshape(1, -1)
    return bytes(print_rows(row, np.empty(0, np.uint8), np.zeros(2, np.int64), b" ", precision)).decode().split()


TEXTS = st.one_of(
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e39, max_value=1e39).map(repr),
    st.tuples(st.integers(0, 10**25), st.integers(-75, 20)).map(lambda pair: f"{pair[0]}e{pair[1]}"),
    st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 10**30)).map(lambda pair: f"{pair[0]}.{pair[1]}"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8))
@example(["16777217", "16777219", "33554434", "1e-45", "7e-46", "7.1e-46", "3.4028235e38", "3.4028236e38"])
@example(["3.40282356779733661637539395458142568447e38", "3.40282356779733661637539395458142568448e38"])
@example(
    ["0.1", "-0", "-0.0", "000.000", "1e400", "-1e400", "1e-400", "00000000000000000000000000012.5", "1E+3", "+2."]
)
@example([".5", "5.", "-.25e1", "0.00000000000000000000000000000000000000000000000000000000000001e60"])
def test_numbers_are_read_as_the_nearest(numbers: list[str]) -> None:
    expected = [nearest_twin(number) for number in numbers]
    for found in (parsed(numbers).tolist(), [float(exact_float32(number.encode())) for number in numbers]):
        assert found == expected
        assert np.signbit(found).tolist() == [number.startswith("-") for number in numbers]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 0x7F7FFFFE), st.integers(-1, 1))
def test_halfway_between_two_numbers(bits: int, aside: int) -> None:
    low, high = (Fraction(float(np.uint32(code).view(np.float32))) for code in (bits, bits + 1))
    middle = (low + high) / 2 + aside * (high - low) / 10**40
    # Powers of two and ten only: a finite decimal, written whole.
    digits = 0
    while (middle * 10**digits).denominator != 1:
        digits += 1
    text = f"{int(middle * 10**digits)}e-{digits}"
    value = (low, high)[bits % 2] if aside == 0 else (low, high)[aside > 0]
    assert parsed([text]).tolist() == [float(value)]


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 20)))
@example(np.array([2**24, 2**24 + 2, 2**26, 1e9, 999999999, 123456792, 1e-4, 9.9999e-5, 0.1, 1 / 3], np.float32))
@example((2.0 ** np.arange(-149, 128)).astype(np.float32))
@example(np.nextafter((2.0 ** np.arange(-126, 128)).astype(np.float32), np.float32(0)))
@example((10.0 ** np.arange(-45, 39)).astype(np.float32))
def test_numbers_are_written_shortest(values: np.ndarray) -> None:
    texts = printed(values)
    assert texts == [number_text(value).decode() for value in values]
    for value, text in zip(values, texts, strict=True):
        if np.isfinite(value):
            back = parsed([text])[0]
            assert back == value
            assert np.signbit(back) == np.signbit(value)
            shortest = np.format_float_scientific(value, unique=True, trim="-")
            assert digits_of(text) <= digits_of(shortest)
        else:
            assert text == str(float(value))


@settings(max_examples=100, deadline=None)
@given(hnp.arrays(np.float32, 12), st.integers(1, 9))
@example(np.array([0.125, 0.375, 2.5, 3.5, 1e9, 5e8, 0.5, 9.5, 99.5, 999999999, 1e-4, 9.99e-5], np.float32), 1)
def test_a_precision_is_that_of_c(values: np.ndarray, precision: int) -> None:
    for value, text in zip(values, printed(values, precision), strict=True):
        assert text == number_text(value, precision).decode()
        if np.isfinite(value):
            assert float(text) == float(f"{float(value):.{precision}g}")
            assert digits_of(text) <= precision


def test_layout_by_hand() -> None:
    values = [0, -0.0, 1, -1.5, 100, 123.456, 999999999, 1e9, 0.001, 0.0001, 0.00001, 1.5e-5, 3e38, -1e-30, 120]
    expected = "0 -0 1 -1.5 100 123.456 1e+09 1e+09 0.001 0.0001 1e-05 1.5e-05 3e+38 -1e-30 120"
    assert " ".join(printed(np.array(values))) == expected
    assert printed(np.array([2 / 3, 1234567, 0.5]), 3) == ["0.667", "1230000", "0.5"]


def digits_of(text: str) -> int:
    """Significant digits."""
    return len(text.lstrip("-").split("e")[0].replace(".", "").strip("0")) or 1


@pytest.mark.parametrize("word", ["one", "1_0", "1,5", "0x1p3", "--1", "1e", "e5", ".", "-", "1e+", "\u0661", "nano"])
def test_what_is_no_number(word: str) -> None:
    assert exact_float32(word.encode()) is None
    table, _, trouble = parse_lines(np.frombuffer(f"a 1\nb {word}\nc 3\n".encode(), np.uint8), 1, True)
    assert table.tolist() == [[1]]
    assert trouble == (4, f"has {word!r} where a number should be")


def test_lines() -> None:
    text = b"a 1 2\n\n  \nolive oil 3 4 \r\nvitamin 12 5\t6\nx 1e0 nan\nb 7 8"
    table, names, trouble = parse_lines(np.frombuffer(text, np.uint8), 2, True)
    assert trouble is None
    assert [text[start:stop] for start, stop in names.tolist()] == [b"a", b"olive oil", b"vitamin 12", b"x", b"b"]
    assert table[[0, 1, 2, 4]].tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]
    assert np.isnan(table[3, 1])
    for short in (b"a 1\n", b"1 2\n", b" 1 2\n", b"\t\n1 2"):
        table, names, trouble = parse_lines(np.frombuffer(b"a 1 2\n" + short, np.uint8), 2, True)
        assert len(table) == 1
        assert trouble is not None
        assert trouble[1] == "does not have an item and 2 numbers"
    table, _, trouble = parse_lines(np.frombuffer(b"1\t2\n3\t4\n5\t6\t7\n", np.uint8), 2, False)
    assert (table.tolist(), trouble) == ([[1, 2], [3, 4]], (8, "does not have 2 numbers"))
