"""Where items begin and end in a block of bytes, found eight bytes at a time (SWAR): the tokeniser's first loop.

Words are little-endian. `item2vec.corpus.tokeniser` says how a block goes on from here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any  # kernels are typed by numba

# Cursor, int64 [9]: where a reader stands.
POSITION = 0  # next byte to look at
STOP = 1  # end of the segment
OPEN = 2  # first byte of an item that the last block ended within, or -1
TOKENS = 3  # codes in `tokens`
ITEMS = 4  # rows in use
BYTES = 5  # bytes of `blob` in use
SEQUENCES = 6  # sequences ended
PAIRS = 7  # when room is lacking: items in the block to come
SPAN = 8  # and an upper bound of their bytes
CURSOR_SIZE = 9

NEWLINE = 10
RETURN = 13

_U = np.uint64
_ZERO, _ONE, _THREE, _SEVEN = _U(0), _U(1), _U(3), _U(7)
_56, _58, _63 = _U(56), _U(58), _U(63)
_ALL = _U(2**64 - 1)


def _repeat(byte: int) -> np.uint64:
    return _U(int.from_bytes(bytes([byte]) * 8, "little"))


_EACH, _BITS7, _BIT8 = _repeat(1), _repeat(0x7F), _repeat(0x80)
_BLANKS, _NEWLINES = _repeat(0x20), _repeat(NEWLINE)
_FROM_9, _FROM_14 = _repeat(0x80 - 9), _repeat(0x80 - 14)
_GATHER = _U(0x0002040810204081)  # brings bits 7, 15, ... 63 together in the top byte
_DE_BRUIJN = _U(0x03F79D71B4CB0A89)  # its 64 six-bit windows all differ, so it numbers a lone bit
_BIT_NUMBER = np.zeros(64, np.int64)
for _i in range(64):
    _BIT_NUMBER[((1 << _i) * int(_DE_BRUIJN) % 2**64) >> 58] = _i


@njit(cache=True, nogil=True)
def bytes_at_end(data: Array, position: int) -> Any:
    """Eight bytes from any position on, where the data may end before; zeros stand for what is behind it."""
    word = _ZERO
    for i in range(position, min(position + 8, len(data))):
        word |= _U(data[i]) << _U(8 * (i - position))
    return word


@njit(cache=True, nogil=True)
def eight_bytes(words: Array, position: int) -> Any:
    """Eight bytes from any position on, out of the two aligned words that hold them."""
    index = _U(position) >> _THREE
    shift = (_U(position) & _SEVEN) << _THREE
    return (words[index] >> shift) | ((words[index + _ONE] << _ONE) << (_63 - shift))


@njit(cache=True, nogil=True)
def _space_bits(word: Any) -> Any:
    """Bit i of the result says whether byte i is ASCII white space: 9 to 13, or 32."""
    low = word & _BITS7
    control = (low + _FROM_9) & ~(low + _FROM_14)
    blank = ~((low ^ _BLANKS) + _BITS7)
    return np.uint8((((control | blank) & ~word & _BIT8) * _GATHER) >> _56)


@njit(cache=True, nogil=True)
def _equal_bits(word: Any, pattern: Any) -> Any:
    """Bit i of the result says whether byte i is a newline or the byte that the pattern repeats."""
    newline, other = word ^ _NEWLINES, word ^ pattern
    differs = (((newline & _BITS7) + _BITS7) | newline) & (((other & _BITS7) + _BITS7) | other)
    return np.uint8(((~differs & _BIT8) * _GATHER) >> _56)


@njit(cache=True, nogil=True)
def mark_separators(data: Array, words: Array, delimiter: Array, first: int, bits: Array) -> None:
    """Fill the bits for words ``first`` on: white space, or newlines and the first byte of a delimiter."""
    whole = min(len(bits), len(words) - first)
    if len(delimiter) == 0:
        for i in range(whole):
            bits[i] = _space_bits(words[first + i])
        for i in range(whole, len(bits)):
            bits[i] = _space_bits(bytes_at_end(data, 8 * (first + i)))
    else:
        pattern = _U(delimiter[0]) * _EACH
        for i in range(whole):
            bits[i] = _equal_bits(words[first + i], pattern)
        for i in range(whole, len(bits)):
            bits[i] = _equal_bits(bytes_at_end(data, 8 * (first + i)), pattern)


@njit(cache=True, nogil=True)
def _first_bit(bits: Any) -> Any:
    """Number of the lowest set bit of a word that has one."""
    return _BIT_NUMBER[((bits & (~bits + _ONE)) * _DE_BRUIJN) >> _58]


@njit(cache=True, nogil=True)
def _within(base: int, start: int, stop: int) -> Any:
    """Mask of the bits that stand for the bytes start:stop, bit 0 for byte ``base``; some of 64 do."""
    mask = _ALL
    if base < start:
        mask &= _ALL << _U(start - base)
    if base + 64 > stop:
        mask &= _ALL >> _U(base + 64 - stop)
    return mask


@njit(cache=True, nogil=True)
def edges_at_spaces(bits: Array, cursor: Array, edges: Array) -> Any:
    """Begin and end of the items in one block, in turns: how many edges, and where the next block begins.

    An item that reaches beyond the block has a begin only; ``cursor[OPEN]`` hands it on.
    """
    position, stop = cursor[POSITION], cursor[STOP]
    base = position & -64
    found = 0
    before = _ZERO  # 1: the byte before belongs to an item
    if cursor[OPEN] >= 0:
        edges[0] = cursor[OPEN]
        found = 1
        before = _ONE
    for group in bits.view(np.uint64):
        if base >= stop:
            break
        inside = ~group & _within(base, position, stop)
        changes = inside ^ ((inside << _ONE) | before)
        before = inside >> _63
        while changes != _ZERO:
            edges[found] = base + _first_bit(changes)
            found += 1
            changes &= changes - _ONE
        base += 64
    if base >= stop and found & 1:
        edges[found] = stop
        found += 1
    return found, min(base, stop)


@njit(cache=True, nogil=True)
def _separator_width(data: Array, position: int, stop: int, delimiter: Array) -> Any:
    """Bytes of the newline or delimiter that begins here; 0 if only a delimiter's first byte does."""
    if data[position] == NEWLINE:
        return 1
    if position + len(delimiter) > stop:
        return 0
    for i in range(1, len(delimiter)):
        if data[position + i] != delimiter[i]:
            return 0
    return len(delimiter)


