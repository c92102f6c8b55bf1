"""95% intervals: the percentiles of a bootstrap over users (Efron and Tibshirani 1993, chapter 13).

One set of resamples, from one seed, serves all metrics and all methods of an evaluation, so that differences between
its lines are not blurred by the resampling.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
