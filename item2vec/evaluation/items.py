"""evaluate_items: a model and baselines on held-out items, with intervals, in all and by popularity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.config.validation import parse_metric
from item2vec.evaluation.baselines import Baseline, item_knn, popularity, successor
from item2vec.evaluation.metrics import (
    Estimate,
    check_cutoffs,
    coverage_interval,
    find_hits,
    mean_intervals,
    popularity_ranks,
    target_metrics,
)
from item2vec.evaluation.ranking import Scorer, model_scorer, rank_items
from item2vec.evaluation.sequences import HeldOut, Sequences

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


BUCKETS = ("head", "middle", "tail")
MODEL = "model"
Metrics = dict[str, Estimate]


@dataclass(frozen=True)
class Bucket:
    """Held-out items of one popularity, and how well they are found.

    Attributes
    ----------
    items : int
        Items of that popularity.
    users : int
        Users of whom such an item is held out.
    targets : int
        Such held-out items.
    methods : dict of str to Metrics
    """

    items: int
    users: int
    targets: int
    methods: dict[str, Metrics]


@dataclass(frozen=True)
class ItemsResult:
    """What `evaluate_items` found.

    Attributes
    ----------
    users, targets : int
        Evaluated, and items held out of them.
    unknown : int
        Of the targets those that the model does not know: misses.
    repeated : int
        Of the targets those that the history has too: misses, unless seen items may be recommended.
    skipped : dict of str to int
        Sequences not evaluated, by reason.
    methods : dict of str to Metrics
        `MODEL` and the baselines.
    buckets : dict of str to Bucket
    """

    users: int
    targets: int
    unknown: int
    repeated: int
    skipped: dict[str, int]
    methods: dict[str, Metrics]
    buckets: dict[str, Bucket]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, the model's metrics under ``metrics``."""
        return {
            "users": self.users,
            "targets": self.targets,
            "unknown_targets": self.unknown,
            "targets_in_history": self.repeated,
            "skipped": self.skipped,
            **_by_method(self.methods),
            "buckets": {
                name: {"items": bucket.items, "users": bucket.users, "targets": bucket.targets}
                | _by_method(bucket.methods)
                for name, bucket in self.buckets.items()
            },
        }


def evaluate_items(
    model: KeyedVectors,
    held: HeldOut,
    size: int,
    *,
    cutoffs: tuple[int, ...] = (10, 20, 50),
    scoring: Scoring | None = None,
    keep_seen: bool = False,
    baselines: dict[str, Baseline] | None = None,
) -> ItemsResult:
    """Evaluate a model on held-out items.

    Popularity is the count in ``held.training``. The head are the commonest items that together make a third of all
    occurrences there, the middle those of the next third, the tail all others, new ones included. In a bucket only the
    held-out items of that popularity are targets, and only users who have one count.

    Parameters
    ----------
    model : KeyedVectors
    held : HeldOut
        Its codes are the model's ids for the items that the model knows.
    size : int
        Codes there are.
    cutoffs : tuple of int
        Lengths k of the lists that are looked at.
    scoring : Scoring
    keep_seen : bool
        Let items of the history be recommended again.
    baselines : dict of str to Baseline, optional
        What to compare with.

    Raises
    ------
    ConfigError
        If a cutoff cannot work.
    ModelError
        If the model cannot be scored in this way.
    """
    cutoffs = check_cutoffs(cutoffs)
    commonness = _Commonness(held.training, size, len(model))
    scorers: dict[str, tuple[Callable[[], Scorer], int]] = {
        MODEL: (partial(model_scorer, model, held.histories, scoring or Scoring()), len(model)),
        **{
            name: (partial(baseline, held.training, held.histories, size), size)
            for name, baseline in (baselines or {}).items()
        },
    }
    methods: dict[str, Metrics] = {}
    by_bucket: dict[str, dict[str, Metrics]] = {name: {} for name in BUCKETS}
    for name, (make_scorer, scored) in scorers.items():
        ranked = rank_items(make_scorer(), scored, held.histories, cutoffs[-1], keep_seen=keep_seen)
        hits = find_hits(ranked, held.targets)
        methods[name] = _metrics(ranked, hits, held.targets, cutoffs, commonness)
        for bucket, found in _bucket_metrics(ranked, hits, held.targets, cutoffs, commonness).items():
            by_bucket[bucket][name] = found
    target_buckets = commonness.bucket[held.targets.items]
    owners = held.targets.owners
    return ItemsResult(
        users=len(held),
        targets=len(held.targets.items),
        unknown=int(np.sum(held.targets.items >= len(model))),
        repeated=int(np.isin(_keys(held.targets, size), _keys(held.histories, size)).sum()),
        skipped=held.skipped,
        methods=methods,
        buckets={
            name: Bucket(
                items=int(np.sum(commonness.bucket == number)),
                users=len(np.unique(owners[target_buckets == number])),
                targets=int(np.sum(target_buckets == number)),
                methods=by_bucket[name],
            )
            for number, name in enumerate(BUCKETS)
        },
    )


