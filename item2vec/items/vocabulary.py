"""Vocabulary: the items and their counts, as arrays, and which items stay in which order."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Vocabulary: the items and their counts, as arrays. numpy only, since queries use it too.

_BLOCK = 1 << 16


class Vocabulary:
    """Items ordered by descending count (ties: first occurrence in the source).

    An item's index in this order is its id everywhere. The items stay UTF-8 bytes end to end, so that ten
    million of them take no Python objects and can be memory-mapped; they are trusted to be valid.

    Parameters
    ----------
    blob : array, uint8 [bytes]
        The items' UTF-8 bytes end to end.
    offsets : array, int64 [V + 1]
        Item i is ``blob[offsets[i]:offsets[i + 1]]``.
    counts : array, int64 [V]
        Occurrences in the source.
    """

    def __init__(self, blob: ArrayLike, offsets: ArrayLike, counts: ArrayLike) -> None:
        self.blob: NDArray[np.uint8] = np.asarray(blob, np.uint8)
        self.offsets: NDArray[np.int64] = np.asarray(offsets, np.int64)
        self.counts: NDArray[np.int64] = np.asarray(counts, np.int64)

    @classmethod
    def from_items(cls, items: Iterable[str | bytes], counts: ArrayLike) -> Vocabulary:
        """Make a vocabulary of items that stand in order already.

        Parameters
        ----------
        items : iterable of str or bytes
            V different items; bytes must be UTF-8.
        counts : array-like of int [V]
            Their counts, descending.
        """
        encoded = [item.encode() if isinstance(item, str) else bytes(item) for item in items]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets, counts)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        return self.items_bytes(index).decode()

    def __iter__(self) -> Iterator[str]:
        return (self[index] for index in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return all(np.array_equal(mine, theirs) for mine, theirs in zip(self._arrays(), other._arrays(), strict=True))

    __hash__ = None  # type: ignore[assignment]  # how Python says that there are no hashes

    def __repr__(self) -> str:
        return f"Vocabulary({len(self):,} items, {int(self.counts.sum()):,} occurrences)"

    def items_bytes(self, index: int) -> bytes:
        """UTF-8 bytes of the item at ``index``; negative indices count from the end, as in a list.

        Raises
        ------
        IndexError
            If there is no such item.
        """
        place = operator.index(index)
        if place < 0:
            place += len(self)
        if not 0 <= place < len(self):
            raise IndexError(f"index {index} is outside a vocabulary of {len(self)} items")
        return self.blob[self.offsets[place] : self.offsets[place + 1]].tobytes()

    def with_counts(self, counts: ArrayLike) -> Vocabulary:
        """Return the same items with other counts."""
        return Vocabulary(self.blob, self.offsets, counts)

    def take(self, ids: NDArray[np.integer[Any]]) -> Vocabulary:
        """Return the items with these ids, in their order."""
        lengths = (self.offsets[1:] - self.offsets[:-1])[ids]
        offsets = np.zeros(len(ids) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        blob = np.empty(offsets[-1], np.uint8)
        for first in range(0, len(ids), _BLOCK):  # in blocks, since each byte takes eight more while it is found
            last = min(len(ids), first + _BLOCK)
            length, begin = lengths[first:last], offsets[first:last]
            within = np.arange(offsets[first], offsets[last]) - np.repeat(begin, length)
            blob[offsets[first] : offsets[last]] = self.blob[np.repeat(self.offsets[ids[first:last]], length) + within]
        return Vocabulary(blob, offsets, self.counts[ids])

    def followed_by(self, other: Vocabulary) -> Vocabulary:
        """Return these items and then those of another vocabulary, which are not among them."""
        return Vocabulary(
            np.concatenate([self.blob, other.blob]),
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            np.concatenate([self.counts, other.counts]),
        )

    def by_count(self) -> NDArray[np.int64]:
        """Return the ids by descending count, ties in the order that they are in; int64 [V]."""
        return np.argsort(-self.counts, kind="stable")

    def starting(self, prefix: str) -> Iterator[str]:
        """Return the items that start with a text, in order."""
        wanted = prefix.encode("utf-8", "surrogatepass")
        found = np.flatnonzero(np.diff(self.offsets) >= len(wanted))
        for place, code in enumerate(wanted):
            found = found[self.blob[self.offsets[found] + place] == code]
        return (self[index] for index in found.tolist())

    def index_to_key(self) -> list[str]:
        """All items in order. Makes a Python string of each: for exports, not for look-ups."""
        text = self.blob.tobytes()
        return [text[start:stop].decode() for start, stop in pairwise(self.offsets.tolist())]

    @cached_property
    def key_to_index(self) -> dict[str, int]:
        """Item to index, made on first use. It takes some 100 bytes an item."""
        return {item: index for index, item in enumerate(self.index_to_key())}

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return self.blob, self.offsets, self.counts


# Which items stay, and in which order: the rule of all readers.


def divide_items(
    counts: NDArray[np.int64], min_count: int, max_items: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items to keep and items to drop, both by descending count, ties in the order that they are in.

    Parameters
    ----------
    counts : array, int64 [items]
        In order of first occurrence.
    min_count : int
    max_items : int or None

    Returns
    -------
    kept, dropped : arrays, int64
        Places in ``counts``.
    """
    order = np.argsort(-counts, kind="stable")
    kept = min(int(np.count_nonzero(counts >= min_count)), len(counts) if max_items is None else max_items)
    return order[:kept], order[kept:]
