"""The second pass: the readers' codes to ids and offsets, in memory or in a corpus file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus import recoding
from item2vec.corpus.code_store import CodeStore
from item2vec.corpus.corpus_file_writer import CorpusFileWriter
from item2vec.corpus.memory import own_pages
from item2vec.corpus.threads import run_in_threads


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
        recoding.recode(block, ranks, items, offsets, place)
    return int(place[recoding.SEQUENCE])


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
            recoding.recode(block, part_ranks, items, offsets, place)
            writer.add_items(items[: place[recoding.ITEM]])
            writer.add_offsets(offsets[: place[recoding.SEQUENCE]] + written)
            begin = written + int(place[recoding.BEGIN])
            written += int(place[recoding.ITEM])
