"""How a model scores items for a history: which tables, how the history is pooled, how popularity is weighed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from item2vec.errors import ConfigError

Score = Literal["next", "similar"]
Pool = Literal["mean", "last", "decay"]
POOLS = get_args(Pool)
MOST = 10_000  # of a weight or a scale: far more than ever helped, and float32 scores stay finite
DECAY = 0.8  # weight of an item over that of the next one


@dataclass(frozen=True)
class Scoring:
    """How a model scores recommendations. A model file may carry the scoring that suits it.

    Parameters
    ----------
    score : {"next", "similar"}
        next: the inner product of the history's input vector with each item's output vector, which is what training
        made probable. similar: the cosine of input vectors.
    pool : {"mean", "last", "decay"}
        The vector of a history: the mean of its items' vectors, the vector of its last item, or a mean in which each
        item weighs ``decay`` times as much as the next.
    decay : float
        Above 0, at most 1.
    popularity : float
        This times log(count) is added to each score. It favours common items, of which a high ``ns_exponent`` makes
        too little. From -10,000 to 10,000.
    reverse : float
        With the score next, this times the score of the other direction is added: the history's output vector with
        the item's input vector. Skip-gram learns each pair in both directions. Where order means nothing, the sum of
        both estimates a pair better than either. From 0 to 10,000.
    softmax : float
        0: the scores of the history's items are averaged. Above 0: probabilities are averaged, the softmax over all
        items of this times the scores. This finds items that suit one item of the history well. At most 10,000.

    Raises
    ------
    ConfigError
        If a value cannot work.
    """

    score: Score = "next"
    pool: Pool = "mean"
    decay: float = DECAY
    popularity: float = 0.0
    reverse: float = 0.0
    softmax: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.score not in ("next", "similar"):
            raise ConfigError(f"`score` is {self.score!r}; it must be next or similar")
        check_pool(self.pool, self.decay)
        for name, least in (("popularity", -MOST), ("reverse", 0), ("softmax", 0)):
            value = getattr(self, name)
            if not least <= value <= MOST:
                raise ConfigError(f"`{name}` is {value!r}; it must be a number from {least:,} to {MOST:,}")

    def with_given(self, **options: Any) -> Scoring:
        """Return the same, but for the options that are not None.

        Raises
        ------
        ConfigError
            If a value cannot work.
        """
        return replace(self, **{name: value for name, value in options.items() if value is not None})

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Scoring:
        """Scoring of options from a file, which may be anything.

        Raises
        ------
        ConfigError
            If there is an unknown option, or a value cannot work.
        """
        types = {field.name: type(field.default) for field in fields(cls)}
        for name, value in options.items():
            if name not in types:
                raise ConfigError(f"{name!r} is not a scoring option; those are {', '.join(types)}")
            number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
            if not (number if types[name] is float else isinstance(value, str)):
                raise ConfigError(f"`{name}` is {value!r}; it must be {'a number' if types[name] is float else 'text'}")
        return cls(**options)


def score_options(scoring: Scoring, *, evaluate: bool = True) -> str:
    """Options of ``evaluate items``, or else ``recommend``, for a scoring: those that are not defaults."""
    standard = Scoring()
    options = []
    if evaluate and scoring.score != standard.score:
        options.append(f"--score {scoring.score}")
    if scoring.pool != standard.pool:
        options.append(f"--pool {scoring.pool}")
    if scoring.pool == "decay" and scoring.decay != standard.decay:
        options.append(f"--decay {scoring.decay:g}")
    if scoring.popularity:
        options.append(f"--popularity {scoring.popularity:g}")
    if scoring.reverse and scoring.score == "next":
        options.append(f"--reverse {scoring.reverse:g}")
    if scoring.softmax:
        options.append(f"--softmax {scoring.softmax:g}")
    return " ".join(options)


def check_pool(pool: Pool, decay: float) -> None:
    """Check `pool` and `decay`.

    Raises
    ------
    ConfigError
        If `pool` or `decay` cannot be.
    """
    if pool not in POOLS:
        raise ConfigError(f"`pool` is {pool!r}; it must be one of {', '.join(POOLS)}")
    if not 0 < decay <= 1:
        raise ConfigError(f"`decay` is {decay!r}; it must be above 0 and at most 1")
