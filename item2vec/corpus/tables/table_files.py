"""From files of tables to what DuckDB scans: which format, which compression, which columns.

DuckDB could guess all of this, and guesses wrong where it hurts: it takes 007 for 7, leaves out rows that do not fit
what it guessed, and does not compare a compressed file with its checksum. So formats go by the ending, delimiters
by the first line, users and items of a CSV stay the text that they are, and compressed text is decompressed here.
"""

from __future__ import annotations

import csv
import difflib
import errno
import glob
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from item2vec.config.source import SourceConfig
from item2vec.corpus.tables.database import Database, identifier, literal
from item2vec.errors import ConfigError, CorpusError, brief
from item2vec.files.compression import COMPRESSIONS, unpacked
from item2vec.files.encoding import UTF8, Errors, check_encoding, encoding_of
from item2vec.files.source import Source, json_array_remedy, refuse_formats
from item2vec.files.stream import TextStream
from item2vec.files.utf8 import BYTE_ORDER_MARK, bad_byte_message

_BLOCK = 1 << 20  # bytes
_SPARE = 1 << 28  # bytes of the disk that are left to others: a small file may unpack to any size
COMPRESSED_ENDINGS = tuple(compression.ending for compression in COMPRESSIONS)
PARQUET = b"PAR1"


@dataclass(frozen=True)
class PlainFile:
    """A file that DuckDB can read as it is.

    Parameters
    ----------
    path : Path
        The file itself, or a copy of its text.
    head : bytes
        How it begins, unpacked but not transcoded.
    replaced : int
        Places that were no characters and became U+FFFD.
    """

    path: Path
    head: bytes
    replaced: int = 0

    @property
    def parquet(self) -> bool:
        """Whether it begins as Parquet files do."""
        return self.head.startswith(PARQUET)


def plain_file(source: Source, folder: Path, encoding: str = UTF8, errors: Errors = "strict") -> PlainFile:
    """Find the file itself, or make a copy in the folder, if it is compressed, of another encoding, or a pipe.

    Parameters
    ----------
    source : Source
    folder : Path
        Where copies go.
    encoding : str
        As `check_encoding` returns it; with UTF-8, a byte order mark of UTF-16 or UTF-32 counts. Not for Parquet.
    errors : {"strict", "replace"}

    Raises
    ------
    CorpusError
        If the file cannot be read, is damaged, cut short, an archive, or no text of the encoding, or the folder has
        no room.
    """
    if not source.head.startswith(PARQUET):
        refuse_formats(source.path, source.head, " inside" if source.compression else "")
        actual = encoding_of(source.head, encoding)
        if actual != UTF8 or errors == "replace":
            stream = TextStream(source.shown, source.file, source.compression, actual, errors)
            return PlainFile(_copy(source, stream.blocks(_BLOCK), folder), source.head, stream.replaced)
    if isinstance(source.file, Path) and not source.compression:
        return PlainFile(source.file, source.head)
    return PlainFile(_copy(source, _unpacked(source), folder), source.head)


def _unpacked(source: Source) -> Iterator[bytes]:
    with source.file.open("rb") if isinstance(source.file, Path) else nullcontext(source.file) as file:
        if source.compression:
            yield from unpacked(file, source.compression, source.shown, _BLOCK)
        else:
            yield from iter(lambda: file.read(_BLOCK), b"")


def _copy(source: Source, blocks: Iterable[bytes], folder: Path) -> Path:
    """Write blocks to a new file of the folder, as long as the disk keeps room for others."""
    target = folder / f"plain{sum(1 for _ in folder.iterdir())}"
    try:
        with target.open("wb") as file:
            for number, block in enumerate(blocks):
                file.write(block)
                if number % 64 == 0 and shutil.disk_usage(folder).free < _SPARE:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise CorpusError(
            f"cannot unpack {source.shown} into {str(folder)!r}: {error.strerror}; set TMPDIR to a larger place"
        ) from None
    return target


# The header line of a CSV file: where it ends, and which columns it names.


def first_line(path: Path, name: str) -> str:
    """Return the header line: a line, and more where a quoted name goes on over its end."""
    try:
        with path.open("rb") as file:
            block = file.read(1 << 20)
    except OSError as error:
        raise CorpusError(f"cannot read {name}: {error.strerror}; see its name, owner and permissions") from None
    text = block.removeprefix(BYTE_ORDER_MARK)
    end = re.search(rb'\A(?:[^"\r\n]|"[^"]*")*', text)
    line = text[: end.end()] if end else text
    if not line.strip():
        raise CorpusError(f"{name} is empty; an event table needs a header line and one event per line")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise CorpusError(bad_byte_message(name, line, error.start)) from None


