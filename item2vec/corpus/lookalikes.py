"""Items that differ only in case, white space or Unicode form: one thing, spelt in several ways."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from item2vec.corpus.vocabulary import Vocabulary

_MOST = 1_000_000  # items looked at, commonest first; a second or so


@dataclass(frozen=True)
class Lookalikes:
    """What was found.

    Attributes
    ----------
    items : int
        Items that another, commoner one looks like.
    tokens : int
        Their occurrences.
    example : tuple of str
        The commonest such item behind the one that it looks like; empty if there is none.
    """

    items: int
    tokens: int
    example: tuple[str, ...]


def find_lookalikes(vocabulary: Vocabulary) -> Lookalikes:
    """Look for them among the commonest million items."""
    first: dict[str, int] = {}
    items = tokens = 0
    example: tuple[str, ...] = ()
    for index in range(min(len(vocabulary), _MOST)):
        item = vocabulary[index]
        known = first.setdefault(folded(item), index)
        if known != index:
            items += 1
            tokens += int(vocabulary.counts[index])
            example = example or (vocabulary[known], item)
    return Lookalikes(items, tokens, example)


def folded(item: str) -> str:
    """What is left of an item without its case, white space (Unicode's) and Unicode form."""
    if not item.isascii():
        item = unicodedata.normalize("NFKC", item)
    return " ".join(item.split()).casefold()
