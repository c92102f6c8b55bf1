"""The hash index against its documented formula in plain Python, and against a list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from item2vec.items import hash_index
from item2vec.items.hash_index import HashIndex, hash_item, hash_items
from item2vec.items.vocabulary import Vocabulary


def hash_twin(item: bytes) -> int:
    """The formula of the module's docstring, letter for letter."""
    h = len(item) * 0x9E3779B97F4A7C15 % 2**64
    while item:
        word = item[:8] + b"\0" * (8 - len(item[:8]))
        h = (h ^ sum(byte << 8 * place for place, byte in enumerate(word))) * 0x9E3779B97F4A7C15 % 2**64
        h = h ^ h // 2**32
        item = item[8:]
    return h


def blob_of(items: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate(([0], np.cumsum([len(item) for item in items], dtype=np.int64)))
    return np.frombuffer(b"".join(items), np.uint8), offsets.astype(np.int64)


def test_known_hashes_are_part_of_the_format() -> None:
    assert [f"{hash_item(item):016x}" for item in (b"", b"milk", "crème brûlée".encode())] == [
        "0000000000000000",
        "a0ebc7f13b8cea5c",
        "2b7e63601bcc0aa8",
    ]


@given(st.lists(st.binary(max_size=40), max_size=60))
def test_vectorised_hash_equals_formula(items: list[bytes]) -> None:
    expected = [hash_twin(item) for item in items]
    assert hash_items(*blob_of(items)).tolist() == expected
    assert [hash_item(item) for item in items] == expected


def test_vectorised_hash_over_block_borders_and_long_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "_BLOCK", 50)
    monkeypatch.setattr(hash_index, "_FEW", 3)
    items = [bytes([number % 251]) * (number % 37) for number in range(230)]
    items += [b"x" * 1001, b"", b"y" * 64]
    assert hash_items(*blob_of(items)).tolist() == [hash_twin(item) for item in items]


def test_index_finds_every_item_and_no_other() -> None:
    items = [f"item {number}" for number in range(3000)]
    vocabulary = Vocabulary.from_items(items, np.ones(3000, np.int64))
    index = HashIndex.build(vocabulary)
    assert np.all(index.keys[1:] > index.keys[:-1])
    assert [index.find(item.encode(), vocabulary) for item in items] == list(range(3000))
    assert index.find(b"item 3000", vocabulary) == -1
    assert index.find(b"", vocabulary) == -1


def test_collisions_are_settled_by_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_index, "hash_item", lambda item: 7)
    monkeypatch.setattr(hash_index, "hash_items", lambda blob, offsets: np.full(len(offsets) - 1, 7, np.uint64))
    vocabulary = Vocabulary.from_items(["milk", "bread", "salt"], np.array([3, 2, 1]))
    index = HashIndex.build(vocabulary)
    assert [index.find(item, vocabulary) for item in (b"salt", b"milk", b"bread", b"oil")] == [2, 0, 1, -1]
