"""A training that begins with what is there: pretrained vectors, or a model that is to grow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from item2vec.config.train import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import ConfigError, CorpusError, ModelError, brief
from item2vec.items.hash_index import HashIndex
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.model.tables import Initial
from item2vec.vectors.keyed_vectors import KeyedVectors

# Growing a model: its vocabulary and that of a new corpus made one, with the counts of both.
#
# Noise distribution and subsampling then follow the counts of everything seen so far, not of the newest chunk alone.


@dataclass(frozen=True, eq=False)
class Growth:
    """A new corpus in terms of the grown vocabulary.

    Attributes
    ----------
    corpus : Corpus
        Its vocabulary holds every item of the old one and the newcomers, by descending merged count; ``rare`` those
        that are still too rare, with the counts of both.
    old_ids : int64 [items of the old vocabulary]
        Where each old item stands in the new vocabulary.
    newcomers : int
    """

    corpus: Corpus
    old_ids: NDArray[np.int64]
    newcomers: int


def grow(
    old: Vocabulary,
    old_rare: Vocabulary | None,
    corpus: Corpus,
    *,
    min_count: int,
    max_items: int | None,
    old_names: Names | None = None,
) -> Growth:
    """Merge a vocabulary with that of a new corpus.

    Parameters
    ----------
    old : Vocabulary
        Of the model; all of its items stay.
    old_rare : Vocabulary or None
        Items that were too rare for it, if they were kept.
    corpus : Corpus
        The new corpus with every item that it has, read with min-count 1.
    min_count : int
        A new item enters when its count, in all, reaches this.
    max_items : int or None
        Most items of the grown vocabulary; old ones stay even where there are more.
    old_names : Names or None
        Of the model; those of the new corpus are preferred.
    """
    new = corpus.vocabulary
    rare = Vocabulary.from_items([], []) if old_rare is None else old_rare
    in_old, in_rare = (HashIndex.build(known).find_all(new, known) for known in (old, rare))
    merged = old.counts.copy()
    merged[in_old[in_old >= 0]] += new.counts[in_old >= 0]
    counts = new.counts.copy()
    counts[in_rare >= 0] += rare.counts[in_rare[in_rare >= 0]]

    new = new.with_counts(counts)
    enters = np.flatnonzero((in_old < 0) & (counts >= min_count))
    enters = enters[np.argsort(-counts[enters], kind="stable")]
    if max_items is not None:
        enters = enters[: max(0, max_items - len(old))]
    grown = old.with_counts(merged).followed_by(new.take(enters))
    order = grown.by_count()  # ties: old items first
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    ranks = np.full(len(new), -1, np.int32)
    ranks[in_old >= 0] = place[in_old[in_old >= 0]]
    ranks[enters] = place[len(old) :]

    unseen = np.setdiff1d(np.arange(len(rare)), in_rare)
    left = rare.take(unseen).followed_by(new.take(np.flatnonzero(ranks < 0)))
    items, offsets = _renumbered(corpus, ranks)
    grown_corpus = replace(
        corpus,
        file=None,  # the new ids lie in memory
        items=items,
        offsets=offsets,
        vocabulary=grown.take(order),
        rare=left.take(left.by_count()),
        names=_merged_names(old_names, place[: len(old)], corpus.names, ranks, len(order)),
    )
    return Growth(grown_corpus, place[: len(old)], len(enters))


def _merged_names(
    old: Names | None, old_ids: NDArray[np.int64], new: Names | None, new_ids: NDArray[np.int32], size: int
) -> Names | None:
    """Names of a grown vocabulary: the new one of an item, if it has any, else the old one."""
    if old is None and new is None:
        return None
    texts, chosen = Vocabulary.from_items([b""], [0]), np.zeros(size, np.int64)
    for names, ids in ((old, old_ids), (new, new_ids)):
        if names is None:
            continue
        named = np.flatnonzero((np.diff(names.offsets) > 0) & (ids >= 0))
        chosen[ids[named]] = len(texts) + named
        texts = texts.followed_by(Vocabulary(names.blob, names.offsets, np.zeros(len(names), np.int64)))
    texts = texts.take(chosen)
    return Names(texts.blob, texts.offsets)


def _renumbered(corpus: Corpus, ranks: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids and offsets of a corpus with new ids, those of -1 dropped, and the sequences that they leave empty."""
    items = ranks[corpus.items]
    kept = items >= 0
    before = np.concatenate([[0], np.cumsum(kept)])
    offsets = before[corpus.offsets]
    return items[kept], np.concatenate([offsets[:1], offsets[1:][np.diff(offsets) > 0]]).astype(np.int64)


# A training that begins with what is there: pretrained vectors, or a model that is to grow.
#
# A file that knows how often its items came is a model, and grows: it keeps all its items, and its counts and the new
# corpus's are added up. Any other file gives its rows to the items of the corpus that it has, and no more.


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
            f"`dim` is {config.dim} and the vectors of {config.init} have {model.dim}; use `dim={model.dim}`"
        )
    for table in (model.input, model.output):
        if table is None:
            continue
        for first in range(0, len(table), 1 << 16):
            if not np.isfinite(table[first : first + (1 << 16)]).all():
                raise ModelError(
                    f"{config.init} has vectors with numbers that are not finite; training cannot start from them"
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
                "in all; lower `min_count`"
            )
        ids, rows = growth.old_ids, np.arange(size, dtype=np.int64)
        about = f"The {size:,} items of {config.init} stay, {growth.newcomers:,} are new. Counts are the sum of both."
    else:
        found = model.hash_index.find_all(corpus.vocabulary, model.vocabulary)
        ids, size = np.flatnonzero(found >= 0), len(found)
        if not len(ids):
            raise ConfigError(
                f"none of the corpus's {size:,} items is among the {len(model):,} of {config.init}, such as "
                f"{brief(model.vocabulary[0])}; items must be spelt the same in both"
            )
        rows = found[ids]
        about = (
            f"{len(ids):,} of {size:,} items start from the vectors of {config.init}, {size - len(ids):,} from "
            "random ones; "
            f"{len(model) - len(ids):,} items of that file are not in the corpus."
        )
    return corpus, Initial(ids, rows, model.input, output, config.freeze, about)


def _output_table(model: KeyedVectors, config: TrainConfig) -> NDArray[np.float32] | None:
    """Return the output table, if its rows are items; with hierarchical softmax they are nodes of an old tree."""
    return model.output if {model.loss, config.loss} == {"ns"} else None
