"""train: from sources to a model in one call, with the names and defaults of the command line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from item2vec.config.layers import scoring_of_layers, split_options, takes_suitable, with_layers
from item2vec.config.units import DEFAULT_INTERVAL, Interval
from item2vec.corpus.in_memory import Sequences, Table, named_or_in_memory
from item2vec.errors import ConfigError
from item2vec.files.paths import same_file
from item2vec.session.listener import Listener
from item2vec.session.session import Plan, Session, Sources

if TYPE_CHECKING:
    from item2vec.config.layers import TrainOptions
    from item2vec.config.scoring import Scoring
    from item2vec.config.validation import ValidationConfig
    from item2vec.training.progress import Epoch, Progress
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
    strict: bool = False,
    log: str | Path | None = None,
    on_epoch: Callable[[Epoch], bool | None] | None = None,
    scoring: Scoring | None = None,
    **options: Unpack[TrainOptions],
) -> KeyedVectors:
    """Learn vectors for the items of text files, event tables, or sequences in memory.

    Parameters
    ----------
    sources : str, Path, several of them, iterable of sequences, or data frame
        Files and globs. Text has one sequence per line, with white space between items. Event tables (.csv, .tsv,
        .parquet, .jsonl) have one event per row. No source is needed with ``sql``. Sequences in memory are lists of
        items, ``[["milk", "bread"], ["tea", "milk"]]``, or a generator of such lists, which is read once. Items are
        text or whole numbers. A pandas or polars data frame and an Arrow table are event tables.
    report : callable or None
        Called with a `Progress` about twice a second.
    validate : str, Path or None
        Sequences to validate with: after each epoch, their last items are predicted. The vectors of the best epoch are
        returned.
    validate_targets : str, Path or None
        The items to predict for each line of ``validate``, instead of its last item.
    metric : str or None
        The metric of validation: recall, ndcg, hit or mrr, with @ and a length. The default is ``"ndcg@20"``.
    patience : int or None
        Training ends after this many epochs without a better value. The default is 3; 0 means never.
    checkpoint : str, Path or None
        A file for checkpoints, which are written now and then and at Ctrl-C. Training can continue from it, and it is
        also a model of the vectors so far. It is removed when training has ended.
    checkpoint_every : str or float
        The time between checkpoints (``"10m"``, or seconds), or a share of an epoch (``"50%"``). 0: only at Ctrl-C.
    resume : bool
        Continue from ``checkpoint``, with the same sources and options.
    strict : bool
        Treat warnings about the corpus as errors.
    log : str, Path or None
        File to add JSON lines to as training goes on; see `item2vec.session.log.TrainingLog`.
    on_epoch : callable or None
        Called with an `Epoch` after each epoch; training ends, and the model is made, if it returns False.
    scoring : Scoring or None
        The scoring of recommendations and of validation, such as ``tune(...).best.scoring``. The default is that of
        ``config`` or ``preset``.
    **options
        The fields of `TrainConfig` (``dim=100``, ``window=5`` ...) and of `SourceConfig` (``user="customer"``,
        ``item="product"``, ``delimiter=";"`` ...); ``config="best.toml"`` and ``preset="baskets"`` lay further ones
        under them. Without either, the preset is taken that suits the corpus; ``preset="words"`` has word2vec's own
        defaults.

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
    layered = with_layers(options)
    source, config = split_options(layered)
    found = named_or_in_memory(sources)
    choices = {"validate_targets": validate_targets, "metric": metric, "patience": patience}
    plan = Plan(
        found,
        source,
        config,
        scoring,
        given=frozenset(layered),
        auto=takes_suitable(options),
        validation=validation_of(found, source.delimiter, validate, choices),
        checkpoint=checkpoint,
        every=Interval.parse(checkpoint_every),
        resume=resume,
        strict=strict,
        log=log,
        on_epoch=on_epoch,
    )
    session = Session(plan, _Warner(report))
    session.prepare()
    model = session.train().model
    assert model is not None  # nobody else has the session, to stop it
    return model


class _Warner(Listener):
    """Makes Python's warnings of what is odd, and hands the progress on."""

    def __init__(self, report: Callable[[Progress], None] | None) -> None:
        self._report = report

    def warned(self, sentence: str) -> None:
        """Warn, as if from the line outside of item2vec that called it."""
        frame, level = sys._getframe(1), 2
        while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("item2vec."):
            frame, level = frame.f_back, level + 1
        warnings.warn(sentence, UserWarning, stacklevel=level)

    noted = warned

    def progressed(self, progress: Progress) -> None:
        """Tell the caller."""
        if self._report is not None:
            self._report(progress)


def validation_of(
    sources: Sources,
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
            raise ConfigError(f"`{next(iter(given))}` needs `validate`, the sequences to validate on")
        return None
    from item2vec.config.validation import ValidationConfig
    from item2vec.files.source import as_text

    for path in filter(None, (validate, given.get("validate_targets"))):
        as_text(Path(path))
    names = () if isinstance(sources, Sequences | Table) else sources
    if "validate_targets" not in given and any(same_file(name, validate) for name in names):
        raise ConfigError(
            f"{validate} is part of the training, last items included; split it first with `item2vec split`"
        )
    return ValidationConfig(validate, delimiter=delimiter, **given)
