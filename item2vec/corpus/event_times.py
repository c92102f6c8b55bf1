"""Times of events: what kind a column holds, as numbers that sort, and how many of them are a second."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from item2vec.corpus.database import Database
from item2vec.corpus.table_files import Scan
from item2vec.errors import CorpusError

# What a column's numbers are. Timestamps become microseconds, or nanoseconds where the source has such.
MICROSECONDS, NANOSECONDS, WHOLE, REAL = "microseconds", "nanoseconds", "whole", "real"

_WHOLE_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_REAL_TYPES = ("DOUBLE", "FLOAT", "DECIMAL")
_WHOLE_TEXT = re.compile(r"\s*[+-]?\d{16,19}\s*")  # beyond what a double holds exactly: nanoseconds
_REAL_TEXT = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
# An epoch's unit by its magnitude: 1e11 seconds are the year 5138, 1e11 milliseconds March 1973.
_UNITS = ((1e11, "seconds", 1), (1e14, "milliseconds", 10**3), (1e17, "microseconds", 10**6))
_NANO = ("nanoseconds", 10**9)
_SAMPLE = 100
_MARK = "item2vec: no time: "  # by which our own error is known again


def kind_of_times(database: Database, scans: Sequence[Scan], column: str, where: str = "") -> str:
    """The kind that suits a column in all scans, in the rows that meet the SQL of ``where``.

    Raises
    ------
    CorpusError
        If a scan has no times there, or one has dates and another numbers.
    """
    kinds = {_kind(database, scan, column, where) for scan in scans}
    kinds.discard("")
    if len(kinds) == 2 and kinds <= {MICROSECONDS, NANOSECONDS}:
        return NANOSECONDS
    if len(kinds) == 2 and kinds <= {WHOLE, REAL}:
        return REAL
    if len(kinds) > 1:
        raise CorpusError(
            f"the times in column {column!r} are dates in some files and numbers in others; make them alike"
        )
    return kinds.pop() if kinds else REAL


def time_sql(scan: Scan, column: str, kind: str) -> str:
    """SQL for a time as BIGINT, or DOUBLE for `REAL`; NULL where there is none, an error where there is no sense."""
    value, type_ = scan.column(column)
    if type_ == "VARCHAR":
        value = f"nullif(trim({value}), '')"
        target = {WHOLE: "BIGINT", REAL: "DOUBLE"}.get(kind, "TIMESTAMPTZ")
        error = f"CASE WHEN {value} IS NOT NULL THEN error('{_MARK}' || {value}) END"
        value = f"coalesce(TRY_CAST({value} AS {target}), {error})"
    if kind == WHOLE:
        return f"CAST({value} AS BIGINT)"
    if kind == REAL:
        number = f"CAST({value} AS DOUBLE)"
        return f"CASE WHEN isfinite({number}) THEN {number} END"
    if kind == NANOSECONDS:
        return f"epoch_ns({value})"
    return f"epoch_us({value})"


def bad_time(error: CorpusError, column: str) -> CorpusError:
    """The error for a text that is no time, if that is what the database stumbled over; else the error itself."""
    _, found, text = str(error).partition(_MARK)
    if not found:
        return error
    return CorpusError(
        f"column {column!r} has {text!r}, which is no time, or of another kind than the first ones; times are "
        "2024-01-31 12:30:00, dates, or seconds or milliseconds since 1970; leave such rows out with --where, or make "
        "times of them with --sql and strptime"
    )


def ticks_per_second(database: Database, kind: str, column: str) -> int:
    """How many of the events' times ``t`` are a second.

    Numbers are seconds, milli-, micro- or nanoseconds since 1970, which their magnitude tells.

    Raises
    ------
    CorpusError
        If the numbers are of several magnitudes, or look like 20240131.
    """
    if kind == MICROSECONDS:
        return 10**6
    if kind == NANOSECONDS:
        return 10**9
    low, high = database.row("SELECT min(abs(t)), max(abs(t)) FROM event")
    if low is None:
        return 1
    for first, last in ((19_000_101, 21_001_231), (19_000_101_000_000, 21_001_231_235_959)):
        if first <= low and high <= last and _is_date(int(low)) and _is_date(int(high)):
            raise CorpusError(
                f"the times in column {column!r}, {int(low)} to {int(high)}, look like dates written as numbers; "
                "give them as 2024-01-31, with --sql \"SELECT ..., strptime(column::VARCHAR, '%Y%m%d') AS ...\" say"
            )
    (unit, ticks), (other, _) = _unit(low), _unit(high)
    if unit != other:
        raise CorpusError(
            f"the times in column {column!r} go from {low:.15g}, which would be {unit}, to {high:.15g}, which would be "
            f"{other} since 1970; leave one kind out with --where, or session-gap has no meaning"
        )
    return ticks


def _unit(value: float) -> tuple[str, int]:
    return next(((name, ticks) for bound, name, ticks in _UNITS if value < bound), _NANO)


def _is_date(value: int) -> bool:
    try:
        datetime.strptime(str(value)[:8], "%Y%m%d")
    except ValueError:
        return False
    return True


def _kind(database: Database, scan: Scan, column: str, where: str) -> str:
    value, type_ = scan.column(column)
    if type_ == "TIMESTAMP_NS":
        return NANOSECONDS
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return MICROSECONDS
    if type_ in _WHOLE_TYPES:
        return WHOLE
    if type_.startswith(_REAL_TYPES):
        return REAL
    if type_ == '"NULL"':
        return ""
    if type_ != "VARCHAR":
        raise CorpusError(f"column {column!r} of {scan.name} is {type_}, which is no time")
    rows = database.run(
        f"SELECT {value} FROM (SELECT * FROM {scan.sql}{where}) WHERE nullif(trim({value}), '') IS NOT NULL "
        f"LIMIT {_SAMPLE}",
        about=f"cannot read {scan.name}",
    ).fetchall()
    texts = [text for (text,) in rows]
    if not texts or not _REAL_TEXT.fullmatch(texts[0]):  # the first one says what all must be
        return MICROSECONDS if texts else ""
    return WHOLE if all(map(_WHOLE_TEXT.fullmatch, filter(_REAL_TEXT.fullmatch, texts))) else REAL
