"""Options and arguments that several commands share, and how their help is laid out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from item2vec.config.scoring import POOLS
from item2vec.config.train import TrainConfig
from item2vec.errors import Item2VecError, ModelError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from item2vec.vectors.keyed_vectors import KeyedVectors


# Options and arguments that several commands share, and what stands behind them.

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
    from item2vec.vectors.formats.registry import FORMATS

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
    from item2vec.vectors.keyed_vectors import load_model

    return load_model(path)


# Help of commands with many options: those that belong together stand under a title of their own.

READING = {
    "Reading": ("format", "delimiter", "encoding", "errors", "names", "name_column", "memory", "cache"),
    "Event tables": ("user", "item", "time", "session_gap", "where", "dedupe", "weight", "sql", "nulls"),
}
TRAINING = {"Training": tuple(name for name in TrainConfig.__dataclass_fields__ if name not in ("init", "freeze"))}


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections, the general ones first.

    Parameters
    ----------
    sections : mapping of str to tuple of str
        Titles, and the names of the parameters under each; what is in none of them is general.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, tuple[str, ...]], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        places = {name: title for title, names in self.sections.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *self.sections)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                rows[places.get(parameter.name or "", "Options")].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


# The options of how a model is asked for what comes next; what is not given is as the model itself says.

_OPTIONS = (
    click.option(
        "--pool",
        type=click.Choice(POOLS),
        help="What of the history counts: all alike, the last item alone, or recent ones more.  "
        "[default: the model's, or mean]",
    ),
    click.option(
        "--decay",
        metavar="X",
        type=float,
        help="With --pool decay: weight of an item over that of the next one.  [default: the model's, or 0.8]",
    ),
    click.option(
        "--popularity",
        metavar="ALPHA",
        type=float,
        help="Add ALPHA times the logarithm of an item's count to its score.  [default: the model's, or 0]",
    ),
    click.option(
        "--reverse",
        metavar="X",
        type=float,
        help="Where order means nothing: add X times the score of the history after the item; try 0.5.  "
        "[default: the model's, or 0]",
    ),
    click.option(
        "--softmax",
        metavar="X",
        type=float,
        help="Average not scores but probabilities, softmax of X times them: what suits some item is found; try 1.  "
        "[default: the model's, or 0]",
    ),
)


def scoring_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --pool, --decay, --popularity, --reverse and --softmax."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
