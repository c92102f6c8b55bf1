"""train: from sources to a model in one call, with the names and defaults of the command line."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.config.layers import scoring_of_layers, split_options, with_layers
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.config.units import DEFAULT_INTERVAL, Interval
from item2vec.corpus.in_memory import Sequences, Table, named_or_in_memory
from item2vec.corpus.reading import read_corpus
from item2vec.errors import ConfigError
from item2vec.session.session import start

if TYPE_CHECKING:
    from item2vec.config.scoring import Scoring
    from item2vec.config.validation import ValidationConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.model.tables import Initial
    from item2vec.session.session import Run
    from item2vec.training.progress import Progress, TrainResult
    from item2vec.vectors.keyed_vectors import KeyedVectors


def train(
    sources: str | Path | Iterable[str | Path] | Iterable[Iterable[str | int]] | Any = (),
    *,
    report: Callable[[Progress], None] | None = None,
    validate: str | Path | None = None,
    validate_targets: str | Path | None = None,
    metric: str | None = None,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: str | float = DEFAULT_INTERVAL,
    resume: bool = False,
    scoring: Scoring | None = None,
    **options: Any,
) -> KeyedVectors:
    """Learn vectors for the items of text files, event tables, or sequences in memory.

    Parameters
    ----------
    sources : str, Path, several of them, iterable of sequences, or data frame
        Files and globs. Text: a sequence a line, items separated by white space. Event tables (.csv, .tsv, .parquet,
        .jsonl): an event a row, see `item2vec.corpus.tables.events`. None is needed where ``sql`` is given. Sequences
        in memory are lists of items, ``[["milk", "bread"], ["tea", "milk"]]``, or a generator of such, read once; whole
        numbers stand for their digits. A pandas data frame or an Arrow table is an event table.
    report : callable or None
        Called with a `Progress` about twice a second.
    validate : str, Path or None
        Sequences whose last items are looked for after each epoch; the best epoch's vectors are returned.
    validate_targets : str, Path or None
        What is held out of the lines of ``validate`` instead.
    metric : str or None
        ``"ndcg@20"`` by default; recall, ndcg, hit or mrr, @ and a number.
    patience : int or None
        Epochs without a better value after which training ends, 3 by default; 0: never.
    checkpoint : str, Path or None
        File to write the training down to now and then, and at Ctrl-C, so that it can go on from there; it is also a
        model of the vectors so far. Removed when training has ended.
    checkpoint_every : str or float
        A time (``"10m"``, seconds) or a share of an epoch (``"50%"``); 0 is only at Ctrl-C.
    resume : bool
        Go on from ``checkpoint``, with the same sources and options.
    scoring : Scoring or None
        How the model is to be asked for recommendations, such as ``tune(...).best.scoring``, and so validated; by
        default as ``config`` or ``preset`` say.
    **options
        The fields of `TrainConfig` (``dim=100``, ``window=5`` ...) and of `SourceConfig` (``user="customer"``,
        ``item="product"``, ``delimiter=";"`` ...); ``config="best.toml"`` and ``preset="baskets"`` lay further ones
        under them.

    Returns
    -------
    KeyedVectors

    Raises
    ------
    ConfigError
        If an option cannot work.
    CorpusError
        If a source cannot be read, or holds nothing to train on.
    TrainingError
        If training cannot start or fails.

    Examples
    --------
    >>> import item2vec
    >>> model = item2vec.train("corpora/recipes.txt", dim=32, window=20, sample=0, epochs=30)
    >>> neighbours = model.similar("soy_sauce", k=3)
    >>> baskets = [["milk", "bread"], ["tea", "milk"], ["bread", "butter"]] * 10
    >>> model = item2vec.train(baskets, dim=8, sample=0)
    """
    scoring = scoring or scoring_of_layers(options)
    options = with_layers(options)
    source, config = split_options(options)
    interval = Interval.parse(checkpoint_every)
    found = named_or_in_memory(sources)
    choices = {"validate_targets": validate_targets, "metric": metric, "patience": patience}
    validation = validation_of(found, source.delimiter, validate, choices)
    if checkpoint is not None:
        from item2vec.files.atomic import check_writable

        check_writable(checkpoint)
    elif resume:
        raise ConfigError("resume goes on from a checkpoint; name its file with checkpoint")
    check_device(config)
    config, given = open_init(config, any_dim="dim" not in options)
    if resume and checkpoint is not None:
        from item2vec.session.checkpoints import check_options

        check_options(checkpoint, config)
    corpus, initial = read(found, source, config, given)
    for note in (*corpus.notes, *_shape_warnings(corpus, source, config)):
        warnings.warn(note, UserWarning, stacklevel=2)
    from item2vec.session.estimate import estimate  # brings torch

    estimate(corpus, config, validated=validation is not None).check()
    run = start(corpus, config, initial, validation, scoring)
    if checkpoint is None:
        return _model(run, run.train(report))
    from item2vec.session.checkpoints import Checkpoints

    checkpoints = Checkpoints(checkpoint, run, interval, partial(warnings.warn, stacklevel=2))
    if resume:
        checkpoints.resume()
    elif left := checkpoints.leftover():
        warnings.warn(left, UserWarning, stacklevel=2)
    try:
        result = run.train(report, pause=checkpoints)
    except KeyboardInterrupt:
        checkpoints.save()
        raise
    model = _model(run, result)
    checkpoints.remove()
    return model


def _shape_warnings(corpus: Corpus, source: SourceConfig, config: TrainConfig) -> tuple[str, ...]:
    """What does not look as if it would train well."""
    from item2vec.corpus.inspection import inspect_corpus
    from item2vec.corpus.shape_warnings import warnings_of

    found = inspect_corpus(corpus, config.min_count)
    return warnings_of(found, source, window=config.window, window_mode=config.window_mode)


def _model(run: Run, result: TrainResult) -> KeyedVectors:
    """The model, with warnings of what is odd about it."""
    model = run.model(result)
    for sentence in run.oddities(result, model):
        warnings.warn(sentence, UserWarning, stacklevel=3)
    return model


def validation_of(
    sources: Sequence[str | Path] | Sequences | Table,
    delimiter: str | None,
    validate: str | Path | None,
    options: dict[str, Any],
) -> ValidationConfig | None:
    """Make the validation's configuration of the options that were given; files are looked at before long work.

    Parameters
    ----------
    options : dict
        Other fields of `ValidationConfig`; None for those that were not given.

    Raises
    ------
    ConfigError
        If an option cannot work, or what is held out would be trained on.
    CorpusError
        If a file cannot be read.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if validate is None:
        if given:
            raise ConfigError(f"--{next(iter(given)).replace('_', '-')} needs --validate FILE")
        return None
    from item2vec.config.validation import ValidationConfig
    from item2vec.files.source import check_source

    for path in filter(None, (validate, given.get("validate_targets"))):
        check_source(Path(path))
    names = sources if isinstance(sources, Sequence) else ()
    if "validate_targets" not in given and any(
        os.path.exists(path) and os.path.samefile(path, validate) for path in names
    ):
        raise ConfigError(f"{validate} is trained on, its last items too; divide it first with `item2vec split`")
    return ValidationConfig(validate, delimiter=delimiter, **given)


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
    sources: Sequence[str | Path] | Sequences | Table,
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
