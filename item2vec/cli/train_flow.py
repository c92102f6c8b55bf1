"""What ``item2vec train`` does, step by step: checks, reading, training, the model file."""

from __future__ import annotations

import atexit
import gc
import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import item2vec
from item2vec.cli.corpora import short_form, warn
from item2vec.cli.main import StopSignals
from item2vec.cli.options import DEFAULT_MODEL
from item2vec.cli.output import print_json
from item2vec.cli.progress import ProgressShower, count, duration
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.config.units import Interval
from item2vec.errors import ConfigError, TrainingError

if TYPE_CHECKING:
    from item2vec.config.scoring import Scoring
    from item2vec.config.validation import ValidationConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.model.tables import Initial
    from item2vec.session.checkpoints import Checkpoints
    from item2vec.session.session import Run
    from item2vec.session.validation import Validation
    from item2vec.training.progress import TrainResult


# What ``item2vec train`` says at its end: lines for people, a document for programs.


def describe_validation(validation: Validation, epochs: int) -> str:
    """An epoch's value, a line."""
    epoch, value = len(validation.values), validation.values[-1]
    best = "the best so far" if validation.best_epoch == epoch else f"best {max(validation.values):.4f}"
    return f"epoch {epoch}/{epochs}  {validation.config.metric} {value:.4f}  ({best})"


def describe_result(corpus: Corpus, validation: Validation | None, result: TrainResult, output: str) -> str:
    """What was trained, what was kept, and what to do next."""
    example = corpus.vocabulary[min(len(corpus.vocabulary) - 1, 100)]
    quoted = ("-- " if example.startswith("-") else "") + shlex.quote(example)
    model = "" if output == DEFAULT_MODEL else f" -m {shlex.quote(output)}"
    kept = ""
    if validation is not None:
        kept = f"Kept epoch {validation.best_epoch}, {validation.config.metric} {max(validation.values):.4f}. "
    epochs = "1 epoch" if result.epoch == 1 else f"{result.epoch:,} epochs"
    loss = " to ".join(f"{loss:.4f}" for loss in (result.losses[0], result.losses[-1])[: len(result.losses)])
    return (
        f"Trained {epochs} in {result.seconds:.1f} s, {count(result.tokens_per_second)} tokens/s, "
        f"loss {loss}. {kept}Wrote {output}.\n"
        f"Ask it: item2vec similar{model} {quoted}"
    )


def describe_checkpoints(written: int, seconds: float, training: float) -> str:
    """What they cost."""
    what = "1 checkpoint" if written == 1 else f"{written:,} checkpoints"
    return f"{what} took {seconds:.1f} s, {seconds / training:.2%} of the time."


def report(
    corpus: Corpus, config: TrainConfig, threads: int, result: TrainResult, clock: list[float], output: str
) -> dict[str, Any]:
    """The document of --json; ``clock`` holds the instants between reading, preparing, training and writing."""
    read, _, train_, write = (round(after - before, 4) for before, after in pairwise(clock))
    return {
        "items": len(corpus.vocabulary),
        "tokens": corpus.raw_tokens,
        "sequences": corpus.raw_sequences,
        "replaced": corpus.replaced,
        "notes": list(corpus.notes),
        "epochs": result.epoch,
        "threads": threads,
        "loss": result.losses[-1] if result.losses else None,
        "losses": list(result.losses),
        "pairs": result.pairs,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "seconds": {"read": read, "train": train_, "write": write},
        "output": output,
    }


_LONG = 10  # seconds of training from which their number is said beforehand


@dataclass(frozen=True)
class Request:
    """What the command line asked for.

    Attributes
    ----------
    scoring : Scoring or None
        How the model is to be asked, where --config or --preset say.
    any_dim : bool
        Whether --dim was left out, so that it may be that of --init.
    every : Interval
        Between two checkpoints.
    again : str
        The command line that goes on from a checkpoint.
    """

    sources: tuple[str, ...]
    output: str
    source: SourceConfig
    config: TrainConfig
    scoring: Scoring | None
    any_dim: bool
    validation: ValidationConfig | None
    every: Interval
    resume: bool
    again: str
    strict: bool
    quiet: bool
    as_json: bool

    @property
    def checkpoint(self) -> Path:
        """Beside the output: item2vec.checkpoint.safetensors."""
        path = Path(self.output)
        return path.with_name(f"{path.stem}.checkpoint{path.suffix}")


