"""evaluate_items: a model and baselines on held-out items, with intervals, in all and by popularity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.evaluation.baselines import Baseline, item_knn, popularity, successor
from item2vec.evaluation.heldout import HeldOut
from item2vec.evaluation.intervals import Estimate, coverage_interval, mean_intervals
from item2vec.evaluation.metrics import check_cutoffs, find_hits, parse_metric, popularity_ranks, target_metrics
from item2vec.evaluation.ranking import Scorer, rank_items
from item2vec.evaluation.scoring import model_scorer
from item2vec.vectors.scoring import Scoring

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
        """The result as plain JSON values, the model's metrics under ``metrics``."""
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
    report: Callable[[str], None] | None = None,
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
    report : callable or None
        Called with each method's name before it is evaluated.

    Raises
    ------
    ConfigError
        If a cutoff cannot work.
    ModelError
        If the model cannot be scored in this way.
    """
    cutoffs = check_cutoffs(cutoffs)
    counts = np.bincount(held.training.items, minlength=size)
    rank = np.empty(size, np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(1, size + 1)
    items = int(np.sum((counts > 0) | (np.arange(size) < len(model))))
    bucket_of = _buckets(counts, rank)
    methods: dict[str, Metrics] = {}
    by_bucket: dict[str, dict[str, Metrics]] = {name: {} for name in BUCKETS}

    def evaluate(name: str, scorer: Scorer, scored: int) -> None:
        ranked = rank_items(scorer, scored, held.histories, cutoffs[-1], keep_seen=keep_seen)
        hits = find_hits(ranked, held.targets)
        values = target_metrics(hits, held.targets.lengths, cutoffs)
        ranks = {f"poprank@{k}": popularity_ranks(ranked, rank, k) for k in cutoffs}
        coverage = {f"coverage@{k}": coverage_interval(ranked[:, :k], size, items) for k in cutoffs}
        found = mean_intervals(values | ranks)
        methods[name] = {metric: found[metric] for metric in values} | coverage | {name: found[name] for name in ranks}
        for number, bucket in enumerate(BUCKETS):
            targets = held.targets.keep(bucket_of[held.targets.items] == number)
            users = np.flatnonzero(targets.lengths)
            if len(users):
                in_bucket = hits[users] & (bucket_of[ranked[users]] == number)
                by_bucket[bucket][name] = mean_intervals(target_metrics(in_bucket, targets.lengths[users], cutoffs))

    if report:
        report(MODEL)
    evaluate(MODEL, model_scorer(model, held.histories, scoring or Scoring()), len(model))
    for name, baseline in (baselines or {}).items():
        if report:
            report(name)
        evaluate(name, baseline(held.training, held.histories, size), size)
    target_buckets = bucket_of[held.targets.items]
    owners = held.targets.owners
    return ItemsResult(
        users=len(held),
        targets=len(held.targets.items),
        unknown=int(np.sum(held.targets.items >= len(model))),
        repeated=int(np.isin(owners * size + held.targets.items, _keys(held, size)).sum()),
        skipped=held.skipped,
        methods=methods,
        buckets={
            name: Bucket(
                items=int(np.sum(bucket_of == number)),
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
    """The baselines by name; the successor of the last item only where the next item is held out."""
    found: dict[str, Baseline] = {"popularity": popularity, "item-knn": item_knn}
    return found | {"successor": successor} if next_item else found


def _buckets(counts: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each item's bucket, int64 [items]: by the share of occurrences that commoner items have."""
    descending = np.sort(counts)[::-1]
    before = (np.cumsum(descending) - descending) / max(1, counts.sum())
    by_rank = np.searchsorted([1 / 3, 2 / 3], before, side="right")
    number: NDArray[np.int64] = np.where(counts > 0, by_rank[rank - 1], len(BUCKETS) - 1)
    return number


def _keys(held: HeldOut, size: int) -> NDArray[np.int64]:
    """A number for each pair of user and item of the histories."""
    keys: NDArray[np.int64] = held.histories.owners * size + held.histories.items
    return keys


def _by_method(methods: dict[str, Metrics]) -> dict[str, Any]:
    plain = {
        name: {metric: dataclasses.asdict(estimate) for metric, estimate in metrics.items()}
        for name, metrics in methods.items()
    }
    model = plain.pop(MODEL, {})
    return {"metrics": model, "baselines": plain}
