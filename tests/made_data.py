"""Corpora and window batches that tests make up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from item2vec.corpus.corpus import Corpus
from item2vec.items.vocabulary import Vocabulary
from item2vec.sampling.window_batch import WindowBatch

WINDOW_KINDS = ("shrunken", "left", "right", "basket", "aside", "any", "empty")


def make_corpus(sequences: Sequence[Sequence[int]], size: int | None = None) -> Corpus:
    """A corpus of sequences of ids, of which ``size`` exist; item i is named ``i<i>``."""
    flat = np.array([item for sequence in sequences for item in sequence], np.int32)
    counts = np.bincount(flat, minlength=size or 0).astype(np.int64)
    offsets = np.cumsum([0, *map(len, sequences)]).astype(np.int64)
    names = [f"i{i}" for i in range(len(counts))]
    return Corpus(flat, offsets, Vocabulary.from_items(names, counts), len(flat), len(sequences))


def zipf_corpus(tokens: int, size: int, longest: int, seed: int = 0) -> Corpus:
    """Random items of Zipf's law in sequences of 1 to ``longest``."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, size + 1)
    flat = rng.choice(size, tokens, p=share / share.sum())
    cuts = np.cumsum(rng.integers(1, longest + 1, tokens))
    return make_corpus([part.tolist() for part in np.split(flat, cuts[cuts < tokens])], size)


def clusters(count: int = 8, members: int = 8, sequences: int = 2000, seed: int = 5) -> list[list[str]]:
    """Sequences of items of one cluster each: what a model of them must find again."""
    rng = np.random.default_rng(seed)
    return [
        [f"c{cluster}.{member}" for member in rng.integers(members, size=rng.integers(4, 9))]
        for cluster in rng.integers(count, size=sequences)
    ]


def random_batch(
    rng: np.random.Generator, *, length: int, size: int, tile: tuple[int, int], window: int, kind: str
) -> WindowBatch:
    """A batch of random items, in sequences of 1 to 25, whose windows are of a kind.

    Items before the first and after the last tile are contexts only.
    """
    items = rng.integers(size, size=length).astype(np.int32)
    low, high = np.empty(length, np.int64), np.empty(length, np.int64)
    at = 0
    while at < length:
        end = min(length, at + int(rng.integers(1, 26)))
        low[at:end], high[at:end] = at, end
        at = end
    centre, radius = np.arange(length), rng.integers(1, window + 1, length)
    begins = {"shrunken": centre - radius, "left": centre - radius, "right": centre + 1, "basket": low}
    ends = {"shrunken": centre + radius + 1, "left": centre, "right": centre + radius + 1, "basket": high}
    if kind in begins:
        start, stop = np.maximum(low, begins[kind]), np.minimum(high, ends[kind])
    elif kind == "aside":  # a window that does not touch its centre
        start = np.maximum(0, centre - radius - 3)
        stop = np.maximum(start, centre - 2)
    elif kind == "any":
        start, stop = np.sort(rng.integers(0, length + 1, (2, length)), axis=0)
    else:
        start = stop = rng.integers(0, length + 1, length)
    margin = min(int(rng.integers(0, 6)), length // 3)
    tiles = np.unique(np.append(np.arange(margin, length - margin, tile[0]), length - margin))
    negatives = rng.integers(size, size=(len(tiles) - 1, tile[1])).astype(np.int32)
    return WindowBatch(items, start.astype(np.int64), stop.astype(np.int64), tiles.astype(np.int64), negatives)
