"""``item2vec similarity``: how similar two items are."""

from __future__ import annotations

from typing import Any

import click

from item2vec.cli.batch import answer_batch, batch_option, check_arguments, check_delimiter, delimiter_option
from item2vec.cli.options import complete_items, json_option, model_option, open_model
from item2vec.cli.output import print_answer, print_json
from item2vec.errors import ConfigError


@click.command(
    epilog="""\b
Examples:
  item2vec similarity milk butter
  item2vec similarity milk butter --json
  item2vec similarity --batch pairs.txt > cosines.jsonl
"""
)
@click.argument("items", metavar="A B", nargs=-1, shell_complete=complete_items)
@model_option
@batch_option
@delimiter_option
@json_option
def similarity(
    items: tuple[str, ...], model_path: str, batch_path: str | None, delimiter: str | None, as_json: bool
) -> None:
    """Print the cosine of two items' vectors, from -1 to 1."""
    check_arguments(items, batch_path, name="A B")
    check_delimiter(delimiter, batch_path)
    if items and len(items) != 2:
        raise click.UsageError(f"Two items can be compared; {len(items)} were given.", click.get_current_context())
    model = open_model(model_path)

    def compared(line: list[str]) -> dict[str, Any]:
        if len(line) != 2:
            raise ConfigError(f"two items can be compared; {len(line)} were given")
        return {"items": line, "cosine": model.similarity(*line)}

    if batch_path is not None:
        answer_batch(batch_path, delimiter, compared, lambda documents: documents)
    elif as_json:
        print_json(compared(list(items)))
    else:
        print_answer(f"{round(model.similarity(*items), 3) + 0.0:.3f}")
