"""Sequences of item codes for evaluation, the catalogue that numbers the items, and what is held out of them."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, CorpusError, brief
from item2vec.files.source import as_text, lines_of
from item2vec.items.vocabulary import Vocabulary

# Sequences of item codes for evaluation, and the catalogue that numbers the items. numpy only.
#
# `item2vec.corpus.text.text` reads faster but numbers items by count, drops rare ones and brings numba; here a line
# must keep
# its place and an item the id that the model gave it.


class Catalogue:
    """Codes of items: a model's items have their ids, items that it does not know the numbers behind them.

    Parameters
    ----------
    vocabulary : Vocabulary
        The model's.

    Attributes
    ----------
    codes : dict of bytes to int
        UTF-8 bytes of an item to its code.
    known : int
        Items of the model; codes from here on are unknown to it.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.codes = {vocabulary.items_bytes(index): index for index in range(len(vocabulary))}
        self.known = len(vocabulary)

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of item codes, end to end.

    Parameters
    ----------
    items : array, int32 [n]
    offsets : array, int64 [S + 1]
        Sequence s is ``items[offsets[s]:offsets[s + 1]]``; it may be empty.
    names : list of bytes or None
        What each line began with, where lines begin with an id.
    """

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    names: list[bytes] | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Items of each sequence, int64 [S]."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The sequence that each item is in, int64 [n]."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def keep(self, mask: NDArray[np.bool_]) -> Sequences:
        """Return the same sequences with only the items that a mask [n] keeps."""
        totals = np.concatenate(([0], np.cumsum(mask)))
        return Sequences(self.items[mask], totals[self.offsets], self.names)

    def select(self, rows: NDArray[np.int64]) -> Sequences:
        """Return some of the sequences, in the order of ``rows``."""
        lengths = self.lengths[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        names = [self.names[row] for row in rows] if self.names is not None else None
        return Sequences(self.items[places], offsets, names)

    def distinct(self) -> Sequences:
        """Each sequence's distinct items, ascending."""
        if not len(self.items):
            return self
        size = int(self.items.max()) + 1
        keys = np.unique(self.owners * size + self.items)
        offsets = np.searchsorted(keys, np.arange(len(self) + 1) * size)
        return Sequences((keys % size).astype(np.int32), offsets, self.names)


def read_sequences(
    path: str | Path, catalogue: Catalogue, *, delimiter: str | None = None, id_column: bool = False
) -> Sequences:
    """Read a text file, a sequence a line; items new to the catalogue are added to it.

    Parameters
    ----------
    path : str or Path
    catalogue : Catalogue
    delimiter : str or None
        What separates items; None: ASCII white space, as `item2vec.corpus.text.text.read_text` has it.
    id_column : bool
        The first field of each line is not an item but the line's id.

    Returns
    -------
    Sequences
        As many as the file has lines, empty ones included.

    Raises
    ------
    CorpusError
        If the file is missing, unreadable or no UTF-8 text.
    """
    lines = read_lines(path, delimiter)
    if id_column:
        return named_sequences(((fields[0] if fields else b"", fields[1:]) for fields in lines), catalogue)
    return _numbered(lines, catalogue, None)


def named_sequences(sequences: Iterable[tuple[bytes, list[bytes]]], catalogue: Catalogue) -> Sequences:
    """Return number the items of sequences that have ids; items new to the catalogue are added to it."""
    names: list[bytes] = []

    def without_names() -> Iterator[list[bytes]]:
        """Yield the items of each sequence, and keep its name."""
        for name, items in sequences:
            names.append(name)
            yield items

    return _numbered(without_names(), catalogue, names)


def _numbered(lines: Iterable[list[bytes]], catalogue: Catalogue, names: list[bytes] | None) -> Sequences:
    codes = catalogue.codes
    add = codes.setdefault
    items, ends = array("i"), array("q", [0])
    for fields in lines:
        items.extend([add(field, len(codes)) for field in fields])
        ends.append(len(items))
    return Sequences(np.array(items, np.int32), np.array(ends, np.int64), names)


