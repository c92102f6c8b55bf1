"""``item2vec export``: a model's vectors for other tools."""

from __future__ import annotations

import os

import click

from item2vec.cli.options import format_table, json_option, model_option, open_model
from item2vec.cli.output import print_json
from item2vec.errors import ModelError
from item2vec.vectors.formats import TABLES, WRITERS, Table, export_vectors


@click.command(
    epilog=f"""\b
Formats:
{format_table(WRITERS)}

\b
Examples:
  item2vec export vectors.txt
  item2vec export vectors.bin --table sum --normalize
  item2vec export vectors.parquet
  item2vec export vectors.txt.gz --replace-spaces _ --precision 5
"""
)
@click.argument("destination", metavar="DEST", type=click.Path(readable=False))
@model_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(WRITERS),
    metavar="FORMAT",
    help="By DEST's ending if not given; word2vec if it has none.",
)
@click.option(
    "--table",
    type=click.Choice(TABLES),
    default="input",
    show_default=True,
    help="Which vectors: input is what `similar` compares, output the context side.",
)
@click.option("--normalize", is_flag=True, help="Scale each vector to length 1.")
@click.option("--replace-spaces", metavar="TEXT", help="Write TEXT for each white-space character of an item.")
@click.option(
    "--precision",
    metavar="N",
    type=click.IntRange(1, 9),
    help="Significant digits of text; by default the fewest that read back as the same numbers.",
)
@json_option
def export(
    destination: str,
    model_path: str,
    format_name: str | None,
    table: Table,
    normalize: bool,
    replace_spaces: str | None,
    precision: int | None,
    as_json: bool,
) -> None:
    """Write a model's vectors in another tool's format.

    DEST appears whole or not at all; one that is there is replaced.
    """
    model = open_model(model_path)
    if os.path.exists(destination) and os.path.samefile(destination, model_path):
        raise ModelError(f"cannot write {destination}: it is the model itself; name another file")
    written = export_vectors(
        model,
        destination,
        format=format_name,
        table=table,
        normalize=normalize,
        replace_spaces=replace_spaces,
        precision=precision,
    )
    dim = model.dim * (2 if table == "concat" else 1)
    if as_json:
        facts = {"format": written, "table": table, "items": len(model), "dim": dim}
        print_json({"output": destination, **facts, "bytes": os.path.getsize(destination)})
    else:
        click.echo(f"Wrote {len(model):,} vectors of {dim:,} numbers to {destination} ({written}).", err=True)
