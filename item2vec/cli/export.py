"""``item2vec export``: a model's vectors for other tools."""

from __future__ import annotations

import os
from typing import Literal

import click

from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_json
from item2vec.errors import ModelError
from item2vec.vectors.formats import WRITERS, export_vectors


@click.command(
    epilog="""\b
Examples:
  item2vec export vectors.txt
  item2vec export context.txt --table output
  item2vec export vectors.txt --replace-spaces _
"""
)
@click.argument("destination", metavar="DEST")
@model_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(WRITERS)),
    default="word2vec",
    show_default=True,
    help="word2vec: a line an item, as word2vec.c, gensim and fastText read it.",
)
@click.option(
    "--table",
    type=click.Choice(["input", "output"]),
    default="input",
    show_default=True,
    help="Which vectors: input is what `similar` compares, output the context side.",
)
@click.option("--replace-spaces", metavar="TEXT", help="Write TEXT for each white-space character of an item.")
@json_option
def export(
    destination: str,
    model_path: str,
    format_name: str,
    table: Literal["input", "output"],
    replace_spaces: str | None,
    as_json: bool,
) -> None:
    """Write a model's vectors in another tool's format.

    DEST appears whole or not at all; one that is there is replaced.
    """
    model = open_model(model_path)
    if os.path.exists(destination) and os.path.samefile(destination, model_path):
        raise ModelError(f"cannot write {destination}: it is the model itself; name another file")
    export_vectors(model, destination, format=format_name, table=table, replace_spaces=replace_spaces)
    size = os.path.getsize(destination)
    if as_json:
        facts = {"format": format_name, "table": table, "items": len(model), "dim": model.dim, "bytes": size}
        print_json({"output": destination, **facts})
    else:
        click.echo(f"Wrote {len(model):,} vectors of {model.dim:,} numbers to {destination}.", err=True)