def parse_line(line: str, delimiter: str) -> list[str]:
    """Return the names in a header line; none if such a delimiter makes no sense of it."""
    if len(delimiter) > 1:
        return [name.strip('"') for name in line.split(delimiter)]
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names for columns that SQL, which overlooks case, can tell apart."""
    seen: set[str] = set()
    result = []
    for place, name in enumerate(names):
        unique, number = name or f"column{place}", 1
        while unique.casefold() in seen:
            unique, number = f"{name or 'column'}_{number}", number + 1
        seen.add(unique.casefold())
        result.append(unique)
    return result


ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_DELIMITERS = (",", ";", "\t", "|")
_NUMBERED = re.compile(r"column\d+")
_UNTYPED = ("VARCHAR", "JSON")  # what JSON may have that is no number or time
_RAW = "item2vec_text:"  # prefix of a column as the file has it, where a condition sees it as a number


@dataclass(frozen=True)
class Scan:
    """A part of the event table that DuckDB reads as one.

    Parameters
    ----------
    sql : str
        What stands behind FROM.
    columns : dict of str to str
        The columns' names and DuckDB types, in order.
    name : str
        What messages call it.
    replaced : int
        Places in its text that were no characters and became U+FFFD.
    notes : tuple of str
        What was guessed about it: sentences without a final stop.
    """

    sql: str
    columns: dict[str, str]
    name: str
    replaced: int = 0
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> tuple[str, str]:
        """Return SQL for a column's value as the file has it, and its type."""
        own = _RAW + name if _RAW + name in self.columns else name
        return identifier(own), self.columns[own]


def format_of(path: Path, given: str = "auto") -> str:
    """Return the format that an option or the ending says: ``text`` for an ending that no table has."""
    if given != "auto":
        return given
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in COMPRESSED_ENDINGS:
        suffixes.pop()
    return ENDINGS.get(suffixes[-1], "text") if suffixes else "text"


def scan_files(
    database: Database, sources: Sequence[Source], config: SourceConfig, wanted: Sequence[str]
) -> list[Scan]:
    """Look at all files before any long work; neighbours of one shape become one scan.

    Parameters
    ----------
    sources : sequence of Source
    wanted : sequence of str
        The columns that will be asked for.

    Raises
    ------
    CorpusError
        If a file is damaged, or lacks a wanted column.
    """
    looks = []
    for source in sources:
        kind = format_of(source.path, config.format)
        plain = as_plain_file(database, source, config)
        if plain.parquet and kind != "parquet":
            raise CorpusError(f"{str(source.path)!r} is a Parquet file; give `format=parquet`")
        look = _LOOKS[kind](database, plain.path, source.path, config, wanted)
        looks.append(replace(look, replaced=plain.replaced))
    scans: list[Scan] = []
    run: list[str] = []
    replaced = 0
    for look, following in zip(looks, [*looks[1:], None], strict=True):
        run.append(_file_literal(look.path))
        replaced += look.replaced
        if following is None or following.shape != look.shape:
            files = look.name if len(run) == 1 else f"{look.name} and {len(run) - 1:,} before it"
            sql = look.sql.replace("$FILES", f"[{', '.join(run)}]", 1)
            scans.append(Scan(sql, look.columns, files, replaced, look.notes))
            run, replaced = [], 0
    return scans


def as_plain_file(database: Database, source: Source, config: SourceConfig) -> PlainFile:
    """Return a file that the database can read as it is, and whose errors name what users called it.

    Raises
    ------
    CorpusError
        If it cannot be read, or is no table; see `plain_file`.
    """
    plain = plain_file(source, database.folder, check_encoding(config.encoding, config.errors), config.errors)
    if plain.path != source.path:
        database.names[str(plain.path)] = str(source.path)
    return plain


@dataclass(frozen=True)
class _Look:
    """One file: how it is scanned, $FILES standing for its and its neighbours' paths."""

    path: str
    name: str
    sql: str
    columns: dict[str, str]
    replaced: int = 0
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[str, dict[str, str]]:
        """What files have in common that are one scan."""
        return self.sql, self.columns