def read_lines(path: str | Path, delimiter: str | None = None) -> Iterator[list[bytes]]:
    """Yield each line's fields, as UTF-8 bytes; parameters and errors are those of `read_sequences`."""
    if delimiter is not None and (not delimiter or "\n" in delimiter):
        raise ConfigError(f"`delimiter` is {delimiter!r}; it must be one or more characters, without a newline")
    source = as_text(Path(path))
    separator = None if delimiter is None else delimiter.encode()
    for number, line in enumerate(lines_of(source), 1):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                raise CorpusError(f"line {number:,} of {str(path)!r} is not UTF-8; convert the file first") from None
        yield line.split() if separator is None else [f for f in line.rstrip(b"\r\n").split(separator) if f]


# What is held out: for each sequence a history that may be looked at, and targets that must be found.


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Histories and the items held out of them, a row a sequence that can be evaluated.

    Parameters
    ----------
    histories : Sequences [U]
        In the order of the source.
    targets : Sequences [U]
        Distinct items, at least one each.
    training : Sequences
        All that baselines may learn from: every sequence read, without what is held out.
    skipped : dict of str to int
        Why sequences could not be evaluated, and how many.
    """

    histories: Sequences
    targets: Sequences
    training: Sequences
    skipped: dict[str, int]

    def __len__(self) -> int:
        return len(self.histories)


def leave_last_out(sequences: Sequences) -> HeldOut:
    """Hold out the last item of each sequence of two or more.

    Raises
    ------
    CorpusError
        If there is no such sequence.
    """
    rows = np.flatnonzero(sequences.lengths >= 2)
    if not len(rows):
        raise CorpusError("no sequence has two items or more, so no item can be held out")
    last = np.zeros(len(sequences.items), bool)
    last[sequences.offsets[rows + 1] - 1] = True
    training = sequences.keep(~last)
    skipped = {"shorter than 2 items": len(sequences) - len(rows)}
    return HeldOut(training.select(rows), sequences.keep(last).select(rows), training, _nonzero(skipped))


def with_targets(sequences: Sequences, targets: Sequences) -> HeldOut:
    """Pair sequences with the held-out items of another file: by id if both have ids, else line by line.

    Sequences without a history or without targets are skipped; see `HeldOut`.

    Raises
    ------
    CorpusError
        If lines cannot be paired, an id comes twice, or nothing can be evaluated.
    """
    skipped: dict[str, int] = {}
    if sequences.names is None or targets.names is None:
        if len(sequences) != len(targets):
            raise CorpusError(
                f"there are {len(sequences):,} sequences and {len(targets):,} lines of targets; line i of one belongs "
                "to line i of the other, unless lines begin with an id and `id_column` says so"
            )
        rows = partners = np.arange(len(sequences))
    else:
        _refuse_repeated(sequences.names, "sequences")
        _refuse_repeated(targets.names, "targets")
        places = {name: place for place, name in enumerate(targets.names)}
        pairs = [(row, places[name]) for row, name in enumerate(sequences.names) if name in places]
        if not pairs:
            raise CorpusError("no id of the sequences is an id of the targets; the first field of each line is its id")
        rows, partners = np.array(pairs, np.int64).T
        skipped["id without targets"] = len(sequences) - len(pairs)
        skipped["id of targets without a sequence"] = len(targets) - len(pairs)
    histories, wanted = sequences.select(rows), targets.select(partners).distinct()
    with_history, with_wanted = histories.lengths > 0, wanted.lengths > 0
    skipped["no history"] = int(np.sum(~with_history))
    skipped["no target"] = int(np.sum(with_history & ~with_wanted))
    good = np.flatnonzero(with_history & with_wanted)
    if not len(good):
        raise CorpusError("no sequence has both a history and targets")
    return HeldOut(histories.select(good), wanted.select(good), sequences, _nonzero(skipped))


def _refuse_repeated(names: list[bytes], what: str) -> None:
    name, count = Counter(names).most_common(1)[0] if names else (b"", 0)
    if count > 1:
        raise CorpusError(
            f"the id {brief(name.decode())} begins {count:,} lines of the {what}; an id must be on one line only"
        )


def _nonzero(skipped: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in skipped.items() if count}
