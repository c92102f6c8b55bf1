"""ItemTable and PartReader: the arrays that the tokeniser's kernels fill, and their growth."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus import edges, tokeniser
from item2vec.corpus.memory import give_back, own_pages
from item2vec.corpus.sources import Segment, map_file
from item2vec.errors import CorpusError

Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True)
class Sizes:
    """How much is worked on at a time. The defaults suit a core's caches; tests make them tiny.

    Parameters
    ----------
    scan : int
        Bytes a block of the tokeniser, a multiple of 64: its scratch should stay in the first two caches.
    chunk : int
        Bytes of the mapped file after which the pages read are given back, as they count as resident.
    block : int
        Tokens in one block of memory.
    slots : int
        Slots of a new hash table, a power of two.
    part : int
        Bytes that are worth a thread.
    distinct : int
        Most distinct items: codes are int32 with a sign.
    """

    scan: int = 2048
    chunk: int = 4 << 20
    block: int = 1 << 20
    slots: int = 1 << 14
    part: int = 1 << 20
    distinct: int = 2**31 - 2


class ItemTable:
    """Hash table from items to codes, in order of first occurrence, from 1 (see `tokeniser`).

    Attributes
    ----------
    cursor : array, int64
        Where the reader stands; ITEMS and BYTES of it are the table's fill.
    slots, entries, offsets, blob : arrays
        As `tokeniser` says.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.cursor = np.zeros(edges.CURSOR_SIZE, np.int64)
        self.slots = own_pages((sizes.slots,), np.uint64)
        rows = sizes.slots // 2
        self.entries = own_pages((rows, 4), np.uint64)
        self.offsets = own_pages((rows,), np.int64)
        self.blob = own_pages((8 * rows,), np.uint8)

    def __len__(self) -> int:
        return int(self.cursor[edges.ITEMS])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Occurrences of the items by code - 1, a view of int64 [items]."""
        return self.entries[1 : len(self) + 1, tokeniser.COUNT].view(np.int64)

    def make_room(self, items: int, item_bytes: int) -> None:
        """Let ``items`` more items of ``item_bytes`` more bytes fit, at a load of at most 0.6."""
        rows = len(self) + items
        used = int(self.cursor[edges.BYTES])
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
            tokeniser.refill_slots(self.entries, len(self), self.slots)

    @np.errstate(over="ignore")  # hashes wrap around, which numpy notes where numba is turned off
    def merge(self, other: ItemTable) -> NDArray[np.int32]:
        """Add another table's items and counts, in its order.

        Returns
        -------
        array, int32 [items of other + 1]
            The other's codes to the codes here; [0] is 0.
        """
        self.make_room(len(other), int(other.cursor[edges.BYTES]))
        codes = np.zeros(len(other) + 1, np.int32)
        blob = other.blob.view()
        blob.flags.writeable = False  # as the mapped file is: one compiled form of what looks at both
        keys = np.empty((256, tokeniser.KEY_SIZE), np.uint64)
        tokeniser.merge_entries(
            other.entries, other.offsets, blob, codes, keys,
            self.slots, self.entries, self.offsets, self.blob, self.cursor,
        )  # fmt: skip
        self.check_distinct()
        return codes

    def check_distinct(self) -> None:
        """Refuse more items than codes can number."""
        if len(self) > self.sizes.distinct:
            raise CorpusError(
                f"the corpus has more than {self.sizes.distinct:,} distinct items, the most that can be "
                "numbered; train on a part of it"
            )


class PartReader:
    """Reads one thread's segments, in order, into codes.

    The codes lie in blocks of anonymous memory of their own, so that each goes back to the system as soon as
    it has been recoded: no second copy of the tokens is ever resident.

    Attributes
    ----------
    table : ItemTable
    blocks : list of arrays, int32
        Codes of what was read, the last of each sequence negative.
    sequences : int
        Sequences read.
    """

    def __init__(self, delimiter: bytes, sizes: Sizes, stopped: threading.Event) -> None:
        self.table = ItemTable(sizes)
        self.blocks: list[NDArray[np.int32]] = []
        self.sequences = 0
        self._delimiter = np.array(list(delimiter), np.uint8)
        self._sizes = sizes
        self._stopped = stopped
        self._open = own_pages((sizes.block,), np.int32)
        self._bits = np.empty(sizes.scan // 8, np.uint8)
        self._edges = np.empty(sizes.scan + 8, np.int64)
        self._keys = np.empty((sizes.scan // 2 + 4, tokeniser.KEY_SIZE), np.uint64)

    def give_table(self) -> ItemTable:
        """Hand the table over, so that its memory goes with who takes it."""
        table = self.table
        del self.table
        return table

    @np.errstate(over="ignore")
    def read(self, segments: list[Segment]) -> None:
        """Read all segments; stops between two chunks when the event is set."""
        for segment in segments:
            self._read_segment(segment)
        self.blocks.append(self._open[: self.table.cursor[edges.TOKENS]])
        self._open = np.empty(0, np.int32)
        self.sequences = int(self.table.cursor[edges.SEQUENCES])

    def _read_segment(self, segment: Segment) -> None:
        cursor = self.table.cursor
        mapped = map_file(segment.source)
        data = np.frombuffer(mapped, np.uint8)
        words = np.frombuffer(mapped, np.uint64, len(data) // 8)
        cursor[edges.POSITION] = segment.start
        cursor[edges.STOP] = segment.stop
        cursor[edges.OPEN] = -1
        position = segment.start
        while position < segment.stop and not self._stopped.is_set():
            pause = min(position + self._sizes.chunk, segment.stop)
            while not self._read_chunk(data, words, pause):
                self._make_room(int(cursor[edges.PAIRS]), int(cursor[edges.SPAN]))
            self.table.check_distinct()
            # From the start, as an item that reaches over a chunk's end brings pages before it back.
            give_back(mapped, segment.start, pause)
            position = int(cursor[edges.POSITION])
        tokeniser.end_sequence(cursor, self._open)

    def _read_chunk(self, data: NDArray[np.uint8], words: NDArray[np.uint64], pause: int) -> bool:
        table = self.table
        return bool(
            tokeniser.read_chunk(
                data, words, self._delimiter, pause, table.cursor, self._edges, self._bits, self._keys,
                table.slots, table.entries, table.offsets, table.blob, self._open,
            )
        )  # fmt: skip

    def _make_room(self, pairs: int, span: int) -> None:
        used = int(self.table.cursor[edges.TOKENS])
        if used + pairs > len(self._open):
            # The last token moves along, since a newline to come may have to mark it.
            full = self._open
            kept = min(used, 1)
            self.blocks.append(full[: used - kept])
            self._open = own_pages((max(self._sizes.block, pairs + 1),), np.int32)
            self._open[:kept] = full[used - kept : used]
            self.table.cursor[edges.TOKENS] = kept
        self.table.make_room(pairs, span)


def _grown(array: NDArray[Kind], used: int, needed: int) -> NDArray[Kind]:
    """A longer array with the same first ``used`` rows; at least doubled, so that copies stay few."""
    longer = own_pages((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype.type)
    longer[:used] = array[:used]
    return longer
