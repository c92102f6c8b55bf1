"""Event tables divided in time, by DuckDB: nothing that happened after the cut is left to train on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.errors import ConfigError, CorpusError, brief
from item2vec.evaluation.split import Divided, Sequence

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_READERS = {".csv": "read_csv", ".tsv": "read_csv", ".parquet": "read_parquet", ".jsonl": "read_json_auto"}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_ROWS = 4_096  # users fetched at a time


class EventTable:
    """The events of a file: who, what, when.

    Parameters
    ----------
    path : str
        ``.csv``, ``.tsv``, ``.parquet`` or ``.jsonl``.
    user, item : str
        Columns.
    time : str or None
        Column by which a user's events are ordered, else as they stand. Dates and times, or numbers.

    Attributes
    ----------
    events, dropped : int
        Rows that have all that is asked for, and rows that have not.

    Raises
    ------
    CorpusError
        If the file cannot be read as a table, a column is missing, or times are none.
    """

    def __init__(self, path: str, user: str, item: str, time: str | None) -> None:
        import duckdb

        if not Path(path).is_file():
            raise CorpusError(f"no file {path!r}; name an event table")
        reader = _READERS[Path(path).suffix.lower()]
        self._connection: DuckDBPyConnection = duckdb.connect()
        try:
            self._connection.execute("SET enable_progress_bar = false")
            self._connection.execute(f"CREATE VIEW source AS SELECT * FROM {reader}({_text(path)})")
            kinds = {row[0]: row[1] for row in self._rows("DESCRIBE source")}
            for column in filter(None, (user, item, time)):
                if column not in kinds:
                    raise CorpusError(f"{path!r} has no column {column!r}; it has {', '.join(kinds):.500}")
            if reader == "read_csv":  # users and items stay the text that they are: 1.50 is not 1.5, TRUE not true
                texts = ", ".join(f"{_text(column)}: 'VARCHAR'" for column in dict.fromkeys((user, item)))
                self._connection.execute(
                    f"CREATE OR REPLACE VIEW source AS SELECT * FROM read_csv({_text(path)}, types={{{texts}}})"
                )
            if time and kinds[time] == "VARCHAR":
                self._refuse_no_times(time)
            when = "NULL" if time is None else _name(time)
            if time and kinds[time] == "VARCHAR":
                when = f"CAST({when} AS TIMESTAMP)"
            self._connection.execute(
                f"CREATE TEMP TABLE events AS SELECT CAST({_name(user)} AS VARCHAR) AS who, "
                f"CAST({_name(item)} AS VARCHAR) AS what, {when} AS moment, row_number() OVER () AS place FROM source"
            )
            there = "who IS NOT NULL AND what <> ''" + (" AND moment IS NOT NULL" if time else "")
            (whole,) = self._row("SELECT count(*) FROM events")
            self._connection.execute(f"DELETE FROM events WHERE NOT coalesce({there}, false)")
            (self.events,) = self._row("SELECT count(*) FROM events")
        except duckdb.Error as error:
            raise CorpusError(f"cannot read {path!r} as a table: {str(error).splitlines()[0]}") from None
        self.dropped = whole - self.events
        if not self.events:
            raise CorpusError(f"{path!r} has no row with {', '.join(filter(None, (user, item, time)))}")

    def sequences(self) -> Iterator[Sequence]:
        """Yield each user's items in order; users in the order of their first rows."""
        query = "SELECT list(what ORDER BY moment, place) FROM events GROUP BY who ORDER BY min(place)"
        for (items,) in self._rows(query):
            yield [item.encode() for item in items]

    def cut(self, holdout: str) -> Any:
        """Return the time from which events are held out.

        Parameters
        ----------
        holdout : str
            A share of the events, the latest; or a span before the last event, such as 7d, 12h or 2w (of times that
            are numbers, in seconds); or a time.

        Raises
        ------
        ConfigError
            If it is none of these, or all or no events come at or after it.
        """
        import duckdb

        first, last, kind = self._row("SELECT min(moment), max(moment), any_value(typeof(moment)) FROM events")
        numbers = not any(word in kind for word in ("DATE", "TIME"))
        span = re.fullmatch(r"(\d+)([smhdw])", holdout)
        try:
            if re.fullmatch(r"0?\.\d+", holdout) and float(holdout) > 0:
                place = max(0, min(self.events - 1, round((1 - float(holdout)) * self.events)))
                (found,) = self._row(f"SELECT moment FROM events ORDER BY moment LIMIT 1 OFFSET {place}")
            elif span:
                seconds = int(span[1]) * _UNITS[span[2]]
                before = f"{seconds}" if numbers else f"to_seconds({seconds})"
                (found,) = self._row(f"SELECT max(moment) - {before} FROM events")
            else:
                (found,) = self._row(f"SELECT CAST({_text(holdout)} AS {kind})")
        except duckdb.Error:
            raise ConfigError(
                f"holdout is {holdout!r}; it must be a share such as 0.1, a span such as 7d, or a time such as {last}"
            ) from None
        (earlier,) = self._row("SELECT count(*) FROM events WHERE moment < ?", found)
        if not 0 < earlier < self.events:
            raise ConfigError(f"holdout {holdout} cuts at {found}; the events reach from {first} to {last}")
        return found

    def divided_at(self, cut: Any) -> Iterator[Divided]:
        """Yield each user's items before a time, and those at it or after it."""
        parts = (f"list(what ORDER BY moment, place) FILTER (WHERE moment {side} $cut)" for side in ("<", ">="))
        query = f"SELECT {', '.join(parts)} FROM events GROUP BY who ORDER BY min(place)"
        for before, after in self._rows(query, {"cut": cut}):
            yield [item.encode() for item in before or ()], [item.encode() for item in after or ()]

    def _refuse_no_times(self, time: str) -> None:
        name = _name(time)
        found = self._rows(
            f"SELECT {name} FROM source WHERE {name} IS NOT NULL AND TRY_CAST({name} AS TIMESTAMP) IS NULL LIMIT 1"
        )
        for (value,) in found:
            raise CorpusError(
                f"the column {time!r} has {brief(str(value))}, which is no time; write times as 2011-12-09 12:50:00"
            )

    def _row(self, query: str, *values: Any) -> tuple[Any, ...]:
        row = self._connection.execute(query, list(values)).fetchone()
        assert row is not None
        return row

    def _rows(self, query: str, values: dict[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        cursor = self._connection.execute(query, values)
        while rows := cursor.fetchmany(_ROWS):
            yield from rows


def _name(column: str) -> str:
    """A column's name as SQL has it."""
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"
