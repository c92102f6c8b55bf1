"""Vocabulary: strings in, strings out, without numba."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from item2vec.items.vocabulary import Vocabulary


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True))
def test_round_trip(items: list[str]) -> None:
    vocabulary = Vocabulary.from_items(items, range(len(items), 0, -1))
    assert len(vocabulary) == len(items)
    assert list(vocabulary) == vocabulary.index_to_key() == items
    assert [vocabulary.items_bytes(i) for i in range(len(items))] == [item.encode() for item in items]
    assert vocabulary.key_to_index == {item: i for i, item in enumerate(items)}
    assert vocabulary == Vocabulary.from_items([item.encode() for item in items], vocabulary.counts)
    assert (vocabulary.blob.dtype, vocabulary.offsets.dtype, vocabulary.counts.dtype) == (
        np.uint8,
        np.int64,
        np.int64,
    )


def test_indices() -> None:
    vocabulary = Vocabulary.from_items(["milk", "олія"], [7, 3])
    assert vocabulary[-1] == vocabulary[np.int32(1)] == "олія"
    assert vocabulary.counts.tolist() == [7, 3]
    assert repr(vocabulary) == "Vocabulary(2 items, 10 occurrences)"
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"^index {index} is outside a vocabulary of 2 items$"):
            vocabulary[index]


def test_difference_shows() -> None:
    vocabulary = Vocabulary.from_items(["a", "b"], [2, 1])
    assert vocabulary != Vocabulary.from_items(["a", "c"], [2, 1])
    assert vocabulary != Vocabulary.from_items(["a", "b"], [3, 1])
    assert vocabulary != Vocabulary.from_items(["ab", ""], [2, 1])
    assert vocabulary != ["a", "b"]


def test_arrays_are_not_copied() -> None:
    offsets = np.array([0, 1], np.int64)
    assert Vocabulary(np.array([97], np.uint8), offsets, np.array([1])).offsets is offsets


def test_queries_need_no_numba() -> None:
    code = "import item2vec.corpus.corpus, sys; sys.exit('numba' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
