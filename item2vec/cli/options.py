"""Options and arguments that several commands share: models, scoring, sources, layers; how their help is laid out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from item2vec.cli.output import remark
from item2vec.config.layers import read_config, read_scoring, takes_suitable
from item2vec.config.presets import AUTO, PRESETS, preset, preset_scoring
from item2vec.config.scoring import POOLS, Scoring
from item2vec.config.source import DEDUPES, ERRORS, FORMATS, NULLS, QUOTES, SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.errors import ConfigError, Item2VecError, ModelError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from item2vec.evaluation.split import Events
    from item2vec.vectors.keyed_vectors import KeyedVectors


DEFAULT_MODEL = "./item2vec.safetensors"
_COMPLETIONS = 50  # items offered to the shell


def complete_items(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the commonest items of the model that start so, for the shell; none if there is no model.

    Not offered are items with characters that are not shown, and those that would be taken for an option.
    """
    from click.shell_completion import CompletionItem

    try:
        vocabulary = open_model(ctx.params.get("model_path") or DEFAULT_MODEL).vocabulary
    except Item2VecError:
        return []
    plain = (item for item in vocabulary.starting(incomplete) if item.isprintable() and not item.startswith("-"))
    return [CompletionItem(item) for item in islice(plain, _COMPLETIONS)]


_PLAIN = "_@%+=:./-"  # what bash reads as it stands, as it does letters and digits
_PATTERN = re.compile(r"[*?\[\\]|[@!+]\(")  # what click's script for bash lets the shell expand


def quote_completions() -> None:
    """Have click quote what it offers for the shell that asks: an item is a word, whatever stands in it.

    Zsh and fish quote what they are offered. Bash does not, and click's script reads ``type,value`` without quoting.
    """
    from click.shell_completion import BashComplete, CompletionItem, FishComplete, add_completion_class

    class Bash(BashComplete):
        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
            found = super().get_completions(args, incomplete)
            # Within quotes that were typed, other quotes would end them.
            typed = re.search(r"(?:^|\s)" + re.escape(incomplete) + r"\Z", os.environ.get("COMP_WORDS", ""))
            words = [(item, _bash_word(item.value, quote=typed is not None)) for item in found]
            return [CompletionItem(word, item.type, item.help) for item, word in words if word is not None]

    class Fish(FishComplete):
        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
            return [item for item in super().get_completions(args, incomplete) if "," not in item.value]

    add_completion_class(Bash)
    add_completion_class(Fish)


def _bash_word(word: str, *, quote: bool) -> str | None:
    """Return a word as bash has to be given it; None if it cannot be."""
    if all(letter.isalnum() or letter in _PLAIN for letter in word):
        return word
    if not quote or _PATTERN.search(word):
        return None
    return "'" + word.replace("'", "'\"'\"'") + "'"


def number_list(example: str, empty: Any = None) -> Callable[..., Any]:
    """Make an option's callback that reads whole numbers with commas between them.

    Parameters
    ----------
    example : str
        For the message of what is none: ``10,20,50``.
    empty : object
        What the option is where it is not given.
    """

    def parse(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        if value is None:
            return empty
        parts = [part.strip() for part in value.split(",")]
        if not all(part.isdecimal() for part in parts):
            raise ConfigError(
                f"{param.opts[0]} is {value!r}; it must be whole numbers with commas between them, such as {example}"
            )
        return tuple(map(int, parts))

    return parse


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
    help="How many items to list.",
)
item_argument = click.argument("items", metavar="ITEM...", nargs=-1, shell_complete=complete_items)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")


def training_option(name: str, help: str, **settings: Any) -> Any:
    """Make an option for a field of TrainConfig, with the default that stands there."""
    field = name.lstrip("-").replace("-", "_")
    return click.option(name, field, default=getattr(TrainConfig, field), help=help, show_default=True, **settings)


