"""evaluate_items: held-out items by their popularity, against a calculation by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from item2vec.evaluation.items import ItemsResult, evaluate_items
from item2vec.evaluation.sequences import HeldOut, Sequences
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors

COUNTS = [4, 6, 1, 5, 2, 0]  # of 18: item 1 is the first third, 3 and 0 begin in the second, 4, 2 and 5 in the last
KNOWN = 5  # items of the model; item 5 is new to it


def sequences(*lists: list[int]) -> Sequences:
    offsets = np.cumsum([0, *map(len, lists)])
    return Sequences(np.concatenate(lists).astype(np.int32), offsets)


@pytest.fixture
def result() -> ItemsResult:
    held = HeldOut(
        histories=sequences([2], [3], [0]),
        targets=sequences([1, 4], [0, 3], [5]),
        training=sequences([item for item, count in enumerate(COUNTS) for _ in range(count)]),
        skipped={},
    )
    best = [[1, 3], [0, 1], [2, 5]]
    scores = np.zeros((3, len(COUNTS)), np.float32)
    for row, (first, second) in zip(scores, best, strict=True):
        row[[first, second]] = 2, 1
    vocabulary = Vocabulary.from_items([f"i{item}" for item in range(KNOWN)], range(KNOWN))
    table = np.ones((KNOWN, 2), np.float32)
    model = KeyedVectors(table, table, vocabulary)
    planned = {"planned": lambda training, histories, size: lambda first, stop: scores[first:stop].copy()}
    return evaluate_items(model, held, len(COUNTS), cutoffs=(2,), baselines=planned)


def test_facts(result: ItemsResult) -> None:
    assert (result.users, result.targets, result.unknown, result.repeated) == (3, 5, 1, 1)
    facts = {name: (bucket.items, bucket.users, bucket.targets) for name, bucket in result.buckets.items()}
    assert facts == {"head": (1, 1, 1), "middle": (2, 1, 2), "tail": (3, 2, 2)}


def test_metrics_of_all_and_of_each_popularity(result: ItemsResult) -> None:
    second = 1 / log2(3)  # the gain of the second place
    found = result.methods["planned"]
    assert found["recall@2"].value == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert found["coverage@2"].value == pytest.approx(4 / 5)  # item 5 comes up too, but only from a target
    assert found["poprank@2"].value == pytest.approx(((1 + 2) / 2 + (3 + 1) / 2 + (5 + 6) / 2) / 3)
    for name, recall, ndcg in [
        ("head", 1, 1),
        ("middle", 1 / 2, 1 / (1 + second)),
        ("tail", 1 / 2, second / 2),
    ]:
        metrics = result.buckets[name].methods["planned"]
        assert metrics["recall@2"].value == pytest.approx(recall), name
        assert metrics["ndcg@2"].value == pytest.approx(ndcg), name
