"""``item2vec odd-one-out``: the item that is least like the others."""

from __future__ import annotations

import click

from item2vec.cli.options import complete_items, json_option, model_option, open_model
from item2vec.cli.output import print_json, print_scores, scored
from item2vec.vectors.queries import agreement


@click.command(
    "odd-one-out",
    epilog="""\b
Examples:
  item2vec odd-one-out breakfast cereal dinner lunch
  item2vec odd-one-out milk butter hammer --json
""",
)
@click.argument("items", metavar="ITEM...", nargs=-1, required=True, shell_complete=complete_items)
@model_option
@json_option
def odd_one_out(items: tuple[str, ...], model_path: str, as_json: bool) -> None:
    """Say which of three or more items is least like the others.

    It comes first, with its cosine to the mean of all; the others follow, the one most like them last.
    """
    if len(items) < 3:
        raise click.UsageError("The odd one out needs at least three items.", click.get_current_context())
    model = open_model(model_path)
    answer = agreement(model, items)
    if as_json:
        print_json({"items": list(items), "odd": answer[0][0], "agreement": scored(model, answer, "cosine")})
    else:
        print_scores(model, answer)
