"""Options and arguments that several commands share, and what stands behind them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from item2vec.config import TrainConfig
from item2vec.errors import Item2VecError, ModelError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from item2vec.vectors.keyed_vectors import KeyedVectors

DEFAULT_MODEL = "./item2vec.safetensors"
_COMPLETIONS = 50  # items offered to the shell


def complete_items(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The commonest items of the model that start so, for the shell; none if there is no model."""
    from click.shell_completion import CompletionItem

    try:
        vocabulary = open_model(ctx.params.get("model_path") or DEFAULT_MODEL).vocabulary
    except Item2VecError:
        return []
    return [CompletionItem(item) for item in islice(vocabulary.starting(incomplete), _COMPLETIONS)]


model_option = click.option(
    "-m",
    "--model",
    "model_path",
    metavar="FILE",
    type=click.Path(readable=False),
    default=DEFAULT_MODEL,
    show_default=True,
    envvar="ITEM2VEC_MODEL",
    show_envvar=True,
    help="The model file.",
)
topk_option = click.option(
    "-k",
    "--topk",
    metavar="N",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many to list.",
)
item_argument = click.argument("items", metavar="ITEM...", nargs=-1, shell_complete=complete_items)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def training_option(name: str, help: str, **settings: Any) -> Any:
    """Make an option for a field of TrainConfig, with the default that stands there."""
    field = name.lstrip("-").replace("-", "_")
    return click.option(name, field, default=getattr(TrainConfig, field), help=help, show_default=True, **settings)


def format_table(names: Iterable[str]) -> str:
    """Formats of vectors, a line each, for a command's help."""
    from item2vec.vectors.formats import FORMATS

    return "\n".join(f"  {name:<15}  {FORMATS[name].about} ({', '.join(FORMATS[name].endings)})" for name in names)


def open_model(path: str) -> KeyedVectors:
    """Open a model for a query.

    Raises
    ------
    ModelError
        If it is missing, with what to do about it, or damaged.
    """
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(
            f"there is no model at {path}; make one with `item2vec train CORPUS`, or name one with "
            "-m/--model FILE or ITEM2VEC_MODEL"
        ) from None
    # A query's products are bound by memory, not arithmetic: OpenBLAS's threads would only cost time to
    # start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from item2vec.vectors.model_file import load_model

    return load_model(path)
