"""ItemTable: the hash table that the tokeniser's kernels fill, and its growth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError
from item2vec.files.machine import available_memory, own_pages
from item2vec.kernels import kernel

# The byte tokeniser: numba kernels that turn lines of bytes into item codes in one pass.
#
# A block of a few kilobytes at a time goes through four loops, each of which does one thing for all its items,
# so that the memory accesses of many items overlap and few branches are mispredicted:
#
# 1. edges: where items begin and end, found eight bytes at a time (SWAR);
# 2. keys: an item's first 16 bytes as two integers, and a hash; its slot in the hash table is fetched;
# 3. matches: the slot's row is compared with the keys;
# 4. codes: what matched is counted and stored; the rest (new, collided, or over 16 bytes) is looked up again.
#
# Codes go to ``tokens`` (int32), the last of a sequence negative, which
# marks sequences without another array.
#
# Kernels neither allocate nor grow: `read_chunk` stops and says what room it needs. Words are little-endian.

# Where items begin and end in a block of bytes, found eight bytes at a time (SWAR): the tokeniser's first loop.

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


@kernel
def bytes_at_end(data: NDArray[np.uint8], position: int) -> np.uint64:
    """Eight bytes from any position on, where the data may end before; zeros stand for what is behind it."""
    word = _ZERO
    for i in range(position, min(position + 8, len(data))):
        word |= _U(data[i]) << _U(8 * (i - position))
    return word


@kernel
def eight_bytes(words: NDArray[np.uint64], position: int) -> np.uint64:
    """Eight bytes from any position on, out of the two aligned words that hold them."""
    index = _U(position) >> _THREE
    shift = (_U(position) & _SEVEN) << _THREE
    word: np.uint64 = (words[index] >> shift) | ((words[index + _ONE] << _ONE) << (_63 - shift))
    return word


@kernel
def _space_bits(word: np.uint64) -> np.uint8:
    """Bit i of the result says whether byte i is ASCII white space: 9 to 13, or 32."""
    low = word & _BITS7
    control = (low + _FROM_9) & ~(low + _FROM_14)
    blank = ~((low ^ _BLANKS) + _BITS7)
    return np.uint8((((control | blank) & ~word & _BIT8) * _GATHER) >> _56)


@kernel
def _equal_bits(word: np.uint64, pattern: np.uint64) -> np.uint8:
    """Bit i of the result says whether byte i is a newline or the byte that the pattern repeats."""
    newline, other = word ^ _NEWLINES, word ^ pattern
    differs = (((newline & _BITS7) + _BITS7) | newline) & (((other & _BITS7) + _BITS7) | other)
    return np.uint8(((~differs & _BIT8) * _GATHER) >> _56)


@kernel
def mark_separators(
    data: NDArray[np.uint8],
    words: NDArray[np.uint64],
    delimiter: NDArray[np.uint8],
    first: int,
    bits: NDArray[np.uint8],
) -> None:
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


@kernel
def _first_bit(bits: np.uint64) -> np.int64:
    """Return number of the lowest set bit of a word that has one."""
    number: np.int64 = _BIT_NUMBER[((bits & (~bits + _ONE)) * _DE_BRUIJN) >> _58]
    return number


@kernel
def _within(base: int, start: int, stop: int) -> np.uint64:
    """Mask of the bits that stand for the bytes start:stop, bit 0 for byte ``base``; some of 64 do."""
    mask = _ALL
    if base < start:
        mask &= _ALL << _U(start - base)
    if base + 64 > stop:
        mask &= _ALL >> _U(base + 64 - stop)
    return mask


@kernel
def edges_at_spaces(bits: NDArray[np.uint8], cursor: NDArray[np.int64], edges: NDArray[np.int64]) -> tuple[int, int]:
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


@kernel
def _separator_width(data: NDArray[np.uint8], position: int, stop: int, delimiter: NDArray[np.uint8]) -> int:
    """Bytes of the newline or delimiter that begins here; 0 if only a delimiter's first byte does."""
    if data[position] == NEWLINE:
        return 1
    if position + len(delimiter) > stop:
        return 0
    for i in range(1, len(delimiter)):
        if data[position + i] != delimiter[i]:
            return 0
    return len(delimiter)


@kernel
def edges_at_delimiter(
    data: NDArray[np.uint8],
    delimiter: NDArray[np.uint8],
    bits: NDArray[np.uint8],
    cursor: NDArray[np.int64],
    edges: NDArray[np.int64],
) -> tuple[int, int]:
    """Like `edges_at_spaces`, but items end only at newlines and at a delimiter of one or more bytes.

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


@kernel
def _add_item(
    data: NDArray[np.uint8], start: int, end: int, line_ends: bool, edges: NDArray[np.int64], found: int
) -> int:
    """Add an item's edges unless it is empty; a carriage return at the end of a line does not belong to it."""
    if line_ends and end > start and data[end - 1] == RETURN:
        end -= 1
    if end <= start:
        return found
    edges[found] = start
    edges[found + 1] = end
    return found + 2


