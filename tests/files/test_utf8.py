"""The UTF-8 check against Python's own strict decoder."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from item2vec.corpus.text.utf8_kernels import all_valid, find_invalid

# Bytes at the borders of every range of Unicode's table of well-formed sequences.
BORDERS = [
    0x01,
    0x41,
    0x7F,
    0x80,
    0x8F,
    0x90,
    0x9F,
    0xA0,
    0xBF,
    0xC0,
    0xC1,
    0xC2,
    0xDF,
    0xE0,
    0xE1,
    0xEC,
    0xED,
    0xEE,
]
BORDERS += [0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF]


def first_invalid(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return -1


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(BORDERS), max_size=7).map(bytes) | st.text(max_size=9).map(str.encode))
def test_as_python_decodes(data: bytes) -> None:
    data = data.replace(b"\0", b"a")
    assert find_invalid(np.frombuffer(data, np.uint8), 0, len(data)) == first_invalid(data)


def test_nul_is_refused_and_the_range_is_kept() -> None:
    data = np.frombuffer(b"\xffab\0\xff", np.uint8)
    assert find_invalid(data, 1, 3) == -1
    assert find_invalid(data, 1, 5) == 3


def test_items_are_checked_by_themselves() -> None:
    blob = np.frombuffer("é".encode(), np.uint8)
    assert all_valid(blob, np.array([0, 2]), 1)
    assert not all_valid(blob, np.array([0, 1, 2]), 2)
