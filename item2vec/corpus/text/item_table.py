"""ItemTable: the hash table that the tokeniser's kernels fill, and its growth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.text import tokeniser as edges
from item2vec.corpus.text import tokeniser as item_hash
from item2vec.errors import CorpusError
from item2vec.files.machine import available_memory, own_pages

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
        Bytes of the mapped file after which the pages read are given back, as they count as resident.
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
    chunk: int = 4 << 20
    block: int = 1 << 20
    stream: int = 1 << 20
    slots: int = 1 << 14
    part: int = 1 << 20
    distinct: int = 2**31 - 2


class ItemTable:
    """Hash table from items to codes, in order of first occurrence, from 1 (see `item_hash`).

    Attributes
    ----------
    cursor : array, int64
        Where the reader stands; ITEMS and BYTES of it are the table's fill.
    slots, entries, offsets, blob : arrays
        As `item_hash` says.
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
        return self.entries[1 : len(self) + 1, item_hash.COUNT].view(np.int64)

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
            item_hash.refill_slots(self.entries, len(self), self.slots)

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
        keys = np.empty((256, item_hash.KEY_SIZE), np.uint64)
        item_hash.merge_entries(
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


def _grown(array: NDArray[Kind], used: int, needed: int) -> NDArray[Kind]:
    """A longer array with the same first ``used`` rows; at least doubled, so that copies stay few."""
    more = array.nbytes // max(1, len(array)) * needed
    if more > _SMALL and more > available_memory():
        raise CorpusError(
            f"there is no memory left for the corpus's distinct items, which so far take {array.nbytes / 1e9:,.1f} GB "
            "and more; train on a part of it, or look with `item2vec inspect` at a part whether they are items"
        )
    longer = own_pages((max(needed, 2 * len(array)), *array.shape[1:]), array.dtype.type)
    longer[:used] = array[:used]
    return longer
