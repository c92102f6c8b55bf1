"""A training that begins with what is there: pretrained vectors, or a model that is to grow.

A file that knows how often its items came is a model, and grows: it keeps all its items, and its counts and the new
corpus's are added up. Any other file gives its rows to the items of the corpus that it has, and no more.
"""

from __future__ import annotations

import numpy as np

from item2vec.config import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import ConfigError, CorpusError, ModelError, brief
from item2vec.model.initial import Initial
from item2vec.vectors.growing import grow
from item2vec.vectors.keyed_vectors import KeyedVectors


def grows(model: KeyedVectors) -> bool:
    """Whether a model knows how often its items came, so that new counts can be added to them."""
    return bool(np.any(model.vocabulary.counts > 0))


def check_start(model: KeyedVectors, config: TrainConfig) -> None:
    """Refuse a file that cannot begin such a training, before the corpus is read.

    Raises
    ------
    ConfigError
        If its vectors have another length.
    ModelError
        If it holds numbers that are not finite.
    """
    if model.dim != config.dim:
        raise ConfigError(
            f"dim is {config.dim} and the vectors of {config.init} have {model.dim}; use --dim {model.dim}"
        )
    for table in (model.input, model.output):
        if table is None:
            continue
        for first in range(0, len(table), 1 << 16):
            if not np.isfinite(table[first : first + (1 << 16)]).all():
                raise ModelError(
                    f"{config.init} has vectors with numbers that are not finite; nothing can be learnt on top"
                )


def warm_start(model: KeyedVectors, corpus: Corpus, config: TrainConfig) -> tuple[Corpus, Initial]:
    """Begin with a file's rows.

    Parameters
    ----------
    model : KeyedVectors
    corpus : Corpus
        The new corpus; where the model `grows`, with every item that it has (min-count 1, no max-items).
    config : TrainConfig

    Returns
    -------
    corpus : Corpus
        With the vocabulary that is to be trained.
    initial : Initial

    Raises
    ------
    ConfigError
        If none of the corpus's items is in the file.
    CorpusError
        If no two items of the grown vocabulary stand in one sequence.
    """
    output = _output_table(model, config)
    if grows(model):
        growth = grow(
            model.vocabulary, model.rare, corpus,
            min_count=config.min_count, max_items=config.max_items, old_names=model.names,
        )  # fmt: skip
        corpus, size = growth.corpus, len(model)
        if len(corpus.items) == len(corpus):
            raise CorpusError(
                f"no sequence has two items that {config.init} has or that occur {config.min_count:,} times or more "
                "in all; lower --min-count"
            )
        ids, rows = growth.old_ids, np.arange(size, dtype=np.int64)
        about = f"The {size:,} items of {config.init} stay, {growth.newcomers:,} are new; counts are those of both."
    else:
        found = model.hash_index.find_all(corpus.vocabulary, model.vocabulary)
        ids, size = np.flatnonzero(found >= 0), len(found)
        if not len(ids):
            raise ConfigError(
                f"none of the corpus's {size:,} items is among the {len(model):,} of {config.init}, such as "
                f"{brief(model.vocabulary[0])}; items must be spelt alike"
            )
        rows = found[ids]
        about = (
            f"{len(ids):,} of {size:,} items begin with the rows of {config.init}, {size - len(ids):,} at random; "
            f"{len(model) - len(ids):,} items of that file are not in the corpus."
        )
    return corpus, Initial(ids, rows, model.input, output, config.freeze, about)


def _output_table(model: KeyedVectors, config: TrainConfig) -> np.ndarray | None:
    """The output table, if its rows are those of items; with hierarchical softmax they are nodes of a tree of old."""
    return model.output if {model.loss, config.loss} == {"ns"} else None
