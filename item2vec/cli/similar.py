"""``item2vec similar``: the neighbours of one or more items."""

from __future__ import annotations

from typing import Any

import click

from item2vec.cli.batch import answer_batch, batch_option, check_arguments, check_delimiter, delimiter_option
from item2vec.cli.options import item_argument, json_option, model_option, open_model, topk_option
from item2vec.cli.output import print_json, print_scores, scored


@click.command(
    epilog="""\b
Examples:
  item2vec similar milk
  item2vec similar flour butter sugar -k 5
  item2vec similar "olive oil" --json
  item2vec similar king --without man --filter '^[a-z]+$'
  item2vec similar --batch items.txt > neighbours.jsonl
  item2vec similar --approximate --batch items.txt > neighbours.jsonl
"""
)
@item_argument
@model_option
@topk_option
@click.option("--without", metavar="ITEM", multiple=True, help="An item to be away from; may be given several times.")
@click.option(
    "--weight",
    "weights",
    metavar="X",
    type=float,
    multiple=True,
    help="How much an ITEM counts, in their order: one for each, or none; 1 by default.",
)
@click.option(
    "--filter", "pattern", metavar="REGEX", help="List only items with REGEX in them, or in their display names."
)
@click.option(
    "--approximate", is_flag=True, help="Look in the index of `item2vec index`: faster in large models, may miss some."
)
@batch_option
@delimiter_option
@json_option
def similar(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    without: tuple[str, ...],
    weights: tuple[float, ...],
    pattern: str | None,
    approximate: bool,
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
) -> None:
    """List the items most similar to one or more items.

    Most similar are the items whose vectors have the highest cosine with that of ITEM; several are averaged.
    Where items have display names, ITEM may be a name, and the names are listed too.
    Put -- before items that start with a dash.
    """
    check_arguments(items, batch_path)
    check_delimiter(delimiter, batch_path)
    if batch_path is not None and (without or weights or pattern is not None):
        raise click.UsageError("--without, --weight and --filter are not for --batch.", click.get_current_context())
    model = open_model(model_path)
    facts = model.open_index().facts if approximate else None
    if batch_path is not None:

        def prepare(line: list[str]) -> list[str]:
            for item in line:
                model.index(item)  # raises if it is not there
            return line

        def answer(lines: list[list[str]]) -> list[dict[str, Any]]:
            found = model.similar_many(lines, topk, approximate=approximate)
            return [
                {"items": line, "similar": scored(model, one, "cosine")} for line, one in zip(lines, found, strict=True)
            ]

        answer_batch(batch_path, delimiter, prepare, answer)
        if facts is not None:
            click.echo(facts.in_words(), err=True)
        return
    neighbours = model.similar(
        items, topk, without=without, weights=weights or None, filter=pattern, approximate=approximate
    )
    if as_json:
        away = {"without": list(without)} if without else {}
        found = {} if facts is None else {"approximate": facts.as_json()}
        print_json({"items": list(items), **away, **found, "similar": scored(model, neighbours, "cosine")})
        return
    print_scores(model, neighbours)
    if pattern is not None and not neighbours:
        click.echo(f"Note: no item, or display name, has {pattern!r} in it.", err=True)
    if facts is not None:
        click.echo(facts.in_words(), err=True)