@dataclass(frozen=True)
class Reading:
    """What was read, under the configuration that came of it; ``clock`` has its beginning and its end."""

    corpus: Corpus
    initial: Initial | None
    config: TrainConfig
    warnings: tuple[str, ...]
    clock: list[float] = field(default_factory=list)


def run_training(request: Request) -> None:
    """Read, train, write the model, and say so."""
    from item2vec.files.atomic import check_writable

    check_writable(request.output)
    _refuse_sources_as_outputs(request)
    reading = _read(request)
    _check_needs(request, reading)
    from item2vec.session.session import start

    run = start(reading.corpus, reading.config, reading.initial, request.validation, request.scoring)
    _say_how_long(request, run)
    reading.clock.append(time.perf_counter())
    with StopSignals(run.trainer.stop) as signals:
        checkpoints = _checkpoints(request, run)
        result = _train(request, run, checkpoints)
        if not run.trainer.ended:
            _stopped(request, run, checkpoints, result)
            raise click.exceptions.Exit(signals.status)
        reading.clock.append(time.perf_counter())
        model = run.model(result)
        model.save(request.output)
        reading.clock.append(time.perf_counter())
        checkpoints.remove()
    _finish(request, reading, run, result, checkpoints, run.oddities(result, model))


def _read(request: Request) -> Reading:
    """Read the sources, and say what they are and what is odd about them."""
    with _importing("item2vec.training.trainer"):
        if not request.quiet and not _compiled(request.config):
            click.echo("The first run compiles the kernels; that takes about half a minute, once.", err=True)
        from item2vec.session.train import check_device, open_init, read

        check_device(request.config)
        config, given = open_init(request.config, any_dim=request.any_dim)
        if request.resume:
            from item2vec.session.checkpoints import check_options

            check_options(request.checkpoint, config)
        clock = [time.perf_counter()]
        corpus, initial = read(request.sources, request.source, config, given)
        clock.append(time.perf_counter())
        from item2vec.corpus.inspection import inspect_corpus
        from item2vec.corpus.shape_warnings import basket_hint, warnings_of

        found = inspect_corpus(corpus, config.min_count)  # while torch is still being imported
    if not request.quiet:
        click.echo(short_form(corpus, found, clock[1] - clock[0]), err=True)
        if hint := basket_hint(found, config.window_mode):
            click.echo(f"Hint: {hint}.", err=True)
    told = warnings_of(found, request.source, window=config.window, window_mode=config.window_mode)
    warn((*corpus.notes, *told), request.strict)
    if initial is not None and not request.quiet:
        click.echo(initial.about, err=True)
    return Reading(corpus, initial, config, tuple(told), clock)


def _check_needs(request: Request, reading: Reading) -> None:
    """Say what the training needs of memory and disk, or refuse what cannot end well."""
    from item2vec.session.estimate import estimate

    needs = estimate(
        reading.corpus,
        reading.config,
        validated=request.validation is not None,
        checkpoints=request.every != Interval(),
    )
    needs.check(request.output)
    if not request.quiet:
        click.echo(str(needs), err=True)


def _say_how_long(request: Request, run: Run) -> None:
    """Say how long a training will take that is long; one that goes on says so as it goes."""
    if not request.quiet and not request.resume and (seconds := run.trainer.expected_seconds()) >= _LONG:
        click.echo(f"Training will take about {duration(seconds)}.", err=True)


@contextmanager
def _importing(module: str) -> Iterator[None]:
    """Import a module on another thread meanwhile: torch takes over a second, and reading does not need it.

    What an import makes stays: the garbage collector rests until all is there, and never looks through it again.
    """
    if module in sys.modules:
        yield
        return
    importing = threading.Thread(target=import_module, args=(module,))
    gc.disable()
    importing.start()
    try:
        yield
    finally:
        importing.join()
        gc.enable()
        gc.freeze()
        atexit.register(gc.unfreeze)  # for extension modules that look at the end for what is left


