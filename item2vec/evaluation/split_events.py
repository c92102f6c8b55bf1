"""Event tables divided in time: nothing that happened after the cut is left to train on.

They are read as `item2vec train` reads them, so that the parts have the items of the whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from item2vec.corpus.database import Database, literal
from item2vec.corpus.event_table import load_events
from item2vec.corpus.event_times import MICROSECONDS, NANOSECONDS, WHOLE, ticks_per_second
from item2vec.corpus.source_config import SourceConfig
from item2vec.errors import ConfigError
from item2vec.evaluation.split import Divided
from item2vec.evaluation.split import Sequence as Items

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_USERS = 4_096  # fetched at a time


class Events:
    """The events of some tables: who, what, when.

    Parameters
    ----------
    database : Database
        Empty; it is the caller's to close.
    paths : sequence of Path
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

    def __init__(self, database: Database, paths: Sequence[Path], config: SourceConfig) -> None:
        table = load_events(database, paths, config)
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
        span = re.fullmatch(r"(\d+)([smhdw])", holdout)
        if re.fullmatch(r"0?\.\d+", holdout) and float(holdout) > 0:
            place = max(0, min(count - 1, round((1 - float(holdout)) * count)))
            (found,) = self._database.row(f"SELECT t FROM event ORDER BY t LIMIT 1 OFFSET {place}")
        elif span:
            ticks = ticks_per_second(self._database, self._kind, str(self._time))
            found = last - int(span[1]) * _UNITS[span[2]] * ticks
        else:
            found = self._parse(holdout)
        if found is None:
            raise ConfigError(
                f"holdout is {holdout!r}; it must be a share such as 0.1, a span such as 7d, or a time such as "
                f"{self.shown(last)}"
            )
        if not first < found <= last:
            raise ConfigError(
                f"holdout {holdout} cuts at {self.shown(found)}; the events reach from {self.shown(first)} to "
                f"{self.shown(last)}"
            )
        return found  # type: ignore[no-any-return]

    def divided_at(self, cut: int | float) -> Iterator[Divided]:
        """Yield each user's items before a time, and those at it or after it."""
        before, after = (f"{self._list()} FILTER (WHERE t {side} {cut!r})" for side in ("<", ">="))
        for parts in self._users(f"{before}, {after}"):
            yield [item.encode() for item in parts[0] or ()], [item.encode() for item in parts[1] or ()]

    def shown(self, time: int | float) -> str:
        """A time as people write it."""
        if self._kind not in (MICROSECONDS, NANOSECONDS):
            return f"{time:.15g}"
        micros = int(time) // (1000 if self._kind == NANOSECONDS else 1)
        return str(self._database.row(f"SELECT CAST(make_timestamp({micros}) AS VARCHAR)")[0])

    def _parse(self, text: str) -> int | float | None:
        """The number that a time is in the table, or None for what is no time."""
        if self._kind in (MICROSECONDS, NANOSECONDS):
            unit = "us" if self._kind == MICROSECONDS else "ns"
            sql = f"epoch_{unit}(TRY_CAST({literal(text)} AS TIMESTAMPTZ))"
        else:
            sql = f"TRY_CAST({literal(text)} AS {'BIGINT' if self._kind == WHOLE else 'DOUBLE'})"
        return self._database.row(f"SELECT {sql}")[0]  # type: ignore[no-any-return]

    def _list(self) -> str:
        return f"list(CAST(i AS VARCHAR) ORDER BY {'t, ' if self._time else ''}rowid)"

    def _users(self, columns: str) -> Iterator[tuple[Any, ...]]:
        cursor = self._database.run(f"SELECT {columns} FROM event GROUP BY u ORDER BY min(rowid)")
        while rows := cursor.fetchmany(_USERS):
            yield from rows
