"""Codes: what a reader gives each token at first sight, stored, and turned into ids and offsets in a second pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.encoded import CorpusFileWriter
from item2vec.files.machine import own_pages, run_in_threads
from item2vec.files.temporary import temporary_file, writing_to
from item2vec.kernels import kernel

# CodeStore: a reader's codes, in memory up to a limit, then in temporary files.

_FILE_SIZE = 1 << 30  # bytes after which another file begins, so that the disk gets them back bit by bit


class TokenBudget:
    """How many bytes of codes all readers together may hold in memory.

    Parameters
    ----------
    limit : int
        Bytes.
    folder : Path
        Where files go once they hold more; made when needed.

    Attributes
    ----------
    exceeded : bool
        Whether there was more: then all codes lie in files.
    """

    def __init__(self, limit: int, folder: Path) -> None:
        self.folder = folder
        self.exceeded = False
        self._left = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether so many bytes more may stay in memory."""
        with self._lock:
            self._left -= size
            self.exceeded = self.exceeded or self._left < 0
        return not self.exceeded


class CodeStore:
    """Codes in the order in which they are appended.

    In memory they lie in blocks of pages of their own, so that each goes back to the system as soon as it has
    been taken. The files have no name, so that they go with the process, however it ends.
    """

    def __init__(self, budget: TokenBudget) -> None:
        self._budget = budget
        self._blocks: list[NDArray[np.int32]] = []
        self._files: list[BinaryIO] = []
        self._longest = 1

    def append(self, codes: NDArray[np.int32]) -> None:
        """Take a block of codes.

        Raises
        ------
        CorpusError
            If it must go to a file, and cannot.
        """
        self._blocks.append(codes)
        self._longest = max(self._longest, len(codes))
        if not self._budget.take(codes.nbytes):
            self.write_out()

    def write_out(self) -> None:
        """Bring all that lies in memory to a file."""
        if not self._blocks:
            return
        with writing_to(self._budget.folder):
            for block in self._blocks:
                if not self._files or self._files[-1].tell() >= _FILE_SIZE:
                    self._files.append(temporary_file(self._budget.folder))
                self._files[-1].write(block.data)
            self._files[-1].flush()
        self._blocks = []

    def take(self) -> Iterator[NDArray[np.int32]]:
        """Yield all codes, block by block, and let go of each."""
        while self._files:
            with self._files.pop(0) as file:
                file.seek(0)
                while len(block := np.fromfile(file, np.int32, self._longest)):
                    yield block
        while self._blocks:
            yield self._blocks.pop(0)


# From codes in order of first occurrence to ids in order of count: numba kernels for the second pass.

# Place, int64 [3]: where the next token and the next sequence go.
ITEM = 0
SEQUENCE = 1
BEGIN = 2  # where the sequence that is being written began


@kernel
def recode(
    tokens: NDArray[np.int32],
    ranks: NDArray[np.int32],
    items: NDArray[np.int32],
    offsets: NDArray[np.int64],
    place: NDArray[np.int64],
) -> None:
    """Write the kept tokens' ids, and an offset behind each sequence that kept any.

    Parameters
    ----------
    tokens : array, int32
        Codes from 1; the last of a sequence negative.
    ranks : array, int32
        Code to id, -1 for a dropped item.
    items, offsets : arrays, int32 and int64
        Filled from place[ITEM] and place[SEQUENCE] on, which are brought forward.
    place : array, int64 [3]
    """
    item, sequence, begin = place[ITEM], place[SEQUENCE], place[BEGIN]
    for code in tokens:
        rank = ranks[abs(code)]
        if rank >= 0:
            items[item] = rank
            item += 1
        if code < 0 and item > begin:
            offsets[sequence] = item
            sequence += 1
            begin = item
    place[ITEM], place[SEQUENCE], place[BEGIN] = item, sequence, begin


@kernel
def gather_items(
    blob: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    chosen: NDArray[np.int64],
    out: NDArray[np.uint8],
    out_offsets: NDArray[np.int64],
) -> None:
    """Copy the bytes of the chosen items, in that order, to ``out``, where ``out_offsets`` says."""
    for i in range(len(chosen)):
        source, target = offsets[chosen[i]], out_offsets[i]
        for j in range(out_offsets[i + 1] - target):
            out[target + j] = blob[source + j]


# The second pass: the readers' codes to ids and offsets, in memory or in a corpus file.


@dataclass(frozen=True)
class Part:
    """What one reader has read: codes from 1, the last of each sequence negative."""

    codes: CodeStore
    sequences: int


def ids_in_memory(
    parts: Sequence[Part], ranks: Sequence[NDArray[np.int32]], kept: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids and offsets of all parts, each part's written by a thread of its own where it belongs."""
    items = own_pages((sum(kept),), np.int32)
    offsets = np.zeros(sum(part.sequences for part in parts) + 1, np.int64)
    item, sequence = 0, 1
    begins, calls = [], []
    for part, part_ranks, part_kept in zip(parts, ranks, kept, strict=True):
        begins.append(sequence)
        calls.append(partial(_recode, part.codes, part_ranks, items, offsets, item, sequence))
        item += part_kept
        sequence += part.sequences
    end = 1
    for begin, stop in zip(begins, run_in_threads(calls), strict=True):
        # Sequences that kept nothing leave a gap behind their part.
        offsets[end : end + stop - begin] = offsets[begin:stop]
        end += stop - begin
    return items, offsets[:end]


def _recode(
    codes: CodeStore,
    ranks: NDArray[np.int32],
    items: NDArray[np.int32],
    offsets: NDArray[np.int64],
    item: int,
    sequence: int,
) -> int:
    """Recode one part's codes; where its offsets end."""
    place = np.array([item, sequence, item], np.int64)
    for block in codes.take():
        recode(block, ranks, items, offsets, place)
    return int(place[SEQUENCE])


def write_ids(parts: Sequence[Part], ranks: Sequence[NDArray[np.int32]], writer: CorpusFileWriter) -> None:
    """Write the ids and offsets of all parts to a file, block by block; the codes' files go meanwhile."""
    written = begin = 0  # ids, and where the sequence began that is being written
    items, offsets = np.empty(0, np.int32), np.empty(0, np.int64)
    writer.add_offsets(np.zeros(1, np.int64))
    for part, part_ranks in zip(parts, ranks, strict=True):
        for block in part.codes.take():
            if len(block) > len(items):
                items, offsets = own_pages((len(block),), np.int32), own_pages((len(block),), np.int64)
            place = np.array([0, 0, begin - written], np.int64)
            recode(block, part_ranks, items, offsets, place)
            writer.add_items(items[: place[ITEM]])
            writer.add_offsets(offsets[: place[SEQUENCE]] + written)
            begin = written + int(place[BEGIN])
            written += int(place[ITEM])
