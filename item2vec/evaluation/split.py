"""Event tables divided in time: nothing that happened after the cut is left to train on.

They are read as `item2vec train` reads them, so that the parts have the items of the whole.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from item2vec.config.source import SourceConfig
from item2vec.config.units import parse_seconds
from item2vec.corpus.tables.columns import MICROSECONDS, NANOSECONDS, WHOLE, ticks_per_second
from item2vec.corpus.tables.database import Database, literal
from item2vec.corpus.tables.event_table import load_events
from item2vec.errors import ConfigError, CorpusError, brief
from item2vec.evaluation.sequences import read_lines
from item2vec.files.atomic import atomic_paths
from item2vec.files.source import Source

# split: divide sequences into a part to train on and a part held out of it, line by line.
#
# Line i of the held-out file has what is missing from line i of the training file, perhaps nothing, which is what
# `item2vec evaluate items TRAIN --targets HELD_OUT` reads.

Items = list[bytes]  # an item's UTF-8 bytes each
Divided = tuple[Items, Items]  # to train on, held out


@dataclass(frozen=True)
class Parts:
    """What `write_parts` wrote.

    Attributes
    ----------
    train, held_out : str
        The files.
    sequences, items : int
        Sequences of the training file that have an item, and their items.
    held_out_sequences, held_out_items : int
        Those of the other file.
    """

    train: str
    held_out: str
    sequences: int
    items: int
    held_out_sequences: int
    held_out_items: int


def parse_holdout(text: str) -> float:
    """Parse how much to hold out of each sequence: a number of items from 1, or a share below 1.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not (0 < amount < 1 or (amount >= 1 and amount.is_integer())):
        raise ConfigError(f"`holdout` is {text!r}; it must be a number of items, such as 1, or a share, such as 0.1")
    return amount


def divide(sequences: Iterable[Items], by: Literal["last", "random"], amount: float, seed: int) -> Iterator[Divided]:
    """Hold items out of each sequence; at least one item stays.

    Parameters
    ----------
    sequences : iterable of lists of bytes
    by : {"last", "random"}
        last: the last items. random: items drawn among the sequence's distinct ones, with all their occurrences, so
        that none is both trained on and held out.
    amount : float
        Items of each sequence if 1 or more; else the share of them, rounded, of two or more items at least one.
    seed : int
    """
    random = np.random.default_rng(seed)
    for sequence in sequences:
        distinct = list(dict.fromkeys(sequence))
        candidates = len(sequence) if by == "last" else len(distinct)
        wanted = int(amount) if amount >= 1 else max(1, round(amount * candidates))
        count = max(0, min(wanted, candidates - 1))
        if by == "last":
            yield sequence[: len(sequence) - count], sequence[len(sequence) - count :]
            continue
        drawn = {distinct[place] for place in random.choice(candidates, count, replace=False)} if count else set()
        yield [item for item in sequence if item not in drawn], [item for item in distinct if item in drawn]


def read_text_sequences(path: str | os.PathLike[str], delimiter: str | None, id_column: bool) -> Iterator[Items]:
    """Yield the sequences of a text file, without their ids."""
    for fields in read_lines(Path(path), delimiter):
        yield fields[1:] if id_column else fields


def write_parts(divided: Iterable[Divided], prefix: str, delimiter: str | None) -> Parts:
    """Write both parts as text; they appear whole or not at all.

    Raises
    ------
    ModelError
        If a file cannot be written.
    CorpusError
        If an item has the delimiter or a newline in it, or nothing is held out or nothing left.
    """
    names = f"{prefix}.train.txt", f"{prefix}.heldout.txt"
    separator = b" " if delimiter is None else delimiter.encode()
    sequences, items = [0, 0], [0, 0]
    # A training file and held-out items of two divisions would be a leak.
    with atomic_paths(*reversed(names)) as (held_out, train):
        with train.open("wb") as train_file, held_out.open("wb") as held_out_file:
            for parts in divided:
                for number, (part, file) in enumerate(zip(parts, (train_file, held_out_file), strict=True)):
                    line = separator.join(part)
                    _check_line(line, part, delimiter)
                    file.write(line + b"\n")
                    sequences[number] += bool(part)
                    items[number] += len(part)
        if not all(items):
            what = "left to train on" if not items[0] else "held out"
            raise CorpusError(f"nothing would be {what}; look at `by` and `holdout`")
    return Parts(*names, sequences[0], items[0], sequences[1], items[1])


def _check_line(line: bytes, part: Items, delimiter: str | None) -> None:
    """Refuse items that a reader of the line would take apart."""
    read_again = line.split() if delimiter is None else line.split(delimiter.encode()) if part else []
    if len(read_again) != len(part) or b"\n" in line:
        bad = next(
            item for item in part if len(item.split(delimiter.encode() if delimiter else None)) != 1 or b"\n" in item
        )
        remedy = "items may have no newline" if b"\n" in bad else "choose another `delimiter`, such as ';' or a tab"
        raise CorpusError(f"the item {brief(bad.decode())} would be several when the line is read; {remedy}")


