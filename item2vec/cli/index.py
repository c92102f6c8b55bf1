"""``item2vec index``: an approximate index beside a model."""

from __future__ import annotations

import os

import click

from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_json
from item2vec.cli.progress import working
from item2vec.errors import ModelError
from item2vec.vectors.index_file import index_path


@click.command(
    epilog="""\b
Examples:
  item2vec index
  item2vec index -m words.safetensors --recall 0.99
  item2vec similar --approximate --batch items.txt -m words.safetensors > neighbours.jsonl
"""
)
@model_option
@click.option(
    "--recall",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="The share of the ten nearest that answers are to have: more takes longer.",
)
@click.option(
    "--connectivity",
    metavar="N",
    type=click.IntRange(2, 256),
    default=16,
    show_default=True,
    help="Neighbours of an item in the index: more make it larger and surer.",
)
@click.option("--threads", metavar="N", type=click.IntRange(min=0), default=0, help="All cores by default.")
@json_option
def index(model_path: str, recall: float, connectivity: int, threads: int, as_json: bool) -> None:
    """Build an index for approximate answers from large models.

    It lies beside the model, as FILE.index, and `similar --approximate` looks there instead of at every item. Worth it
    for many questions to a million items or more; below, the exact answer is as fast. It belongs to this very model:
    after another training it is refused. Needs usearch: pip install 'item2vec[index]'.
    """
    model = open_model(model_path)
    path = index_path(model_path)
    if os.path.exists(path) and os.path.samefile(path, model_path):
        raise ModelError(f"cannot write {path}: it is the model itself; give the model another ending")
    with working(f"Building the index of {len(model):,} items"):
        facts = model.build_index(path, recall=recall, connectivity=connectivity, threads=threads).facts
    size = os.path.getsize(path)
    if as_json:
        print_json(
            {"output": str(path), "items": facts.items, **facts.as_json(), "seconds": facts.seconds, "bytes": size}
        )
        return
    click.echo(f"Wrote {path}: {facts.items:,} items, {size / 1e6:,.1f} MB, built in {facts.seconds:.1f} s.", err=True)
    click.echo(facts.in_words(), err=True)
    if facts.recall < recall:
        click.echo(
            f"Warning: that is less than --recall {recall:g}; a larger --connectivity than {connectivity} finds more.",
            err=True,
        )
