"""Which preset suits a corpus: text, baskets or sessions, told by how items come again within a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.config.presets import preset
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.inspection import Inspection

_EXPECTED = 10  # pairs of equal items by chance, below which their absence says nothing
_HARDLY = 0.05  # of the pairs that chance would give
_BURSTS = 10  # times as many as chance gives: text has up to some five
_LETTERS = 0.7  # share of tokens that are words
_PAIRS = 100  # neighbours that come again, below which their direction says nothing
_DIRECTED = 0.67  # share of them that come again the same way round; a half by chance
_LOOKED_AT = 1 << 21  # tokens
_WORK = 300_000_000  # tokens times epochs that a preset may ask for


@dataclass(frozen=True)
class Suitable:
    """A preset, and why.

    Attributes
    ----------
    preset : {"words", "baskets", "sessions"}
    reason : str
        A sentence about the corpus, without its full stop.
    options : dict
        What it sets, by the names of `TrainConfig`; fewer epochs where the corpus is large.
    """

    preset: str
    reason: str
    options: dict[str, Any]


def suitable_preset(corpus: Corpus, found: Inspection, *, table: bool, timed: bool = False) -> Suitable:
    """Look at a corpus, and say which preset suits it.

    Parameters
    ----------
    corpus : Corpus
    found : Inspection
        What `inspect_corpus` says of it.
    table : bool
        Whether it is an event table, which is no text.
    timed : bool
        Whether its events came with times, so that who reads them expects order to matter.
    """
    name, reason = _kind(corpus, found, words=found.words > _LETTERS and not table, timed=timed)
    options = preset(name)
    if "epochs" in options:
        options["epochs"] = max(min(5, options["epochs"]), min(options["epochs"], _WORK // max(1, found.tokens)))
    return Suitable(name, reason, options)


def _kind(corpus: Corpus, found: Inspection, *, words: bool, timed: bool) -> tuple[str, str]:
    equal, expected = found.equal_pairs, found.expected_pairs
    times = equal / max(expected, 1)
    if expected < _EXPECTED and (words or times < _BURSTS):
        return "words", "The corpus is too small to tell baskets and sessions from text"
    if words and _HARDLY < times <= _BURSTS:
        return (
            "words",
            "This looks like text: items are words, and repeat within a sequence about as often as by chance",
        )
    if times > 1:
        return "sessions", "This looks like sessions: items repeat within a sequence more often than by chance"
    if times > _HARDLY:
        return "baskets", "This looks like baskets: items repeat within a sequence less often than by chance"
    if timed:
        return (
            "sessions",
            "This looks like sessions: items hardly ever repeat within a sequence, and events are in order of time",
        )
    again, directed = same_direction(corpus)
    if again >= _PAIRS and directed > _DIRECTED:
        return (
            "sessions",
            f"This looks like sessions: {directed:.0%} of the neighbours that repeat do so in the same order",
        )
    return "baskets", "This looks like baskets: items hardly ever repeat within a sequence, and their order says little"


def same_direction(corpus: Corpus) -> tuple[int, float]:
    """Of two items that are neighbours twice, how often the same one comes first: a half where order means nothing.

    Returns
    -------
    again : int
        Pairs of items that are neighbours twice or more, in the first two million tokens.
    share : float
        The chance that two occurrences of such a pair are the same way round.
    """
    last = max(1, int(np.searchsorted(corpus.offsets, _LOOKED_AT, "right")) - 1)
    items: NDArray[np.int64] = corpus.items[: corpus.offsets[last]].astype(np.int64)
    inner = np.ones(max(0, len(items) - 1), bool)
    ends = corpus.offsets[1:last] - 1
    inner[ends[(ends >= 0) & (ends < len(inner))]] = False
    inner &= items[:-1] != items[1:]
    before, after = items[:-1][inner], items[1:][inner]
    keys = np.minimum(before, after) * len(corpus.vocabulary) + np.maximum(before, after)
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    ascending = np.bincount(which, before < after, len(counts))
    more = counts > 1
    pairs = float((counts * (counts - 1))[more].sum())
    descending = counts - ascending
    same = float((ascending * (ascending - 1) + descending * (descending - 1))[more].sum())
    return int(np.count_nonzero(more)), same / pairs if pairs else 0.5
