"""The vector files of other tools: one reader or writer a module, found here by the format's name."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

# A writer's module has write(model, path, *, table, replace_spaces) and raises ModelError.
WRITERS = {"word2vec": "item2vec.vectors.formats.word2vec_text"}


def export_vectors(
    model: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    format: str = "word2vec",
    table: Literal["input", "output"] = "input",
    replace_spaces: str | None = None,
) -> None:
    """Write one table of a model in another tool's format; the file appears whole or not at all.

    Parameters
    ----------
    model : KeyedVectors
    path : str or path-like
        The target; one that is there is replaced.
    format : str
        One of `WRITERS`.
    table : {"input", "output"}
        Which vectors.
    replace_spaces : str, optional
        What to write for each white-space character of an item, where the format cannot carry them.

    Raises
    ------
    ConfigError
        If an option has a value that cannot work.
    ModelError
        If the format cannot carry an item, the model lacks the table, or the file cannot be written.
    """
    if format not in WRITERS:
        raise ConfigError(f"format is {format!r}; it must be one of {', '.join(WRITERS)}")
    if table not in ("input", "output"):
        raise ConfigError(f"table is {table!r}; it must be input or output")
    import_module(WRITERS[format]).write(model, path, table=table, replace_spaces=replace_spaces)
