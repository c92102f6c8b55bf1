"""``item2vec analogy``: what is to C as B is to A."""

from __future__ import annotations

from typing import Any

import click

from item2vec.cli.batch import answer_batch, batch_option, check_arguments, check_delimiter, delimiter_option
from item2vec.cli.options import complete_items, json_option, model_option, open_model, topk_option
from item2vec.cli.output import print_json, print_scores, scored
from item2vec.errors import ConfigError
from item2vec.vectors.queries import analogy_many


@click.command(
    epilog="""\b
Examples:
  item2vec analogy man king woman
  item2vec analogy paris france rome -k 3 --json
  item2vec analogy --batch questions.txt > answers.jsonl
"""
)
@click.argument("items", metavar="A B C", nargs=-1, shell_complete=complete_items)
@model_option
@topk_option
@batch_option
@delimiter_option
@json_option
def analogy(
    items: tuple[str, ...], model_path: str, topk: int, batch_path: str | None, delimiter: str | None, as_json: bool
) -> None:
    """List what is to C as B is to A.

    These are the items nearest to B - A + C, of vectors scaled to length 1; the three are left out.
    """
    check_arguments(items, batch_path, name="A B C")
    check_delimiter(delimiter, batch_path)
    if items and len(items) != 3:
        raise click.UsageError(
            f"An analogy has three items, A B C; {len(items)} were given.", click.get_current_context()
        )
    model = open_model(model_path)

    def prepare(line: list[str]) -> list[str]:
        if len(line) != 3:
            raise ConfigError(f"an analogy has three items, A B C; {len(line)} were given")
        for item in line:
            model.index(item)  # raises if it is not there
        return line

    def answer(lines: list[list[str]]) -> list[dict[str, Any]]:
        found = analogy_many(model, lines, topk)
        return [
            {"items": line, "analogy": scored(model, one, "cosine")} for line, one in zip(lines, found, strict=True)
        ]

    if batch_path is not None:
        answer_batch(batch_path, delimiter, prepare, answer)
    elif as_json:
        print_json(answer([list(items)])[0])
    else:
        print_scores(model, analogy_many(model, [items], topk)[0])