def _checkpoints(request: Request, run: Run) -> Checkpoints:
    """Go on from the checkpoint that is there, or say what becomes of it."""
    from item2vec.session.checkpoints import Checkpoints

    checkpoints = Checkpoints(request.checkpoint, run, request.every, partial(click.echo, err=True))
    if not request.resume:
        if left := checkpoints.leftover():
            click.echo(f"Note: {left}.", err=True)
        return checkpoints
    checkpoints.resume()
    if not request.quiet:
        at = run.trainer.progress()
        click.echo(f"Going on in epoch {at.epoch} of {at.epochs}, {at.done:.0%} of the training done.", err=True)
    return checkpoints


def _train(request: Request, run: Run, checkpoints: Checkpoints) -> TrainResult:
    """Train, and show how it goes."""
    epochs = run.trainer.config.epochs
    with ProgressShower(request.quiet) as show:
        try:
            return run.train(show, lambda found: show.say(describe_validation(found, epochs)), checkpoints)
        except TrainingError as error:
            if not checkpoints.kept:
                raise
            raise type(error)(f"{error}; {request.checkpoint} has the vectors at {checkpoints.kept:.0%}") from error


def _stopped(request: Request, run: Run, checkpoints: Checkpoints, result: TrainResult) -> None:
    """Write down what was done until a signal came, and say how to go on."""
    if not result.done:
        click.echo("Stopped before anything was learnt; no file was written.", err=True)
        return
    at = f"Stopped in epoch {result.epoch} of {run.trainer.config.epochs}, {result.done:.0%} of the training done"
    if checkpoints.save():
        kept = f" and kept in {request.checkpoint}, a model like any other"
    else:
        kept = f"; {request.checkpoint}, of an earlier run, has {checkpoints.kept:.0%} and stays"
    click.echo(f"{at}{kept}. Go on with:\n{request.again}", err=True)


def _finish(
    request: Request,
    reading: Reading,
    run: Run,
    result: TrainResult,
    checkpoints: Checkpoints,
    oddities: list[str],
) -> None:
    """Say what was done."""
    for sentence in oddities:
        click.echo(f"Warning: {sentence}.", err=True)
    if not request.quiet:
        click.echo(describe_result(reading.corpus, run.validation, result, request.output), err=True)
        if checkpoints.written:
            trained = reading.clock[3] - reading.clock[2]
            click.echo(describe_checkpoints(checkpoints.written, checkpoints.seconds, trained), err=True)
    if request.as_json:
        document = report(reading.corpus, reading.config, run.trainer.threads, result, reading.clock, request.output)
        document["warnings"] = [*reading.warnings, *oddities]
        document["checkpoints"] = {"written": checkpoints.written, "seconds": round(checkpoints.seconds, 4)}
        if run.validation:
            document["validation"] = run.validation.as_dict()
        print_json(document)


def _refuse_sources_as_outputs(request: Request) -> None:
    """Keep a slip of the keyboard from writing the model, or a checkpoint, over what is read."""
    for source in request.sources:
        if _same_file(source, request.output):
            raise ConfigError(f"output {request.output} is a source too; name another file with -o")
    for read in (*request.sources, request.config.init):
        if read is not None and _same_file(read, request.checkpoint):
            raise ConfigError(
                f"{read} is where the checkpoints of {request.output} are written; name another output with -o"
            )


def _same_file(one: str | Path, other: str | Path) -> bool:
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def _compiled(config: TrainConfig) -> bool:
    """Whether numba's cache holds the training kernel, where it usually lies."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folder, pattern = (Path(kept), "**/") if kept else (Path(item2vec.__file__).parent, "model/cpu/__pycache__/")
    of_loss = {"skipgram": "skipgram.train_tiles", "cbow": "cbow.train_cbow"}
    name = of_loss[config.arch] if config.loss == "ns" else "paths.train_paths"
    return any(folder.glob(f"{pattern}{name}*.nbi"))
