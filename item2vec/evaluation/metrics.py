"""95% intervals: the percentiles of a bootstrap over users (Efron and Tibshirani 1993, chapter 13).

One set of resamples, from one seed, serves all metrics and all methods of an evaluation, so that differences between
its lines are not blurred by the resampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError
from item2vec.evaluation.sequences import Sequences

# Metrics of ranked lists against held-out items, a value a user.
#
# With hits_u(k) the held-out items among the first k recommended to user u, T_u the items held out, and rank their
# place
# from 1:
#
#     recall@k   hits_u(k) / |T_u|
#     hit@k      1 if hits_u(k) > 0, else 0
#     mrr@k      1 / rank of the first hit within k, else 0 (Voorhees 1999, cut at k)
#     ndcg@k     DCG / ideal DCG: DCG is the sum of 1 / log2(rank + 1) over the hits within k, the ideal that of
#                min(k, |T_u|) hits in a row (Järvelin and Kekäläinen 2002, binary relevance)
#     poprank@k  mean popularity rank of the first k: 1 is the commonest item; high is daring, low is safe
#     coverage@k share of the items in the training data or the model that come up for anybody within k; of all users,
#                not of each
#
# Recall and NDCG are those of LightGCN's evaluation (He et al. 2020; RecallPrecision_ATk and NDCGatK_r in its
# utils.py). A held-out item that cannot be recommended, as the model does not know it, is a miss.

LIST_METRICS = ("coverage", "poprank")


def check_cutoffs(cutoffs: Iterable[int]) -> tuple[int, ...]:
    """Return the lengths k of lists, ascending, each once.

    Raises
    ------
    ConfigError
        If there is none, or one is not from 1 to 1,000.
    """
    chosen = tuple(sorted(set(cutoffs)))
    if not chosen or not all(1 <= k <= 1_000 for k in chosen):
        raise ConfigError(f"`k` is {','.join(map(str, chosen))!r}; it must be whole numbers from 1 to 1,000")
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


RESAMPLES = 1_000
_SEED = 20_130_116  # of arXiv:1301.3781: any fixed number
_BLOCK = 100  # resamples drawn at a time: their weights are float64 [100, U]


@dataclass(frozen=True)
class Estimate:
    """A value and its 95% interval."""

    value: float
    low: float
    high: float


def mean_intervals(values: dict[str, NDArray[np.float64]]) -> dict[str, Estimate]:
    """Mean over users of each metric, with its interval.

    Parameters
    ----------
    values : dict of str to array, float64 [U]
        NaN for a user without a value, who then does not count.
    """
    table = np.stack(list(values.values()), axis=1)  # [U, M]
    there = ~np.isnan(table)
    sums = np.concatenate([np.where(there, table, 0.0), there], axis=1)
    drawn = np.concatenate([weights @ sums for weights in _resamples(len(table))])  # [R, 2M]
    totals = sums.sum(0)
    with np.errstate(invalid="ignore"):
        means = drawn[:, : len(values)] / drawn[:, len(values) :]
        value = totals[: len(values)] / totals[len(values) :]
    low, high = np.nanpercentile(means, [2.5, 97.5], axis=0)
    return {
        name: Estimate(*map(float, row)) for name, row in zip(values, zip(value, low, high, strict=True), strict=True)
    }


def coverage_interval(ranked: NDArray[np.int32], known: NDArray[np.bool_]) -> Estimate:
    """Share of the known items that is recommended to anybody.

    A resample holds only some 63% of the users and covers less than all of them do, so the bootstrap is biased here.
    The interval is the value ± 1.96 standard errors of the jackknife, which errs on the wide side (Efron and Stein
    1981): a user who is left out takes away the items that nobody else is recommended.

    Parameters
    ----------
    ranked : array, int32 [U, k]
        -1 for none; no item twice in a row.
    known : array, bool [codes]
        Items that count, at least one.
    """
    items = np.count_nonzero(known)
    there = (ranked >= 0) & known[ranked]
    times = np.bincount(ranked[there], minlength=len(known))
    alone = np.sum(there & (times[ranked] == 1), axis=1)  # items that only this user is recommended
    users = len(ranked)
    error = np.sqrt((users - 1) / users * np.sum((alone - alone.mean()) ** 2)) / items
    value = np.count_nonzero(times) / items
    return Estimate(float(value), float(max(value - 1.96 * error, 0.0)), float(min(value + 1.96 * error, 1.0)))


def _resamples(users: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each user is drawn, float64 [resamples, users], a block of resamples at a time."""
    random = np.random.default_rng(_SEED)
    for _ in range(RESAMPLES // _BLOCK):
        drawn = random.integers(users, size=(_BLOCK, users), dtype=np.int32)
        yield np.stack([np.bincount(row, minlength=users) for row in drawn]).astype(np.float64)
