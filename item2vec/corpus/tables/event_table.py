"""The event table: what the sources say, loaded into the database, rows in the order of the files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from item2vec.config.source import SourceConfig
from item2vec.corpus.in_memory import Table
from item2vec.corpus.tables.columns import (
    REAL,
    bad_time,
    bad_weight,
    is_list,
    key_sql,
    key_type,
    kind_of_times,
    readable_items,
    time_sql,
    weight_sql,
)
from item2vec.corpus.tables.database import Database, identifier, literal
from item2vec.corpus.tables.table_files import Scan, check_columns, describe_sql, listed, scan_files
from item2vec.errors import ConfigError, CorpusError, Item2VecError
from item2vec.files.encoding import replaced_notes
from item2vec.files.source import Source

_IN_MEMORY = "the table in memory"
_READ_AGAIN = ("pandas", "polars", "pyarrow")  # whose tables can be read as often as one likes


@dataclass(frozen=True)
class EventTable:
    """The table ``event``: user u, item i, time t, weight w and name, the last three where they are asked for.

    Parameters
    ----------
    name : str
        What messages call the sources.
    time_kind : str
        What the times are, see `event_times`.
    complete : str
        SQL condition: the event has all that it needs.
    notes : tuple of str
        How many events are left out, and why.
    replaced : int
        Places in the sources' text that were no characters and became U+FFFD.
    """

    name: str
    time_kind: str
    complete: str
    notes: tuple[str, ...]
    replaced: int = 0


def load_events(database: Database, sources: Sequence[Source] | Table, config: SourceConfig) -> EventTable:
    """Load the sources' events.

    Raises
    ------
    CorpusError
        If a source cannot be read, lacks a column, has a value without sense, or has no event.
    ConfigError
        If an option cannot work.
    """
    scans = _scan(database, sources, config)
    name = scans[0].name + (f" and {len(scans) - 1:,} more" if len(scans) > 1 else "")
    time_kind = _load(database, scans, config)
    complete, notes = _check_rows(database, config, name)
    replaced = sum(scan.replaced for scan in scans)
    said = dict.fromkeys(note for scan in scans for note in scan.notes)
    return EventTable(name, time_kind, complete, (*replaced_notes(replaced), *said, *notes), replaced)


def _scan(database: Database, sources: Sequence[Source] | Table, config: SourceConfig) -> list[Scan]:
    """Return the scans that together are the event table, with every column that is asked for."""
    columns = [config.user, config.item, config.time, config.weight]
    if config.names is None:
        columns.append(config.name_column)
    wanted = list(dict.fromkeys(column for column in columns if column is not None))
    if isinstance(sources, Table):
        scans = [_scan_table(database, sources, wanted)]
    elif config.sql is not None:
        scans = [_scan_query(database, sources, config.sql, wanted)]
    else:
        scans = scan_files(database, sources, config, wanted)
    if config.item is not None:
        scans = [readable_items(database, scan, config.item, config.item_delimiter) for scan in scans]
    for scan in scans:
        lists = config.item is not None and is_list(scan, config.item)
        if config.item is None or (config.user is None and not lists):
            lacking = "`item`" if config.user else "`user`" if config.item else "`user` and `item`"
            if not config.item and (of_lists := [column for column in scan.columns if is_list(scan, column)]):
                lacking += f", or `item={of_lists[0]}` alone, which has a list in each row"
            raise ConfigError(
                f"{scan.name} is an event table; name its columns with {lacking}: it has {listed(scan.columns)}"
                + ("" if config.sql or isinstance(sources, Table) else "; or read it as text with `format=text`")
            )
        if config.where is not None:
            condition = f"{scan.sql} WHERE ({config.where}\n)"
            try:
                describe_sql(database, condition, kind=ConfigError, about=f"where is {config.where!r}")
            except ConfigError as error:
                raise _of_condition(error, scan, config.where) from None
    return scans


def _of_condition(error: ConfigError, scan: Scan, condition: str) -> ConfigError:
    """Return the error with the columns there are, if a condition names another, or a word of SQL."""
    named, found, _ = str(error).partition(" not found in FROM clause")
    if found:
        return ConfigError(f"{named} is not there; the columns are {listed(scan.columns)}")
    words = [column for column in scan.columns if column in re.findall(r"\w+", condition)]
    if words and "syntax error" in str(error):
        return ConfigError(f"{error}; a column that is called as a word of SQL needs quotes: {identifier(words[0])}")
    return error


def _scan_table(database: Database, table: Table, wanted: Sequence[str]) -> Scan:
    database.register("item2vec_table", table.data)
    columns = describe_sql(database, "item2vec_table", kind=CorpusError, about=f"cannot read {_IN_MEMORY}")
    check_columns(columns, wanted, _IN_MEMORY)
    if type(table.data).__module__.split(".")[0] in _READ_AGAIN and not hasattr(table.data, "read_next_batch"):
        return Scan("item2vec_table", columns, _IN_MEMORY)
    # A stream can be read only once, and its items are looked at first.
    database.run("CREATE TABLE memory.main.item2vec_once AS FROM item2vec_table", about=f"cannot read {_IN_MEMORY}")
    return Scan("memory.main.item2vec_once", columns, _IN_MEMORY)


def _scan_query(database: Database, sources: Sequence[Source], sql: str, wanted: Sequence[str]) -> Scan:
    for place, source in enumerate(sources):
        _check_database(source)
        path = source.path
        alias = identifier(path.stem)
        database.run(f"ATTACH {literal(str(path))} AS {alias} (READ_ONLY)", about=f"cannot attach {str(path)!r}")
        if place == 0:
            database.run(f"CREATE SCHEMA IF NOT EXISTS memory.main; USE {alias}")
    query = f"({sql.strip().rstrip(';')}\n)"
    columns = describe_sql(database, query, kind=ConfigError, about="sql")
    check_columns(columns, wanted, "the query's result")
    return Scan(query, columns, "the query's result")


def _check_database(source: Source) -> None:
    """Check that a source is a database: with a query it must be one."""
    if source.block[8:12] != b"DUCK" and not source.block.startswith(b"SQLite format 3"):
        name = str(source.path)
        raise ConfigError(
            f"with `sql` a source is a DuckDB database, and {name!r} is not one; name other files in the query "
            f"itself: FROM {literal(name)}"
        )


def _load(database: Database, scans: Sequence[Scan], config: SourceConfig) -> str:
    """Make memory.event (u, i, t, w, name) of all scans, rows in the order of the files; the kind of its times."""
    assert config.item is not None
    users = "BIGINT" if config.user is None else key_type(scans, config.user)
    items = key_type(scans, config.item)
    condition = f" WHERE ({config.where}\n)" if config.where is not None else ""
    kind = kind_of_times(database, scans, config.time, condition) if config.time else ""
    named = config.name_column if config.names is None else None
    table = f"u {users}, i {items}"
    table += (", t DOUBLE" if kind == REAL else ", t BIGINT") if config.time else ""
    table += ", w BIGINT" if config.weight else ""
    table += ", name VARCHAR" if named else ""
    database.run(f"CREATE TABLE memory.main.event ({table})")
    for scan in scans:
        value, type_ = scan.column(config.item)
        value = f"unnest({value})" if is_list(scan, config.item) else value
        select = [
            "(SELECT coalesce(max(u), 0) FROM memory.main.event) + row_number() OVER ()"
            if config.user is None
            else key_sql(*scan.column(config.user), users),
            value,
        ]
        select += [time_sql(scan, config.time, kind)] if config.time else []
        select += [weight_sql(scan, config.weight)] if config.weight else []
        select += [f"nullif(trim(CAST({scan.column(named)[0]} AS VARCHAR)), '')"] if named else []
        aliases = [column.split()[0] for column in table.split(", ")]
        raw = ", ".join(f"{expression} AS {alias}" for expression, alias in zip(select, aliases, strict=True))
        rest = "".join(f", {alias}" for alias in aliases[2:])
        item = key_sql("i", type_.removesuffix("[]"), items)
        try:
            database.run(
                f"INSERT INTO memory.main.event SELECT u, {item}{rest} FROM (SELECT {raw} FROM {scan.sql}{condition})",
                about=f"cannot read {scan.name}",
            )
        except CorpusError as error:
            raise _named(error, config) from None
    database.run("USE memory")
    return kind


def _named(error: CorpusError, config: SourceConfig) -> Item2VecError:
    """Return the error of a column's values, or of a condition, where it is one; else the error itself."""
    named = bad_weight(bad_time(error, config.time or ""), config.weight or "")
    if named is error and config.where is not None and "Could not convert string" in str(error):
        return ConfigError(f"where is {config.where!r}: {error}; text stands in quotes there: \"item = '7'\"")
    return named