def _look_at_parquet(database: Database, plain: Path, path: Path, config: SourceConfig, wanted: Sequence[str]) -> _Look:
    sql = "read_parquet($FILES, binary_as_string=true, hive_partitioning=false)"
    _check_parquet(plain, repr(str(path)))
    columns = _describe(database, sql, plain, path)
    check_columns(columns, wanted, repr(str(path)))
    return _Look(str(plain), repr(str(path)), sql, columns)


def _check_parquet(plain: Path, name: str) -> None:
    """Refuse a file that does not begin and end as Parquet does."""
    with plain.open("rb") as file:
        begin = file.read(len(PARQUET))
        file.seek(max(0, os.fstat(file.fileno()).st_size - len(PARQUET)))
        end = file.read()
    if begin != PARQUET:
        raise CorpusError(f"{name} is {'not a Parquet file' if begin else 'empty'}; check the file, or get it again")
    if end != PARQUET:
        raise CorpusError(f"{name} is cut off: the end that every Parquet file has is missing; get the whole file")


def _look_at_csv(database: Database, plain: Path, path: Path, config: SourceConfig, wanted: Sequence[str]) -> _Look:
    name = repr(str(path))
    tab = config.format == "tsv" or format_of(path, config.format) == "tsv"
    given = config.delimiter or ("\t" if tab else None)
    first = first_line(plain, name)
    parsed = [(mark, parse_line(first, mark)) for mark in ([given] if given else _DELIMITERS)]
    parsed = [(mark, names) for mark, names in parsed if names]
    if not parsed:
        raise CorpusError(f"the first line of {name} has a quote within a name, or a name of over 100,000 letters")
    # The delimiter is the one that brings the wanted columns out, else the one that brings most.
    delimiter, names = max(parsed, key=lambda pair: (sum(want in pair[1] for want in wanted), len(pair[1])))
    header = not wanted or not all(_NUMBERED.fullmatch(want) for want in wanted) or any(w in names for w in wanted)
    if not header:
        names = [f"column{place}" for place in range(len(names))]
    names = distinct_names(names)
    check_columns(
        names, wanted, name, "" if not header else "; if there is no header line, they are column0, column1 ..."
    )
    quoted, notes = _quoted(database, plain, name, delimiter, config.quote, tab=tab)
    mark = '"' if quoted else ""
    dialect = f"delim={literal(delimiter)}, quote='{mark}', escape='{mark}', header={str(header).lower()}"
    columns = dict.fromkeys(names, "VARCHAR")
    if config.where is None:
        return _Look(str(plain), name, _csv_sql(dialect, columns), columns, notes=notes)
    # A condition sees numbers and times where a column has such; what is trained on stays text.
    guess = _describe(database, f"read_csv($FILES, {dialect})", plain, path)
    if list(guess) != names:
        guess = columns
    typed = {column: guess[column] for column in names if column in wanted and guess[column] != "VARCHAR"}
    kinds = {column: "VARCHAR" if column in wanted else guess[column] for column in names}
    return _with_types(_Look(str(plain), name, _csv_sql(dialect, kinds), kinds, notes=notes), typed)


def _quoted(
    database: Database, plain: Path, name: str, delimiter: str, given: str, *, tab: bool
) -> tuple[bool, tuple[str, ...]]:
    """Whether double quotes stand around values, and what to say about it.

    They are characters in many a TSV, as in titles: there they only count as quotes if all of them work out.
    """
    if given != "auto" or not tab:
        return given != "none", ()
    lines = f"read_csv([{_file_literal(str(plain))}], auto_detect=false, header=false, delim='\\x01', quote='', "
    lines += "escape='', columns={'line': 'VARCHAR'}, max_line_size=67108864)"
    mark = re.escape(delimiter)
    value = f'("([^"]|"")*"|[^"{mark}][^{mark}]*)?'
    begins, whole = f'(^|{mark})"', f"^{value}({mark}{value})*$"
    begun, odd = database.row(
        f"SELECT count(*), count(*) FILTER (NOT regexp_full_match(line, {literal(whole)})) FROM {lines} "
        f"WHERE contains(line, '\"') AND regexp_matches(line, {literal(begins)})"
    )
    if not odd:
        return bool(begun), ()
    return False, (f"quotes in {name} are characters of its values: {odd:,} lines have one that does not end a value",)


