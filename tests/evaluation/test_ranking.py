"""The best k: equal to sorting everything, ties and what may not come included."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation_twins import best, lists_of, make_sequences, random_lists
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from item2vec.evaluation import ranking
from item2vec.evaluation.ranking import rank_items
from item2vec.vectors.search import best_columns


@given(
    st.integers(1, 300).flatmap(
        lambda size: st.tuples(
            arrays(np.float32, (3, size), elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])),
            st.integers(1, size),
        )
    )
)
def test_equal_to_sorting(case: tuple[np.ndarray, int]) -> None:
    scores, k = case
    for row, found in zip(scores.tolist(), best_columns(scores, k).tolist(), strict=True):
        hidden = {column for column, score in enumerate(row) if score == -np.inf}
        expected = best(row, k, hidden)
        assert found == expected + [-1] * (k - len(expected))


@pytest.mark.parametrize("kinds", [3, 10**6])
def test_equal_to_sorting_many(kinds: int) -> None:
    """Many columns, with masses of ties or none."""
    scores = np.random.default_rng(0).integers(0, kinds, (5, 4_000)).astype(np.float32)
    expected = [best(row, 7, set()) for row in scores.tolist()]
    assert best_columns(scores, 7).tolist() == expected


@pytest.mark.parametrize("keep_seen", [False, True])
def test_users_in_blocks(keep_seen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three users each; history items, even those without a score, are left out or not."""
    rng = np.random.default_rng(2)
    monkeypatch.setattr(ranking, "_BLOCK", 3 * 20)
    histories = make_sequences([[], *random_lists(rng, 9, 25, 1, 30)])
    scores = rng.normal(size=(10, 20)).astype(np.float32)
    ranked = rank_items(lambda first, stop: scores[first:stop].copy(), 20, histories, 12, keep_seen=keep_seen)
    for row, history, found in zip(scores.tolist(), lists_of(histories), ranked.tolist(), strict=True):
        expected = best(row, 12, set() if keep_seen else set(history))
        assert found == expected + [-1] * (12 - len(expected))
