"""The columns of an event table as SQL: users, items and weights as they are loaded."""

from __future__ import annotations

from collections.abc import Sequence

from item2vec.corpus.table_files import Scan
from item2vec.errors import CorpusError

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_NESTED = ("STRUCT", "MAP", "UNION")
_MARK = "item2vec: no weight: "  # by which our own error is known again


def is_list(scan: Scan, column: str) -> bool:
    """Whether a column holds a list of values a row."""
    return scan.column(column)[1].endswith("]")


def key_type(scans: Sequence[Scan], column: str) -> str:
    """The type to store users or items as: BIGINT where all scans have whole numbers, which sort faster than text.

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
    """SQL for a user or an item; NULL for NULL, NaN and empty text."""
    if stored == "BIGINT":
        return f"CAST({value} AS BIGINT)"
    if type_ in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN NOT isnan({value}) THEN CAST({value} AS VARCHAR) END"
    if type_ == "BLOB":
        return f"nullif(decode({value}), '')"
    return f"nullif(CAST({value} AS VARCHAR), '')"


def weight_sql(scan: Scan, column: str) -> str:
    """SQL for a weight: the nearest whole number, NULL for NULL, NaN and empty text.

    Raises
    ------
    CorpusError
        If the column holds neither numbers nor text.
    """
    value, type_ = scan.column(column)
    number = f"CAST({value} AS DOUBLE)"
    if type_ == "VARCHAR":
        value = f"nullif(trim({value}), '')"
        error = f"CASE WHEN {value} IS NOT NULL THEN error('{_MARK}' || {value}) END"
        number = f"coalesce(TRY_CAST({value} AS DOUBLE), {error})"
    elif type_ not in (*_WHOLE, "DOUBLE", "FLOAT", "UBIGINT", "HUGEINT", "BOOLEAN") and not type_.startswith("DECIMAL"):
        raise CorpusError(f"column {column!r} of {scan.name} is {type_}; a weight must be a number")
    # Beyond 1e12 there is no telling a weight from any other; the reader refuses what they would lay out.
    return f"CASE WHEN NOT isnan({number}) THEN CAST(round(greatest(-1, least({number}, 1e12))) AS BIGINT) END"


def bad_weight(error: CorpusError, column: str) -> CorpusError:
    """The error for a text that is no number, if that is what the database stumbled over; else the error itself."""
    _, found, text = str(error).partition(_MARK)
    if not found:
        return error
    return CorpusError(f"column {column!r} has {text!r}, which is no number, as a weight must be; leave such rows out")
