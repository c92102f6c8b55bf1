"""`item2vec.draw_map`: from a model to a map in one call."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

from item2vec.errors import ConfigError
from item2vec.files.atomic import check_writable
from item2vec.plot.colouring import Colouring, by_attribute, by_cluster, plain
from item2vec.plot.layout import Method, layout
from item2vec.plot.map import MapData, commonest, listed, neighbours
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.queries import unit_rows

Theme = Literal["auto", "light", "dark"]
THEMES = get_args(Theme)
ENDINGS = (".html", ".png", ".svg")


def draw_map(
    model: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    top: int = 2000,
    items: str | os.PathLike[str] | None = None,
    method: Method = "pca",
    clusters: int = 10,
    colour: str | os.PathLike[str] | None = None,
    colour_column: str | None = None,
    theme: Theme = "auto",
    title: str | None = None,
    seed: int = 1,
) -> tuple[MapData, int]:
    """Draw a map of a model's items.

    Parameters
    ----------
    model : KeyedVectors
    path : str or path-like
        ``.html`` for a page to search, zoom and click in; ``.png`` or ``.svg`` for a picture.
    top : int
        How many items to draw: the commonest.
    items : path-like, optional
        A file that lists the items to draw instead, one per line.
    method : {"pca", "umap"}
        PCA is fast. UMAP keeps neighbourhoods better, takes longer and needs umap-learn.
    clusters : int
        The number of clusters to colour by, 2 to 12. 0: one colour.
    colour : path-like, optional
        Colour by a file of items and values instead: see `item2vec.corpus.tables.item_values.read_attribute`.
    colour_column : str, optional
        The column of that file with the values.
    theme : {"auto", "light", "dark"}
        "auto": a page follows the reader's system, a picture is light.
    title : str, optional
    seed : int
        Of clusters and UMAP.

    Returns
    -------
    MapData
        What was drawn.
    int
        How many lines of `items` name no item of the model.

    Raises
    ------
    ConfigError
        If an option cannot work.
    CorpusError, ModelError
        If a file cannot be read or written, or what the map needs is not installed.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise ConfigError(f"cannot draw {os.fspath(path)!r}: its name must end in {', '.join(ENDINGS[:-1])} or .svg")
    if theme not in THEMES:
        raise ConfigError(f"`theme` is {theme!r}; it must be one of {', '.join(THEMES)}")
    check_writable(path)
    ids, unknown = (commonest(model, top), 0) if items is None else listed(model, items)
    names = [model.vocabulary[index] for index in ids.tolist()]
    shown = None if model.names is None else [model.names[index] for index in ids.tolist()]
    units = unit_rows(model.input[ids])
    called = names if shown is None else [name or item for name, item in zip(shown, names, strict=True)]
    if colour is not None:
        from item2vec.corpus.tables.item_values import read_attribute  # here, since it needs DuckDB

        colouring: Colouring = by_attribute(*read_attribute(os.fspath(colour), names, colour_column))
    else:
        colouring = by_cluster(units, called, clusters, seed) if clusters else plain(len(ids))
    counts = model.vocabulary.counts[ids]
    places, how = layout(units, counts, method, seed)
    about = f"{_which(len(ids), len(model), items is None and bool(counts.any()))}, {model.dim} dimensions; {how}"
    name = title or (Path(model.path).stem if model.path else "item2vec")
    drawn = MapData(name, about, ids, names, shown, counts, places, colouring)
    if ending == ".html":
        from item2vec.plot.html import write_page

        write_page(drawn, neighbours(model, ids), model, path, theme)
    else:
        from item2vec.plot.picture import write_picture

        write_picture(drawn, path, theme)
    return drawn, unknown


def _which(shown: int, all_items: int, by_count: bool) -> str:
    """Which items are on the map, in words."""
    if shown == all_items:
        return f"all {shown:,} items"
    return f"the {shown:,} commonest of {all_items:,} items" if by_count else f"{shown:,} of {all_items:,} items"
