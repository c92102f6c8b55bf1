"""One trial: train with some options, look now and then how much is found, give up early what will not do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.config.train import TrainConfig
from item2vec.errors import ModelError
from item2vec.model.tables import EmbeddingTables
from item2vec.session.run import start
from item2vec.training.progress import Progress
from item2vec.tuning.division import Division
from item2vec.tuning.judge import Judge, Tables, best_scoring, first_guess

# Collapse: vectors that mean nothing although training went through, noticed instead of scored as a poor setting.

_ABOVE = 1.05  # times what popularity finds: less may come of choosing the best scoring


def collapse_of(value: float, earlier: Sequence[float], floor: float, metric: str) -> str | None:
    """Why vectors are no good any more, or None.

    Parameters
    ----------
    value : float
        How much they find.
    earlier : sequence of float
        How much they found earlier in the same training.
    floor : float
        How much popularity finds, and so do vectors that have learnt nothing yet; a peak is twice that.
    metric : str
        What is measured, for the message.
    """
    peak = max(earlier, default=0.0)
    if peak > 2 * floor and value < peak / 2:
        return f"{metric} fell from {peak:.4f} to {value:.4f}; popularity finds {floor:.4f}"
    return None


def learnt_nothing(value: float, floor: float, metric: str) -> str | None:
    """Why a finished training is worth nothing, or None: the weight of popularity alone finds as much."""
    return f"{metric} {value:.4f} is no more than popularity's {floor:.4f}" if value < _ABOVE * floor else None


LOOKS = 5  # of the schedule: so often a trial is compared with others, whatever its number of epochs


class GivenUpError(Exception):
    """A trial was stopped before its end.

    Attributes
    ----------
    collapsed : bool
        Whether that was for vectors that mean nothing.
    """

    def __init__(self, reason: str, *, collapsed: bool = False) -> None:
        super().__init__(reason)
        self.collapsed = collapsed


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a finished trial found.

    Attributes
    ----------
    value : float
        The metric on the validation, by the best scoring.
    plain : float
        The same by the default scoring.
    scoring : Scoring
    tables : two arrays, float32 [V, d]
    seconds : float
        Of training.
    nothing : str or None
        Why the vectors are worth nothing, if they are.
    """

    value: float
    plain: float
    scoring: Scoring
    tables: Tables
    seconds: float
    nothing: str | None = None


@dataclass(frozen=True, eq=False)
class Bench:
    """What all trials of a study share.

    Parameters
    ----------
    division : Division
    judge : Judge
        Of the validation.
    quick : Judge
        Of a part of it.
    floor, quick_floor : float
        What popularity finds in them.
    """

    division: Division
    judge: Judge
    quick: Judge
    floor: float
    quick_floor: float

    def run(
        self,
        config: TrainConfig,
        look: Callable[[int, float], str | None] | None,
        seconds: float,
        report: Callable[[Progress], None] | None = None,
    ) -> Outcome:
        """Train and judge.

        Parameters
        ----------
        config : TrainConfig
        look : callable or None
            Called with the fifth of the schedule that is done, 1 to 4, and the metric there; a reason ends the trial.
            None: the trial is not looked at before its end.
        seconds : float
            A training that would take longer is given up after its first epoch.
        report : callable or None
            Called with the progress of the training.

        Raises
        ------
        GivenUpError
            If the trial was ended early, or its vectors collapsed.
        TrainingError
            If training fails.
        """
        run = start(self.division.training, config)
        guess = first_guess(config.ns_exponent, ordered=self.division.ordered)
        values: list[float] = []
        began = time.perf_counter()
        epoch = 0

        def look_at(tables: EmbeddingTables) -> None:
            nonlocal epoch
            epoch += 1
            left = (time.perf_counter() - began) / epoch * (config.epochs - epoch)
            spent = time.perf_counter() - began
            if epoch < config.epochs and spent + left > seconds:
                raise GivenUpError(f"would take {spent + left:.0f} s of the {seconds:.0f} s that a trial may take here")
            fifth = LOOKS * epoch // config.epochs
            if look is not None and epoch < config.epochs and fifth > LOOKS * (epoch - 1) // config.epochs:
                value = self._value(self.quick, as_arrays(tables), guess)
                _give_up(collapse_of(value, values, self.quick_floor, self.quick.metric))
                values.append(value)
                if reason := look(fifth, value):
                    raise GivenUpError(reason)

        trained = run.train(report, epoch_ended=look_at)
        tables = run.trainer.tables.take()
        if values:
            _give_up(collapse_of(self._value(self.quick, tables, guess), values, self.quick_floor, self.quick.metric))
        scoring = best_scoring(self.quick, tables, config.ns_exponent, ordered=self.division.ordered)
        value, plain = (self._value(self.judge, tables, chosen) for chosen in (scoring, Scoring()))
        nothing = learnt_nothing(value, self.floor, self.judge.metric)
        return Outcome(value, plain, scoring, tables, trained.seconds, nothing)

    def _value(self, judge: Judge, tables: Tables, scoring: Scoring) -> float:
        try:
            return judge.mean(tables, scoring)
        except ModelError:
            raise GivenUpError("the vectors have numbers that are not finite", collapsed=True) from None


def _give_up(collapse: str | None) -> None:
    if collapse is not None:
        raise GivenUpError(collapse, collapsed=True)


def as_arrays(tables: EmbeddingTables) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Both tables as they are, float32 [V, d]."""
    return tables.input.weight.cpu().numpy(), tables.output.weight.cpu().numpy()
