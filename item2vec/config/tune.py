"""TuneConfig: how options are searched for, checked once. Defaults stand here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from item2vec.config.units import parse_seconds
from item2vec.config.validation import parse_metric
from item2vec.errors import ConfigError

By = Literal["auto", "last", "random"]


@dataclass(frozen=True)
class TuneConfig:
    """Options of a search, with the names and defaults of ``item2vec tune``.

    Parameters
    ----------
    budget : str, float or None
        How long to search: ``"90s"``, ``"10m"``, ``"2h"`` or seconds. None: 10 minutes, or without end until
        ``trials`` have run.
    trials : int or None
        How many trials to run at most, those of an earlier call not counted.
    metric : str
        The metric to choose by: recall, ndcg, hit or mrr, with @ and a length.
    by : {"auto", "last", "random"}
        What is held out of each sequence. last: its last item, where order matters. random: a share of its distinct
        items, where order means nothing. auto: random if the sequences look like baskets, else last.
    holdout : float
        The share that ``by="random"`` holds out.
    validate, validate_targets : str, Path or None
        Files with sequences to predict instead, as for `train`. The trials then train on the whole corpus.
    id_column : bool
        Whether the lines of these files begin with an id.
    dims : tuple of int
        Values of ``dim`` to search. Empty: ``dim`` is not searched.
    max_tokens : int
        Trials train on a random sample of sequences with about this many tokens. 0: on all of them.
    keep_seen : bool
        Whether items of the history may be recommended again.
    study : str, Path or None
        A file that keeps the trials. If it exists, the search continues with them.

    Raises
    ------
    ConfigError
        If a value cannot work.
    """

    budget: str | float | None = None
    trials: int | None = None
    metric: str = "ndcg@20"
    by: By = "auto"
    holdout: float = 0.2
    validate: str | Path | None = None
    validate_targets: str | Path | None = None
    id_column: bool = False
    dims: tuple[int, ...] = ()
    max_tokens: int = 2_000_000
    keep_seen: bool = False
    study: str | Path | None = None

    def __post_init__(self) -> None:
        """Check all values before any long work."""
        parse_metric(self.metric)
        _ = self.seconds
        if self.trials is not None and self.trials < 1:
            raise ConfigError(f"`trials` is {self.trials!r}; it must be a whole number from 1")
        if self.by not in get_args(By):
            raise ConfigError(f"`by` is {self.by!r}; it must be one of {', '.join(get_args(By))}")
        if not 0 < self.holdout < 1:
            raise ConfigError(f"`holdout` is {self.holdout!r}; it must be a share above 0 and below 1, such as 0.2")
        if self.max_tokens < 0:
            raise ConfigError(f"`max_tokens` is {self.max_tokens!r}; it must be a whole number, 0 for all")
        if self.validate is None and (self.validate_targets is not None or self.id_column):
            name = "validate_targets" if self.validate_targets is not None else "id_column"
            raise ConfigError(f"`{name}` only works together with `validate`; name a file with it")

    @property
    def seconds(self) -> float:
        """``budget`` in seconds."""
        if self.budget is None:
            return 600.0 if self.trials is None else float("inf")
        seconds = parse_seconds(self.budget)
        if not seconds:
            raise ConfigError(
                f"`budget` is {self.budget!r}; it must be a time above 0 such as 90s, 10m, 2h, or seconds"
            )
        return seconds
