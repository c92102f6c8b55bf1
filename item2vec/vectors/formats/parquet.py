"""A Parquet file of ``item``, text, and ``vector``, a list of float32. Read and written by DuckDB.

Where items have display names, ``name`` stands between the two.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.item_names import checked
from item2vec.vectors.formats.streams import MOST_DIM, check_room, open_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

if TYPE_CHECKING:
    import duckdb


def write(model: KeyedVectors, path: str | os.PathLike[str], *, replace_spaces: str | None, precision: int) -> None:
    """Write the input table; see `item2vec.vectors.formats.registry.export_vectors`."""
    import duckdb

    items = np.array(model.vocabulary.index_to_key(), object)
    numbers = {f"c{column}": values for column, values in enumerate(np.ascontiguousarray(model.input.T))}
    columns: dict[str, Any] = {"item": items}
    if model.names is not None:
        columns["name"] = np.array([model.names[index] for index in range(len(items))], object)
    query = f"SELECT {', '.join(columns)}, [{', '.join(numbers)}] AS vector FROM model"
    with atomic_path(path) as temporary, _database() as database:
        database.register("model", columns | numbers)
        try:
            database.execute(f"COPY ({query}) TO {_quoted(temporary)} (FORMAT parquet, USE_TMP_FILE false)")
        except duckdb.Error as error:  # a full disk, say
            number = re.search(r'"errno":"(\d+)"', str(error))
            reason = os.strerror(int(number[1])).lower() if number else str(error).splitlines()[0]
            raise ModelError(f"cannot write {os.fspath(path)}: {reason}") from error


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    import duckdb

    with open_vectors(path):
        pass  # it can be read, or the error says why
    try:
        with _database() as database:
            names, table = _columns(path, database, f"read_parquet({_quoted(_literal(path))})")
    except duckdb.Error as error:
        raise ModelError(f"cannot read {path}: {str(error).splitlines()[0]}") from error
    return checked(path, Vocabulary.from_items(names, np.zeros(len(names), np.int64)), table, "parquet")


def _columns(path: str, database: duckdb.DuckDBPyConnection, source: str) -> tuple[list[str], NDArray[np.float32]]:
    """Return the items and the table of their vectors."""
    types = {row[0]: row[1] for row in database.execute(f"DESCRIBE FROM {source}").fetchall()}
    if not {"item", "vector"} <= set(types) or not types["vector"].endswith("]"):
        held = ", ".join(f"{name} {kind}" for name, kind in types.items())[:200]
        raise ModelError(f"cannot read {path}: it needs the columns item and vector, a list of numbers; it has {held}")
    facts = "min(len(vector)), max(len(vector)), count(*) FILTER (item IS NULL OR vector IS NULL), count(*)"
    facts += ", coalesce(sum(strlen(item::VARCHAR)), 0)"
    shortest, longest, missing, rows, letters = database.execute(f"SELECT {facts} FROM {source}").fetchall()[0]
    if missing or shortest != longest:
        what = "an item or a vector is missing" if missing else f"its vectors have {shortest:,} to {longest:,} numbers"
        raise ModelError(f"cannot read {path}: {what}")
    if (shortest or 0) > MOST_DIM:
        raise ModelError(f"cannot read {path}: its vectors have {shortest:,} numbers")
    # A few bytes can say that a value comes a billion times. The numbers come twice, with a mask where one is missing.
    check_room(path, rows * (9 * (shortest or 0) + 100) + 2 * int(letters))
    names = database.execute(f"SELECT item::VARCHAR AS item FROM {source}").fetchnumpy()["item"].tolist()
    numbers = database.execute(f"SELECT unnest(vector)::FLOAT AS number FROM {source}").fetchnumpy()["number"]
    # A missing number is masked; as none it is refused with the item's name.
    return names, np.ma.filled(numbers, np.nan).reshape(len(names), shortest or 0)


def _database() -> duckdb.DuckDBPyConnection:
    """Return a database in memory, which keeps rows in their order and fetches no extensions."""
    import duckdb

    return duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )


def _quoted(path: str | os.PathLike[str]) -> str:
    """Return a file's name as SQL text."""
    return "'" + os.fspath(path).replace("'", "''") + "'"


def _literal(path: str) -> str:
    """Return the pattern that is this name alone: DuckDB takes the names of what it reads for patterns."""
    return re.sub(r"([*?\[])", r"[\1]", path)
