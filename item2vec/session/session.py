"""The one way from sources to a model: read, look, estimate, begin, train, validate, write down, end.

`item2vec.train` and the command line make a `Plan` and run a `Session`; each listens for what it wants to know. The
trials of `item2vec.tune` have a corpus already, and begin with `start`.
"""

from __future__ import annotations

import gc
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.config.presets import PRESET_FIELDS, preset_scoring
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.config.units import Interval
from item2vec.corpus.in_memory import Sequences, Table
from item2vec.errors import ConfigError, CorpusError, TrainingError
from item2vec.files.atomic import check_writable
from item2vec.files.machine import TO_TRAIN, check_address_space
from item2vec.files.paths import same_file
from item2vec.session.listener import Listener, Several

if TYPE_CHECKING:
    from item2vec.config.scoring import Scoring
    from item2vec.config.validation import ValidationConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.corpus.inspection import Inspection
    from item2vec.corpus.kind import Suitable
    from item2vec.model.tables import EmbeddingTables, Initial
    from item2vec.session.checkpoints import Checkpoints
    from item2vec.session.log import TrainingLog
    from item2vec.session.run import Run
    from item2vec.training.progress import Epoch, TrainResult
    from item2vec.vectors.keyed_vectors import KeyedVectors

Sources = Sequence[str | Path] | Sequences | Table


