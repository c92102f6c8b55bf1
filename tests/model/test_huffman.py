"""The Huffman tree: word2vec.c's codes, a prefix code, as short as any."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_family import huffman_codes

from item2vec.model.huffman import huffman_tree, make_paths, path_lengths

COUNTS = st.lists(st.integers(1, 30), min_size=1, max_size=40).map(lambda counts: sorted(counts, reverse=True))


def codes_of(tree: np.ndarray) -> list[list[int]]:
    """Each item's bits from the root down."""
    size = (len(tree) + 1) // 2
    found = []
    for item in range(size):
        bits, up = [], int(tree[item])
        while up >= 0:
            bits.insert(0, up & 1)
            up = int(tree[size + up // 2])
        found.append(bits)
    return found


def shortest_total(counts: list[int]) -> int:
    """Occurrences times bits of the best code, by a heap."""
    heap, total = list(counts), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        total += joined
        heapq.heappush(heap, joined)
    return total


@settings(deadline=None)  # the first call compiles
@given(COUNTS)
def test_the_codes_are_those_of_word2vec_c(counts: list[int]) -> None:
    assert codes_of(huffman_tree(np.array(counts))) == huffman_codes(counts)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60))
def test_the_code_is_as_short_as_any_and_a_prefix_code(counts: list[int]) -> None:
    counts = [max(1, count) for count in counts]
    tree = huffman_tree(np.array(counts))
    codes = codes_of(tree)
    assert sum(count * len(code) for count, code in zip(counts, codes, strict=True)) == shortest_total(counts)
    assert math.fsum(2.0 ** -len(code) for code in codes) == 1  # Kraft, with equality: the tree is full
    ordered = sorted("".join(map(str, code)) for code in codes)
    if len(ordered) > 1:
        assert not any(after.startswith(before) for before, after in pairwise(ordered))
    assert path_lengths(tree, len(counts)).tolist() == list(map(len, codes))
    paths = make_paths(tree, len(counts))
    assert paths is not None
    assert paths.longest == max(map(len, codes))


def test_every_inner_node_is_a_row_and_the_root_the_last() -> None:
    tree = huffman_tree(np.array([5, 4, 3, 2, 1]))
    assert tree[-1] == -1
    assert sorted(tree[:-1].tolist()) == list(range(8))  # both bits of each of four nodes, once


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_smallest_vocabularies(size: int) -> None:
    assert list(map(len, codes_of(huffman_tree(np.ones(size, np.int64))))) == {1: [0], 2: [1, 1], 3: [1, 2, 2]}[size]


@pytest.mark.parametrize("wrong", ["short", "beyond", "circle", "below", "negative"])
def test_what_is_no_tree_is_found(wrong: str) -> None:
    tree = huffman_tree(np.arange(1, 9))
    if wrong == "short":
        tree = tree[:-1]
    elif wrong == "beyond":
        tree[0] = 2 * 7
    elif wrong == "circle":
        tree[8 + 3] = 2 * 3
    elif wrong == "below":
        tree[8 + 5] = 2 * 2
    else:
        tree[1] = -2
    assert make_paths(tree, 8) is None
