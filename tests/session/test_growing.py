"""Growing a vocabulary: counts of old and new together, nothing lost, newcomers by their merged count."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from item2vec.corpus.corpus import Corpus
from item2vec.items.hash_index import HashIndex
from item2vec.items.vocabulary import Vocabulary
from item2vec.session.warm_start import Growth, grow

NAMES = st.sampled_from(
    ["a", "b", "c", "dd", "d", "", "a b", "é", "日本", "long item of more than eight bytes", "x" * 9]
)
LINES = st.lists(st.lists(NAMES, max_size=6), max_size=8)


def counted(counts: Counter[str]) -> Vocabulary:
    order = sorted(counts, key=lambda item: -counts[item])
    return Vocabulary.from_items(order, [counts[item] for item in order])


def corpus_of(lines: list[list[str]]) -> Corpus:
    """What a reader with min-count 1 makes of the lines."""
    lines = [line for line in lines if line]
    vocabulary = counted(Counter(item for line in lines for item in line))
    ids = vocabulary.key_to_index
    flat = np.array([ids[item] for line in lines for item in line], np.int32)
    offsets = np.cumsum([0, *map(len, lines)]).astype(np.int64)
    return Corpus(flat, offsets, vocabulary, len(flat), len(lines))


def counts_of(vocabulary: Vocabulary | None) -> dict[str, int]:
    assert vocabulary is not None
    return dict(zip(vocabulary, vocabulary.counts.tolist(), strict=True))


def sequences_of(growth: Growth) -> list[list[str]]:
    corpus = growth.corpus
    return [
        [corpus.vocabulary[item] for item in corpus.items[low:high]]
        for low, high in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
    ]


@settings(deadline=None, max_examples=200)
@given(LINES, LINES, st.integers(1, 5))
def test_growing_counts_as_reading_both_at_once(
    before: list[list[str]], after: list[list[str]], min_count: int
) -> None:
    old = Counter(item for line in before for item in line)
    kept = Counter({item: n for item, n in old.items() if n >= min_count})
    growth = grow(counted(kept), counted(old - kept), corpus_of(after), min_count=min_count, max_items=None)
    both = old + Counter(item for line in after for item in line)
    assert counts_of(growth.corpus.vocabulary) == {item: n for item, n in both.items() if n >= min_count}
    assert counts_of(growth.corpus.rare) == {item: n for item, n in both.items() if n < min_count}
    for vocabulary in (growth.corpus.vocabulary, growth.corpus.rare):
        assert vocabulary is not None
        assert vocabulary.counts.tolist() == sorted(vocabulary.counts.tolist(), reverse=True)
    names = list(growth.corpus.vocabulary)
    assert [names[place] for place in growth.old_ids] == list(counted(kept))
    assert growth.newcomers == len(names) - len(kept)
    expected = [[item for item in line if both[item] >= min_count] for line in after]
    assert sequences_of(growth) == [line for line in expected if line]


def test_old_items_stay_whatever_the_limits() -> None:
    old = Vocabulary.from_items(["a", "b", "c"], [9, 2, 1])
    growth = grow(old, None, corpus_of([["x", "y", "x", "y", "x", "a"]]), min_count=2, max_items=4)
    assert counts_of(growth.corpus.vocabulary) == {"a": 10, "x": 3, "b": 2, "c": 1}
    assert counts_of(growth.corpus.rare) == {"y": 2}
    assert sequences_of(growth) == [["x", "x", "x", "a"]]
    full = grow(old, None, corpus_of([["x", "x"]]), min_count=2, max_items=2)
    assert counts_of(full.corpus.vocabulary) == {"a": 9, "b": 2, "c": 1}
    assert full.newcomers == 0


def test_items_of_equal_hash_are_told_apart() -> None:
    vocabulary = Vocabulary.from_items(["one", "two", "six"], [3, 2, 1])
    index = HashIndex.build(vocabulary)
    collided = HashIndex(np.full(3, index.keys[list(index.ids).index(2)]), np.arange(3, dtype=np.int32))
    asked = Vocabulary.from_items(["six"], [1])
    assert collided.find_all(asked, vocabulary).tolist() == [2]
    assert index.find_all(Vocabulary.from_items(["ten", "two", "twos", ""], [1, 1, 1, 1]), vocabulary).tolist() == [
        -1, 1, -1, -1
    ]  # fmt: skip