# The hash table of items: numba kernels that find an item's row, or add one.
#
# It has two levels, as Python's dict has: slots, and entries in order of first occurrence, so that frequent items,
# which come early, share few cache lines. Kernels neither allocate nor grow: `ItemTable` does.


class Table(NamedTuple):
    """The arrays of a hash table of items.

    Attributes
    ----------
    slots : uint64 [a power of two]
        The upper half of an item's hash beside its row, 0 for free; open addressing, linear probing.
    entries : uint64 [rows, 4]
        Keys, length and count of each item. Row 0 is never used: a code is a row, from 1.
    offsets, blob : int64 [rows], uint8
        The item of row r is ``blob[offsets[r - 1]:offsets[r]]``.
    """

    slots: NDArray[np.uint64]
    entries: NDArray[np.uint64]
    offsets: NDArray[np.int64]
    blob: NDArray[np.uint8]


# Columns of an entry, uint64 [4], and of the keys of an item in a block, uint64 [5].
KEY = 0  # bytes 0 to 7
REST = 1  # bytes 8 to 15, or a hash of all from 8 on
LENGTH = 2
COUNT = 3
HASH = 3
ROW = 4
KEY_SIZE = 5

INLINE = 16  # bytes of an item that its two keys hold
_32 = _U(32)
_LOW32 = _U(2**32 - 1)

# Odd constants that mix well: 2**64 over the golden ratio (Knuth, TAOCP 3, 6.4), and another.
_HASH_A = _U(0x9E3779B97F4A7C15)
_HASH_B = _U(0xD6E8FEB86659FD93)


@kernel
def hash_item(key: np.uint64, rest: np.uint64, length: np.uint64) -> np.uint64:
    """Mix an item's two keys and its length into 64 bits."""
    mixed = ((key ^ (rest * _HASH_B)) + length) * _HASH_A
    mixed = (mixed ^ (mixed >> _32)) * _HASH_B
    return mixed ^ (mixed >> _32)


@kernel
def mix_in(rest: np.uint64, word: np.uint64) -> np.uint64:
    """Take eight more bytes into the hash of an item's rest."""
    mixed = rest * _HASH_A
    return mixed ^ (mixed >> _32) ^ word


@kernel
def match_rows(keys: NDArray[np.uint64], count: int, table: Table) -> None:
    """Fill keys[:count, ROW]: the row in an item's first slot if it is the item's, else 0.

    Two plain loops, so that the cache misses of many items overlap.
    """
    slots, entries = table.slots, table.entries
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


@kernel
def find_or_add(
    data: NDArray[np.uint8], start: int, sought: NDArray[np.uint64], table: Table, cursor: NDArray[np.int64]
) -> np.int64:
    """Row of the item whose bytes begin at ``start``, with its keys in ``sought``; if new, the next row."""
    slots, entries, offsets, blob = table
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
    return np.int64(added)


@kernel
def refill_slots(entries: NDArray[np.uint64], items: int, slots: NDArray[np.uint64]) -> None:
    """Enter rows 1 to ``items`` into free slots."""
    mask = _U(len(slots) - 1)
    for row in range(1, items + 1):
        hashed = hash_item(entries[row, KEY], entries[row, REST], entries[row, LENGTH])
        place = hashed & mask
        while slots[place] != _ZERO:
            place = (place + _ONE) & mask
        slots[place] = ((hashed >> _32) << _32) | _U(row)


@kernel
def merge_entries(
    other: Table, codes: NDArray[np.int32], keys: NDArray[np.uint64], table: Table, cursor: NDArray[np.int64]
) -> None:
    """Add another table's items and counts in their order; codes[r] becomes the row here of its row r.

    ``keys`` is scratch for a block of items, uint64 [any, 5]. All of the other's items must have room.
    """
    for first in range(1, len(codes), len(keys)):
        count = min(len(keys), len(codes) - first)
        for i in range(count):
            for column in (KEY, REST, LENGTH):
                keys[i, column] = other.entries[first + i, column]
            keys[i, HASH] = hash_item(keys[i, KEY], keys[i, REST], keys[i, LENGTH])
        match_rows(keys, count, table)
        for i in range(count):
            row = np.int64(keys[i, ROW])
            if row == 0:
                start = other.offsets[first + i - 1]
                row = find_or_add(other.blob, start, keys[i], table, cursor)
            table.entries[row, COUNT] += other.entries[first + i, COUNT]
            codes[first + i] = row


