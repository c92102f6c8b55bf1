"""What trials did, as it stands in the study, in plain values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from item2vec.config import TrainConfig
from item2vec.evaluation.intervals import Estimate
from item2vec.vectors.scoring import Scoring

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

RECORD = "record"  # of a trial in the study

State = Literal["done", "given up", "collapsed", "learnt nothing", "failed"]


@dataclass(frozen=True)
class Record:
    """A trial.

    Attributes
    ----------
    number : int
        From 0, which has the options that were given and defaults.
    state : {"done", "given up", "collapsed", "learnt nothing", "failed"}
        given up: it took too long, or others did better. collapsed: its vectors lost what they had learnt. learnt
        nothing: in the end popularity alone finds more.
    options : dict
        What was searched, as it was run.
    value : float or None
        The metric on the validation by the best scoring, of trials that are done.
    plain : float or None
        The same by the default scoring.
    scoring : Scoring or None
    seconds : float or None
        Of training.
    reason : str or None
        Why the trial is not done.
    """

    number: int
    state: State
    options: dict[str, Any]
    value: float | None = None
    plain: float | None = None
    scoring: Scoring | None = None
    seconds: float | None = None
    reason: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, trial: FrozenTrial) -> Record:
        """The record that was put into a trial when it ended."""
        found = trial.user_attrs[RECORD]
        scoring = found["scoring"]
        return cls(**{**found, "scoring": None if scoring is None else Scoring(**scoring)})


def records(study: Study) -> list[Record]:
    """All trials that have ended, in order; those that were cut off are not among them."""
    return [Record.of(trial) for trial in study.trials if RECORD in trial.user_attrs]


def best(found: Sequence[Record]) -> Record | None:
    """The one that is done and has the highest value, the earliest of equals."""
    done = [record for record in found if record.state == "done"]
    return max(done, key=lambda record: record.value or 0.0, default=None)


@dataclass(frozen=True)
class TuneResult:
    """What `tune` found.

    Attributes
    ----------
    metric : str
    trials : list of Record
    best : Record or None
    config : TrainConfig or None
        The best one's options.
    importance : dict of str to float
        Of each searched option, adding up to 1; empty after few trials.
    held_out : dict of str to Estimate
        On sequences that no trial was chosen by: ``defaults``, ``tuned``, their paired difference ``gain``, and
        baselines.
    sequences : int
        That these are means of.
    interrupted : bool
    """

    metric: str
    trials: list[Record]
    best: Record | None
    config: TrainConfig | None
    importance: dict[str, float]
    held_out: dict[str, Estimate]
    sequences: int
    interrupted: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)
