"""``item2vec similar``: the neighbours of one or more items."""

from __future__ import annotations

import click

from item2vec.cli.options import json_option, model_option, open_model, topk_option
from item2vec.cli.output import aligned, print_answer, print_json


@click.command(
    epilog="""\b
Examples:
  item2vec similar milk
  item2vec similar flour butter sugar -k 5
  item2vec similar "olive oil" --json
"""
)
@click.argument("items", metavar="ITEM...", nargs=-1, required=True)
@model_option
@topk_option
@json_option
def similar(items: tuple[str, ...], model_path: str, topk: int, as_json: bool) -> None:
    """List the items most similar to one or more items.

    Most similar are the items whose vectors have the highest cosine with that of ITEM; several are averaged.
    Put -- before items that start with a dash.
    """
    neighbours = open_model(model_path).similar(items, k=topk)
    if as_json:
        answer = [{"item": item, "cosine": cosine} for item, cosine in neighbours]
        print_json({"items": list(items), "similar": answer})
    elif neighbours:
        print_answer(aligned((item, f"{round(cosine, 3) + 0.0:.3f}") for item, cosine in neighbours))
