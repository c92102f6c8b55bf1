"""run_study: trials within a budget, proposed by Optuna, and a last look at items that no trial was chosen by."""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.config.train import TrainConfig
from item2vec.config.tune import TuneConfig
from item2vec.errors import ConfigError, DivergenceError, TrainingError
from item2vec.evaluation.baselines import item_knn, popularity
from item2vec.evaluation.metrics import Estimate, mean_intervals
from item2vec.tuning.division import Division
from item2vec.tuning.journal import damaged_study, open_journal
from item2vec.tuning.judge import Judge
from item2vec.tuning.space import Space
from item2vec.tuning.trial import Bench, GivenUpError, Outcome

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial, Trial

    from item2vec.training.progress import Progress


# What trials did, as it stands in the study, in plain values.

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
        """Return the record that was put into a trial when it ended."""
        found = trial.user_attrs[RECORD]
        scoring = found["scoring"]
        return cls(**{**found, "scoring": None if scoring is None else Scoring(**scoring)})


def records(study: Study) -> list[Record]:
    """All trials that have ended, in order; those that were cut off are not among them."""
    return [Record.of(trial) for trial in study.trials if RECORD in trial.user_attrs]


def best(found: Sequence[Record]) -> Record | None:
    """Return the one that is done and has the highest value, the earliest of equals."""
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


SLOWEST = 10  # a trial may take one in so many parts of the budget
SLOWEST_START = 3  # and one with options that are known to be good
_FIRST = 8  # finished trials before any is given up for being below the median of the others
_ENOUGH = 12  # finished trials before importance is more than noise
# What trials have beside their records: where their options come from, and what they found in the test.
_DEFAULTS, _START, _TEST, _DEFAULTS_TEST = "defaults", "start", "test", "defaults_test"


class Watcher(Protocol):
    """Who is told how the trials go."""

    def begins(self, number: int, options: dict[str, Any]) -> Callable[[Progress], None] | None:
        """Return a trial begins; what is returned is told its progress."""

    def ended(self, record: Record, best: Record | None) -> None:
        """Tell that a trial has ended."""


def run_study(
    division: Division,
    space: Space,
    config: TuneConfig,
    seed: int,
    starts: tuple[dict[str, Any], ...] = (),
    watcher: Watcher | None = None,
) -> TuneResult:
    """Search for options.

    Trials are proposed by a tree-structured Parzen estimator (Bergstra et al. 2011; Optuna's TPESampler), after one
    with the defaults and those of ``starts``. From the second fifth of its schedule on, a trial below the median of
    the others at the same fifth is given up (Golovin et al. 2017, section 3.2.2).

    Parameters
    ----------
    division : Division
    space : Space
    config : TuneConfig
    seed : int
        Of what is proposed.
    starts : tuple of dict
        Options to begin with, after the defaults.
    watcher : Watcher or None

    Returns
    -------
    TuneResult
        After Ctrl-C too, with what was found so far.

    Raises
    ------
    ConfigError
        If the study's file is of other data or options.
    """
    study = _open_study(division, space, config, seed)
    if _defaults_trial(study) is None:
        study.enqueue_trial(space.begin_with({}), user_attrs={_DEFAULTS: True})
    for start in starts:
        study.enqueue_trial(space.begin_with(start), user_attrs={_START: True}, skip_if_exists=True)
    search = _Search(division, space, config, study, watcher)
    interrupted = False
    try:
        search.run()
    except KeyboardInterrupt:
        interrupted = True
    found = records(study)
    chosen = best(found)
    return TuneResult(
        metric=config.metric,
        trials=found,
        best=chosen,
        config=None if chosen is None else space.with_options(chosen.options),
        importance=_importance(study, found),
        held_out=search.held_out(),
        sequences=len(search.test.held),
        interrupted=interrupted,
    )