def user_values(
    scorer: Scorer, size: int, held: HeldOut, metric: str, *, keep_seen: bool = False
) -> NDArray[np.float64]:
    """One metric of each user, float64 [U].

    Parameters
    ----------
    scorer : Scorer
        Of the histories of ``held``.
    size : int
        Items that it scores.
    held : HeldOut
    metric : str
        Such as ``ndcg@20``, as `parse_metric` has it.
    keep_seen : bool
        Let items of the history be recommended again.
    """
    _, k = parse_metric(metric)
    hits = find_hits(rank_items(scorer, size, held.histories, k, keep_seen=keep_seen), held.targets)
    return target_metrics(hits, held.targets.lengths, (k,))[metric]


def standard_baselines(*, next_item: bool) -> dict[str, Baseline]:
    """Return the baselines by name; the successor of the last item only where the next item is held out."""
    found: dict[str, Baseline] = {"popularity": popularity, "item-knn": item_knn}
    return found | {"successor": successor} if next_item else found


class _Commonness:
    """How common items are in what is learnt from.

    Attributes
    ----------
    rank : array, int64 [items]
        By count, from 1.
    bucket : array, int64 [items]
        The number of each item's bucket: by the share of occurrences that commoner items have.
    known : array, bool [items]
        Those that occur or that the model knows.
    """

    def __init__(self, training: Sequences, size: int, known: int) -> None:
        counts = np.bincount(training.items, minlength=size)
        self.rank = np.empty(size, np.int64)
        self.rank[np.argsort(-counts, kind="stable")] = np.arange(1, size + 1)
        descending = np.sort(counts)[::-1]
        before = (np.cumsum(descending) - descending) / max(1, counts.sum())
        by_rank = np.searchsorted([1 / 3, 2 / 3], before, side="right")
        self.bucket: NDArray[np.int64] = np.where(counts > 0, by_rank[self.rank - 1], len(BUCKETS) - 1)
        self.known: NDArray[np.bool_] = (counts > 0) | (np.arange(size) < known)


def _metrics(
    ranked: NDArray[np.int32],
    hits: NDArray[np.bool_],
    targets: Sequences,
    cutoffs: tuple[int, ...],
    commonness: _Commonness,
) -> Metrics:
    """All metrics of one method, from what it ranks first, [U, k], and which of that is a target."""
    values = target_metrics(hits, targets.lengths, cutoffs)
    ranks = {f"poprank@{k}": popularity_ranks(ranked, commonness.rank, k) for k in cutoffs}
    coverage = {f"coverage@{k}": coverage_interval(ranked[:, :k], commonness.known) for k in cutoffs}
    found = mean_intervals(values | ranks)
    return {metric: found[metric] for metric in values} | coverage | {metric: found[metric] for metric in ranks}


def _bucket_metrics(
    ranked: NDArray[np.int32],
    hits: NDArray[np.bool_],
    targets: Sequences,
    cutoffs: tuple[int, ...],
    commonness: _Commonness,
) -> dict[str, Metrics]:
    """Return the metrics of one method for each bucket that has targets, over the users who have one there."""
    found = {}
    for number, bucket in enumerate(BUCKETS):
        own = targets.keep(commonness.bucket[targets.items] == number)
        users = np.flatnonzero(own.lengths)
        if len(users):
            in_bucket = hits[users] & (commonness.bucket[ranked[users]] == number)
            found[bucket] = mean_intervals(target_metrics(in_bucket, own.lengths[users], cutoffs))
    return found


def _keys(sequences: Sequences, size: int) -> NDArray[np.int64]:
    """Return a number for each pair of user and item."""
    keys: NDArray[np.int64] = sequences.owners * size + sequences.items
    return keys


def _by_method(methods: dict[str, Metrics]) -> dict[str, Any]:
    plain = {
        name: {metric: dataclasses.asdict(estimate) for metric, estimate in metrics.items()}
        for name, metrics in methods.items()
    }
    model = plain.pop(MODEL, {})
    return {"metrics": model, "baselines": plain}
