"""A DuckDB database in memory that spills to a folder of its own, and its errors as one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError, Item2VecError
from item2vec.files.temporary import TemporaryFolder
from item2vec.files.utf8 import OF_THE_FILE, Utf8Check

# What DuckDB says of a failure as one line: which file, where, what to do; not what its own options could do.

_CSV_LINE = r"CSV Error on Line: (\d+)\s+Original Line: (.{0,80}).*?\s+"
_RAGGED = re.compile(_CSV_LINE + r"Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL)
_OPEN_QUOTE = re.compile(_CSV_LINE + r"Value with unterminated quote found", re.DOTALL)
_JSON = re.compile(r'(?:Malformed JSON|JSON transform error) in file "(.+?)", (?:at byte \d+ )?in line (\d+): (.*)')
_NOT_UTF8 = re.compile(r"not utf-?8|invalid unicode|invalid UTF", re.IGNORECASE)
_DAMAGE = re.compile(r"Failed to read file|decompress|TProtocol|don't know what type|corrupt|no magic bytes", re.I)
_BLOCK = 1 << 20  # bytes


def one_line(error: Exception, about: str, names: Mapping[str, str]) -> str:
    """Return the message for a failure.

    Parameters
    ----------
    error : Exception
        DuckDB's.
    about : str
        What the statement was about; empty for nothing that users named.
    names : mapping of str to str
        Files that DuckDB read to what users call them.
    """
    text = str(error)
    if "Out of Memory" in text or "max_temp_directory_size" in text:
        return _about(about) + (
            "not enough memory to sort the events, or no space for temporary files; raise `memory`, or lower `threads`"
        )
    in_json = _JSON.search(text)
    in_csv = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    file = in_csv[1].strip() if in_csv else in_json[1] if in_json else ""
    if file and _NOT_UTF8.search(text) and (message := _bad_byte(file, names)):
        return message
    prefix = _about(about)
    if file and repr(shown := names.get(file, file)) not in about:
        prefix += f"{shown!r}: "
    if in_json:
        return prefix + _of_json(file, int(in_json[2]), in_json[3].strip())
    for plain, shown in names.items():
        text = text.replace(plain, shown)
    return prefix + _reason(text)


def _about(about: str) -> str:
    return f"{about}: " if about else ""


def _reason(text: str) -> str:
    damaged = "; the file is damaged, get it again" if _DAMAGE.search(text) else ""
    head = re.split(r"\n\s*(?:LINE \d+:|Possible |See also|file = |For more info)", text, maxsplit=1)[0]
    head = re.sub(r"^(?:[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)* Error|TProtocolException): ", "", head.strip())
    head = _RAGGED.sub(r"line \1, '\2', has \4 of \3 columns; fix it, or leave it out", head)
    head = _OPEN_QUOTE.sub(r"line \1, '\2', has a quote that is not closed; fix it, or leave it out", head)
    head = " ".join(head.replace("Original Line: ", "which is ").split()).rstrip(".: ")
    return (head if len(head) <= 400 else head[:400] + "...") + damaged


def _of_json(file: str, line: int, what: str) -> str:
    """Return the line that is no JSON: DuckDB counts one more where it is malformed."""
    try:
        with Path(file).open("rb") as lines:
            before = next(islice(lines, max(0, line - 2), None), b"")
        json.loads(before)
    except (ValueError, RecursionError):
        line -= 1
    except OSError:
        pass
    return f"line {line:,} is not a JSON object: {what.rstrip('.')}; fix it, or leave it out"


def _bad_byte(file: str, names: Mapping[str, str]) -> str | None:
    """Where the first byte stands that is not UTF-8."""
    place = "of its unpacked text" if file in names else OF_THE_FILE
    try:
        with Path(file).open("rb") as opened:
            check = Utf8Check(repr(names.get(file, file)), place)
            for _ in check(iter(lambda: opened.read(_BLOCK), b"")):
                pass
    except CorpusError as error:
        return str(error)
    except OSError:
        pass
    return None


BATCH = 1 << 20  # rows that leave the database at once
_TEXT_BATCH = 1 << 24  # bytes of text


class Database:
    """An empty database for one reading.

    Parameters
    ----------
    threads : int
        Threads of a query.
    memory : int or None
        Bytes that DuckDB may hold; None leaves its own limit, four fifths of the machine's memory.

    Attributes
    ----------
    folder : Path
        For temporary files, a `TemporaryFolder`; it goes when the database is closed.
    names : dict of str to str
        What users call the files that stand for theirs, such as unpacked ones.
    """

    def __init__(self, threads: int, memory: int | None) -> None:
        import duckdb  # here, since only tables need it

        self._error = duckdb.Error
        self.names: dict[str, str] = {}
        self._temporary = TemporaryFolder()
        self.folder = self._temporary.path
        self.connection = duckdb.connect(":memory:", config={"temp_directory": str(self.folder / "spill")})
        self.run(f"SET threads = {threads}")
        if memory is not None:
            self.run(f"SET memory_limit = '{memory // 10**6}MB'")
        self.run("SET TimeZone = 'UTC'")  # times without a zone mean the same on every machine
        self.run("SET enable_progress_bar = false")
        self.run("SET python_enable_replacements = false")  # a table's name is never one of our variables
        self.run("SET preserve_insertion_order = true")  # rowid is the order of the files

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        """Close, and remove what was spilled."""
        self.connection.close()
        self._temporary.remove()

    def run(self, sql: str, *, kind: type[Item2VecError] = CorpusError, about: str = "") -> Any:
        """Run a statement.

        Raises
        ------
        Item2VecError
            Of this kind, with what ``about`` names and DuckDB's reason, on one line.
        KeyboardInterrupt
            After Ctrl-C, which DuckDB reports as an error of its own.
        """
        try:
            return self.connection.execute(sql)
        except self._error as error:
            raise kind(one_line(error, about, self.names)) from None
        except RuntimeError as error:
            if "interrupted" in str(error).lower():
                raise KeyboardInterrupt from None
            raise

    def row(self, sql: str, about: str = "") -> tuple[Any, ...]:
        """Return the only row of a query's result; errors are those of `run`."""
        result: tuple[Any, ...] = self.run(sql, about=about).fetchall()[0]  # fetchone would leave the result open
        return result

    def batches(self, columns: str, table: str) -> Iterator[list[NDArray[Any]]]:
        """Yield a table's columns, in the order of its rows, as arrays of at most `BATCH` numbers."""
        rows = self.row(f"SELECT count(*) FROM {table}")[0]
        for first in range(0, rows, BATCH):
            where = f"rowid >= {first} AND rowid < {first + BATCH}"
            yield list(self.run(f"SELECT {columns} FROM {table} WHERE {where}").fetchnumpy().values())

    def register(self, name: str, columns: Any) -> None:
        """Make a dict of arrays, a data frame or an Arrow table readable as a table."""
        try:
            self.connection.register(name, columns)
        except self._error as error:
            about = f"cannot read a table of type {type(columns).__name__}"
            raise CorpusError(one_line(error, about, self.names)) from None

    def text_column(self, column: str, table: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return a column of text, in the order of the rows, without a Python object for each.

        Returns
        -------
        blob : array, uint8 [bytes]
            The texts' UTF-8 bytes end to end.
        offsets : array, int64 [rows + 1]
        """
        lengths = [sizes for (sizes,) in self.batches(f"strlen({column})::BIGINT", table)]
        offsets = np.concatenate([np.zeros(1, np.int64), *lengths]).cumsum()
        blob = np.empty(int(offsets[-1]), np.uint8)
        last = 0
        while last < len(offsets) - 1:
            first = last
            last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _TEXT_BATCH, "right")) - 1)
            where = f"rowid >= {first} AND rowid < {last}"
            text = self.row(f"SELECT string_agg({column}, '' ORDER BY rowid) FROM {table} WHERE {where}")[0]
            blob[offsets[first] : offsets[last]] = np.frombuffer(text.encode(), np.uint8)
        return blob, offsets


def identifier(name: str) -> str:
    """Return a column's or table's name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a piece of text, quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"
