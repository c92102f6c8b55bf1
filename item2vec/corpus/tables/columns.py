"""The columns of an event table as SQL: users, items, weights and times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from item2vec.corpus.tables.database import Database, identifier, literal
from item2vec.corpus.tables.table_files import Scan
from item2vec.errors import CorpusError

# The columns of an event table as SQL: users, items and weights as they are loaded.

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_NESTED = ("STRUCT", "MAP", "UNION")
_WEIGHT_MARK = "item2vec: no weight: "  # by which our own error is known again


def is_list(scan: Scan, column: str) -> bool:
    """Whether a column holds a list of values a row."""
    return scan.column(column)[1].endswith("]")


def key_type(scans: Sequence[Scan], column: str) -> str:
    """Return the type to store users or items as: BIGINT, which sorts faster, where all are whole numbers; else text.

    Raises
    ------
    CorpusError
        If the column holds what no key can be.
    """
    types = {scan.column(column)[1].removesuffix("[]") for scan in scans}
    for scan in scans:
        type_ = scan.column(column)[1]
        if type_.removesuffix("[]").startswith(_NESTED) or type_.removesuffix("[]").endswith("]"):
            shown = type_ if len(type_) <= 60 else type_[:60] + "..."
            raise CorpusError(f"column {column!r} of {scan.name} is {shown}; it must be text or numbers, a value a row")
    return "BIGINT" if types <= set(_WHOLE) else "VARCHAR"


def key_sql(value: str, type_: str, stored: str) -> str:
    """Return SQL for a user or an item; NULL for NULL, NaN and empty text."""
    if stored == "BIGINT":
        return f"CAST({value} AS BIGINT)"
    if type_ in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN NOT isnan({value}) THEN CAST({value} AS VARCHAR) END"
    if type_ == "BLOB":
        return f"nullif(decode({value}), '')"
    return f"nullif(CAST({value} AS VARCHAR), '')"


_BRACKETS = r"^\s*\[.*\]\s*$"
_FLOAT = r"^-?\d+\.0$"
_LOOKED_AT = 1000  # values of a column by which its form is known


def readable_items(database: Database, scan: Scan, column: str, delimiter: str | None) -> Scan:
    """Return the scan with items that are written as something else read as what they are, and said so.

    Lists that are text, of JSON or Python or with a delimiter, become lists. Whole numbers that a hole in the column
    made floats, such as 10.0, become whole again.

    Raises
    ------
    CorpusError
        If the column is a list already, and has a delimiter too.
    """
    value, kind = scan.column(column)
    if delimiter is not None:
        if kind != "VARCHAR":
            raise CorpusError(f"column {column!r} of {scan.name} is {kind}, not text; leave out `item_delimiter`")
        parts = f"[trim(x) FOR x IN string_split({value}, {literal(delimiter)})]"
        return _replaced(scan, column, f"[x FOR x IN {parts} IF x <> '']", "VARCHAR[]")
    if kind in ("DOUBLE", "FLOAT"):
        found = f"SELECT coalesce(bool_and({value} = trunc({value}) AND abs({value}) < 9e15), false) FROM {scan.sql}"
        if not database.row(f"{found} WHERE {value} IS NOT NULL AND NOT isnan({value})", f"cannot read {scan.name}")[0]:
            return scan
        whole = f"CASE WHEN NOT isnan({value}) THEN CAST({value} AS BIGINT) END"
        return _replaced(scan, column, whole, "BIGINT", f"items in {column!r} are whole floats: 10.0 was read as 10")
    if kind != "VARCHAR":
        return scan
    sample = f"(SELECT {value} AS v FROM {scan.sql} WHERE {value} IS NOT NULL AND {value} <> '' LIMIT {_LOOKED_AT})"
    count, lists, several, floats = database.row(
        f"SELECT count(*), count(*) FILTER (regexp_matches(v, {literal(_BRACKETS)})), "
        f"count(*) FILTER (contains(v, ',')), count(*) FILTER (regexp_matches(v, {literal(_FLOAT)})) FROM {sample}",
        f"cannot read {scan.name}",
    )
    if count and lists == count and several:
        # JSON has escapes that DuckDB's own reading of lists does not know, and that knows Python's quotes.
        parsed = f"CASE WHEN json_valid({value}) THEN CAST(CAST({value} AS JSON) AS VARCHAR[]) "
        parsed += f"ELSE CAST(nullif({value}, '') AS VARCHAR[]) END"
        return _replaced(
            scan, column, parsed, "VARCHAR[]", f"{column!r} has lists written as text; their items were read"
        )
    if count and floats == count:
        whole = f"CASE WHEN regexp_matches({value}, {literal(_FLOAT)}) THEN {value}[:-3] ELSE {value} END"
        return _replaced(scan, column, whole, "VARCHAR", f"items in {column!r} are whole floats: 10.0 was read as 10")
    return scan


def _replaced(scan: Scan, column: str, value: str, kind: str, note: str | None = None) -> Scan:
    """Return the scan with a column of another value and type, and what to say about it."""
    place = scan.column(column)[0]
    sql = f"(SELECT * REPLACE ({value} AS {place}) FROM {scan.sql})"
    columns = {name: kind if identifier(name) == place else old for name, old in scan.columns.items()}
    return replace(scan, sql=sql, columns=columns, notes=(*scan.notes, note) if note else scan.notes)


def weight_sql(scan: Scan, column: str) -> str:
    """Return SQL for a weight: the nearest whole number, NULL for NULL, NaN and empty text.

    Raises
    ------
    CorpusError
        If the column holds neither numbers nor text.
    """
    value, type_ = scan.column(column)
    number = f"CAST({value} AS DOUBLE)"
    if type_ == "VARCHAR":
        value = f"nullif(trim({value}), '')"
        error = f"CASE WHEN {value} IS NOT NULL THEN error('{_WEIGHT_MARK}' || {value}) END"
        number = f"coalesce(TRY_CAST({value} AS DOUBLE), {error})"
    elif type_ not in (*_WHOLE, "DOUBLE", "FLOAT", "UBIGINT", "HUGEINT", "BOOLEAN") and not type_.startswith("DECIMAL"):
        raise CorpusError(f"column {column!r} of {scan.name} is {type_}; a weight must be a number")
    # Beyond 1e12 there is no telling a weight from any other; the reader refuses what they would lay out.
    return f"CASE WHEN NOT isnan({number}) THEN CAST(round(greatest(-1, least({number}, 1e12))) AS BIGINT) END"


def bad_weight(error: CorpusError, column: str) -> CorpusError:
    """Return the error for a text that is no number, if the database stumbled over one; else the error itself."""
    _, found, text = str(error).partition(_WEIGHT_MARK)
    if not found:
        return error
    return CorpusError(
        f"column {column!r} has {text!r}, which is not a number, as a weight must be; leave such rows out"
    )


# Times of events: what kind a column holds, as numbers that sort, and how many of them are a second.

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
_TIME_MARK = "item2vec: no time: "  # by which our own error is known again


def kind_of_times(database: Database, scans: Sequence[Scan], column: str, where: str = "") -> str:
    """Return the kind that suits a column in all scans, in the rows that meet the SQL of ``where``.

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
    """Return SQL for a time as BIGINT, or as DOUBLE for `REAL`: NULL if it is missing, an error if it is no time."""
    value, type_ = scan.column(column)
    if type_ == "VARCHAR":
        value = f"nullif(trim({value}), '')"
        target = {WHOLE: "BIGINT", REAL: "DOUBLE"}.get(kind, "TIMESTAMPTZ")
        error = f"CASE WHEN {value} IS NOT NULL THEN error('{_TIME_MARK}' || {value}) END"
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
    """Return the error for a text that is no time, if the database stumbled over one; else the error itself."""
    _, found, text = str(error).partition(_TIME_MARK)
    if not found:
        return error
    return CorpusError(
        f"column {column!r} has {text!r}, which is not a time, or is written in another "
        "way than the first ones; times are "
        "2024-01-31 12:30:00, dates, or seconds or milliseconds since 1970; leave such rows out with `where`, or make "
        "times of them with `sql` and strptime"
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
                "give them as 2024-01-31, with `sql` \"SELECT ..., strptime(column::VARCHAR, '%Y%m%d') AS ...\" say"
            )
    (unit, ticks), (other, _) = _unit(low), _unit(high)
    if unit != other:
        raise CorpusError(
            f"the times in column {column!r} go from {low:.15g}, which would be {unit}, to {high:.15g}, which would be "
            f"{other} since 1970; leave one kind out with `where`, or session-gap has no meaning"
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
        raise CorpusError(f"column {column!r} of {scan.name} is {type_}, which is not a time")
    rows = database.run(
        f"SELECT {value} FROM (SELECT * FROM {scan.sql}{where}) WHERE nullif(trim({value}), '') IS NOT NULL "
        f"LIMIT {_SAMPLE}",
        about=f"cannot read {scan.name}",
    ).fetchall()
    texts = [text for (text,) in rows]
    if not texts or not _REAL_TEXT.fullmatch(texts[0]):  # the first one says what all must be
        return MICROSECONDS if texts else ""
    return WHOLE if all(map(_WHOLE_TEXT.fullmatch, filter(_REAL_TEXT.fullmatch, texts))) else REAL