def _with_types(look: _Look, typed: dict[str, str]) -> _Look:
    """Return the look with these columns as numbers and times, for a condition, beside the text that they are."""
    if not typed:
        return look
    casts = ", ".join(f"CAST({identifier(c)} AS {kind}) AS {identifier(c)}" for c, kind in typed.items())
    texts = ", ".join(f"{identifier(c)} AS {identifier(_RAW + c)}" for c in typed)
    columns = look.columns | typed | {_RAW + column: "VARCHAR" for column in typed}
    return replace(look, sql=f"(SELECT * REPLACE ({casts}), {texts} FROM {look.sql})", columns=columns)


def _csv_sql(dialect: str, columns: dict[str, str]) -> str:
    return f"read_csv($FILES, auto_detect=false, {dialect}, columns={{{_struct(columns)}}})"


def _look_at_json(database: Database, plain: Path, path: Path, config: SourceConfig, wanted: Sequence[str]) -> _Look:
    read = "read_json($FILES, format='newline_delimited', maximum_object_size=67108864"
    found = _describe(database, read + ")", plain, path)
    if list(found) == ["json"] and "json" not in wanted:
        with plain.open("rb") as file:
            array = file.read(100).lstrip().startswith(b"[")
        why = json_array_remedy(shlex.quote(str(path))) if array else 'an event is such as {"user": 1, "item": 2}'
        raise CorpusError(f"{str(path)!r} is not JSON lines: its first line is not an object; {why}")
    check_columns(found, wanted, repr(str(path)))
    chosen = found if config.where is not None or not wanted else {name: found[name] for name in wanted}
    # Numbers and texts of one column come out as they are written, not as what they have in common.
    columns = {name: _json_text(kind) if name in wanted or not wanted else kind for name, kind in chosen.items()}
    look = _Look(str(plain), repr(str(path)), f"{read}, columns={{{_struct(columns)}}})", columns)
    if config.where is None:
        return look
    typed = {name: found[name] for name in wanted if columns[name] == "VARCHAR" and found[name] not in _UNTYPED}
    return _with_types(look, typed)


_LOOKS = {"csv": _look_at_csv, "tsv": _look_at_csv, "parquet": _look_at_parquet, "jsonl": _look_at_json}


def check_columns(columns: Sequence[str] | dict[str, str], wanted: Sequence[str], name: str, hint: str = "") -> None:
    """Refuse a table that lacks a column, with the columns that it has and the closest of them.

    Raises
    ------
    CorpusError
    """
    for want in wanted:
        if want in columns:
            continue
        folded = {column.casefold(): column for column in columns}
        close = difflib.get_close_matches(want.casefold(), folded, n=1)
        mean = f"; did you mean {folded[close[0]]!r}?" if close else "."
        raise CorpusError(f"{name} has no column {want!r}{mean} Its columns are {listed(columns)}{hint}")


def listed(columns: Sequence[str] | dict[str, str]) -> str:
    """Return the columns' names for a message, at most thirty."""
    names = [column for column in columns if not column.startswith(_RAW)]
    more = f" and {len(names) - 30:,} more" if len(names) > 30 else ""
    return ", ".join(map(brief, names[:30])) + more


def describe_sql(database: Database, sql: str, *, kind: type[ConfigError | CorpusError], about: str) -> dict[str, str]:
    """Names and types of the columns of what stands behind FROM."""
    rows = database.run(f"DESCRIBE SELECT * FROM {sql}", kind=kind, about=about).fetchall()
    return {row[0]: row[1] for row in rows}


def _describe(database: Database, sql: str, plain: Path, path: Path) -> dict[str, str]:
    shown = sql.replace("$FILES", f"[{_file_literal(str(plain))}]", 1)
    return describe_sql(database, shown, kind=CorpusError, about=f"cannot read {str(path)!r}")


def _file_literal(path: str) -> str:
    """Return a path for SQL, of which DuckDB shall take no character for a pattern."""
    return literal(glob.escape(path))


def _struct(columns: dict[str, str]) -> str:
    """Columns as DuckDB's readers take them: 'name': 'type', ..."""
    return ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in columns.items())


def _json_text(kind: str) -> str:
    """Return the type to read a JSON column of users, items or times as."""
    if kind.endswith("[]"):
        return "VARCHAR[]"
    return kind if kind.startswith(("STRUCT", "MAP")) else "VARCHAR"