@dataclass
class _Search:
    """Trial after trial, and what each found in the test."""

    division: Division
    space: Space
    config: TuneConfig
    study: Study
    watcher: Watcher | None
    test: Judge = field(init=False)

    def __post_init__(self) -> None:
        vocabulary, size = self.division.training.vocabulary, self.division.size
        held = (self.division.validation, self.division.test)
        judge, self.test = (
            Judge(part, vocabulary, size, self.config.metric, self.config.keep_seen).limited() for part in held
        )
        quick = judge.quick()
        floors = (float(one.baseline(popularity).mean()) for one in (judge, quick))
        self._bench = Bench(self.division, judge, quick, *floors)

    def run(self) -> None:
        """Run trials until the budget is spent."""
        end = time.perf_counter() + self.config.seconds
        for _ in count() if self.config.trials is None else range(self.config.trials):
            left = end - time.perf_counter()
            if left <= 0:
                break
            record = self._trial(left)
            if self.watcher is not None:
                self.watcher.ended(record, best(records(self.study)))

    def held_out(self) -> dict[str, Estimate]:
        """Return the means over the test's sequences of what the defaults and the best trial find, and baselines."""
        values: dict[str, NDArray[np.float64]] = {}
        defaults, chosen = _defaults_trial(self.study), best(records(self.study))
        if defaults is not None:
            values["defaults"] = np.array(defaults.user_attrs[_DEFAULTS_TEST])
        if chosen is not None:
            values["tuned"] = np.array(self.study.trials[chosen.number].user_attrs[_TEST])
        if {"defaults", "tuned"} <= set(values):
            values["gain"] = values["tuned"] - values["defaults"]
        for name, baseline in (("item-knn", item_knn), ("popularity", popularity)):
            values[name] = self.test.baseline(baseline)
        return mean_intervals(values)

    def _trial(self, left: float) -> Record:
        from optuna.trial import TrialState

        trial = self.study.ask()
        config = self.space.config(trial)
        options = {name: getattr(config, name) for name in self.space.dimensions}
        reference = bool(trial.user_attrs.get(_DEFAULTS))
        part = SLOWEST_START if trial.user_attrs.get(_START) else SLOWEST
        limit = math.inf if reference else min(left, self.config.seconds / part)
        report = self.watcher.begins(trial.number, options) if self.watcher is not None else None
        state = TrialState.PRUNED
        try:
            look = None if reference else lambda fifth, value: self._look(trial, fifth, value)
            outcome = self._bench.run(config, look, limit, report)
            state = TrialState.PRUNED if outcome.nothing else TrialState.COMPLETE
            record = Record(
                trial.number, "learnt nothing" if outcome.nothing else "done", options, outcome.value, outcome.plain,
                outcome.scoring, outcome.seconds, outcome.nothing,
            )  # fmt: skip
            self._keep_test(trial, record, outcome, reference)
        except GivenUpError as error:
            record = Record(trial.number, "collapsed" if error.collapsed else "given up", options, reason=str(error))
        except DivergenceError as error:
            record = Record(trial.number, "collapsed", options, reason=str(error))
        except TrainingError as error:
            record, state = Record(trial.number, "failed", options, reason=str(error)), TrialState.FAIL
        except KeyboardInterrupt:
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr(RECORD, record.as_dict())
        self.study.tell(trial, record.value if state == TrialState.COMPLETE else None, state=state)
        return record

    def _keep_test(self, trial: Trial, record: Record, outcome: Outcome, reference: bool) -> None:
        """Keep what the defaults and each trial that is the best so far find in the test; nothing is chosen by it."""
        before = best(records(self.study))
        wanted = {_DEFAULTS_TEST: Scoring()} if reference else {}
        if record.state == "done" and (before is None or outcome.value > (before.value or 0.0)):
            wanted[_TEST] = outcome.scoring
        for name, scoring in wanted.items():
            trial.set_user_attr(name, self.test.values(outcome.tables, scoring).round(6).tolist())

    def _look(self, trial: Trial, fifth: int, value: float) -> str | None:
        """Tell Optuna, and say why the trial is to be given up, if it is."""
        trial.report(value, fifth)
        if not trial.should_prune():
            return None
        return f"{self.config.metric} {value:.4f} after {fifth / 5:.0%} is below the median of the others"


def check_optuna() -> None:
    """Fail before any work if Optuna, an extra, is not there.

    Raises
    ------
    ConfigError
        With what to do about it.
    """
    from importlib.util import find_spec

    if missing := [name for name in ("optuna", "tomli_w") if find_spec(name) is None]:
        raise ConfigError(f"tune needs {' and '.join(missing)}; install them with pip install 'item2vec[tune]'")


