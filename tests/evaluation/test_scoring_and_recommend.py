"""evaluate and recommend score alike: what is measured is what is answered."""

from __future__ import annotations

import numpy as np
import pytest

from item2vec.config.scoring import Scoring
from item2vec.evaluation.ranking import model_scorer, rank_items, sparse_rows
from item2vec.evaluation.sequences import Sequences
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors


@pytest.mark.parametrize(
    "scoring",
    [
        Scoring(),
        Scoring(pool="last", reverse=0.4),
        Scoring(pool="decay", decay=0.6, popularity=0.3),
        Scoring(popularity=-0.2, reverse=1.0),
        Scoring(popularity=0.3, reverse=0.5, softmax=0.8),
        Scoring(pool="decay", softmax=1.5),
    ],
)
def test_the_same_lists(scoring: Scoring) -> None:
    random = np.random.default_rng(9)
    tables = random.standard_normal((2, 80, 7)).astype(np.float32)
    model = KeyedVectors(*tables, Vocabulary.from_items([f"i{i}" for i in range(80)], range(160, 80, -1)))
    histories = [random.integers(80, size=size) for size in (1, 2, 5, 9)]
    flat = Sequences(np.concatenate(histories).astype(np.int32), np.cumsum([0, *map(len, histories)]))
    ranked = rank_items(model_scorer(model, flat, scoring), len(model), flat, 12)
    answers = model.recommend_many(
        [[f"i{item}" for item in history] for history in histories],
        12,
        pool=scoring.pool,
        decay=scoring.decay,
        popularity=scoring.popularity,
        reverse=scoring.reverse,
        softmax=scoring.softmax,
    )
    assert [[f"i{item}" for item in row] for row in ranked.tolist()] == [[item for item, _ in one] for one in answers]


def test_rows_leave_their_sequences_alone() -> None:
    sequences = Sequences(np.array([3, 3, 1], np.int32), np.array([0, 2, 3]))
    assert sparse_rows(sequences, 4).toarray().tolist() == [[0, 0, 0, 2], [0, 1, 0, 0]]
    assert (sequences.items.tolist(), sequences.offsets.tolist()) == ([3, 3, 1], [0, 2, 3])
