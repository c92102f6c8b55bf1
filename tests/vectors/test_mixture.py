"""Mixtures: against a plain-Python twin, at both ends of the softmax, and where a history has two kinds of items."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from item2vec.errors import ConfigError
from item2vec.vectors import recommend as module
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.recommend import history_weights, mixture, top_mixtures
from item2vec.vectors.search import SideBySide


def twin(
    queries: NDArray[np.float32], table: NDArray[np.float32], history: list[int], weights: list[float], softmax: float,
    bias: NDArray[np.float64],
) -> list[float]:  # fmt: skip
    mixed = [0.0] * len(table)
    for item, weight in zip(history, weights, strict=True):
        powers = [math.exp(softmax * (float(queries[item] @ row) + b)) for row, b in zip(table, bias, strict=True)]
        mixed = [sum_ + weight * power / sum(powers) for sum_, power in zip(mixed, powers, strict=True)]
    return mixed


@pytest.mark.parametrize("numbers", [1 << 24, 1])
def test_the_twin_and_the_best_of_it(numbers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history at a time and an item at a time come to the same as all at once; an item may come twice."""
    monkeypatch.setattr(module, "_NUMBERS", numbers)
    monkeypatch.setattr(module, "_ROWS", 16)
    random = np.random.default_rng(4)
    queries, left = random.standard_normal((2, 50, 6)).astype(np.float32)
    bias = random.standard_normal(50)
    histories = [np.array(one) for one in ([3], [7, 7, 1], [0, 49, 20, 5])]
    shares = [[1.0], [0.25 / 1.75, 0.5 / 1.75, 1 / 1.75], [0.125 / 1.875, 0.25 / 1.875, 0.5 / 1.875, 1 / 1.875]]
    table = SideBySide(left[:, :2].copy(), left[:, 2:].copy())
    lengths = np.array([len(one) for one in histories])
    weights = history_weights(np.concatenate(histories), lengths, len(queries), "decay", 0.5)
    found = mixture(queries, table, weights, 0.7, bias)
    expected = [
        twin(queries, left, one.tolist(), share, 0.7, bias) for one, share in zip(histories, shares, strict=True)
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    rows, scores = top_mixtures(queries, table, weights, 0.7, 49, bias=bias, exclude=histories)
    for query, seen in enumerate(histories):
        order = [row for row in np.argsort(-np.array(expected[query]), kind="stable").tolist() if row not in seen]
        padding = [-1] * (49 - len(order))
        assert rows[query].tolist() == order + padding
        np.testing.assert_allclose(scores[query, : len(order)], np.array(expected[query])[order], rtol=2e-5)


def test_the_ends() -> None:
    """Near 0 it orders as the mean does; far up as the item whose own normalised score is highest does."""
    random = np.random.default_rng(5)
    inputs, outputs = random.standard_normal((2, 40, 4)).astype(np.float32)
    model = KeyedVectors.from_items([f"i{number}" for number in range(40)], inputs, outputs)
    history = ["i1", "i8", "i30"]
    plain = [item for item, _ in model.recommend(history, 40)]
    assert [item for item, _ in model.recommend(history, 40, softmax=1e-3)] == plain
    scores = inputs[[1, 8, 30]] @ outputs.T
    gap = scores.max(axis=1) - scores[:, [1, 8, 30]].T  # not the winner's
    assert gap.shape == (3, 3)
    first = model.recommend(history, 3, softmax=40.0, include_seen=True)
    assert {item for item, _ in first} <= {f"i{row}" for row in scores.argmax(axis=1).tolist()}
    assert sum(score for _, score in first) == pytest.approx(1, abs=0.05)


def test_two_kinds_of_items_in_a_history() -> None:
    """The mean of opposite kinds is between them, where what suits neither lies; a mixture keeps to either."""
    names = ["nail", "screw", "milk", "bread", "paper"]
    inputs = [[3, 0], [3, 0], [-3, 0.1], [-3, 0.1], [0, 0]]
    outputs = [[3, 0], [3, 0], [-3, 0], [-3, 0], [0, 1]]
    model = KeyedVectors.from_items(names, inputs, outputs)
    assert model.recommend(["nail", "milk"], 1)[0][0] == "paper"
    best = model.recommend(["nail", "milk"], 2, softmax=1.0)
    assert {item for item, _ in best} == {"screw", "bread"}
    assert best[0][1] == pytest.approx(0.25, abs=0.01)


def test_damaged_vectors_say_nothing() -> None:
    inputs = np.eye(4, dtype=np.float32)
    outputs = inputs.copy()
    outputs[2] = np.nan
    model = KeyedVectors.from_items(["a", "b", "c", "d"], inputs, outputs)
    assert len(model.recommend(["a"], softmax=1.0)) == 3
    assert model.recommend_many([], softmax=1.0) == []


@pytest.mark.parametrize("softmax", [-1.0, math.inf, math.nan])
def test_what_is_refused(softmax: float) -> None:
    model = KeyedVectors.from_items(["a", "b"], np.eye(2), np.eye(2))
    with pytest.raises(ConfigError, match=r"`softmax` is .*; it must be a number from 0 to 10,000"):
        model.recommend(["a"], softmax=softmax)
    with pytest.raises(ConfigError, match="`pool` is 'max'"):
        model.recommend(["a"], softmax=1.0, pool="max")  # type: ignore[arg-type]
