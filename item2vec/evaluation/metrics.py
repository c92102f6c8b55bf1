"""Metrics of ranked lists against held-out items, a value a user.

With hits_u(k) the held-out items among the first k recommended to user u, T_u the items held out, and rank their place
from 1:

    recall@k   hits_u(k) / |T_u|
    hit@k      1 if hits_u(k) > 0, else 0
    mrr@k      1 / rank of the first hit within k, else 0 (Voorhees 1999, cut at k)
    ndcg@k     DCG / ideal DCG: DCG is the sum of 1 / log2(rank + 1) over the hits within k, the ideal that of
               min(k, |T_u|) hits in a row (Järvelin and Kekäläinen 2002, binary relevance)
    poprank@k  mean popularity rank of the first k: 1 is the commonest item; high is daring, low is safe
    coverage@k share of the items in the training data or the model that come up for anybody within k; of all users,
               not of each

Recall and NDCG are those of LightGCN's evaluation (He et al. 2020; RecallPrecision_ATk and NDCGatK_r in its
utils.py). A held-out item that cannot be recommended, as the model does not know it, is a miss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError
from item2vec.evaluation.sequences import Sequences

TARGET_METRICS = ("recall", "ndcg", "hit", "mrr")
LIST_METRICS = ("coverage", "poprank")


def parse_metric(name: str) -> tuple[str, int]:
    """Split ``ndcg@20`` into its metric and k.

    Raises
    ------
    ConfigError
        If it is none of the metrics that have a value a user.
    """
    found = re.fullmatch(r"([a-z]+)@([1-9][0-9]{0,5})", name)
    if not found or found[1] not in TARGET_METRICS:
        raise ConfigError(
            f"metric is {name!r}; it must be one of {', '.join(TARGET_METRICS)}, @ and k, such as ndcg@20"
        )
    return found[1], int(found[2])


def check_cutoffs(cutoffs: Iterable[int]) -> tuple[int, ...]:
    """Return the lengths k of lists, ascending, each once.

    Raises
    ------
    ConfigError
        If there is none, or one is not from 1 to 1,000.
    """
    chosen = tuple(sorted(set(cutoffs)))
    if not chosen or not all(1 <= k <= 1_000 for k in chosen):
        raise ConfigError(f"k is {','.join(map(str, chosen))!r}; it must be whole numbers from 1 to 1,000")
    return chosen


def find_hits(ranked: NDArray[np.int32], targets: Sequences) -> NDArray[np.bool_]:
    """Say which recommended items were held out.

    Parameters
    ----------
    ranked : array, int32 [U, k]
        Items recommended to each user, best first; -1 for none.
    targets : Sequences [U]
        Distinct items.

    Returns
    -------
    array, bool [U, k]
    """
    size = int(max(ranked.max(initial=0), targets.items.max(initial=0))) + 1
    wanted = np.sort(targets.owners * size + targets.items)
    asked = np.arange(len(ranked))[:, None] * size + ranked
    places = np.minimum(np.searchsorted(wanted, asked), max(len(wanted) - 1, 0))
    hits: NDArray[np.bool_] = (ranked >= 0) & (wanted[places] == asked)
    return hits


def target_metrics(
    hits: NDArray[np.bool_], target_counts: NDArray[np.int64], cutoffs: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    """Recall, NDCG, hit rate and MRR of each user, as the module defines them.

    Parameters
    ----------
    hits : array, bool [U, k]
    target_counts : array, int64 [U]
        Held-out items of each user, at least 1.
    cutoffs : tuple of int
        Each at most k.

    Returns
    -------
    dict of str to array, float64 [U]
        By name, such as ``recall@20``.
    """
    gain = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate(([0.0], np.cumsum(gain)))
    found = {}
    for k in cutoffs:
        first = hits[:, :k]
        any_hit = first.any(1)
        found[f"recall@{k}"] = first.sum(1) / target_counts
        found[f"ndcg@{k}"] = first @ gain[:k] / ideal[np.minimum(target_counts, k)]
        found[f"hit@{k}"] = any_hit.astype(np.float64)
        found[f"mrr@{k}"] = np.where(any_hit, 1 / (first.argmax(1) + 1), 0.0)
    return found


def popularity_ranks(ranked: NDArray[np.int32], rank: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Mean popularity rank of each user's first k; NaN where nothing is recommended.

    Parameters
    ----------
    ranked : array, int32 [U, K]
    rank : array, int64 [items]
        1 for the commonest.
    k : int
    """
    first = ranked[:, :k]
    there = first >= 0
    sums = np.where(there, rank[first], 0).sum(1)
    counts = there.sum(1)
    means: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means
