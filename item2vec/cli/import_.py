"""``item2vec import``: another tool's vectors as a model file."""

from __future__ import annotations

import os

import click

from item2vec.cli.options import DEFAULT_MODEL, format_table, json_option
from item2vec.cli.output import print_json
from item2vec.errors import ModelError
from item2vec.vectors.atomic import check_writable
from item2vec.vectors.formats import FORMATS, read_vectors


@click.command(
    "import",
    epilog=f"""\b
Formats:
{format_table(FORMATS)}

\b
Examples:
  item2vec import glove.6B.100d.txt -o glove.safetensors
  item2vec import GoogleNews-vectors-negative300.bin.gz
  item2vec import embeddings.npy --items vocabulary.txt
""",
)
@click.argument("source", metavar="SOURCE", type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(readable=False),
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help="By SOURCE's content if not given.",
)
@click.option(
    "--items",
    metavar="FILE",
    type=click.Path(readable=False),
    help="The items, one a line, of a npy, safetensors or projector file.",
)
@json_option
def import_(source: str, output: str, format_name: str | None, items: str | None, as_json: bool) -> None:
    """Make a model file of another tool's vectors.

    What was read is the input table; there is no output table, so that `recommend` has nothing to go by.
    Text may be gzipped.
    """
    check_writable(output)
    if os.path.exists(source) and os.path.exists(output) and os.path.samefile(source, output):
        raise ModelError(f"cannot write {output}: it is the source itself; name another file")
    model = read_vectors(source, format_name, items=items)
    model.save(output)
    if as_json:
        print_json({"output": output, "source": source, "items": len(model), "dim": model.dim})
    else:
        click.echo(f"Wrote {output}: {len(model):,} items, dim {model.dim:,}.", err=True)
