"""read_text: text files to a Corpus. One pass gives codes and counts, a second over the codes gives ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus import recoding
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.item_table import ItemTable, PartReader, Sizes
from item2vec.corpus.memory import own_pages
from item2vec.corpus.sources import Segment, find_sources, split_at_lines
from item2vec.corpus.trainable import check_trainable
from item2vec.corpus.utf8 import all_valid, bad_text_error
from item2vec.corpus.vocabulary import Vocabulary
from item2vec.errors import ConfigError

_Result = TypeVar("_Result")
_DEFAULT_SIZES = Sizes()


def read_text(
    sources: Sequence[str | Path],
    *,
    delimiter: str | None = None,
    min_count: int = 5,
    max_items: int | None = None,
    threads: int = 1,
    sizes: Sizes = _DEFAULT_SIZES,
) -> Corpus:
    r"""Read text files: a sequence a line, items separated by white space or by a delimiter.

    The result does not depend on ``threads`` or ``sizes``. It takes 4 bytes a token, and the vocabulary.

    Parameters
    ----------
    sources : sequence of str or Path
        Files and globs; ``~`` is expanded. Several follow one another, a glob's files sorted by name.
    delimiter : str or None
        None: ASCII white space (space, tab, ``\v``, ``\f``, ``\r``). Otherwise the text between two items,
        taken literally: items may then contain spaces, and white space around them belongs to them. Empty
        fields and a ``\r`` at a line's end are dropped.
    min_count : int
        Items seen less often are dropped.
    max_items : int or None
        Keep only this many of the commonest items.
    threads : int
        Threads at most; small files take fewer.
    sizes : Sizes
        How much is worked on at a time; for tests.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        If a source is missing, unreadable or no UTF-8 text, or if there is nothing to train on.
    ConfigError
        If an option cannot work.
    """
    _check_options(sources, delimiter, min_count, max_items, threads)
    files = find_sources(sources)
    readers = _read_parts(split_at_lines(files, threads, sizes.part), (delimiter or "").encode(), sizes)
    own_counts = [reader.table.counts.copy() for reader in readers]
    table, codes = _merge(readers)
    if not all_valid(table.blob, table.offsets, len(table)):
        raise bad_text_error(files)
    chosen = _choose(table.counts, min_count, max_items)
    vocabulary = _vocabulary(table, chosen)
    commonest = int(table.counts.max(initial=0))
    ranks = np.full(len(table) + 1, -1, np.int32)  # of a code; no item has code 0
    ranks[chosen + 1] = np.arange(len(chosen), dtype=np.int32)
    del table
    part_ranks = [ranks[part] for part in codes]
    kept = [int(counts[part[1:] >= 0].sum()) for counts, part in zip(own_counts, part_ranks, strict=True)]
    items, offsets = _recode_parts(readers, part_ranks, kept)
    corpus = Corpus(
        items,
        offsets,
        vocabulary,
        raw_tokens=sum(int(counts.sum()) for counts in own_counts),
        raw_sequences=sum(reader.sequences for reader in readers),
    )
    check_trainable(corpus, commonest, files, delimiter=delimiter, min_count=min_count, max_items=max_items)
    return corpus


def _check_options(sources: object, delimiter: str | None, min_count: int, max_items: int | None, threads: int) -> None:
    if isinstance(sources, str | Path):
        raise ConfigError(f"sources is {str(sources)!r}, one name; give a list of names")
    if delimiter is not None and (not delimiter or "\n" in delimiter or "\0" in delimiter):
        raise ConfigError(
            f"delimiter is {delimiter!r}; it must be one or more characters, no newline or NUL among them"
        )
    for name, value in (("min-count", min_count), ("max-items", max_items), ("threads", threads)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} is {value!r}; it must be 1 or more")


def _read_parts(shares: Sequence[list[Segment]], delimiter: bytes, sizes: Sizes) -> list[PartReader]:
    """Tokenise each share with a reader, and a thread, of its own."""
    stopped = threading.Event()
    readers = [PartReader(delimiter, sizes, stopped) for _ in shares]
    calls = [partial(reader.read, share) for reader, share in zip(readers, shares, strict=True)]
    run_in_threads(calls, stopped)
    return readers


def _merge(readers: Sequence[PartReader]) -> tuple[ItemTable, list[NDArray[np.int32]]]:
    """Join the readers' tables, in order, so that items stand by first occurrence; the readers lose theirs.

    Returns
    -------
    table : ItemTable
    codes : list of arrays, int32
        For each reader: its codes to the joint table's.
    """
    tables = [reader.give_table() for reader in readers]
    table = tables.pop(0)
    codes = [np.arange(len(table) + 1, dtype=np.int32)]
    while tables:
        codes.append(table.merge(tables.pop(0)))
    return table, codes


def _choose(counts: NDArray[np.int64], min_count: int, max_items: int | None) -> NDArray[np.int64]:
    """Items to keep, by descending count, ties in the order that they are in."""
    frequent = np.flatnonzero(counts >= min_count)
    order = np.argsort(-counts[frequent], kind="stable")[:max_items]
    return frequent[order]


def _vocabulary(table: ItemTable, chosen: NDArray[np.int64]) -> Vocabulary:
    offsets = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(table.offsets[chosen + 1] - table.offsets[chosen], out=offsets[1:])
    blob = np.empty(offsets[-1], np.uint8)
    recoding.gather_items(table.blob, table.offsets, chosen, blob, offsets)
    return Vocabulary(blob, offsets, table.counts[chosen])


def _recode_parts(
    readers: Sequence[PartReader], ranks: Sequence[NDArray[np.int32]], kept: Sequence[int]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Ids and offsets of all parts, each part's written by a thread of its own where it belongs."""
    items = own_pages((sum(kept),), np.int32)
    offsets = np.zeros(sum(reader.sequences for reader in readers) + 1, np.int64)
    item, sequence = 0, 1
    begins, calls = [], []
    for reader, part_ranks, part_kept in zip(readers, ranks, kept, strict=True):
        begins.append(sequence)
        calls.append(partial(_recode, reader.blocks, part_ranks, items, offsets, item, sequence))
        item += part_kept
        sequence += reader.sequences
    end = 1
    for begin, stop in zip(begins, run_in_threads(calls), strict=True):
        # Sequences that kept nothing leave a gap behind their part.
        offsets[end : end + stop - begin] = offsets[begin:stop]
        end += stop - begin
    return items, offsets[:end]


def _recode(
    blocks: list[NDArray[np.int32]],
    ranks: NDArray[np.int32],
    items: NDArray[np.int32],
    offsets: NDArray[np.int64],
    item: int,
    sequence: int,
) -> int:
    """Recode one part's blocks, letting each go at once; where its offsets end."""
    place = np.array([item, sequence, item], np.int64)
    while blocks:
        recoding.recode(blocks.pop(0), ranks, items, offsets, place)
    return int(place[recoding.SEQUENCE])


def run_in_threads(calls: Sequence[Callable[[], _Result]], stopped: threading.Event | None = None) -> list[_Result]:
    """Results of the calls in order, each made in a thread of its own.

    When one raises, or Ctrl-C is pressed, ``stopped`` is set, by which the others can end early.
    """
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls)) as pool:
        try:
            futures = [pool.submit(call) for call in calls]
            return [future.result() for future in futures]
        except BaseException:
            if stopped:
                stopped.set()  # before the pool waits for its threads
            raise