_USERS = 4_096  # fetched at a time


class Events:
    """The events of some tables: who, what, when.

    Parameters
    ----------
    database : Database
        Empty; it is the caller's to close.
    sources : sequence of Source
        ``.csv``, ``.tsv``, ``.parquet`` or ``.jsonl``, compressed or not.
    config : SourceConfig
        Its columns, and what else says which events count.

    Attributes
    ----------
    notes : tuple of str
        How many events are left out, and why.

    Raises
    ------
    CorpusError
        If a file cannot be read as a table, a column is missing, or times are none.
    ConfigError
        If an option cannot work.
    """

    def __init__(self, database: Database, sources: Sequence[Source], config: SourceConfig) -> None:
        table = load_events(database, sources, config)
        self.notes = table.notes
        self._database = database
        self._time, self._kind = config.time, table.time_kind
        database.run(f"DELETE FROM event WHERE NOT coalesce({table.complete}, false)")

    def sequences(self) -> Iterator[Items]:
        """Yield each user's items in order; users in the order of their first rows."""
        for (items,) in self._users(self._list()):
            yield [item.encode() for item in items]

    def by_user(self) -> Iterator[tuple[bytes, Items]]:
        """Yield each user and the items in order; without a column of users, the number of each row."""
        for user, items in self._users(f"CAST(u AS VARCHAR), {self._list()}"):
            yield str(user).encode(), [item.encode() for item in items]

    def cut(self, holdout: str) -> int | float:
        """Return the time from which events are held out, as `divided_at` takes it.

        Parameters
        ----------
        holdout : str
            A share of the events, the latest; or a span before the last event, such as 7d, 12h or 2w; or a time.

        Raises
        ------
        ConfigError
            If it is none of these, or all or no events come at or after it.
        """
        first, last, count = self._database.row("SELECT min(t), max(t), count(*) FROM event")
        span = parse_seconds(holdout) if holdout[-1:].isalpha() else None
        if re.fullmatch(r"0?\.\d+", holdout) and float(holdout) > 0:
            place = max(0, min(count - 1, round((1 - float(holdout)) * count)))
            (found,) = self._database.row(f"SELECT t FROM event ORDER BY t LIMIT 1 OFFSET {place}")
        elif span is not None:
            ticks = ticks_per_second(self._database, self._kind, str(self._time))
            found = last - int(span * ticks)
        else:
            found = self._parse(holdout)
        if found is None:
            raise ConfigError(
                f"`holdout` is {holdout!r}; it must be a share such as 0.1, a span such as 7d, or a time such as "
                f"{self.shown(last)}"
            )
        if not first < found <= last:
            raise ConfigError(
                f"holdout {holdout} cuts at {self.shown(found)}; the events reach from {self.shown(first)} to "
                f"{self.shown(last)}"
            )
        cut: int | float = found
        return cut

    def divided_at(self, cut: int | float) -> Iterator[Divided]:
        """Yield each user's items before a time, and those at it or after it."""
        before, after = (f"{self._list()} FILTER (WHERE t {side} {cut!r})" for side in ("<", ">="))
        for parts in self._users(f"{before}, {after}"):
            yield [item.encode() for item in parts[0] or ()], [item.encode() for item in parts[1] or ()]

    def shown(self, time: int | float) -> str:
        """Return a time as people write it."""
        if self._kind not in (MICROSECONDS, NANOSECONDS):
            return f"{time:.15g}"
        micros = int(time) // (1000 if self._kind == NANOSECONDS else 1)
        return str(self._database.row(f"SELECT CAST(make_timestamp({micros}) AS VARCHAR)")[0])

    def _parse(self, text: str) -> int | float | None:
        """Return the number that a time is in the table, or None for what is no time."""
        if self._kind in (MICROSECONDS, NANOSECONDS):
            unit = "us" if self._kind == MICROSECONDS else "ns"
            sql = f"epoch_{unit}(TRY_CAST({literal(text)} AS TIMESTAMPTZ))"
        else:
            sql = f"TRY_CAST({literal(text)} AS {'BIGINT' if self._kind == WHOLE else 'DOUBLE'})"
        number: int | float | None = self._database.row(f"SELECT {sql}")[0]
        return number

    def _list(self) -> str:
        return f"list(CAST(i AS VARCHAR) ORDER BY {'t, ' if self._time else ''}rowid)"

    def _users(self, columns: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._database.run(f"SELECT {columns} FROM event GROUP BY u ORDER BY min(rowid)")
        while rows := cursor.fetchmany(_USERS):
            yield from rows