@dataclass(frozen=True)
class Plan:
    """What a training is asked to do, all of it.

    Parameters
    ----------
    sources : sequence of str or Path, Sequences or Table
    source : SourceConfig
    config : TrainConfig
    scoring : Scoring or None
        How the model is to be asked, and so validated; kept in its file.
    given : frozenset of str
        Fields of ``config`` that were given and stay, whatever else is found to suit; ``dim`` may be that of
        ``config.init`` if it is not among them.
    auto : bool
        Take the preset that suits the corpus, once it has been read.
    validation : ValidationConfig or None
    output : str, Path or None
        The model file that is written at the end.
    checkpoint : str, Path or None
        Where the training is written down now and then, and when it is stopped.
    every : Interval
        Between two checkpoints.
    resume : bool
        Go on from the checkpoint.
    strict : bool
        Warnings about the corpus are errors.
    log : str, Path or None
        Where to write how it goes, as JSON lines.
    on_epoch : callable or None
        Called after each epoch; training ends if it returns False.
    """

    sources: Sources
    source: SourceConfig
    config: TrainConfig
    scoring: Scoring | None = None
    given: frozenset[str] = frozenset()
    auto: bool = False
    validation: ValidationConfig | None = None
    output: str | Path | None = None
    checkpoint: str | Path | None = None
    every: Interval = field(default_factory=Interval)
    resume: bool = False
    strict: bool = False
    log: str | Path | None = None
    on_epoch: Callable[[Epoch], bool | None] | None = None

    def check(self) -> None:
        """Check files and options before anything is read.

        Raises
        ------
        ConfigError
            If a file would be written over one that is read, or there is nothing to go on from.
        ModelError
            If an output cannot be written.
        """
        names: list[str | Path] = [] if isinstance(self.sources, Sequences | Table) else list(self.sources)
        for target in (self.output, self.checkpoint):
            if target is not None:
                check_writable(target)
        if self.checkpoint is None and self.resume:
            raise ConfigError("`resume` continues from a checkpoint; name its file with `checkpoint`")
        for name in names:
            if self.log is not None and same_file(name, self.log):
                raise ConfigError(f"`log` is {self.log}, which is also a source; name another file")
            if self.output is not None and same_file(name, self.output):
                raise ConfigError(f"`output` is {self.output}, which is also a source; name another file")
        for name in (*names, *filter(None, [self.config.init])):
            if self.checkpoint is not None and same_file(name, self.checkpoint):
                other = "output" if self.output is not None else "checkpoint"
                raise ConfigError(f"{name} is read, and checkpoints would be written there; name another `{other}`")


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes
    ----------
    result : TrainResult
    model : KeyedVectors or None
        None if the training was stopped before its end.
    kept : bool or None
        Of a stopped training: whether the checkpoint is of it; False if an earlier one was further on and stays, None
        if nothing was learnt yet, or there is no checkpoint.
    """

    result: TrainResult
    model: KeyedVectors | None
    kept: bool | None = None


class Session:
    """A training: `prepare` it, then `train`.

    Parameters
    ----------
    plan : Plan
    listener : Listener

    Attributes
    ----------
    config : TrainConfig
        That of the plan, with what followed from ``init`` and from the preset that was taken.
    scoring : Scoring or None
    suitable : Suitable or None
        The preset that was taken, if it was left open.
    corpus : Corpus
        From `prepare` on, as is ``run``.
    run : Run
    checkpoints : Checkpoints or None
        From `train` on.
    warnings : list of str
        About the corpus's shape, and about the training.
    seconds : dict of str to float
        That reading, training and writing took.
    """

    corpus: Corpus
    run: Run

    def __init__(self, plan: Plan, listener: Listener | None = None) -> None:
        self.plan = plan
        self.config = plan.config
        self.scoring = plan.scoring
        self.suitable: Suitable | None = None
        self.listener = listener or Listener()
        self._log: TrainingLog | None = None
        self.checkpoints: Checkpoints | None = None
        self.warnings: list[str] = []
        self.seconds: dict[str, float] = {}
        self._stopping = False

    def stop(self) -> None:
        """Ask for an end at the next shard; from anywhere, a signal handler too."""
        self._stopping = True
        self.run.trainer.stop()

    def prepare(self) -> None:
        """Check, read, look, estimate, and make ready to train.

        Raises
        ------
        ConfigError, CorpusError, ModelError, TrainingError
            If the training cannot begin, or could not end well.
        """
        with self._logged_errors():
            self._prepare()

    def _prepare(self) -> None:
        plan = self.plan
        check_address_space(TO_TRAIN, "training")
        plan.check()
        if plan.log is not None:
            from item2vec.session.log import TrainingLog

            self._log = TrainingLog(plan.log, self.listener)
            self.listener = Several(self.listener, self._log)
        from item2vec.session.precompile import compiling

        with compiling(plan.config) as compiled:
            self._begin(compiled)

    def _begin(self, compiled: Callable[[], None]) -> None:
        initial = self._read()
        plan = self.plan
        from item2vec.session.estimate import estimate

        needs = estimate(
            self.corpus,
            self.config,
            validated=plan.validation is not None,
            checkpoints=plan.checkpoint is not None and plan.every != Interval(),
        )
        needs.check(plan.output or plan.checkpoint)
        self.listener.estimated(needs)
        from item2vec.session.run import start

        preset = self.suitable.preset if self.suitable else None
        self.run = start(self.corpus, self.config, initial, plan.validation, self.scoring, preset, compiled)
        self.listener.begins(self.run)

    def train(self) -> Outcome:
        """Train to the end, or until `stop`; write the model, or a checkpoint.

        Raises
        ------
        TrainingError
            If the training fails; the last checkpoint stays.
        ModelError
            If the model, or the last checkpoint, cannot be written.
        """
        with self._logged_errors():
            outcome = self._train()
        if self._log is not None:
            self._log.close()
        return outcome

    def _train(self) -> Outcome:
        checkpoints = self._open_checkpoints()
        run, listener = self.run, self.listener
        began = time.perf_counter()
        try:
            told = self._log is not None or self.plan.on_epoch is not None
            ended = self._epoch_ended if told else None
            result = run.train(listener.progressed, listener.validated, checkpoints, epoch_ended=ended)
        except KeyboardInterrupt:
            if checkpoints is not None and not self._stopping:
                checkpoints.save()
            raise
        except TrainingError as error:
            if checkpoints is None or not checkpoints.kept:
                raise
            raise type(error)(f"{error}; {checkpoints.path} has the vectors at {checkpoints.kept:.0%}") from error
        self.seconds["train"] = time.perf_counter() - began
        listener.ends("done" if run.trainer.ended else "stopped", result.losses, result.seconds)
        if not run.trainer.ended:
            return Outcome(result, None, checkpoints.save() if result.done and checkpoints is not None else None)
        began = time.perf_counter()
        model = run.model(result)
        for sentence in run.oddities(result, model):
            self._warn(sentence)
        if self.plan.output is not None:
            model.save(self.plan.output)
        self.seconds["write"] = time.perf_counter() - began
        if checkpoints is not None:
            checkpoints.remove()
        return Outcome(result, model)

    def _read(self) -> Initial | None:
        """Read the sources while torch is being imported, and say what they are and what is odd about them."""
        plan, listener = self.plan, self.listener
        with _importing("item2vec.training.trainer"):
            from item2vec.corpus.inspection import inspect_corpus  # numba: no matter for who only asks for help
            from item2vec.corpus.shape_warnings import warnings_of

            listener.reading(plan.config)
            check_device(plan.config)
            self.config, given = open_init(plan.config, any_dim="dim" not in plan.given)
            if plan.resume and plan.checkpoint is not None:
                from item2vec.session.checkpoints import check_options

                check_options(plan.checkpoint, self.config, PRESET_FIELDS - plan.given if plan.auto else frozenset())
            began = time.perf_counter()
            self.corpus, initial = read(plan.sources, plan.source, self.config, given)
            self.seconds["read"] = time.perf_counter() - began
            found = inspect_corpus(self.corpus, self.config.min_count)
        listener.read(self.corpus, found, self.seconds["read"])
        if plan.auto:
            self._take_preset(found)
        shapes = warnings_of(found, plan.source, window=self.config.window, window_mode=self.config.window_mode)
        for sentence in self.corpus.notes:
            listener.warned(sentence)
        for sentence in shapes:
            self._warn(sentence)
        told = len(self.corpus.notes) + len(shapes)
        if told and plan.strict:
            number = "1 warning" if told == 1 else f"{told} warnings"
            raise CorpusError(f"{number} about the corpus, and `strict` is given; fix it, or leave out `strict`")
        if initial is not None:
            listener.initialised(initial.about)
        return initial

    @contextmanager
    def _logged_errors(self) -> Iterator[None]:
        """Write an error that ends the training into its log."""
        try:
            yield
        except BaseException as error:
            if self._log is not None:
                self._log.write("error", message=str(error) or type(error).__name__)
                self._log.close()
            raise

    def _epoch_ended(self, tables: EmbeddingTables) -> bool:
        """Tell what the epoch was; return whether to go on."""
        trainer, validation = self.run.trainer, self.run.validation
        progress, number = trainer.progress(), trainer.epochs_closed + 1
        losses = trainer.result().losses
        from item2vec.training.progress import Epoch

        epoch = Epoch(
            number,
            progress.epochs,
            progress.tokens,
            losses[number - 1] if number <= len(losses) else math.nan,
            progress.lr,
            validation.values[-1] if validation is not None else None,
            progress.seconds,
            progress.tokens_per_second,
        )
        self.listener.epoch_ended(epoch)
        return self.plan.on_epoch is None or self.plan.on_epoch(epoch) is not False

    def _take_preset(self, found: Inspection) -> None:
        """Take the options of the preset that suits the corpus, but for those that were given."""
        from item2vec.corpus.kind import suitable_preset

        plan = self.plan
        table = isinstance(plan.sources, Table) or plan.source.item is not None
        suitable = suitable_preset(self.corpus, found, table=table, timed=plan.source.time is not None)
        stays = plan.given | ({"negative", "ns_exponent"} if self.config.loss == "hs" else set())
        taken = {name: value for name, value in suitable.options.items() if name not in stays}
        self.suitable = replace(suitable, options=taken)
        self.config = replace(self.config, **taken)
        if plan.scoring is None and self.config.loss == "ns":
            self.scoring = preset_scoring(suitable.preset)
        self.listener.chosen(self.suitable)

    def _open_checkpoints(self) -> Checkpoints | None:
        """Go on from the checkpoint that is there, or say what becomes of it."""
        if self.plan.checkpoint is None:
            return None
        from item2vec.session.checkpoints import Checkpoints

        checkpoints = Checkpoints(
            self.plan.checkpoint, self.run, self.plan.every, self.listener.warned, self.listener.checkpointed
        )
        if self.plan.resume:
            checkpoints.resume()
            self.listener.resumed(self.run.trainer.progress())
        elif left := checkpoints.leftover():
            self.listener.noted(left)
        self.checkpoints = checkpoints
        return checkpoints

    def _warn(self, sentence: str) -> None:
        self.warnings.append(sentence)
        self.listener.warned(sentence)


@contextmanager
def _importing(module: str) -> Iterator[None]:
    """Import a module on another thread meanwhile: torch takes over a second, and reading does not need it.

    What an import makes stays, so the garbage collector rests until all is there.
    """
    if module in sys.modules:
        yield
        return
    collecting = gc.isenabled()
    importing = threading.Thread(target=import_module, args=(module,))
    gc.disable()
    importing.start()
    try:
        yield
    finally:
        importing.join()
        if collecting:
            gc.enable()


def check_device(config: TrainConfig) -> None:
    """Fail before the reading if the device that was asked for is not there.

    Raises
    ------
    TrainingError
        If ``device`` is cuda and torch has none.
    """
    if config.device == "cuda":
        from item2vec.training import steps

        steps.check_device(config)


def open_init(config: TrainConfig, *, any_dim: bool) -> tuple[TrainConfig, KeyedVectors | None]:
    """Open the file of ``config.init``, if there is one, and check that it can begin such a training.

    Parameters
    ----------
    config : TrainConfig
    any_dim : bool
        Whether ``dim`` was left open, and so is to be that of the file.

    Raises
    ------
    ConfigError, ModelError
        If the file cannot be read, or does not fit.
    """
    if config.init is None:
        return config, None
    from item2vec.session.warm_start import check_start
    from item2vec.vectors.formats.registry import read_vectors

    model = read_vectors(config.init)
    if any_dim:
        config = replace(config, dim=model.dim)
    check_start(model, config)
    return config, model


def read(
    sources: Sources,
    source: SourceConfig,
    config: TrainConfig,
    given: KeyedVectors | None = None,
) -> tuple[Corpus, Initial | None]:
    """Read sources with the vocabulary options of a training run.

    Parameters
    ----------
    sources, source
        As for `item2vec.corpus.reading.read_corpus`.
    config : TrainConfig
    given : KeyedVectors or None
        What to begin with: its items and those of the sources become one vocabulary if it grows.
    """
    from item2vec.corpus.reading import read_corpus

    if given is None:
        rules: dict[str, Any] = {"min_count": config.min_count, "max_items": config.max_items}
        return read_corpus(sources, source, threads=config.worker_count, **rules), None
    from item2vec.session.warm_start import grows, warm_start

    rules = (
        {"min_count": 1, "max_items": None}
        if grows(given)
        else {"min_count": config.min_count, "max_items": config.max_items}
    )
    return warm_start(given, read_corpus(sources, source, threads=config.worker_count, **rules), config)
