"""``item2vec recommend``: from a history to what comes next."""

from __future__ import annotations

from typing import Any

import click

from item2vec.cli.batch import answer_batch, batch_option, check_arguments, check_delimiter, delimiter_option
from item2vec.cli.options import item_argument, json_option, model_option, open_model, topk_option
from item2vec.cli.output import print_json, print_scores, scored
from item2vec.vectors.pooling import DECAY, POOLS, Pool
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
@click.option(
    "--pool",
    type=click.Choice(POOLS),
    default="mean",
    show_default=True,
    help="What of the history counts: all alike, the last item alone, or recent ones more.",
)
@click.option(
    "--decay",
    metavar="X",
    type=float,
    default=DECAY,
    show_default=True,
    help="With --pool decay: weight of an item over that of the next one.",
)
@click.option(
    "--popularity",
    metavar="ALPHA",
    type=float,
    default=0.0,
    show_default=True,
    help="Add ALPHA times the logarithm of an item's count to its score.",
)
@click.option(
    "--reverse",
    metavar="X",
    type=float,
    default=0.0,
    show_default=True,
    help="Where order means nothing: add X times the score of the history after the item; try 0.5.",
)
@click.option(
    "--softmax",
    metavar="X",
    type=float,
    default=0.0,
    show_default=True,
    help="Average not scores but probabilities, softmax of X times them: what suits some item is found; try 1.",
)
@click.option("--include-seen", is_flag=True, help="Items of the history may be recommended too.")
@batch_option
@delimiter_option
@json_option
def recommend(
    items: tuple[str, ...],
    model_path: str,
    topk: int,
    pool: Pool,
    decay: float,
    popularity: float,
    reverse: float,
    softmax: float,
    include_seen: bool,
    batch_path: str | None,
    delimiter: str | None,
    as_json: bool,
) -> None:
    """List what most likely comes next after a history of items.

    ITEM... is the history, the oldest first. Scores are inner products of the history's pooled input vectors
    with output vectors; they order the items, and mean nothing beyond that. With --softmax they are probabilities.
    """
    check_arguments(items, batch_path)
    check_delimiter(delimiter, batch_path)
    model = open_model(model_path)

    def answer(histories: list[tuple[list[str], Any, list[str]]]) -> list[dict[str, Any]]:
        found = recommend_many(
            model,
            [ids for _, ids, _ in histories],
            topk,
            pool=pool,
            decay=decay,
            popularity=popularity,
            reverse=reverse,
            softmax=softmax,
            include_seen=include_seen,
        )
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
            model, [(entry["item"], entry["score"]) for entry in document["recommended"]], probabilities=softmax > 0
        )
