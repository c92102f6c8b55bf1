"""Values of items from a file: what colours the map."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from item2vec.corpus.database import Database, identifier, literal
from item2vec.corpus.event_columns import key_sql
from item2vec.corpus.source_config import SourceConfig
from item2vec.corpus.table_files import as_plain_file, format_of, listed, scan_files
from item2vec.errors import CorpusError


def read_attribute(path: str, items: Sequence[str], column: str | None = None) -> tuple[str, list[str | None]]:
    """The value of each item.

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
            plain = literal(glob.escape(str(as_plain_file(database, file, SourceConfig()).path)))
            sql = (
                f"(SELECT item, value FROM read_csv({plain}, auto_detect=false, header=false, delim='\t', quote='', "
                "escape='', columns={'item': 'VARCHAR', 'value': 'VARCHAR'}))"
            )
            title = file.name
        else:
            scan = scan_files(database, [file], SourceConfig(), [])[0]
            has = list(scan.columns)
            item = "item" if "item" in has else has[0]
            others = [name for name in has if name != item]
            title = column or (others[0] if len(others) == 1 else "")
            if title not in others:
                lacking = f"no column {title!r}" if title else "several columns that may be meant"
                raise CorpusError(f"{scan.name} has {lacking}; give --colour-column, one of {listed(others)}")
            key = key_sql(*scan.column(item), "VARCHAR")
            sql = f"(SELECT {key} AS item, CAST({identifier(title)} AS VARCHAR) AS value FROM {scan.sql})"
        database.run(f"CREATE TABLE found AS SELECT item, trim(value) FROM {sql}", about=f"cannot read {path!r}")
        found = database.run("FROM found").fetchall()
    values: dict[str, str] = {}
    for item, value in found:
        if item is not None and value:
            values.setdefault(item, value)
    return title, [values.get(name) for name in items]
