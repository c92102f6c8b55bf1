"""train: from sources to a model in one call, with the names and defaults of the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.config import TrainConfig
from item2vec.corpus.text import read_text

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.training.trainer import Progress, Trainer, TrainResult
    from item2vec.vectors.keyed_vectors import KeyedVectors


def train(
    sources: str | Path | Sequence[str | Path],
    *,
    delimiter: str | None = None,
    report: Callable[[Progress], None] | None = None,
    **options: Any,
) -> KeyedVectors:
    """Learn vectors for the items of text files.

    Parameters
    ----------
    sources : str, Path or a sequence of them
        Files and globs: a sequence a line, items separated by white space.
    delimiter : str or None
        What separates items, if not white space.
    report : callable or None
        Called with a `Progress` about twice a second.
    **options
        The fields of `TrainConfig`: ``dim=100``, ``window=5``, ``epochs=5`` ...

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
    """
    config = TrainConfig.from_options(**options)
    paths = [sources] if isinstance(sources, str | Path) else list(sources)
    check_device(config)
    corpus = read_corpus(paths, config, delimiter=delimiter)
    run = start(corpus, config)
    result = run.trainer.train(report)
    return run.model(result)


def check_device(config: TrainConfig) -> None:
    """Fail before the reading if the device that was asked for is not there.

    Raises
    ------
    TrainingError
        If ``device`` is cuda and torch has none.
    """
    if config.device == "cuda":
        from item2vec.training.steps import make_step

        make_step(config)


def read_corpus(sources: Sequence[str | Path], config: TrainConfig, *, delimiter: str | None = None) -> Corpus:
    """Read text files with the vocabulary options of a configuration."""
    return read_text(
        sources,
        delimiter=delimiter,
        min_count=config.min_count,
        max_items=config.max_items,
        threads=config.worker_count,
    )


@dataclass(frozen=True)
class Run:
    """A trainer, and how what it learnt becomes a model."""

    corpus: Corpus
    trainer: Trainer

    def model(self, result: TrainResult) -> KeyedVectors:
        """Make the model of what has been learnt; the trainer's tables are taken and no longer usable."""
        from item2vec.vectors.keyed_vectors import KeyedVectors

        corpus, config = self.corpus, self.trainer.config
        inputs, outputs = self.trainer.tables.take()
        metadata = {
            "config": config.as_dict(),
            "corpus": {
                "items": len(corpus.vocabulary),
                "tokens": corpus.raw_tokens,
                "kept_tokens": len(corpus.items),
                "sequences": corpus.raw_sequences,
            },
            "training": {
                "losses": list(result.losses),
                "pairs": result.pairs,
                "threads": self.trainer.threads,
                "tile": list(self.trainer.tile),
                "done": result.done,
                "seconds": round(result.seconds, 3),
            },
        }
        return KeyedVectors(inputs, outputs, corpus.vocabulary, metadata)


def start(corpus: Corpus, config: TrainConfig) -> Run:
    """Make the trainer of a corpus; imports torch."""
    from item2vec.training.trainer import Trainer

    trainer = Trainer(corpus, config)
    trainer.prepare()
    return Run(corpus, trainer)
