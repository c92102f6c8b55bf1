"""Sources in memory: lists of items, which go the way of a text file, and tables, which go that of event tables."""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.errors import CorpusError, brief

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus

_SEPARATOR = "\x1f"  # ASCII's own mark between units; items may have white space in them
_FORBIDDEN = {"\n": "a newline", "\0": "a NUL", _SEPARATOR: "the control character U+001F"}
_WHERE = "the sequences"


class Sequences:
    """Sequences of items, of any kind that can be iterated over, once.

    Parameters
    ----------
    sequences : iterable of iterables of str or int
        Whole numbers stand for their decimal digits. Empty items are left out, as from text.
    """

    def __init__(self, sequences: Iterable[Iterable[str | int]]) -> None:
        self._sequences = sequences

    shown = _WHERE
    replaced = 0
    once = True

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the sequences as lines of UTF-8, in blocks of about ``size`` bytes.

        Raises
        ------
        CorpusError
            If an item is neither text nor a whole number, or has a character that no item may have.
        """
        lines: list[bytes] = []
        filled = 0
        for number, sequence in enumerate(self._sequences, 1):
            lines.append(_line(sequence, number))
            filled += len(lines[-1])
            if filled >= size:
                yield b"".join(lines)
                lines, filled = [], 0
        yield b"".join(lines)

    def ahead(self, size: int, stopped: threading.Event) -> Iterator[bytes]:
        """Yield the same, on the caller's thread: what is iterated over may not bear another."""
        return self.blocks(size)


@dataclass(frozen=True, eq=False)
class Table:
    """A table of events: a pandas data frame, or whatever gives Arrow's stream of columns."""

    data: Any


def named_or_in_memory(sources: Any) -> list[str | Path] | Sequences | Table:
    """Decide whether sources are file names, sequences or a table.

    Parameters
    ----------
    sources : str, Path, iterable of them, iterable of sequences, or table
        The first element decides whether they are names.

    Raises
    ------
    CorpusError
        If it is none of these, or text where lists of items are wanted.
    """
    if isinstance(sources, str | Path):
        _refuse_text(sources)
        return [sources]
    if isinstance(sources, Sequences | Table):
        return sources
    if hasattr(sources, "__arrow_c_stream__") and (hasattr(sources, "columns") or hasattr(sources, "schema")):
        return Table(sources)
    if isinstance(sources, Iterable) and not isinstance(sources, bytes):
        elements = iter(sources)
        head = list(islice(elements, 1))
        if not head and isinstance(sources, list | tuple):
            return []
        if head and isinstance(head[0], str | Path):
            _refuse_text(head[0])
            return [*head, *elements]
        return Sequences(chain(head, elements))
    if hasattr(sources, "collect"):
        raise CorpusError(f"sources is a {type(sources).__name__}, which is not computed yet; give its .collect()")
    raise CorpusError(
        f"`sources` is {brief(str(sources))}, of type {type(sources).__name__}; it must be the name of a file, several "
        "of them, sequences of items such as [['milk', 'bread'], ['tea']], or a data frame"
    )


def _refuse_text(name: str | Path) -> None:
    """Refuse a sentence for the name of a file, unless a file has such a name."""
    text = str(name)
    if (
        len(text.split()) > 1
        and not glob.has_magic(text)
        and not os.path.lexists(os.path.expanduser(os.path.dirname(text) or text))
    ):
        raise CorpusError(
            f"{brief(text)} is text where the name of a file stands, and there is no such file; sequences in memory "
            "are lists of items, so divide text first: [line.split() for line in lines]"
        )


def read_sequences(sequences: Sequences, *, min_count: int, max_items: int | None, memory: int | None = None) -> Corpus:
    """Read sequences in memory; the corpus is that of a text file with the same items.

    Parameters
    ----------
    sequences : Sequences
    min_count, max_items, memory
        As for `item2vec.corpus.text.text.read_text`.

    Raises
    ------
    CorpusError
        If there is nothing to train on, or an item cannot be one.
    """
    from item2vec.corpus.text.text import encode
    from item2vec.corpus.trainable import check_kept
    from item2vec.files.source import TextSource

    def check(corpus: Corpus, commonest: int) -> None:
        """Raise a CorpusError if the corpus cannot be trained on."""
        if not corpus.raw_tokens:
            raise CorpusError("there are no items in the sequences")
        if corpus.raw_tokens == corpus.raw_sequences:
            raise CorpusError(
                f"there is nothing to learn: each of the {corpus.raw_sequences:,} sequences is a single item; a "
                "sequence is a list of items, such as ['milk', 'bread']"
            )
        check_kept(corpus, commonest, _WHERE, min_count=min_count, max_items=max_items)

    source = TextSource(Path(_WHERE), stream=sequences)
    return encode([source], _SEPARATOR.encode(), check, min_count=min_count, max_items=max_items, memory=memory)


def _line(sequence: Iterable[str | int], number: int) -> bytes:
    """Return a sequence as a line that ends in the separator too: behind it, nothing of the last item is cut off."""
    if isinstance(sequence, str | bytes):
        raise CorpusError(
            f"sequence {number:,} is {type(sequence).__name__}, {brief(str(sequence))}, not a list of items; divide "
            "it first, by split() say"
        )
    try:
        items = sequence if isinstance(sequence, list | tuple) else list(sequence)
    except TypeError:
        raise CorpusError(f"sequence {number:,} is {brief(repr(sequence))}, not a list of items") from None
    texts: Collection[Any] = items
    try:
        line = _SEPARATOR.join(texts)
    except TypeError:  # numbers among them
        plain = set(map(type, items)) <= {str, int}
        texts = list(map(str, items)) if plain else [_text(item, number) for item in items]
        line = _SEPARATOR.join(texts)
    if line.count(_SEPARATOR) >= max(1, len(texts)) or "\n" in line or "\0" in line:
        raise CorpusError(_forbidden(texts, number))
    try:
        return (line + _SEPARATOR + "\n").encode()
    except UnicodeEncodeError:
        raise CorpusError(f"sequence {number:,} has an item with half a character, which is not UTF-8") from None


def _text(item: object, number: int) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, Integral) and not isinstance(item, bool):
        return str(int(item))
    raise CorpusError(
        f"sequence {number:,} has {brief(repr(item))}, of type {type(item).__name__}; items are text or whole numbers"
    )


def _forbidden(items: Iterable[Any], number: int) -> str:
    item, mark = next((item, mark) for item in items for mark in _FORBIDDEN if mark in item)
    return (
        f"sequence {number:,} has the item {brief(item)}, with {_FORBIDDEN[mark]}, which no item may have; replace it"
    )