class Block(NamedTuple):
    """Work space for a block of 8·B bytes, B a multiple of 8.

    Attributes
    ----------
    edges : int64 [8·B + 8]
        Begin and end of its items, in turns.
    bits : uint8 [B]
        A bit for each byte: whether it may part items.
    keys : uint64 [4·B + 4, KEY_SIZE]
        Of its items.
    """

    edges: NDArray[np.int64]
    bits: NDArray[np.uint8]
    keys: NDArray[np.uint64]


_FIRST_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)


@kernel
def _keys_at_end(data: NDArray[np.uint8], start: int, length: int) -> tuple[np.uint64, np.uint64]:
    """Return the keys of `_make_keys` for an item so near the data's end that whole words would reach beyond."""
    key = bytes_at_end(data, start) & _FIRST_BYTES[min(length, 8)]
    rest = bytes_at_end(data, start + 8) & _FIRST_BYTES[min(max(length - 8, 0), 8)]
    if length > INLINE:
        last = start + length - 8
        for position in range(start + 16, last, 8):
            rest = mix_in(rest, bytes_at_end(data, position))
        rest = mix_in(rest, bytes_at_end(data, last))
    return key, rest


@kernel
def _make_keys(
    data: NDArray[np.uint8], words: NDArray[np.uint64], edges: NDArray[np.int64], pairs: int, keys: NDArray[np.uint64]
) -> None:
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


@kernel
def end_sequence(cursor: NDArray[np.int64], tokens: NDArray[np.int32]) -> None:
    """Mark the last token as the last of its sequence; empty lines end nothing."""
    last = cursor[TOKENS] - 1
    if last >= 0 and tokens[last] > 0:
        tokens[last] = -tokens[last]
        cursor[SEQUENCES] += 1


