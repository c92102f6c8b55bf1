"""What ``item2vec train`` does, step by step: checks, reading, training, the model file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import item2vec
from item2vec.cli.corpus_report import short_form, warn
from item2vec.cli.output import print_json
from item2vec.cli.progress import ProgressShower
from item2vec.cli.train_report import describe_result, describe_validation, report
from item2vec.config import TrainConfig
from item2vec.corpus.source_config import SourceConfig
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.api import Run
    from item2vec.corpus.corpus import Corpus
    from item2vec.evaluation.validation import ValidationConfig
    from item2vec.model.initial import Initial
    from item2vec.training.progress import TrainResult


@dataclass(frozen=True)
class Request:
    """What the command line asked for.

    Attributes
    ----------
    any_dim : bool
        Whether --dim was left out, so that it may be that of --init.
    """

    sources: tuple[str, ...]
    output: str
    source: SourceConfig
    config: TrainConfig
    any_dim: bool
    validation: ValidationConfig | None
    strict: bool
    quiet: bool
    as_json: bool


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
    from item2vec.vectors.atomic import check_writable

    check_writable(request.output)
    _refuse_source_as_output(request.sources, request.output)
    reading = _read(request)
    from item2vec.api import start

    run = start(reading.corpus, reading.config, reading.initial, request.validation)
    reading.clock.append(time.perf_counter())
    result = _train(request, run)
    reading.clock.append(time.perf_counter())
    run.model(result).save(request.output)
    reading.clock.append(time.perf_counter())
    _finish(request, reading, run, result)


def _read(request: Request) -> Reading:
    """Read the sources, and say what they are and what is odd about them."""
    with _importing("item2vec.training.trainer"):
        if not request.quiet and not _compiled(request.config):
            click.echo("The first run compiles the kernels; that takes about half a minute, once.", err=True)
        from item2vec.api import check_device, open_init, read

        check_device(request.config)
        config, given = open_init(request.config, any_dim=request.any_dim)
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


@contextmanager
def _importing(module: str) -> Iterator[None]:
    """Import a module on another thread meanwhile: torch takes over a second, and reading does not need it."""
    importing = threading.Thread(target=import_module, args=(module,))
    importing.start()
    try:
        yield
    finally:
        importing.join()


def _train(request: Request, run: Run) -> TrainResult:
    """Train; what Ctrl-C leaves is kept in a file beside the target."""
    epochs = run.trainer.config.epochs
    with ProgressShower(request.quiet) as show:
        try:
            return run.train(show, lambda found: show.say(describe_validation(found, epochs)))
        except KeyboardInterrupt:
            result = run.trainer.result()
            if result.done == 1:
                return result
            if not result.done:
                raise  # nothing learnt, nothing to keep
    partial = _partial(request.output)
    run.model(result).save(partial)
    click.echo(
        f"Interrupted in epoch {result.epoch} of {epochs}, {result.done:.0%} of the training done. "
        f"The vectors as they were are in {partial}; {request.output} was not touched.",
        err=True,
    )
    raise click.exceptions.Exit(130)


def _finish(request: Request, reading: Reading, run: Run, result: TrainResult) -> None:
    """Say what was done."""
    if not request.quiet:
        click.echo(describe_result(reading.corpus, run.validation, result, request.output), err=True)
    if request.as_json:
        document = report(reading.corpus, reading.config, run.trainer.threads, result, reading.clock, request.output)
        document["warnings"] = list(reading.warnings)
        if run.validation:
            document["validation"] = run.validation.as_dict()
        print_json(document)


def _refuse_source_as_output(sources: tuple[str, ...], output: str) -> None:
    """Keep a slip of the keyboard from writing the model over the corpus."""
    for source in sources:
        if os.path.exists(output) and os.path.exists(source) and os.path.samefile(source, output):
            raise ConfigError(f"output {output} is a source too; name another file with -o")


def _compiled(config: TrainConfig) -> bool:
    """Whether numba's cache holds the training kernel, where it usually lies."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folder, pattern = (Path(kept), "**/") if kept else (Path(item2vec.__file__).parent, "model/__pycache__/")
    name = "tile_kernel.train_tiles" if config.loss == "ns" else "path_kernel.train_paths"
    return any(folder.glob(f"{pattern}{name}*.nbi"))


def _partial(output: str) -> str:
    """Where an interrupted run leaves its vectors: item2vec.partial.safetensors beside the target."""
    path = Path(output)
    return str(path.with_name(f"{path.stem}.partial{path.suffix}"))


def validation_of(
    sources: tuple[str, ...], delimiter: str | None, validate: str | None, options: dict[str, Any]
) -> ValidationConfig | None:
    """Make the validation's configuration of the options that were given; files are looked at before long work."""
    given = {name: value for name, value in options.items() if value is not None}
    if validate is None:
        if given:
            raise ConfigError(f"--{next(iter(given)).replace('_', '-')} needs --validate FILE")
        return None
    from item2vec.corpus.sources import check_source
    from item2vec.evaluation.validation import ValidationConfig

    for path in filter(None, (validate, given.get("validate_targets"))):
        check_source(Path(path))
    if "validate_targets" not in given and any(
        os.path.exists(path) and os.path.samefile(path, validate) for path in sources
    ):
        raise ConfigError(f"{validate} is trained on, its last items too; divide it first with `item2vec split`")
    return ValidationConfig(validate, delimiter=delimiter, **given)
