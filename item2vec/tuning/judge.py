"""Judge: how well two tables find held-out items, and by which scoring best. No retraining."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.config.validation import parse_metric
from item2vec.evaluation.baselines import Baseline
from item2vec.evaluation.items import user_values
from item2vec.evaluation.ranking import model_scorer
from item2vec.evaluation.sequences import HeldOut
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors

SCORES = 400_000_000  # computed in one look at all: 10,000 sequences of 40,000 items
_FEWEST = 500  # sequences looked at, however many items there are
_FEWEST_MIXED = 200
_QUICK = 4  # a quick look is at one sequence in so many
_STEP = 0.1  # of the weight of popularity
_GAP = 0.3  # by which the best weight of popularity is usually below the noise exponent
_DECAYS = (0.2, 0.5, 0.8)
_REVERSES = (0.0, 0.2, 0.4, 0.7, 1.0, 1.5, 2.5)
_GUESS = 0.4  # of these, where order means nothing
_SOFTMAXES = (0.5, 1.0)
_SEED = 20_130_116

Tables = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Judge:
    """Held-out items, and the metric that counts.

    Parameters
    ----------
    held : HeldOut
    vocabulary : Vocabulary
        That of the tables.
    size : int
        Codes there are.
    metric : str
        Such as ``ndcg@20``.
    keep_seen : bool
        Items of a history may be recommended again.
    """

    held: HeldOut
    vocabulary: Vocabulary
    size: int
    metric: str
    keep_seen: bool = False

    def __post_init__(self) -> None:
        """Refuse a metric that there is not."""
        parse_metric(self.metric)

    def limited(self) -> Judge:
        """Return the same for as many sequences, drawn at random, as are looked at in a reasonable time."""
        return self._of(max(_FEWEST, SCORES // self.size))

    def quick(self) -> Judge:
        """Return the same for a quarter of the sequences."""
        return self._of(max(min(_FEWEST, len(self.held)), len(self.held) // _QUICK))

    def mixed(self) -> Judge:
        """Return the same for as many sequences as mixtures, which score for each item of a history, can do as soon."""
        length = len(self.held.histories.items) / len(self.held)
        return self._of(max(_FEWEST_MIXED, int(SCORES / (self.size * length))))

    def values(self, tables: Tables, scoring: Scoring) -> NDArray[np.float64]:
        """Return the metric of each sequence, float64 [U].

        Raises
        ------
        ModelError
            If the tables have numbers that are not finite.
        """
        model = KeyedVectors(*tables, self.vocabulary)
        scorer = model_scorer(model, self.held.histories, scoring)
        return user_values(scorer, len(model), self.held, self.metric, keep_seen=self.keep_seen)

    def baseline(self, baseline: Baseline) -> NDArray[np.float64]:
        """Return the metric of each sequence by a baseline."""
        scorer = baseline(self.held.training, self.held.histories, self.size)
        return user_values(scorer, self.size, self.held, self.metric, keep_seen=self.keep_seen)

    def mean(self, tables: Tables, scoring: Scoring) -> float:
        """Return the mean over sequences."""
        return float(self.values(tables, scoring).mean())

    def _of(self, count: int) -> Judge:
        if count >= len(self.held):
            return self
        rows = np.sort(np.random.default_rng(_SEED).choice(len(self.held), count, replace=False))
        held = replace(self.held, histories=self.held.histories.select(rows), targets=self.held.targets.select(rows))
        return replace(self, held=held)


def first_guess(ns_exponent: float, *, ordered: bool) -> Scoring:
    """Return the scoring that trials are compared by before they are done."""
    weight = round(max(0.0, ns_exponent - _GAP), 1)
    return (
        Scoring(pool="decay", decay=_DECAYS[0], popularity=weight)
        if ordered
        else Scoring(popularity=weight, reverse=_GUESS)
    )


def best_scoring(judge: Judge, tables: Tables, ns_exponent: float, *, ordered: bool) -> Scoring:
    """Return the scoring by which some tables find most: one choice after the other, each from the best so far.

    Parameters
    ----------
    judge : Judge
    tables : two arrays, float32 [V, d]
    ns_exponent : float
        What they were trained with; where the search for the weight of popularity begins.
    ordered : bool
        Whether pools that mind the order are tried.
    """
    found: dict[Scoring, float] = {}

    def value(scoring: Scoring) -> float:
        if scoring not in found:
            found[scoring] = judge.mean(tables, scoring)
        return found[scoring]

    best = first_guess(ns_exponent, ordered=ordered)
    if ordered:
        pools = (best, replace(best, pool="mean"), replace(best, pool="last"))
        best = max((*pools, *(replace(best, pool="decay", decay=decay) for decay in _DECAYS)), key=value)
    best = _climb_weights(best, value)
    value(replace(best, popularity=0.0, reverse=0.0))
    value(replace(best, score="similar", popularity=0.0, reverse=0.0))
    # The probabilities that training estimated, both directions alike: far from the best mean, yet often the best.
    estimated = replace(best, reverse=1.0, popularity=round(2 * ns_exponent, 1))
    return _mixed(judge.mixed(), tables, (best, estimated), max(found, key=value))


def _climb_weights(best: Scoring, value: Callable[[Scoring], float]) -> Scoring:
    """Return the weights of the other direction, then of popularity, as long as they go up."""

    def climb(best: Scoring, steps: Iterable[Scoring]) -> Scoring:
        for further in steps:
            if value(further) <= value(best):
                break
            best = further
        return best

    start = _REVERSES.index(best.reverse)
    for weights in (_REVERSES[start + 1 :], _REVERSES[:start][::-1]):
        best = climb(best, (replace(best, reverse=weight) for weight in weights))
    for step in (_STEP, -_STEP):
        best = climb(best, (replace(best, popularity=round(best.popularity + step * n, 1)) for n in range(1, 20)))
    return best


def _mixed(judge: Judge, tables: Tables, starts: tuple[Scoring, ...], best: Scoring) -> Scoring:
    """Return what averages probabilities, with weights of its own from some start on, if it beats the best."""
    if starts[0].pool == "last":
        return best

    @functools.cache
    def value(scoring: Scoring) -> float:
        return judge.mean(tables, scoring)

    mixed = max((replace(start, softmax=softmax) for start in starts for softmax in _SOFTMAXES), key=value)
    if value(mixed) > value(best):
        return _climb_weights(mixed, value)
    return best