@njit(cache=True, nogil=True)
def edges_at_delimiter(data: Array, delimiter: Array, bits: Array, cursor: Array, edges: Array) -> Any:
    """As `edges_at_spaces`, where only newlines and a delimiter of one or more bytes part items.

    Empty items are left out, and a carriage return before a newline, or at the end, is none of an item.
    """
    position, stop = cursor[POSITION], cursor[STOP]
    base = position & -64
    found = 0
    start = cursor[OPEN] if cursor[OPEN] >= 0 else position
    for group in bits.view(np.uint64):
        if base >= stop:
            break
        candidates = group & _within(base, position, stop)
        while candidates != _ZERO:
            end = base + _first_bit(candidates)
            candidates &= candidates - _ONE
            width = _separator_width(data, end, stop, delimiter) if end >= start else 0
            if width > 0:
                found = _add_item(data, start, end, data[end] == NEWLINE, edges, found)
                start = end + width
        base += 64
    if base >= stop:
        return _add_item(data, start, stop, True, edges, found), stop
    if start < base:
        edges[found] = start
        found += 1
    return found, max(base, start)


@njit(cache=True, nogil=True)
def _add_item(data: Array, start: int, end: int, line_ends: bool, edges: Array, found: int) -> Any:
    """Add an item's edges, unless it is empty; the carriage return at a line's end is none of it."""
    if line_ends and end > start and data[end - 1] == RETURN:
        end -= 1
    if end <= start:
        return found
    edges[found] = start
    edges[found + 1] = end
    return found + 2
