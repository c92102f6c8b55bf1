"""Values of items from a file: their display names, and what colours a map."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from item2vec.config.source import SourceConfig
from item2vec.corpus.tables.columns import key_sql
from item2vec.corpus.tables.database import Database, identifier, literal
from item2vec.corpus.tables.table_files import as_plain_file, format_of, listed, scan_files
from item2vec.errors import CorpusError
from item2vec.files.source import look
from item2vec.items.names import Names

if TYPE_CHECKING:
    from item2vec.items.vocabulary import Vocabulary


# Names: what items are called where people see them.


def names_of_vocabulary(database: Database, table: str) -> Names:
    """Each item's commonest name, of equally common ones the first.

    Parameters
    ----------
    database : Database
        Has the items as ``vocabulary`` (rank, item).
    table : str
        Items ``i`` and ``name``, a row for each time that they come together.

    Raises
    ------
    CorpusError
        If no item of the vocabulary has a name there.
    """
    database.run(
        "CREATE TABLE named AS SELECT item, arg_max(name, (n, -place)) AS name FROM "
        f"(SELECT CAST(i AS VARCHAR) AS item, name, count(*) AS n, min(rowid) AS place FROM {table} "
        "WHERE i IS NOT NULL AND name IS NOT NULL GROUP BY i, name) SEMI JOIN vocabulary USING (item) GROUP BY item"
    )
    database.run(
        "CREATE TABLE display AS SELECT coalesce(name, '') AS name FROM vocabulary LEFT JOIN named USING (item) "
        "ORDER BY rank"
    )
    names = Names(*database.text_column("name", "display"))
    if names.given == 0 and len(names) > 0:
        raise CorpusError(
            "no item of the vocabulary has a name; check that the columns of names and items are the right ones"
        )
    return names


def read_names(vocabulary: Vocabulary, config: SourceConfig, threads: int) -> Names:
    """Names of a vocabulary's items from the file of ``config.names``.

    A table's items are in the column of ``config.item``, ``item``, or the first; its names in that of
    ``config.name_column``, ``name``, or the only other one. Any other file is text, ``item TAB name`` on each line.

    Raises
    ------
    CorpusError
        If the file cannot be read, its columns cannot be told, or it names no item of the vocabulary.
    """
    assert config.names is not None
    path = Path(config.names).expanduser()
    kind = format_of(path)
    with Database(threads, None) as database:
        items = {"item": np.array(vocabulary.index_to_key(), object), "rank": np.arange(len(vocabulary))}
        database.register("items", items)
        database.run("CREATE TABLE vocabulary AS SELECT rank, item FROM items ORDER BY rank")
        if kind == "text":
            plain = literal(glob.escape(str(as_plain_file(database, look(path), config).path)))
            sql = (
                f"read_csv({plain}, auto_detect=false, header=false, delim='\t', quote='', escape='', "
                "columns={'item': 'VARCHAR', 'name': 'VARCHAR'})"
            )
            item = name = ""
            shape = ", lines of item TAB name"
            columns = "item, name"
        else:
            plain_config = SourceConfig(encoding=config.encoding, errors=config.errors)
            scan = scan_files(database, [look(path)], plain_config, [])[0]
            has = list(scan.columns)
            if config.item not in has and "item" not in has and has[0] in vocabulary.key_to_index:
                raise CorpusError(
                    f"{scan.name} has no header line: its first column would be called {has[0]!r}, which is an item; "
                    "put a line with `item` and `name` on top, or let the name of a file of lines of item TAB name "
                    "end in .txt"
                )
            item = next((column for column in (config.item, "item") if column in has), has[0])
            others = [column for column in has if column != item]
            name = config.name_column or ("name" if "name" in has else others[0] if len(others) == 1 else "")
            if name not in has:
                lacking = f"no column {name!r}" if name else "several columns that may be names"
                raise CorpusError(f"{scan.name} has {lacking}; give `name_column`, one of {listed(has)}")
            sql, shape = scan.sql, ""
            columns = f"{key_sql(*scan.column(item), 'VARCHAR')}, CAST({identifier(name)} AS VARCHAR)"
        database.run(
            "CREATE TABLE pairs AS SELECT i, nullif(trim(name), '') AS name FROM "
            f"(SELECT {columns} FROM {sql}) AS pair(i, name)",
            about=f"cannot read the names in {config.names!r}{shape}",
        )
        return names_of_vocabulary(database, "pairs")


# Values of items from a file: what colours the map.


def read_attribute(path: str, items: Sequence[str], column: str | None = None) -> tuple[str, list[str | None]]:
    """Return the value of each item.

    Parameters
    ----------
    path : str
        A table (.csv, .tsv, .parquet, .jsonl): its items in the column ``item`` or the first, the values in `column`
        or the only other one. Any other file is text, ``item TAB value`` on each line.
    items : sequence of N str
    column : str, optional

    Returns
    -------
    title : str
        The column's name, or the file's.
    values : list of N str or None
        An item's first value; None where it has none.

    Raises
    ------
    CorpusError
        If the file cannot be read, or its columns cannot be told.
    """
    file = Path(path).expanduser()
    with Database(1, None) as database:
        if format_of(file) == "text":
            plain = literal(glob.escape(str(as_plain_file(database, look(file), SourceConfig()).path)))
            sql = (
                f"(SELECT item, value FROM read_csv({plain}, auto_detect=false, header=false, delim='\t', quote='', "
                "escape='', columns={'item': 'VARCHAR', 'value': 'VARCHAR'}))"
            )
            title = file.name
        else:
            scan = scan_files(database, [look(file)], SourceConfig(), [])[0]
            has = list(scan.columns)
            item = "item" if "item" in has else has[0]
            others = [name for name in has if name != item]
            title = column or (others[0] if len(others) == 1 else "")
            if title not in others:
                lacking = f"no column {title!r}" if title else "several columns that may be meant"
                raise CorpusError(f"{scan.name} has {lacking}; give `colour_column`, one of {listed(others)}")
            key = key_sql(*scan.column(item), "VARCHAR")
            sql = f"(SELECT {key} AS item, CAST({identifier(title)} AS VARCHAR) AS value FROM {scan.sql})"
        database.run(f"CREATE TABLE found AS SELECT item, trim(value) FROM {sql}", about=f"cannot read {path!r}")
        found = database.run("FROM found").fetchall()
    values: dict[str, str] = {}
    for item, value in found:
        if item is not None and value:
            values.setdefault(item, value)
    return title, [values.get(name) for name in items]
