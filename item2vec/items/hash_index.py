"""A sorted index of item hashes: finds one item among millions without a dictionary.

The index is two arrays, so that it lies in the model file and is used where it lies: the 64-bit hashes of all
items in ascending order, and the id of each. A look-up hashes the item, searches by bisection, and compares
the item's bytes with those of every id of equal hash, so that collisions cost time but never give a wrong
answer.

The hash of an item of n UTF-8 bytes, in arithmetic modulo 2**64 with M = 0x9E3779B97F4A7C15::

    h = n * M
    for each 8 bytes, as a little-endian number w (the last one padded with zeros):
        h = (h xor w) * M
        h = h xor (h >> 32)

It is part of the file format: changing it needs a new format version.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.items.vocabulary import Vocabulary

MULTIPLIER = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, odd (Knuth, TAOCP 3, section 6.4)
_MASK = 2**64 - 1
_BLOCK = 1 << 16  # items hashed together: their state stays in the cache
_FEW = 16  # below this many unfinished items, plain Python beats numpy's cost a call


@dataclass(frozen=True)
class HashIndex:
    """The hashes of a vocabulary's items, sorted.

    Parameters
    ----------
    keys : ndarray of uint64 [V]
        Hashes in ascending order.
    ids : ndarray of int32 [V]
        ``ids[i]`` is the item whose hash is ``keys[i]``.
    """

    keys: NDArray[np.uint64]
    ids: NDArray[np.int32]

    @classmethod
    def build(cls, vocabulary: Vocabulary) -> HashIndex:
        """Hash and sort all items of `vocabulary`."""
        keys = hash_items(vocabulary.blob, vocabulary.offsets)
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], order.astype(np.int32))

    def find(self, item: bytes, vocabulary: Vocabulary) -> int:
        """Return the id of the item with these UTF-8 bytes, or -1 if `vocabulary` does not have it."""
        key = np.uint64(hash_item(item))
        place = int(np.searchsorted(self.keys, key))
        while place < len(self.keys) and self.keys[place] == key:
            candidate = int(self.ids[place])
            if vocabulary.items_bytes(candidate) == item:
                return candidate
            place += 1
        return -1

    def find_all(self, items: Vocabulary, vocabulary: Vocabulary) -> NDArray[np.int64]:
        """Return the id in `vocabulary` of each of `items`, -1 where it has none; int64 [items]."""
        hashes = hash_items(items.blob, items.offsets)
        places = np.searchsorted(self.keys, hashes)
        found = np.full(len(items), -1, np.int64)
        hit = np.flatnonzero(places < len(self.keys))
        hit = hit[self.keys[places[hit]] == hashes[hit]]
        for first in range(0, len(hit), _BLOCK):
            some = hit[first : first + _BLOCK]
            ids = self.ids[places[some]].astype(np.int64)
            same = _same_bytes(items, some, vocabulary, ids)
            found[some[same]] = ids[same]
            for item in some[~same].tolist():  # another item of the same hash
                found[item] = self.find(items.items_bytes(item), vocabulary)
        return found

    def first_duplicate(self, vocabulary: Vocabulary) -> tuple[int, int] | None:
        """Return the ids of two equal items, the earlier first; None if all differ."""
        for place in np.flatnonzero(self.keys[1:] == self.keys[:-1]).tolist():
            # Equal items stand side by side, in order of their ids, unless another has their hash by accident.
            first, second = int(self.ids[place]), int(self.ids[place + 1])
            if vocabulary.items_bytes(first) == vocabulary.items_bytes(second):
                return first, second
        return None


def hash_item(item: bytes) -> int:
    """Return the 64-bit hash of one item's UTF-8 bytes."""
    return _absorb(len(item) * MULTIPLIER & _MASK, item)


def hash_items(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the 64-bit hash of each item.

    Parameters
    ----------
    blob : ndarray of uint8 [bytes]
        The items' UTF-8 bytes end to end.
    offsets : ndarray of int64 [V+1]
        Item i is ``blob[offsets[i]:offsets[i+1]]``.

    Returns
    -------
    ndarray of uint64 [V]
    """
    count = len(offsets) - 1
    hashes = np.empty(count, np.uint64)
    for first in range(0, count, _BLOCK):
        bounds = np.asarray(offsets[first : first + _BLOCK + 1], np.int64)
        part = blob[bounds[0] : bounds[-1]]
        hashes[first : first + _BLOCK] = _hash_block(part, bounds - bounds[0])
    return hashes


def _same_bytes(
    left: Vocabulary, left_ids: NDArray[np.int64], right: Vocabulary, right_ids: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether item left_ids[i] of the one vocabulary is item right_ids[i] of the other."""
    lengths = left.offsets[left_ids + 1] - left.offsets[left_ids]
    same: NDArray[np.bool_] = lengths == right.offsets[right_ids + 1] - right.offsets[right_ids]
    lengths, left_ids, right_ids = lengths[same], left_ids[same], right_ids[same]
    begin = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(begin, lengths)
    differs = (
        left.blob[np.repeat(left.offsets[left_ids], lengths) + within]
        != right.blob[np.repeat(right.offsets[right_ids], lengths) + within]
    )
    wrong = np.repeat(np.arange(len(lengths)), lengths)[differs]
    equal = np.ones(len(lengths), bool)
    equal[wrong] = False
    same[same] = equal
    return same


def _absorb(state: int, data: bytes) -> int:
    """Carry the hash `state` over the words of `data`."""
    for start in range(0, len(data), 8):
        state = (state ^ int.from_bytes(data[start : start + 8], "little")) * MULTIPLIER & _MASK
        state ^= state >> 32
    return state


def _hash_block(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Hash items word by word, the n-th words of all items at once, shorter items dropping out."""
    multiplier, half = np.uint64(MULTIPLIER), np.uint64(32)
    words = np.zeros(len(blob) // 8 + 2, "<u8")  # two spare: an item's last word may reach past the blob's end
    words.view(np.uint8)[: len(blob)] = blob
    lengths = np.diff(offsets)
    state = lengths.astype(np.uint64) * multiplier
    active = np.flatnonzero(lengths > 0)
    done = 0  # bytes of every active item that are in its state
    while len(active) > _FEW:
        word = _words_at(words, offsets[active] + done, lengths[active] - done)
        mixed = (state[active] ^ word) * multiplier
        state[active] = mixed ^ (mixed >> half)
        done += 8
        active = active[lengths[active] > done]
    for item in active.tolist():
        rest = blob[offsets[item] + done : offsets[item + 1]].tobytes()
        state[item] = _absorb(int(state[item]), rest)
    return state


def _words_at(words: NDArray[np.uint64], starts: NDArray[np.int64], left: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the 8 bytes at each of `starts`, zero after the first `left`, put together from two aligned words."""
    place = starts >> 3
    shift = ((starts & 7) << 3).astype(np.uint64)
    low = words[place] >> shift
    high = np.where(shift == 0, 0, words[place + 1] << (np.uint64(64) - np.maximum(shift, 1)))
    bits = (np.minimum(left, 8) << 3).astype(np.uint64)
    joined: NDArray[np.uint64] = (low | high) & (np.uint64(_MASK) >> (np.uint64(64) - bits))
    return joined