def _open_study(division: Division, space: Space, config: TuneConfig, seed: int) -> Study:
    """Make the study, or go on with one of the same data and options."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage: Any = None
    if config.study is not None:
        storage = _replayed(config.study)
    study = optuna.create_study(
        storage=storage,
        study_name="item2vec",
        load_if_exists=True,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_FIRST, n_warmup_steps=2),
    )
    if config.study is not None:
        _check_trials(study, config.study)
    # The same seed would propose the first trials again when a study goes on.
    study.sampler = optuna.samplers.TPESampler(seed=(seed + len(study.trials)) % 2**32, multivariate=True)
    about = _about(division, space, config)
    kept = study.user_attrs.get("about")
    if kept is None:
        study.set_user_attr("about", about)
    elif not isinstance(kept, dict):
        raise damaged_study(config.study, "it does not say of what data it is")
    for name, value in about.items():
        if kept is not None and kept.get(name) != value:
            raise ConfigError(
                f"the study {config.study} has {name} {kept.get(name)!r}, and this is {value!r}; "
                "give the same sources and options, or another `study`"
            )
    return study


def _replayed(path: str | Path) -> JournalStorage:
    """Open the study's file and let Optuna read all of it, so that damage shows here."""
    import optuna

    # What a line may say is known to Optuna alone, which trusts it: these are what its replay raises of other lines.
    faults = (LookupError, TypeError, ValueError, AttributeError, AssertionError, RecursionError)
    try:
        storage = open_journal(path)
        for study in storage.get_all_studies():
            storage.get_all_trials(study._study_id)
    except (*faults, optuna.exceptions.OptunaError) as error:
        raise damaged_study(path, f"its lines do not belong together ({' '.join(str(error).split()):.80})") from None
    return storage


def _check_trials(study: Study, path: str | Path) -> None:
    """Refuse trials whose records are not as they were written."""
    try:
        found = records(study)
        for record in found:
            if not isinstance(record.options, dict) or record.number >= len(study.trials):
                raise ValueError("a record has no options")
            if record.state == "done" and not (isinstance(record.value, float) and math.isfinite(record.value)):
                raise ValueError("a trial that is done has no value")
        lengths = set()
        for trial in study.trials:
            for name in (_TEST, _DEFAULTS_TEST):
                if name in trial.user_attrs:
                    values = np.array(trial.user_attrs[name], np.float64)
                    lengths.add(values.shape)
                    if values.ndim != 1 or not np.isfinite(values).all():
                        raise ValueError("a trial's values are not numbers")
        if len(lengths) > 1:
            raise ValueError("its trials were tested on different sequences")
        chosen = best(found)
        if chosen is not None and _TEST not in study.trials[chosen.number].user_attrs:
            raise ValueError("the best trial was not tested")
    except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise damaged_study(path, f"{error!s:.80}") from None


def _defaults_trial(study: Study) -> FrozenTrial | None:
    """Return the trial of the defaults, if it was finished."""
    return next((trial for trial in study.trials if _DEFAULTS_TEST in trial.user_attrs), None)


def _about(division: Division, space: Space, config: TuneConfig) -> dict[str, Any]:
    """Return what a study is of: trials of other data or options cannot be compared with its own."""
    fixed = {
        name: value
        for name, value in space.base.as_dict().items()
        if name not in space.dimensions and name not in ("threads", "device", "backend")
    }
    return {
        "tokens": len(division.training.items),
        "items": len(division.training.vocabulary),
        "held-out items": len(division.validation.targets.items),
        "metric": config.metric,
        "keep-seen": config.keep_seen,
        "searched": sorted(space.dimensions),
        **{name.replace("_", "-"): value for name, value in fixed.items()},
    }


def _importance(study: Study, found: list[Record]) -> dict[str, float]:
    """How much each option mattered for being among the best (PED-ANOVA, Watanabe et al. 2023)."""
    if sum(record.state == "done" for record in found) < _ENOUGH:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weights = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    return {name: round(float(weight), 4) for name, weight in weights.items()}
