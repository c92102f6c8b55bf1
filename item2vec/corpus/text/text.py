"""read_text: text files to a Corpus. One pass gives codes and counts, a second over the codes gives ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.cache import CacheEntry
from item2vec.corpus.codes import CodeStore, Part, TokenBudget, gather_items, ids_in_memory, write_ids
from item2vec.corpus.corpus import Corpus, Facts
from item2vec.corpus.encoded import CorpusFileWriter
from item2vec.corpus.text.part_reader import PartReader, Segment, split_at_lines
from item2vec.corpus.text.tokeniser import ItemTable, Sizes
from item2vec.corpus.trainable import check_trainable
from item2vec.errors import ConfigError, CorpusError
from item2vec.files.encoding import UTF8, Errors, check_encoding, replaced_notes
from item2vec.files.machine import run_in_threads, tokens_in_memory
from item2vec.files.paths import cache_folder, shown_name
from item2vec.files.source import Source, TextSource, check_unchanged, find_texts
from item2vec.files.stream import TextStream
from item2vec.files.utf8 import all_text
from item2vec.items.vocabulary import Vocabulary, divide_items

_DEFAULT_SIZES = Sizes()
_CHECKED = 1 << 20  # bytes checked at a time


def read_text(
    sources: Sequence[str | Path | Source],
    *,
    delimiter: str | None = None,
    encoding: str = UTF8,
    errors: Errors = "strict",
    min_count: int = 5,
    max_items: int | None = None,
    threads: int = 1,
    memory: int | None = None,
    cache: bool = True,
    sizes: Sizes = _DEFAULT_SIZES,
) -> Corpus:
    r"""Read text files: a sequence a line, items separated by white space or by a delimiter.

    Compressed files (gzip, bzip2, xz, zstd) are recognised by their content. The result does not depend on how a
    file is compressed, nor on ``threads``, ``memory``, ``cache`` or ``sizes``. It takes 4 bytes a token, 8 a sequence,
    and the vocabulary; above ``memory`` they lie in a mapped file.

    Parameters
    ----------
    sources : sequence of str, Path or Source
        Files and globs; ``~`` is expanded, ``-`` is standard input. Several follow one another, a glob's files
        sorted by name. Or what was looked at already.
    delimiter : str or None
        None: ASCII white space (space, tab, ``\v``, ``\f``, ``\r``). Otherwise the text between two items,
        taken literally: items may then contain spaces, and white space around them belongs to them. Empty
        fields and a ``\r`` at a line's end are dropped.
    encoding : str
        Of the text, by a name that Python knows. With UTF-8, a byte order mark of UTF-16 or UTF-32 counts.
    errors : {"strict", "replace"}
        What is no character of the encoding is an error, or becomes U+FFFD and is counted in `Corpus.replaced`.
    min_count : int
        Items seen less often are dropped.
    max_items : int or None
        Keep only this many of the commonest items.
    threads : int
        Threads at most; small files take fewer. What is unpacked or transcoded cannot be cut up, so that a thread
        tokenises it and another prepares it.
    memory : int or None
        Bytes of tokens that may lie in memory; None: 1/32 of the machine's. More go to a file in the cache folder.
    cache : bool
        Keep such a file, and use one that was made from the same sources, unchanged, with the same options.
    sizes : Sizes
        How much is worked on at a time; for tests.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        If a source is missing, unreadable, damaged or no text, if there is nothing to train on, or if the
        file cannot be written.
    ConfigError
        If an option cannot work.
    """
    _check_options(sources, delimiter, min_count, max_items, threads)
    encoding = check_encoding(encoding, errors)
    files = find_texts(sources, encoding=encoding, errors=errors)
    options = {
        "delimiter": delimiter, "encoding": encoding, "errors": errors, "min_count": min_count, "max_items": max_items
    }  # fmt: skip
    entry = CacheEntry(files, options) if cache and not any(source.pipe for source in files) else None
    if entry and (found := entry.open()):
        return _noted(found)

    def check(corpus: Corpus, commonest: int) -> None:
        """Raise a CorpusError if the corpus cannot be trained on."""
        check_trainable(corpus, commonest, files, delimiter=delimiter, min_count=min_count, max_items=max_items)

    return encode(
        files,
        (delimiter or "").encode(),
        check,
        min_count=min_count,
        max_items=max_items,
        threads=threads,
        memory=memory,
        entry=entry,
        sizes=sizes,
    )


def encode(
    files: Sequence[TextSource],
    delimiter: bytes,
    check: Callable[[Corpus, int], None],
    *,
    min_count: int,
    max_items: int | None,
    threads: int = 1,
    memory: int | None = None,
    entry: CacheEntry | None = None,
    sizes: Sizes = _DEFAULT_SIZES,
) -> Corpus:
    """Turn what was found to be readable into a corpus.

    Parameters
    ----------
    files : sequence of TextSource
    delimiter : bytes
        None at all: white space.
    check : callable
        Called with the corpus and the largest count of an item before min-count; raises where there is nothing to
        train on.
    entry : CacheEntry or None
        Where an encoded corpus is kept.
    min_count, max_items, threads, memory, sizes
        As for `read_text`.

    Raises
    ------
    CorpusError
        If a source is damaged or no text, or changed while it was read, or if the file of the encoded corpus cannot be
        written.
    """
    budget = TokenBudget(tokens_in_memory() if memory is None else memory, cache_folder())
    table, shares = _tokenise(split_at_lines(files, threads, sizes.part), delimiter, sizes, budget)
    check_unchanged(files)
    _check_text(table, files)
    commonest = int(table.counts.max(initial=0))
    vocabulary, rare, ranks = _number(table, min_count, max_items)
    del table
    facts = Facts(
        raw_tokens=sum(int(share.counts.sum()) for share in shares),
        raw_sequences=sum(share.part.sequences for share in shares),
        replaced=sum(source.stream.replaced for source in files if source.stream),
    )
    parts, part_ranks = [share.part for share in shares], [share.take_ranks(ranks) for share in shares]
    if not budget.exceeded:
        kept = [int(share.counts[own[1:] >= 0].sum()) for share, own in zip(shares, part_ranks, strict=True)]
        corpus = Corpus(*ids_in_memory(parts, part_ranks, kept), vocabulary, rare=rare, **facts)
        check(corpus, commonest)
        return _noted(corpus)
    with CorpusFileWriter(budget.folder, named=entry is not None) as writer:
        write_ids(parts, part_ranks, writer)
        corpus = writer.finish(vocabulary, rare, facts, entry.key if entry else "")
        check(corpus, commonest)
        corpus = _noted(corpus)
        if entry:
            entry.keep(corpus, writer)
    return corpus


def _check_options(sources: object, delimiter: str | None, min_count: int, max_items: int | None, threads: int) -> None:
    if isinstance(sources, str | Path):
        raise ConfigError(f"`sources` is {str(sources)!r}, one name; give a list of names")
    if delimiter is not None and (not delimiter or "\n" in delimiter or "\0" in delimiter):
        raise ConfigError(f"`delimiter` is {delimiter!r}; it must be one or more characters, without a newline or NUL")
    for name, value in (("min_count", min_count), ("max_items", max_items), ("threads", threads)):
        if value is not None and value < 1:
            raise ConfigError(f"`{name}` is {value!r}; it must be 1 or more")


@dataclass
class _Share:
    """What one thread has read: codes of its own, how often each occurs, and which code of the joint table it is."""

    part: Part
    counts: NDArray[np.int64]
    joint: NDArray[np.int32]

    def take_ranks(self, ranks: NDArray[np.int32]) -> NDArray[np.int32]:
        """Own codes to ids, from the joint table's; the codes' way there goes."""
        own = ranks[self.joint]
        del self.joint
        return own


def _tokenise(
    segments: Sequence[list[Segment]], delimiter: bytes, sizes: Sizes, budget: TokenBudget
) -> tuple[ItemTable, list[_Share]]:
    """Read each list of segments in a thread of its own; the joint table has the items by first occurrence."""
    stopped = threading.Event()
    readers = [PartReader(delimiter, sizes, stopped, CodeStore(budget)) for _ in segments]
    calls = [partial(reader.read, share) for reader, share in zip(readers, segments, strict=True)]
    run_in_threads(calls, stopped)
    counts = [reader.table.counts.copy() for reader in readers]
    table = readers[0].give_table()
    joint = [np.arange(len(table) + 1, dtype=np.int32), *(table.merge(reader.give_table()) for reader in readers[1:])]
    parts = [Part(reader.codes, reader.sequences) for reader in readers]
    return table, [_Share(*facts) for facts in zip(parts, counts, joint, strict=True)]


def _number(
    table: ItemTable, min_count: int, max_items: int | None
) -> tuple[Vocabulary, Vocabulary, NDArray[np.int32]]:
    """Return the items that are kept, those that are too rare, and each code's id, -1 for none; no item has code 0."""
    chosen, dropped = divide_items(table.counts, min_count, max_items)
    ranks = np.full(len(table) + 1, -1, np.int32)
    ranks[chosen + 1] = np.arange(len(chosen), dtype=np.int32)
    return _vocabulary(table, chosen), _vocabulary(table, dropped), ranks


def _noted(corpus: Corpus) -> Corpus:
    """Say what has been replaced."""
    return replace(corpus, notes=replaced_notes(corpus.replaced))


def _vocabulary(table: ItemTable, chosen: NDArray[np.int64]) -> Vocabulary:
    offsets = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(table.offsets[chosen + 1] - table.offsets[chosen], out=offsets[1:])
    blob = np.empty(offsets[-1], np.uint8)
    gather_items(table.blob, table.offsets, chosen, blob, offsets)
    return Vocabulary(blob, offsets, table.counts[chosen])


def _check_text(table: ItemTable, sources: Sequence[TextSource]) -> None:
    """Refuse items that are not UTF-8, or have a NUL; streams have been checked as they passed by."""
    offsets = table.offsets[: len(table) + 1]
    if all_text(table.blob[: offsets[-1]], offsets):
        return
    for source in sources:
        if not source.stream:
            for _ in TextStream(shown_name(source.path), source.path, None, UTF8, "strict").blocks(_CHECKED):
                pass  # it raises where the first such byte stands
    raise CorpusError("a source changed while it was read; train on a copy that stays as it is")