def format_table(names: Iterable[str]) -> str:
    """List formats of vectors, a line each, for a command's help."""
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
    "Event tables": (
        "quote",
        "user",
        "item",
        "item_delimiter",
        "time",
        "session_gap",
        "where",
        "dedupe",
        "weight",
        "sql",
        "nulls",
    ),
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
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:  # click 8.5 gives arguments a record too, without a text
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
        help="How the history counts. mean: all items alike. last: only the last item. decay: recent items more.  "
        "[default: the model's, or mean]",
    ),
    click.option(
        "--decay",
        metavar="X",
        type=float,
        help="For --pool decay: the weight of an item, relative to the next one.  [default: the model's, or 0.8]",
    ),
    click.option(
        "--popularity",
        metavar="ALPHA",
        type=float,
        help="Favour popular items: add ALPHA times the logarithm of an item's count to its score.  "
        "[default: the model's, or 0]",
    ),
    click.option(
        "--reverse",
        metavar="X",
        type=float,
        help="For data without an order: add X times the score that the history follows the item. Try 0.5.  "
        "[default: the model's, or 0]",
    ),
    click.option(
        "--softmax",
        metavar="X",
        type=float,
        help="Average the probabilities softmax(X * scores) over the history instead of the scores. This finds what "
        "suits one of its items well. Try 1.  "
        "[default: the model's, or 0]",
    ),
)


def scoring_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --pool, --decay, --popularity, --reverse and --softmax."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


# The options that say how sources are read, for every command that reads some.

Command = TypeVar("Command", bound=Callable[..., Any])

SOURCE_EXAMPLES = """\b
  item2vec COMMAND plays.parquet --user listener --item track --time started --session-gap 30m
  item2vec COMMAND 'orders-*.csv.gz' --user invoice --item sku --name-column title --where "quantity > 0"
  item2vec COMMAND --sql "SELECT * FROM 'plays/*.parquet' WHERE NOT skipped" --user listener --item track
"""


def _option(name: str, help: str, *, field: str | None = None, **settings: Any) -> tuple[str, Any]:
    """Make an option for a field of SourceConfig, with the default that stands there, beside the field's name."""
    field = field or name.lstrip("-").replace("-", "_")
    default = getattr(SourceConfig, field)
    shown = isinstance(default, str)
    return field, click.option(name, field, default=default, help=help, show_default=shown, **settings)


_SOURCE_OPTIONS = (
    _option("--format", "The format of SOURCE. auto: by the file's ending.", type=click.Choice(FORMATS)),
    _option(
        "--delimiter",
        "The separator between items of a text, or columns of a CSV.  [default: white space; CSV: detected]",
        metavar="TEXT",
    ),
    _option(
        "--quote",
        "What stands around values in CSV and TSV. auto: double quotes, in a TSV only where they all work out.",
        type=click.Choice(QUOTES),
    ),
    _option("--encoding", "The encoding of text, CSV and JSON lines.", metavar="NAME"),
    _option(
        "--errors",
        "What to do with bytes that cannot be decoded. strict: stop with an error. replace: replace and count them.",
        type=click.Choice(ERRORS),
    ),
    _option("--user", "The column with the user. All events of one user are one sequence.", metavar="COLUMN"),
    _option("--item", "The column with the item, or with a list of items.", metavar="COLUMN"),
    _option("--item-delimiter", "What separates the items in a cell of that column, such as '|'.", metavar="TEXT"),
    _option("--time", "The column to order events by: dates, or seconds or milliseconds since 1970.", metavar="COLUMN"),
    _option(
        "--session-gap",
        "Begin a new sequence after a pause of this length: 30m, 2h, 1d. A plain number means seconds.",
        metavar="TIME",
    ),
    _option("--where", "Read only the rows that meet this SQL condition.", metavar="SQL"),
    _option(
        "--dedupe",
        "Drop repeated items. consecutive: those in a row. basket: those in the same sequence.",
        type=click.Choice(DEDUPES),
    ),
    _option("--weight", "The column with each event's weight. An event of weight n counts n times.", metavar="COLUMN"),
    _option(
        "--sql", "Read the table from this DuckDB query. SOURCE may be a DuckDB file, or left out.", metavar="QUERY"
    ),
    _option("--nulls", "What to do with events that lack a user, item or time.", type=click.Choice(NULLS)),
    _option("--names", "A file of display names: a table, or lines of item, tab, name.", metavar="FILE"),
    _option("--name-column", "The column with the display names.", metavar="COLUMN"),
    _option(
        "--memory",
        "How much memory reading may take, such as 2GB. A larger corpus is kept on disk; larger tables are sorted "
        "there.  [default: text: 1/32 of all; tables: 80%]",
        metavar="SIZE",
    ),
    _option("--no-cache", "Read the sources again, and keep no encoded copy of them.", field="cache", flag_value=False),
)


_OF_EVENTS = ("format", "quote", "user", "item", "item_delimiter", "time", "where")


def source_options(command: Command) -> Command:
    """Give a command the options of `SourceConfig`; they come in its keyword arguments."""
    for _, option in reversed(_SOURCE_OPTIONS):
        command = option(command)
    return command


