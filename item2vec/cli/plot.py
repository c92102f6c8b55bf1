"""``item2vec plot``: a map of a model's items."""

from __future__ import annotations

import os

import click

from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_json, say, working
from item2vec.errors import ModelError
from item2vec.files.paths import same_file
from item2vec.plot.draw import THEMES, Theme, draw_map
from item2vec.plot.layout import METHODS, Method


@click.command(
    epilog="""\b
Examples:
  item2vec plot map.html
  item2vec plot map.html --top 20000 --method umap
  item2vec plot map.html --colour genres.csv --items favourites.txt
  item2vec plot map.png --top 300 --theme dark
"""
)
@click.argument("destination", metavar="DEST", type=click.Path(readable=False))
@model_option
@click.option("--top", metavar="N", type=int, default=2000, show_default=True, help="Draw the N most frequent items.")
@click.option("--items", "items_path", metavar="FILE", help="Draw the items listed in FILE instead, one per line.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="pca",
    show_default=True,
    help="pca: fast. umap: shows neighbourhoods better, but is slower and needs pip install 'item2vec[umap]'.",
)
@click.option(
    "--clusters",
    metavar="K",
    type=int,
    default=10,
    show_default=True,
    help="Colour the items by K clusters, at most 12. 0 turns colours off.",
)
@click.option(
    "--colour",
    metavar="FILE",
    help="Colour the items by the values in FILE: a table with a column of items, or lines of item, tab, value.",
)
@click.option("--colour-column", metavar="COLUMN", help="The column of --colour to use, if it has several.")
@click.option(
    "--theme",
    type=click.Choice(THEMES),
    default="auto",
    show_default=True,
    help="auto: a page follows the reader's system, and a picture is light.",
)
@click.option("--title", metavar="TEXT", help="The title.  [default: the model's name]")
@click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="The seed for clusters and umap.",
)
@json_option
def plot(
    destination: str,
    model_path: str,
    top: int,
    items_path: str | None,
    method: Method,
    clusters: int,
    colour: str | None,
    colour_column: str | None,
    theme: Theme,
    title: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Draw a map of a model's items.

    DEST.html is a single page that works offline. Search it, zoom in, and click an item to see its nearest neighbours.
    DEST.png and DEST.svg are pictures. They need pip install 'item2vec[plot]'.

    Items that are close on the map are alike. Two dimensions show only part of what the vectors know. The neighbours in
    the page are those of the whole model.
    """
    model = open_model(model_path)
    if same_file(destination, model_path):
        raise ModelError(f"cannot write {destination}: it is the model itself; name another file")
    with working(f"Drawing the map by {method.upper()}"):
        drawn, unknown = draw_map(
            model,
            destination,
            top=top,
            items=items_path,
            method=method,
            clusters=clusters,
            colour=colour,
            colour_column=colour_column,
            theme=theme,
            title=title,
            seed=seed,
        )
    size = os.path.getsize(destination)
    if as_json:
        facts = {"items": len(drawn.ids), "unknown": unknown, "method": method, "about": drawn.about}
        print_json({"output": destination, **facts, "bytes": size})
        return
    if unknown:
        say(f"Warning: {unknown:,} lines of {items_path} name no item of the model.")
    say(f"Wrote {destination}: {drawn.about} ({size / 1e6:,.1f} MB).")
