"""``item2vec recommend``: from a history to what comes next."""

from __future__ import annotations

from typing import Any

import click

from item2vec.cli.batch import answer_batch, batch_option, check_arguments, check_delimiter, delimiter_option
from item2vec.cli.options import item_argument, json_option, model_option, open_model, topk_option
from item2vec.cli.output import print_json, print_scores, scored
from item2vec.cli.scoring_options import scoring_options
from item2vec.vectors.queries import known, recommend_many


@click.command(
    epilog="""\b
Examples:
  item2vec recommend milk bread
  item2vec recommend milk bread --pool decay --popularity 0.3
  item2vec recommend --batch histories.txt -k 20 > recommendations.jsonl
"""
)
@item_argument
@model_option
@topk_option
@scoring_options
@click.option("--include-seen", is_flag=True, help="Items of the history may be recommended too.")
@batch_option
@delimiter_option
@json_option
def recommend(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    include_seen: bool,
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """List what most likely comes next after a history of items.

    ITEM... is the history, the oldest first. Scores are inner products of the history's pooled input vectors
    with output vectors; they order the items, and mean nothing beyond that. With --softmax they are probabilities.
    A model of a preset, or of a file that `item2vec tune` wrote, knows how it is best asked; see `item2vec info`.
    """
    check_arguments(items, batch_path)
    check_delimiter(delimiter, batch_path)
    model = open_model(model_path)
    scoring = model.recommending.with_given(**given)

    def answer(histories: list[tuple[list[str], Any, list[str]]]) -> list[dict[str, Any]]:
        found = recommend_many(model, [ids for _, ids, _ in histories], topk, scoring, include_seen=include_seen)
        return [
            {"items": line, **({"unknown": unknown} if unknown else {}), "recommended": scored(model, one, "score")}
            for (line, _, unknown), one in zip(histories, found, strict=True)
        ]

    def prepare(line: list[str]) -> tuple[list[str], Any, list[str]]:
        return line, *known(model, line)

    if batch_path is not None:
        answer([])  # an option that cannot work is no matter of one line
        answer_batch(batch_path, delimiter, prepare, answer)
        return
    history = prepare(list(items))
    document = answer([history])[0]
    if history[2]:
        click.echo(f"Warning: not in the vocabulary and left out: {', '.join(map(repr, history[2]))}", err=True)
    if as_json:
        print_json(document)
    else:
        print_scores(
            model,
            [(entry["item"], entry["score"]) for entry in document["recommended"]],
            probabilities=scoring.softmax > 0,
        )
