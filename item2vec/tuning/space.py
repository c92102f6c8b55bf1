"""The search space: which options are tried, and in which range."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from item2vec.config.train import TrainConfig, WindowMode
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from optuna.trial import Trial


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``; ``log``: equal ratios are equally likely."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def suggest(self, trial: Trial, name: str) -> float:
        """Return a value for a trial; to three digits, so that what is printed is what was run."""
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return float(f"{trial.suggest_float(name, self.low, self.high, log=self.log):.3g}")


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]

    def suggest(self, trial: Trial, name: str) -> Any:
        """Return a value for a trial."""
        return trial.suggest_categorical(name, self.values)


Dimension = Range | Choice

# Caselles-Dupré et al. 2018 (table 2) searched these four first; the ranges hold their optima and what text takes.
DIMENSIONS: Mapping[str, Dimension] = {
    "ns_exponent": Range(-1.0, 1.0),
    "window": Range(1, 40, log=True, whole=True),
    "window_mode": Choice(get_args(WindowMode)),
    "context": Choice(("both", "left")),
    "sample": Choice((0.0, 1e-2, 1e-3, 1e-4, 1e-5)),
    "negative": Range(2, 50, log=True, whole=True),
    "lr": Range(0.005, 0.25, log=True),
    "epochs": Range(3, 60, log=True, whole=True),
}


@dataclass(frozen=True)
class Space:
    """What is searched, around the options that are given.

    Parameters
    ----------
    base : TrainConfig
        Options that are not searched, and the defaults of those that are.
    dimensions : dict of str to Dimension
    """

    base: TrainConfig
    dimensions: Mapping[str, Dimension]

    def config(self, trial: Trial) -> TrainConfig:
        """Return the options of a trial."""
        return self.with_options({name: found.suggest(trial, name) for name, found in self.dimensions.items()})

    def with_options(self, options: Mapping[str, Any]) -> TrainConfig:
        """Options laid over the base; whole baskets have contexts on both sides, and the rate falls from what it is."""
        mode = options.get("window_mode", self.base.window_mode)
        both = {"context": "both"} if mode == "basket" and "context" in self.dimensions else {}
        lr = options.get("lr", self.base.lr)
        return dataclasses.replace(self.base, **{**options, **both, "min_lr": min(self.base.min_lr, lr)})

    def begin_with(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the place of some options in the space: others are the base's, numbers as near as there are."""
        place: dict[str, Any] = {}
        for name, dimension in self.dimensions.items():
            value = options.get(name, getattr(self.base, name))
            if isinstance(dimension, Range):
                place[name] = min(max(value, dimension.low), dimension.high)
            else:
                place[name] = (
                    value if value in dimension.values else min(dimension.values, key=lambda x: abs(x - value))
                )
        return place


def make_space(base: TrainConfig, given: Collection[str], dims: Sequence[int], *, ordered: bool) -> Space:
    """Return the space of everything that was not given.

    Parameters
    ----------
    base : TrainConfig
    given : collection of str
        Options that are fixed.
    dims : sequence of int
        Values of ``dim`` to search; none: it stays.
    ordered : bool
        Whether one-sided contexts are tried.

    Raises
    ------
    ConfigError
        If nothing is left to search, or the model could not be scored.
    """
    if base.loss == "hs":
        raise ConfigError("`loss` is 'hs', whose output table holds no items; tune scores by it, so take `loss=ns`")
    if base.init is not None:
        raise ConfigError(f"`init` is {base.init!r}, but every trial starts from new vectors; leave it out")
    if dims and "dim" in given:
        raise ConfigError(f"`dim` is {base.dim} and `dims` {','.join(map(str, dims))}; give one of them")
    dimensions = {name: dimension for name, dimension in DIMENSIONS.items() if name not in given}
    if not ordered or (base.window_mode == "basket" and "window_mode" in given):
        dimensions.pop("context", None)
    if base.context != "both" and "window_mode" in dimensions:
        dimensions["window_mode"] = Choice(("shrink", "fixed"))
    if dims:
        for dim in dims:
            dataclasses.replace(base, dim=dim)  # refuses what cannot be
        dimensions["dim"] = Choice(tuple(dict.fromkeys(dims)))
    if not dimensions:
        raise ConfigError("every option that tune searches is given; leave some of them out")
    return Space(base, dimensions)
