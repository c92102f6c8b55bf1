"""Corpus: what was read, as ids. numpy only."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict

import numpy as np
from numpy.typing import NDArray

from item2vec.files.machine import release_pages
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

_RESIDENT = 32 << 20  # bytes of ids read after which a mapped file's pages are given back


class CorpusFile:
    """A mapped corpus file.

    Attributes
    ----------
    path : Path or None
        None for a temporary file, which has no name.
    size : int
        Its bytes.
    found : bool
        Whether it was there already.
    remade : bool
        Whether there was one, but damaged.
    mapped : mmap
        All of it, read-only.
    """

    def __init__(self, file: BinaryIO, path: Path | None = None, *, found: bool = False) -> None:
        self.path = path
        self.found = found
        self.remade = False
        self.mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self.mapped)
        self._read = 0

    def tokens_read(self, tokens: int) -> None:
        """Note that so many more ids have been read; now and then all pages are given back.

        They stay in the system's cache as long as it has room, but no longer count as this process's own.
        """
        self._read += 4 * tokens
        if self._read >= _RESIDENT:
            self._read = 0
            self.release()

    def release(self) -> None:
        """Give all pages back."""
        release_pages(self.mapped, 0, self.size)


class Facts(TypedDict):
    """What a corpus knows of its sources beside ids and items, under the names of `Corpus`."""

    raw_tokens: int
    raw_sequences: int
    replaced: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sequences of item ids, end to end, and the vocabulary that the ids index.

    Parameters
    ----------
    items : array, int32 [n]
        Ids (rank by count) of the kept tokens.
    offsets : array, int64 [S + 1]
        Sequence s is ``items[offsets[s]:offsets[s + 1]]``; sequences with no kept token are left out.
    vocabulary : Vocabulary
        The kept items.
    raw_tokens : int
        Tokens read, dropped ones included.
    raw_sequences : int
        Sequences read that had a token at all.
    replaced : int
        Places of the sources that were no characters of their encoding and became U+FFFD.
    file : CorpusFile or None
        The mapped file that the arrays are views of, if they do not lie in memory.
    rare : Vocabulary or None
        The items that were dropped, with their counts, by descending count (ties: first occurrence); a model keeps
        them, to grow. None if they are not known.
    names : Names or None
        Display names of the items.
    notes : tuple of str
        What was left out in reading and why, a sentence each, for the user to see.
    """

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    vocabulary: Vocabulary
    raw_tokens: int
    raw_sequences: int
    replaced: int = 0
    file: CorpusFile | None = None
    rare: Vocabulary | None = None
    names: Names | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Sequences that kept a token."""
        return len(self.offsets) - 1

    def tokens_read(self, tokens: int) -> None:
        """Note that so many more tokens have been read; now and then a mapped file's pages are given back."""
        if self.file is not None:
            self.file.tokens_read(tokens)