@kernel
def _has_newline(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Whether one stands in data[start:stop], the separators between two items."""
    for position in range(start, stop):  # noqa: SIM110  a loop is what numba compiles
        if data[position] == NEWLINE:
            return True
    return False


@kernel
def _store(
    data: NDArray[np.uint8],
    block: Block,
    found: int,
    after: int,
    table: Table,
    cursor: NDArray[np.int64],
    tokens: NDArray[np.int32],
) -> None:
    """Count the block's items, store their codes, and end sequences at the newlines between them.

    Parameters
    ----------
    data : uint8 [n]
    block : Block
    found : int
        How many of its edges there are.
    after : int
        Where the next block begins: the separators up to there belong to this one.
    table : Table
    cursor : int64 [CURSOR_SIZE]
    tokens : int32
    """
    edges, keys = block.edges, block.keys
    edges[found] = after  # where the separators behind the last item end
    pairs = found >> 1
    if _has_newline(data, cursor[POSITION], edges[0]):
        end_sequence(cursor, tokens)
    stored = cursor[TOKENS]
    for i in range(pairs):
        start, end = edges[2 * i], edges[2 * i + 1]
        row = np.int64(keys[i, ROW])
        if row == 0:
            row = find_or_add(data, start, keys[i], table, cursor)
        table.entries[row, COUNT] += _ONE
        if _has_newline(data, end, edges[2 * i + 2]):
            cursor[SEQUENCES] += 1
            row = -row
        tokens[stored + i] = row
    cursor[TOKENS] += pairs


@kernel
def read_chunk(
    data: NDArray[np.uint8],
    words: NDArray[np.uint64],
    delimiter: NDArray[np.uint8],
    pause: int,
    cursor: NDArray[np.int64],
    block: Block,
    table: Table,
    tokens: NDArray[np.int32],
) -> bool:
    """Read whole blocks until ``pause``.

    Parameters
    ----------
    data, words : uint8 [n], uint64 [n // 8]
        The file's bytes, twice.
    delimiter : uint8
        Empty for white space.
    pause : int
        Stop at the first block that ends here or behind it.
    cursor : int64 [CURSOR_SIZE]
        Where to begin; brought forward block by block.
    block : Block
        Work space.
    table : Table
    tokens : int32
        Codes are added to it; the last of a sequence is negative.

    Returns
    -------
    bool
        False if the next block needs more room: for ``cursor[PAIRS]`` items of ``cursor[SPAN]`` bytes.
    """
    edges, bits, keys = block
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
                or rows >= len(table.entries)
                or 5 * rows > 3 * len(table.slots)
                or cursor[BYTES] + span > len(table.blob)
            ):
                cursor[PAIRS] = pairs
                cursor[SPAN] = span
                return False
            _make_keys(data, words, edges, pairs, keys)
            match_rows(keys, pairs, table)
        _store(data, block, found, after, table, cursor, tokens)
        cursor[OPEN] = edges[found - 1] if found & 1 else -1
        cursor[POSITION] = after
    return True


Kind = TypeVar("Kind", bound=np.generic)
_SMALL = 1 << 28  # bytes that are taken without a look at what is left


@dataclass(frozen=True)
class Sizes:
    """How much is worked on at a time. The defaults suit a core's caches; tests make them tiny.

    Parameters
    ----------
    scan : int
        Bytes a block of the tokeniser, a multiple of 64: its scratch should stay in the first two caches.
    chunk : int
        Bytes of a plain file that are read at once.
    block : int
        Tokens in one block of memory.
    stream : int
        Bytes of text that come at once from what is unpacked, transcoded or a pipe.
    slots : int
        Slots of a new hash table, a power of two.
    part : int
        Bytes that are worth a thread.
    distinct : int
        Most distinct items: codes are int32 with a sign.
    """

    scan: int = 2048
    chunk: int = 1 << 19
    block: int = 1 << 20
    stream: int = 1 << 20
    slots: int = 1 << 14
    part: int = 1 << 20
    distinct: int = 2**31 - 2


class ItemTable:
    """Hash table from items to codes, in order of first occurrence, from 1.

    Attributes
    ----------
    cursor : int64 [CURSOR_SIZE]
        Where the reader stands; ITEMS and BYTES of it are the table's fill.
    slots, entries, offsets, blob
        As in `Table`.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.cursor = np.zeros(CURSOR_SIZE, np.int64)
        self.slots = own_pages((sizes.slots,), np.uint64)
        rows = sizes.slots // 2
        self.entries = own_pages((rows, 4), np.uint64)
        self.offsets = own_pages((rows,), np.int64)
        self.blob = own_pages((8 * rows,), np.uint8)

    def __len__(self) -> int:
        return int(self.cursor[ITEMS])

    @property
    def arrays(self) -> Table:
        """The table as kernels take it, until it grows."""
        return Table(self.slots, self.entries, self.offsets, self.blob)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Occurrences of the items by code - 1, a view of int64 [items]."""
        return self.entries[1 : len(self) + 1, COUNT].view(np.int64)

    def make_room(self, items: int, item_bytes: int) -> None:
        """Let ``items`` more items of ``item_bytes`` more bytes fit, at a load of at most 0.6."""
        rows = len(self) + items
        used = int(self.cursor[BYTES])
        if rows >= len(self.entries):
            self.entries = _grown(self.entries, len(self) + 1, rows + 1)
            self.offsets = _grown(self.offsets, len(self) + 1, rows + 1)
        if used + item_bytes > len(self.blob):
            self.blob = _grown(self.blob, used, used + item_bytes)
        if 5 * rows > 3 * len(self.slots):
            size = len(self.slots)
            while 5 * rows > 3 * size:
                size *= 2
            self.slots = own_pages((0,), np.uint64)  # the old ones go before the new ones come
            self.slots = own_pages((size,), np.uint64)
            refill_slots(self.entries, len(self), self.slots)

    @np.errstate(over="ignore")  # hashes wrap around, which numpy notes where numba is turned off
    def merge(self, other: ItemTable) -> NDArray[np.int32]:
        """Add another table's items and counts, in its order.

        Returns
        -------
        array, int32 [items of other + 1]
            The other's codes to the codes here; [0] is 0.
        """
        self.make_room(len(other), int(other.cursor[BYTES]))
        codes = np.zeros(len(other) + 1, np.int32)
        blob = other.blob.view()
        blob.flags.writeable = False  # as the mapped file is: one compiled form of what looks at both
        keys = np.empty((256, KEY_SIZE), np.uint64)
        merge_entries(other.arrays._replace(blob=blob), codes, keys, self.arrays, self.cursor)
        self.check_distinct()
        return codes

    def check_distinct(self) -> None:
        """Refuse more items than codes can number."""
        if len(self) > self.sizes.distinct:
            raise CorpusError(
                f"the corpus has more than {self.sizes.distinct:,} distinct items, the most that item2vec can "
                "handle; train on a part of it"
            )


def _grown(array: NDArray[Kind], used: int, needed: int) -> NDArray[Kind]:
    """Return a longer array with the same first ``used`` rows; at least doubled, so that copies stay few."""
    more = array.nbytes // max(1, len(array)) * needed
    if more > _SMALL and more > available_memory():
        raise CorpusError(
            f"there is no memory left for the corpus's distinct items, which so far take {array.nbytes / 1e9:,.1f} GB "
            "and more; train on a part of it, or look with `item2vec inspect` at a part whether they are items"
        )
    longer = own_pages((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype.type)
    longer[:used] = array[:used]
    return longer
