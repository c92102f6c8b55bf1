"""The hash table of items: numba kernels that find an item's row, or add one.

The table has two levels, as Python's dict has. ``slots`` (uint64, a power of two of them, open addressing,
linear probing) hold the upper half of the hash beside a row number, 0 for free. ``entries`` (uint64
[rows, 4]) hold keys, length and count in order of first occurrence, so that frequent items, which come early,
share few cache lines. Row 0 is never used: a code is a row, from 1; row r's item is
``blob[offsets[r - 1]:offsets[r]]``.

Kernels neither allocate nor grow: `ItemTable` does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from item2vec.corpus.edges import BYTES, ITEMS, Array

# Columns of an entry, uint64 [4], and of the keys of an item in a block, uint64 [5].
KEY = 0  # bytes 0 to 7
REST = 1  # bytes 8 to 15, or a hash of all from 8 on
LENGTH = 2
COUNT = 3
HASH = 3
ROW = 4
KEY_SIZE = 5

INLINE = 16  # bytes of an item that its two keys hold

_U = np.uint64
_ZERO, _ONE = _U(0), _U(1)
_32 = _U(32)
_LOW32 = _U(2**32 - 1)

# Odd constants that mix well: 2**64 over the golden ratio (Knuth, TAOCP 3, 6.4), and another.
_HASH_A = _U(0x9E3779B97F4A7C15)
_HASH_B = _U(0xD6E8FEB86659FD93)


@njit(cache=True, nogil=True)
def hash_item(key: Any, rest: Any, length: Any) -> Any:
    """Mix an item's two keys and its length into 64 bits."""
    mixed = ((key ^ (rest * _HASH_B)) + length) * _HASH_A
    mixed = (mixed ^ (mixed >> _32)) * _HASH_B
    return mixed ^ (mixed >> _32)


@njit(cache=True, nogil=True)
def mix_in(rest: Any, word: Any) -> Any:
    """Take eight more bytes into the hash of an item's rest."""
    mixed = rest * _HASH_A
    return mixed ^ (mixed >> _32) ^ word


@njit(cache=True, nogil=True)
def match_rows(keys: Array, count: int, slots: Array, entries: Array) -> None:
    """Fill keys[:count, ROW]: the row in an item's first slot if it is the item's, else 0.

    Two plain loops, so that the cache misses of many items overlap.
    """
    mask = _U(len(slots) - 1)
    for i in range(count):
        keys[i, ROW] = slots[keys[i, HASH] & mask] & _LOW32
    for i in range(count):
        row = keys[i, ROW]
        differs = (
            (entries[row, KEY] ^ keys[i, KEY])
            | (entries[row, REST] ^ keys[i, REST])
            | (entries[row, LENGTH] ^ keys[i, LENGTH])
        )
        keys[i, ROW] = row if differs == _ZERO and keys[i, LENGTH] <= _U(INLINE) else _ZERO


@njit(cache=True, nogil=True)
def find_or_add(
    data: Array,
    start: int,
    sought: Array,
    slots: Array,
    entries: Array,
    offsets: Array,
    blob: Array,
    cursor: Array,
) -> Any:
    """Row of the item whose bytes begin at ``start``, with its keys in ``sought``; if new, the next row."""
    mask = _U(len(slots) - 1)
    tag = sought[HASH] >> _32
    length = np.int64(sought[LENGTH])
    place = sought[HASH] & mask
    while slots[place] != _ZERO:
        row = slots[place] & _LOW32
        if (
            slots[place] >> _32 == tag
            and entries[row, KEY] == sought[KEY]
            and entries[row, REST] == sought[REST]
            and entries[row, LENGTH] == sought[LENGTH]
        ):
            same = True
            if length > INLINE:
                begin = offsets[row - _ONE]
                for i in range(length):
                    if blob[begin + i] != data[start + i]:
                        same = False
                        break
            if same:
                return np.int64(row)
        place = (place + _ONE) & mask
    added = cursor[ITEMS] + 1
    slots[place] = (tag << _32) | _U(added)
    entries[added, KEY] = sought[KEY]
    entries[added, REST] = sought[REST]
    entries[added, LENGTH] = sought[LENGTH]
    entries[added, COUNT] = _ZERO
    begin = cursor[BYTES]
    for i in range(length):
        blob[begin + i] = data[start + i]
    offsets[added] = begin + length
    cursor[ITEMS] = added
    cursor[BYTES] = begin + length
    return added


@njit(cache=True, nogil=True)
def refill_slots(entries: Array, items: int, slots: Array) -> None:
    """Enter rows 1 to ``items`` into free slots."""
    mask = _U(len(slots) - 1)
    for row in range(1, items + 1):
        hashed = hash_item(entries[row, KEY], entries[row, REST], entries[row, LENGTH])
        place = hashed & mask
        while slots[place] != _ZERO:
            place = (place + _ONE) & mask
        slots[place] = ((hashed >> _32) << _32) | _U(row)


@njit(cache=True, nogil=True)
def merge_entries(
    other_entries: Array, other_offsets: Array, other_blob: Array, codes: Array, keys: Array,
    slots: Array, entries: Array, offsets: Array, blob: Array, cursor: Array,
) -> None:  # fmt: skip
    """Add another table's items and counts in their order; codes[r] becomes the row here of its row r.

    ``keys`` is scratch for a block of items, uint64 [any, 5]. All of the other's items must have room.
    """
    for first in range(1, len(codes), len(keys)):
        count = min(len(keys), len(codes) - first)
        for i in range(count):
            for column in (KEY, REST, LENGTH):
                keys[i, column] = other_entries[first + i, column]
            keys[i, HASH] = hash_item(keys[i, KEY], keys[i, REST], keys[i, LENGTH])
        match_rows(keys, count, slots, entries)
        for i in range(count):
            row: Any = np.int64(keys[i, ROW])
            if row == 0:
                start = other_offsets[first + i - 1]
                row = find_or_add(other_blob, start, keys[i], slots, entries, offsets, blob, cursor)
            entries[row, COUNT] += other_entries[first + i, COUNT]
            codes[first + i] = row
