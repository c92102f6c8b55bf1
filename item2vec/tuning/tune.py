"""tune: from sources to the settings that suit them in one call, with the names and defaults of the command line."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from item2vec.config.layers import split_options, with_layers
from item2vec.config.presets import PRESETS
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.config.tune import TuneConfig
from item2vec.corpus.in_memory import Sequences, Table, named_or_in_memory

if TYPE_CHECKING:
    from item2vec.config.layers import TuneOptions
    from item2vec.corpus.corpus import Corpus
    from item2vec.tuning.division import Division
    from item2vec.tuning.space import Space
    from item2vec.tuning.study import TuneResult, Watcher


def tune(
    sources: str | Path | Iterable[str | Path] | Iterable[Iterable[str | int]] | Any = (),
    *,
    watcher: Watcher | None = None,
    **options: Unpack[TuneOptions],
) -> TuneResult:
    """Search for the settings that suit some sources; ``item2vec.train`` takes what is found.

    Parameters
    ----------
    sources : str, Path, several of them, iterable of sequences, or data frame
        As `item2vec.train` takes them.
    watcher : Watcher or None
        Told how the trials go.
    **options
        The fields of `TuneConfig` (``budget="10m"``), of `SourceConfig`, and of `TrainConfig`, which stay as they are
        given; ``config`` and ``preset`` as `item2vec.train` takes them.

    Returns
    -------
    TuneResult
        ``result.config`` has the options, ``result.best.scoring`` how to score.

    Raises
    ------
    ConfigError
        If an option cannot work, or Optuna is not there.
    CorpusError
        If a source cannot be read, or has too little to hold out.
    """
    given: dict[str, Any] = dict(options)
    own = {name: given.pop(name) for name in TuneConfig.__dataclass_fields__ if name in given}
    source, config = split_options(with_layers(given))
    found = named_or_in_memory(sources)
    prepared = prepare(found, source, config, TuneConfig(**own), given=given)
    for note in prepared.notes:
        warnings.warn(note, UserWarning, stacklevel=2)
    return prepared.search(watcher)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A search that can begin."""

    corpus: Corpus
    division: Division
    space: Space
    config: TuneConfig
    notes: tuple[str, ...] = ()

    def search(self, watcher: Watcher | None = None) -> TuneResult:
        """Run the trials: the options as they are first, then those of presets."""
        from item2vec.tuning.study import run_study

        names = ("sessions", "baskets") if self.division.ordered else ("baskets",)
        starts = tuple(dict(PRESETS[name]) for name in names)
        if self.division.ordered:  # where order is all, one side finds more
            starts = (starts[0], starts[0] | {"context": "left"}, *starts[1:])
        return run_study(self.division, self.space, self.config, self.space.base.seed, starts, watcher)


def prepare(
    sources: Sequence[str | Path] | Sequences | Table,
    source: SourceConfig,
    config: TrainConfig,
    tune_config: TuneConfig,
    given: Collection[str],
) -> Prepared:
    """Check the options, then read and divide the corpus.

    Parameters
    ----------
    given : collection of str
        Options of ``config`` that are fixed.

    Raises
    ------
    ConfigError, CorpusError
        As for `tune`.
    """
    from item2vec.corpus.inspection import inspect_corpus
    from item2vec.corpus.kind import suitable_preset
    from item2vec.corpus.reading import read_corpus
    from item2vec.files.atomic import check_writable
    from item2vec.files.machine import TO_TRAIN, check_address_space
    from item2vec.files.source import as_text
    from item2vec.tuning.division import divide
    from item2vec.tuning.journal import mend_journal
    from item2vec.tuning.space import make_space
    from item2vec.tuning.study import check_optuna

    check_address_space(TO_TRAIN, "training")
    check_optuna()
    note = None
    make_space(config, given, tune_config.dims, ordered=True)
    if tune_config.study is not None:
        check_writable(tune_config.study)
        note = mend_journal(tune_config.study)
    for path in (tune_config.validate, tune_config.validate_targets):
        if path is not None:
            as_text(Path(path))
    corpus = read_corpus(
        sources, source, min_count=config.min_count, max_items=config.max_items, threads=config.worker_count
    )
    by = tune_config.by
    if by == "auto":
        table = isinstance(sources, Table) or source.item is not None
        found = inspect_corpus(corpus, config.min_count)
        suitable = suitable_preset(corpus, found, table=table, timed=source.time is not None)
        by = "random" if suitable.preset == "baskets" else "last"
    division = divide(corpus, tune_config, config.seed, ordered=by == "last", delimiter=source.delimiter)
    space = make_space(config, given, tune_config.dims, ordered=by == "last")
    return Prepared(corpus, division, space, tune_config, corpus.notes if note is None else (note, *corpus.notes))
