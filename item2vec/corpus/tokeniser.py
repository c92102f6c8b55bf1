"""The byte tokeniser: numba kernels that turn lines of bytes into item codes in one pass.

A block of a few kilobytes at a time goes through four loops, each of which does one thing for all its items,
so that the memory accesses of many items overlap and few branches are mispredicted:

1. edges: where items begin and end, found eight bytes at a time (SWAR);
2. keys: an item's first 16 bytes as two integers, and a hash; its slot in the hash table is fetched;
3. matches: the slot's row is compared with the keys;
4. codes: what matched is counted and stored; the rest (new, collided, or over 16 bytes) is looked up again.

`item2vec.corpus.item_hash` has the table. Codes go to ``tokens`` (int32), the last of a sequence negative, which
marks sequences without another array.

Kernels neither allocate nor grow: `read_chunk` stops and says what room it needs. Words are little-endian.
numba's cache does not see changes in `edges` and `item_hash`: `make clean` after editing them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from item2vec.corpus.edges import (
    BYTES,
    ITEMS,
    NEWLINE,
    OPEN,
    PAIRS,
    POSITION,
    SEQUENCES,
    SPAN,
    TOKENS,
    Array,
    bytes_at_end,
    edges_at_delimiter,
    edges_at_spaces,
    eight_bytes,
    mark_separators,
)
from item2vec.corpus.item_hash import (
    COUNT,
    HASH,
    INLINE,
    KEY,
    LENGTH,
    REST,
    ROW,
    find_or_add,
    hash_item,
    match_rows,
    mix_in,
)

_U = np.uint64
_ONE = _U(1)
_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)


@njit(cache=True, nogil=True)
def _keys_at_end(data: Array, start: int, length: int) -> tuple[Any, Any]:
    """The keys of `_make_keys` for an item so near the data's end that whole words would reach beyond."""
    key = bytes_at_end(data, start) & _FIRST_BYTES[min(length, 8)]
    rest = bytes_at_end(data, start + 8) & _FIRST_BYTES[min(max(length - 8, 0), 8)]
    if length > INLINE:
        last = start + length - 8
        for position in range(start + 16, last, 8):
            rest = mix_in(rest, bytes_at_end(data, position))
        rest = mix_in(rest, bytes_at_end(data, last))
    return key, rest


@njit(cache=True, nogil=True)
def _make_keys(data: Array, words: Array, edges: Array, pairs: int, keys: Array) -> None:
    """Fill keys[i] with bytes 0 to 7, bytes 8 to 15, length and hash of item i.

    Zeros stand behind an item's end; the second key of an item over 16 bytes is a hash of the rest.
    """
    for i in range(pairs):
        start, end = edges[2 * i], edges[2 * i + 1]
        length = end - start
        if end + 24 <= 8 * len(words):
            key = eight_bytes(words, start) & _FIRST_BYTES[min(length, 8)]
            rest = eight_bytes(words, start + 8) & _FIRST_BYTES[min(max(length - 8, 0), 8)]
            if length > INLINE:
                for position in range(start + 16, end - 8, 8):
                    rest = mix_in(rest, eight_bytes(words, position))
                rest = mix_in(rest, eight_bytes(words, end - 8))
        else:
            key, rest = _keys_at_end(data, start, length)
        keys[i, KEY] = key
        keys[i, REST] = rest
        keys[i, LENGTH] = _U(length)
        keys[i, HASH] = hash_item(key, rest, _U(length))


@njit(cache=True, nogil=True)
def end_sequence(cursor: Array, tokens: Array) -> None:
    """Mark the last token as the last of its sequence; empty lines end nothing."""
    last = cursor[TOKENS] - 1
    if last >= 0 and tokens[last] > 0:
        tokens[last] = -tokens[last]
        cursor[SEQUENCES] += 1


@njit(cache=True, nogil=True)
def _has_newline(data: Array, start: int, stop: int) -> bool:
    """Whether one stands in data[start:stop], the separators between two items."""
    for position in range(start, stop):  # noqa: SIM110  a loop is what numba compiles
        if data[position] == NEWLINE:
            return True
    return False


@njit(cache=True, nogil=True)
def _store(
    data: Array, edges: Array, found: int, after: int, keys: Array,
    slots: Array, entries: Array, offsets: Array, blob: Array, cursor: Array, tokens: Array,
) -> None:  # fmt: skip
    """Count the block's items, store their codes, and end sequences at the newlines between them.

    ``after`` is where the next block begins: the separators up to there belong to this one.
    """
    edges[found] = after  # where the separators behind the last item end
    pairs = found >> 1
    if _has_newline(data, cursor[POSITION], edges[0]):
        end_sequence(cursor, tokens)
    stored = cursor[TOKENS]
    for i in range(pairs):
        start, end = edges[2 * i], edges[2 * i + 1]
        row: Any = np.int64(keys[i, ROW])
        if row == 0:
            row = find_or_add(data, start, keys[i], slots, entries, offsets, blob, cursor)
        entries[row, COUNT] += _ONE
        if _has_newline(data, end, edges[2 * i + 2]):
            cursor[SEQUENCES] += 1
            row = -row
        tokens[stored + i] = row
    cursor[TOKENS] += pairs


@njit(cache=True, nogil=True)
def read_chunk(
    data: Array, words: Array, delimiter: Array, pause: int, cursor: Array, edges: Array, bits: Array,
    keys: Array, slots: Array, entries: Array, offsets: Array, blob: Array, tokens: Array,
) -> bool:  # fmt: skip
    """Read whole blocks until ``pause``.

    Parameters
    ----------
    data, words : arrays, uint8 [n] and uint64 [n // 8]
        The file's bytes, twice.
    delimiter : array, uint8
        Empty for white space.
    pause : int
        Stop at the first block that ends here or behind it.
    cursor : array, int64 [CURSOR_SIZE]
        Where to begin; brought forward block by block.
    edges, bits, keys : arrays, int64 [8 B + 8], uint8 [B] and uint64 [4 B + 4, 5]
        Scratch for blocks of 8 B bytes, B a multiple of 8.
    slots, entries, offsets, blob, tokens : arrays
        As the module says.

    Returns
    -------
    bool
        False if the next block needs more room: for ``cursor[PAIRS]`` items of ``cursor[SPAN]`` bytes.
    """
    while cursor[POSITION] < pause:
        mark_separators(data, words, delimiter, cursor[POSITION] >> 6 << 3, bits)
        if len(delimiter) == 0:
            found, after = edges_at_spaces(bits, cursor, edges)
        else:
            found, after = edges_at_delimiter(data, delimiter, bits, cursor, edges)
        pairs = found >> 1
        if pairs > 0:
            span = edges[2 * pairs - 1] - edges[0]
            rows = cursor[ITEMS] + pairs
            if (
                cursor[TOKENS] + pairs > len(tokens)
                or rows >= len(entries)
                or 5 * rows > 3 * len(slots)
                or cursor[BYTES] + span > len(blob)
            ):
                cursor[PAIRS] = pairs
                cursor[SPAN] = span
                return False
            _make_keys(data, words, edges, pairs, keys)
            match_rows(keys, pairs, slots, entries)
        _store(data, edges, found, after, keys, slots, entries, offsets, blob, cursor, tokens)
        cursor[OPEN] = edges[found - 1] if found & 1 else -1
        cursor[POSITION] = after
    return True
