"""Exact top-k against a plain sort of all scores, in many blocks and threads; memory; pooling by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item2vec.errors import ConfigError
from item2vec.vectors import recommend as pooling
from item2vec.vectors import search as topk
from item2vec.vectors.recommend import pooled
from item2vec.vectors.search import top_k


def top_k_twin(
    table: np.ndarray, queries: np.ndarray, k: int, cosine: bool, bias: np.ndarray | None, exclude: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """All scores in float64, sorted; ties by row."""
    wide, asked = table.astype(np.float64), queries.astype(np.float64)
    scores = asked @ wide.T
    if cosine:
        norms = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(wide, axis=1)
        scores = np.divide(scores, norms, out=np.zeros_like(scores), where=norms > 0)
    if bias is not None:
        scores = scores + bias
    for row, rows in zip(scores, exclude, strict=True):
        row[rows] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    return np.where(np.isneginf(best), -1, order), best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 300), st.integers(1, 9), st.integers(1, 12), st.booleans(), st.data())
def test_equals_a_sort_of_everything(
    seed: int, rows: int, dim: int, queries: int, cosine: bool, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    # Quarters: sums are exact in float32 and there are many ties.
    table = (rng.integers(-8, 9, (rows, dim)) / 4).astype(np.float32)
    asked = rng.integers(-8, 9, (queries, dim)) / 4
    k = data.draw(st.integers(1, rows + 2))
    exclude = [rng.integers(0, rows, rng.integers(0, 9)) for _ in range(queries)]
    bias = rng.integers(-4, 5, rows) / 2 if data.draw(st.booleans()) else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topk, "_ROWS", data.draw(st.integers(1, 40)))
        patch.setattr(topk, "_QUERIES", data.draw(st.integers(1, 5)))
        patch.setattr(topk, "_POOL", data.draw(st.integers(0, 3)))
        found, scores = top_k(
            table, asked, k, cosine=cosine, bias=bias, exclude=exclude, threads=data.draw(st.integers(0, 3))
        )
    expected, best = top_k_twin(table, asked, k, cosine, bias, exclude)
    assert np.where(np.isneginf(scores), 0, scores) == pytest.approx(np.where(np.isneginf(best), 0, best), abs=1e-9)
    assert np.array_equal(found < 0, expected < 0)
    if not cosine:  # whose exact ties rounding may part
        assert np.array_equal(found, expected)


def test_random_rows_in_order() -> None:
    rng = np.random.default_rng(1)
    table, asked = rng.standard_normal((5000, 40)).astype(np.float32), rng.standard_normal((30, 40))
    exclude = [rng.integers(0, 5000, 20) for _ in range(30)]
    for cosine in (True, False):
        found, scores = top_k(table, asked, 50, cosine=cosine, exclude=exclude, threads=2)
        expected, best = top_k_twin(table, asked, 50, cosine, None, exclude)
        assert np.array_equal(found, expected)
        assert scores == pytest.approx(best, abs=1e-12)


def test_equal_rows_are_ordered_by_number() -> None:
    for table in (np.zeros((9000, 4), np.float32), np.ones((9000, 4), np.float32)):
        for cosine in (True, False):
            found, _ = top_k(table, np.ones((3, 4)), 100, cosine=cosine, exclude=[np.array([5])] * 3, threads=2)
            assert found.tolist() == [[row for row in range(101) if row != 5]] * 3


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_none_count_as_zero() -> None:
    table = np.array([[np.nan, 1], [1, 0], [np.inf, 0], [-1, 0], [0, 0]], np.float32)
    found, scores = top_k(table, np.array([[1.0, 0], [0, 0], [np.nan, 1]]), 5, cosine=True)
    assert (found[0].tolist(), scores[0].tolist()) == ([1, 0, 2, 4, 3], [1, 0, 0, 0, -1])
    assert scores[1:].tolist() == [[0.0] * 5] * 2
    found, scores = top_k(table, np.array([[1.0, 0]]), 5, cosine=False)
    assert (found[0].tolist(), scores[0].tolist()) == ([1, 0, 2, 4, 3], [1, 0, 0, 0, -1])


def test_no_matrix_of_items_and_queries() -> None:
    table = np.random.default_rng(3).standard_normal((40_000, 8)).astype(np.float32)
    asked = np.random.default_rng(4).standard_normal((500, 8))
    tracemalloc.start()
    top_k(table, asked, 10, cosine=True, threads=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40_000 * 500 * 4 / 3


def test_pooling_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    table = np.array([[1, 0], [0, 1], [4, 2]], np.float32)
    histories = [np.array([0, 1, 2]), np.array([1]), np.array([2, 2, 0, 1])]
    for numbers in (1, 9, 1 << 20):  # one history at a time, two, all
        monkeypatch.setattr(pooling, "_NUMBERS", numbers)
        assert pooled(table, histories) == pytest.approx(np.array([[5 / 3, 1], [0, 1], [2.25, 1.25]]))
        assert pooled(table, histories, "last").tolist() == [[4, 2], [0, 1], [0, 1]]
        # Weights 1/4, 1/2, 1 of 7/4, and 1/8, 1/4, 1/2, 1 of 15/8.
        assert pooled(table, histories, "decay", 0.5) == pytest.approx(
            np.array([[4.25 / 1.75, 2.5 / 1.75], [0, 1], [2 / 1.875, 1.75 / 1.875]])
        )
    assert pooled(table, histories, "decay", 1.0) == pytest.approx(pooled(table, histories))
    with pytest.raises(ConfigError, match="`pool` is 'max'; it must be one of mean, last, decay"):
        pooled(table, histories, "max")  # type: ignore[arg-type]
    for decay in (0.0, 1.5, float("nan")):
        with pytest.raises(ConfigError, match=r"`decay` is .*; it must be above 0 and at most 1"):
            pooled(table, histories, "decay", decay)