def _check_rows(database: Database, config: SourceConfig, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the condition that complete events meet, and notes on those that do not."""
    needed = {"u": config.user or "user", "i": config.item, "t": config.time, "w": config.weight}
    needed = {column: title for column, title in needed.items() if title is not None}
    complete = " AND ".join(f"{column} IS NOT NULL" for column in needed) + (" AND w > 0" if config.weight else "")
    lacking = ", ".join(f"count(*) - count({column})" for column in needed)
    small = "count(*) FILTER (w < 1)" if config.weight else "0"
    whole = f"count(*) FILTER ({complete})"
    rows, left, few, *missing = database.row(f"SELECT count(*), {whole}, {small}, {lacking} FROM event")
    if rows == 0 and config.where is not None:
        raise CorpusError(f"no row of {name} meets the condition `where={config.where!r}`")
    if rows == 0:
        raise CorpusError(f"{name} has columns but no events")
    notes = [
        f"{count:,} of {rows:,} events have no {title!r}"
        for title, count in zip(needed.values(), missing, strict=True)
        if count
    ]
    if notes and config.nulls == "error":
        raise CorpusError(f"{notes[0]} in {name}; give `nulls=skip` to leave them out")
    notes = [f"{note} and were left out" for note in notes]
    if few:
        notes.append(f"{few:,} of {rows:,} events have a weight below 0.5 in {config.weight!r} and were left out")
    if left == 0:
        raise CorpusError(f"{name} has no complete event: {'; '.join(notes)}")
    return complete, tuple(notes)
