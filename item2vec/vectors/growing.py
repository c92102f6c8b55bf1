"""Growing a model: its vocabulary and that of a new corpus made one, with the counts of both.

Noise distribution and subsampling then follow the counts of everything seen so far, not of the newest chunk alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.corpus import Corpus
from item2vec.corpus.names import Names
from item2vec.corpus.vocabulary import Vocabulary
from item2vec.vectors.hash_index import HashIndex


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