def event_options(command: Command) -> Command:
    """Give a command the options that say what the events of a table are, and which count."""
    for field, option in reversed(_SOURCE_OPTIONS):
        command = option(command) if field in _OF_EVENTS else command
    return command


def take_event_config(options: dict[str, Any]) -> SourceConfig:
    """Take the options of `event_options` out of a command's keyword arguments."""
    return SourceConfig(**{name: options.pop(name) for name in _OF_EVENTS})


def refuse_for_text(source: str, config: SourceConfig) -> None:
    """Refuse options of event tables for a source that is text.

    Raises
    ------
    ConfigError
        If an option of tables is given.
    """
    from item2vec.corpus.tables.table_files import ENDINGS

    if any(name in config.set_options() for name in _OF_EVENTS if name != "format"):
        raise ConfigError(
            f"{source} is read as text, which has no use for --user, --item, --time and --where; a table ends in "
            f"{', '.join(ENDINGS)}, perhaps compressed"
        )


@contextmanager
def open_events(paths: list[Path], config: SourceConfig) -> Iterator[Events]:
    """Open the events of tables for as long as the context is open, and say what was left out."""
    from item2vec.corpus.tables.database import Database
    from item2vec.evaluation.split import Events
    from item2vec.files.machine import cores
    from item2vec.files.source import look

    sources = [look(path) for path in paths]
    with Database(cores(), None) as database:
        events = Events(database, sources, config)
        for note in events.notes:
            remark("Note", note)
        yield events


def take_source_config(options: dict[str, Any], sources: Sequence[str]) -> SourceConfig:
    """Take the options of `source_options` out of a command's keyword arguments.

    Raises
    ------
    ConfigError
        If one cannot work.
    click.UsageError
        If there is neither a source nor a query.
    """
    config = SourceConfig(**{name: options.pop(name) for name in SourceConfig.fields()})
    if not sources and config.sql is None:
        raise click.UsageError("Missing argument 'SOURCE...'.", click.get_current_context())
    return config


# ``--config FILE`` and ``--preset NAME``: options laid under those of the command line, the preset lowest.

_NAMES = ("item2vec.preset", "item2vec.config.train")  # where a context keeps what was read, the lowest layer first
_SCORING = ("item2vec.preset.scoring", "item2vec.config.train.scoring")
_NAMED = "item2vec.named"  # the file and the preset that were named


def _read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not ctx.resilient_parsing:
        ctx.meta.setdefault(_NAMED, {})["config"] = value
        options = read_config(value)
        ctx.meta[_SCORING[1]] = read_scoring(value)
        named = options.pop("preset", None)
        if named is not None:
            ctx.meta.setdefault(_NAMES[0], preset(named))
            ctx.meta.setdefault(_SCORING[0], preset_scoring(named))
        _lay(ctx, _NAMES[1], options)
    return value


def _read_preset(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        ctx.meta.setdefault(_NAMED, {})["preset"] = value
        ctx.meta[_SCORING[0]] = preset_scoring(value)
        _lay(ctx, _NAMES[0], preset(value))
    return value


def layered_scoring(ctx: click.Context) -> Scoring | None:
    """How the model is to be asked, as the config file says, else the preset; None if neither does."""
    return ctx.meta.get(_SCORING[1]) or ctx.meta.get(_SCORING[0])


def preset_is_open(ctx: click.Context) -> bool:
    """Whether the preset is to be the one that suits the corpus."""
    return takes_suitable(ctx.meta.get(_NAMED, {}))


def _lay(ctx: click.Context, name: str, options: dict[str, Any]) -> None:
    """Add a layer; click takes from the default map what the command line does not have."""
    ctx.meta[name] = options
    layers = [ctx.meta.get(name, {}) for name in _NAMES]
    ctx.default_map = {key: _as_text(key, value) for layer in layers for key, value in layer.items()}


def _as_text(name: str, value: Any) -> Any:
    """Return a value as its option on the command line has it."""
    return ",".join(map(str, value)) if name == "tile" else value


config_option = click.option(
    "--config",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="Read options from a TOML file, such as `item2vec tune` writes. The command line overrides it.",
)
preset_option = click.option(
    "--preset",
    type=click.Choice([AUTO, *PRESETS]),
    is_eager=True,
    expose_value=False,
    callback=_read_preset,
    help="Start from options that did well on this kind of data. --config and the command line override them.",
)
