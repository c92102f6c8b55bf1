"""Intervals: as wide as theory says, and from the same resamples for all."""

from __future__ import annotations

import numpy as np
import pytest

from item2vec.evaluation.metrics import coverage_interval, mean_intervals


def test_intervals_of_means() -> None:
    """Mean ± 1.96 standard errors, for values that are nearly normal; a constant has no width; NaN does not count."""
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, 4_000)
    holes = np.where(rng.random(4_000) < 0.5, values, np.nan)
    found = mean_intervals({"all": values, "same": np.ones(4_000), "half": holes})
    for name, column in (("all", values), ("half", holes[~np.isnan(holes)])):
        estimate = found[name]
        error = column.std() / np.sqrt(len(column))
        assert estimate.value == pytest.approx(column.mean())
        assert estimate.low == pytest.approx(column.mean() - 1.96 * error, abs=0.2 * error)
        assert estimate.high == pytest.approx(column.mean() + 1.96 * error, abs=0.2 * error)
    assert (found["same"].value, found["same"].low, found["same"].high) == (1, 1, 1)
    alone = mean_intervals({"all": values})["all"]
    # The same resamples; BLAS may add up a table of one column in another order.
    assert (alone.value, alone.low, alone.high) == pytest.approx(
        (found["all"].value, found["all"].low, found["all"].high), rel=1e-13
    )


def test_interval_of_coverage() -> None:
    """As wide as the spread over fresh samples of users, or somewhat wider."""
    rng = np.random.default_rng(1)
    share = 1 / np.arange(1, 2_001)
    keys = [np.log(share) + rng.gumbel(size=(100, 2_000)) for _ in range(40)]  # 10 different items a user
    samples = [np.argpartition(key, -10)[:, -10:].astype(np.int32) for key in keys]
    found = [coverage_interval(ranked, np.ones(2_500, bool)) for ranked in samples]
    assert found[0].value == len(np.unique(samples[0])) / 2_500
    errors = [(estimate.high - estimate.low) / 3.92 for estimate in found]
    spread = np.std([estimate.value for estimate in found])
    assert 0.8 * spread < np.mean(errors) < 1.6 * spread


def test_coverage_by_hand() -> None:
    """Four of eight items; without the second user, who alone has 2 and 3, two of them."""
    estimate = coverage_interval(np.array([[0, 1], [2, 3], [1, 0], [1, -1]], np.int32), np.ones(8, bool))
    error = (3 / 4 * (1.5**2 + 3 * 0.5**2)) ** 0.5 / 8
    assert estimate.value == 0.5
    assert estimate.low == pytest.approx(0.5 - 1.96 * error)
    assert estimate.high == pytest.approx(0.5 + 1.96 * error)
    nobody = coverage_interval(np.full((4, 2), -1, np.int32), np.ones(9, bool))
    assert (nobody.value, nobody.low, nobody.high) == (0, 0, 0)


def test_items_that_are_not_known_do_not_cover() -> None:
    """Nor is -1 taken for the last code."""
    ranked = np.array([[0, 3], [1, -1]], np.int32)
    estimate = coverage_interval(ranked, np.array([True, True, False, False]))
    assert (estimate.value, estimate.low, estimate.high) == (1, 1, 1)
    without = coverage_interval(np.array([[0, -1], [1, -1]], np.int32), np.array([True, True, False, True]))
    assert without.value == pytest.approx(2 / 3)
