"""Baselines and model scores equal their twins in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluation_twins import cosine_similarities, lists_of, make_sequences, random_lists, random_model, successors

from item2vec.config.scoring import Scoring
from item2vec.errors import ConfigError, ModelError
from item2vec.evaluation import baselines
from item2vec.evaluation.baselines import item_knn, popularity, successor
from item2vec.evaluation.ranking import model_scorer
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = 30
TRAINING = random_lists(np.random.default_rng(3), 60, ITEMS, 0, 9)
HISTORIES = [[0], *random_lists(np.random.default_rng(4), 12, ITEMS, 1, 9)]


def scores_of(baseline, **options) -> np.ndarray:
    return baseline(make_sequences(TRAINING), make_sequences(HISTORIES), ITEMS, **options)(0, len(HISTORIES))


def test_popularity() -> None:
    counts = [sum(sequence.count(item) for sequence in TRAINING) for item in range(ITEMS)]
    expected = sorted(range(ITEMS), key=lambda item: (-counts[item], item))
    for row in scores_of(popularity):
        assert np.argsort(-row).tolist() == expected


def test_item_knn() -> None:
    similarity = cosine_similarities(TRAINING, ITEMS)
    expected = [similarity[sorted(set(history))].sum(0) for history in HISTORIES]
    assert scores_of(item_knn) == pytest.approx(np.array(expected), abs=1e-5)


def test_item_knn_of_few_neighbours() -> None:
    """Each item of the history gives points to its three nearest alone."""
    similarity = cosine_similarities(TRAINING, ITEMS)
    row = scores_of(item_knn, neighbours=3)[0]  # of the history [0]
    given = np.flatnonzero(row > 1e-4)
    assert len(given) == 3
    assert row[given] == pytest.approx(similarity[0, given], abs=1e-5)
    assert np.sort(row[given]) == pytest.approx(np.sort(similarity[0])[-3:], abs=1e-5)


def test_item_knn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scores_of(item_knn)
    monkeypatch.setattr(baselines, "_BLOCK", 7)
    assert np.array_equal(scores_of(item_knn), whole)


def test_item_knn_of_long_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long sequence evenly spaced items are looked at; short ones are looked at whole."""
    monkeypatch.setattr(baselines, "_LONGEST", 4)
    thinned = baselines._thinned(make_sequences([list(range(10)), [1, 2, 3]]))
    long, short = lists_of(thinned)
    assert len(long) == 4
    assert short == [1, 2, 3]
    assert max(np.diff(long)) <= 3


def test_successor() -> None:
    counts = successors(TRAINING)
    found = scores_of(successor)
    for history, row in zip(HISTORIES, found, strict=True):
        expected = [counts[history[-1], item] for item in range(ITEMS)]
        assert np.round(row - 0.25).tolist() == expected  # ties are broken by 0 to 0.5
    assert found.max() >= 2  # something does follow


def test_ties_go_to_the_commoner_item() -> None:
    order = np.argsort(-scores_of(popularity)[0])
    for baseline in (item_knn, successor):
        row = scores_of(baseline)[0]
        nothing = np.flatnonzero(row < 0.5 if baseline is successor else row < 1e-5)
        assert sorted(nothing, key=lambda item: -row[item]) == [item for item in order if item in nothing]


@pytest.mark.parametrize("score", ["next", "similar"])
@pytest.mark.parametrize("pool", ["mean", "last", "decay"])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("reverse", [0.0, 0.6])
def test_model_scores(score: str, pool: str, alpha: float, reverse: float) -> None:
    """Histories with items that the model does not know, 20 and above, and one with no others."""
    model = random_model(np.random.default_rng(5), 20)
    histories = [*HISTORIES, [25, 28]]
    scoring = Scoring(score, pool, decay=0.5, popularity=alpha, reverse=reverse)
    found = model_scorer(model, make_sequences(histories), scoring)
    inputs, outputs = model.input.astype(float), model.output.astype(float)
    if score == "similar":
        inputs = outputs = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    for row, history in zip(found(0, len(histories)), histories, strict=True):
        known = [item for item in history if item < 20]
        weights = {
            "mean": [1.0] * len(known),
            "last": [0.0] * (len(known) - 1) + [1.0] * bool(known),
            "decay": [0.5 ** (len(known) - 1 - place) for place in range(len(known))],
        }[pool]
        query, back = (
            np.average(table[known], axis=0, weights=weights) if known else np.zeros(5) for table in (inputs, outputs)
        )
        other_way = reverse * (inputs @ back) if score == "next" else 0
        expected = outputs @ query + other_way + [alpha * math.log(count) for count in model.vocabulary.counts]
        assert row == pytest.approx(expected, abs=1e-5)


def test_models_that_cannot_be_scored() -> None:
    model = random_model(np.random.default_rng(6), 4)
    histories = make_sequences([[0]])
    alone = KeyedVectors(model.input, None, model.vocabulary)
    with pytest.raises(ModelError, match=r"no output table.*`score=similar`"):
        model_scorer(alone, histories, Scoring())
    assert model_scorer(alone, histories, Scoring("similar"))(0, 1).argmax() == 0
    model.output[2, 1] = np.nan
    with pytest.raises(ModelError, match="output table has numbers that are not finite"):
        model_scorer(model, histories, Scoring())
    for options in ({"score": "x"}, {"pool": "x"}, {"decay": 0.0}, {"popularity": math.nan}, {"reverse": -0.1}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            Scoring(**options)
