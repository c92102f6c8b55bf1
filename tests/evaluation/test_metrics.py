"""Metrics: a case computed by hand, LightGCN's own arithmetic, twins on random lists."""

from __future__ import annotations

import math

import numpy as np
import pytest
from evaluation_twins import make_sequences, ndcg, random_lists, recall, reciprocal_rank

from item2vec.config.validation import parse_metric
from item2vec.errors import ConfigError
from item2vec.evaluation.metrics import find_hits, popularity_ranks, target_metrics


def test_a_case_by_hand() -> None:
    """Hits at ranks 1 and 3 of three targets; at rank 2 of one target; none, with fewer than k recommended."""
    ranked = np.array([[4, 7, 2, 9], [5, 6, 7, 8], [1, 0, -1, -1]], np.int32)
    targets = make_sequences([[2, 4, 11], [6], [3]])
    hits = find_hits(ranked, targets)
    assert hits.tolist() == [[True, False, True, False], [False, True, False, False], [False] * 4]
    found = target_metrics(hits, targets.lengths, (2, 4))
    assert found["recall@2"].tolist() == [1 / 3, 1, 0]
    assert found["recall@4"].tolist() == [2 / 3, 1, 0]
    assert found["hit@2"].tolist() == [1, 1, 0]
    assert found["mrr@4"].tolist() == [1, 1 / 2, 0]
    # 1 of the ideal's 1 + 1/log2(3); 1 + 1/log2(4) of the ideal's 1 + 1/log2(3) + 1/log2(4); 1/log2(3) of 1.
    assert found["ndcg@2"] == pytest.approx([1 / (1 + 1 / math.log2(3)), 1 / math.log2(3), 0])
    assert found["ndcg@4"] == pytest.approx([1.5 / (1.5 + 1 / math.log2(3)), 1 / math.log2(3), 0])
    rank = np.arange(1, 13)
    assert popularity_ranks(ranked, rank, 2).tolist() == [6.5, 6.5, 1.5]
    assert popularity_ranks(ranked, rank, 4).tolist() == [6.5, 7.5, 1.5]
    assert math.isnan(popularity_ranks(np.full((1, 3), -1, np.int32), rank, 3)[0])


def test_ndcg_is_lightgcns() -> None:
    """NDCGatK_r of LightGCN's utils.py, with its own way of writing the ideal."""
    rng = np.random.default_rng(0)
    r = rng.integers(0, 2, (50, 20))
    lengths = np.maximum(r.sum(1), rng.integers(1, 40, 50))
    k = 20
    test_matrix = np.zeros((len(r), k))
    for row, length in enumerate(lengths):
        test_matrix[row, : min(k, length)] = 1
    idcg = np.sum(test_matrix * 1.0 / np.log2(np.arange(2, k + 2)), axis=1)
    dcg = np.sum(r * (1.0 / np.log2(np.arange(2, k + 2))), axis=1)
    assert target_metrics(r.astype(bool), lengths, (k,))["ndcg@20"] == pytest.approx(dcg / idcg)


def test_random_lists_agree_with_the_twins() -> None:
    rng = np.random.default_rng(1)
    wanted = random_lists(rng, 40, 30, 1, 12)
    targets = make_sequences([sorted(set(items)) for items in wanted])
    ranked = np.array([rng.permutation(30)[:10] for _ in wanted], np.int32)
    found = target_metrics(find_hits(ranked, targets), targets.lengths, (1, 5, 10))
    for name, twin in (("recall", recall), ("ndcg", ndcg), ("mrr", reciprocal_rank)):
        for k in (1, 5, 10):
            expected = [twin(list(row), set(items), k) for row, items in zip(ranked.tolist(), wanted, strict=True)]
            assert found[f"{name}@{k}"] == pytest.approx(expected), name
    assert np.array_equal(found["hit@5"], found["mrr@5"] > 0)


def test_names_of_metrics() -> None:
    assert parse_metric("ndcg@20") == ("ndcg", 20)
    for name in ("ndcg", "ndcg@0", "coverage@10", "precision@5", "ndcg@1.5"):
        with pytest.raises(ConfigError, match="such as ndcg@20"):
            parse_metric(name)
