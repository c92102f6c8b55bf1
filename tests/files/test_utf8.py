"""The UTF-8 check against Python's own strict decoder."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from item2vec.files.utf8 import all_text, first_not_utf8

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


def is_text(item: bytes) -> bool:
    try:
        return "\0" not in item.decode()
    except UnicodeDecodeError:
        return False


def joined(items: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    blob = np.frombuffer(b"".join(items), np.uint8)
    return blob, np.cumsum([0, *map(len, items)])


some_bytes = st.lists(st.sampled_from([0, *BORDERS]), max_size=5).map(bytes) | st.text(max_size=5).map(str.encode)


@settings(max_examples=600, deadline=None)
@given(st.lists(some_bytes, max_size=4))
def test_as_python_decodes_each_item(items: list[bytes]) -> None:
    assert all_text(*joined(items)) == all(map(is_text, items))
    without = [item.replace(b"\0", b"a") for item in items]
    expected = next((i for i, item in enumerate(without) if not is_text(item)), None)
    assert first_not_utf8(*joined(without)) == expected


def test_items_are_checked_by_themselves() -> None:
    blob = np.frombuffer("é".encode(), np.uint8)
    assert all_text(blob, np.array([0, 2]))
    assert not all_text(blob, np.array([0, 1, 2]))
