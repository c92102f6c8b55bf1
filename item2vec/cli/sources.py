"""The options that say how sources are read, and the layers of options under the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from item2vec.config.layers import read_config, read_scoring
from item2vec.config.presets import PRESETS, preset, preset_scoring
from item2vec.config.scoring import Scoring
from item2vec.config.source import DEDUPES, ERRORS, FORMATS, NULLS, SourceConfig
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.evaluation.split import Events


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


_OPTIONS = (
    _option("--format", "How to read SOURCE; auto: by its ending.", type=click.Choice(FORMATS)),
    _option(
        "--delimiter", "What separates items, or columns of a CSV.  [default: white space; as seen]", metavar="TEXT"
    ),
    _option("--encoding", "How text, CSV or JSON lines are encoded.", metavar="NAME"),
    _option("--errors", "Bytes that are no text are an error, or U+FFFD and counted.", type=click.Choice(ERRORS)),
    _option("--user", "Tables: whose events are one sequence.", metavar="COLUMN"),
    _option("--item", "Tables: the item, or a list of items.", metavar="COLUMN"),
    _option("--time", "Tables: order by this; dates, or seconds or milliseconds since 1970.", metavar="COLUMN"),
    _option(
        "--session-gap",
        "Tables: a sequence ends where nothing comes for so long: 30m, 2h, 1d; a bare number is seconds.",
        metavar="TIME",
    ),
    _option("--where", "Tables: only rows of which this SQL condition holds.", metavar="SQL"),
    _option("--dedupe", "Tables: count an item once in a row, or once a sequence.", type=click.Choice(DEDUPES)),
    _option("--weight", "Tables: an event of weight n counts n times.", metavar="COLUMN"),
    _option("--sql", "A DuckDB query for the table; SOURCE may be a DuckDB file, or left out.", metavar="QUERY"),
    _option("--nulls", "Tables: what to do with events without user, item or time.", type=click.Choice(NULLS)),
    _option("--names", "Display names: a table, or lines of ITEM TAB NAME.", metavar="FILE"),
    _option("--name-column", "Display names stand in this column.", metavar="COLUMN"),
    _option(
        "--memory",
        "Tokens above this, 2GB say, lie in a file; tables are sorted on disk.  [default: 1/32 of all; 80%]",
        metavar="SIZE",
    ),
    _option("--no-cache", "Encode the sources again, and keep no file of them.", field="cache", flag_value=False),
)


_OF_EVENTS = ("format", "user", "item", "time", "where")


def source_options(command: Command) -> Command:
    """Give a command the options of `SourceConfig`; they come in its keyword arguments."""
    for _, option in reversed(_OPTIONS):
        command = option(command)
    return command


def event_options(command: Command) -> Command:
    """Give a command the options that say what the events of a table are, and which count."""
    for field, option in reversed(_OPTIONS):
        command = option(command) if field in _OF_EVENTS else command
    return command


def take_event_config(options: dict[str, Any]) -> SourceConfig:
    """Take the options of `event_options` out of a command's keyword arguments."""
    return SourceConfig(**{name: options.pop(name) for name in _OF_EVENTS})


def refuse_for_text(source: str, config: SourceConfig) -> None:
    """Refuse what only event tables have, for a source that is text.

    Raises
    ------
    ConfigError
        If an option of tables is given.
    """
    from item2vec.corpus.tables.table_files import ENDINGS

    if any(getattr(config, name) for name in _OF_EVENTS if name != "format"):
        raise ConfigError(
            f"{source} is read as text, where --user, --item, --time and --where mean nothing; a table ends in "
            f"{', '.join(ENDINGS)}, perhaps compressed"
        )


@contextmanager
def open_events(paths: list[Path], config: SourceConfig) -> Iterator[Events]:
    """The events of tables, for as long as the context is open; says what was left out."""
    from item2vec.corpus.tables.database import Database
    from item2vec.evaluation.split import Events

    with Database(os.cpu_count() or 1, None) as database:
        events = Events(database, paths, config)
        for note in events.notes:
            click.echo(f"Note: {note}.", err=True)
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


def _read_config(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not ctx.resilient_parsing:
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
        ctx.meta[_SCORING[0]] = preset_scoring(value)
        _lay(ctx, _NAMES[0], preset(value))
    return value


def layered_scoring(ctx: click.Context) -> Scoring | None:
    """How the model is to be asked, as the config file says, else the preset; None if neither does."""
    return ctx.meta.get(_SCORING[1]) or ctx.meta.get(_SCORING[0])


def _lay(ctx: click.Context, name: str, options: dict[str, Any]) -> None:
    """Add a layer; click takes from the default map what the command line does not have."""
    ctx.meta[name] = options
    layers = [ctx.meta.get(name, {}) for name in _NAMES]
    ctx.default_map = {key: _as_text(key, value) for layer in layers for key, value in layer.items()}


def _as_text(name: str, value: Any) -> Any:
    """A value as its option on the command line has it."""
    return ",".join(map(str, value)) if name == "tile" else value


config_option = click.option(
    "--config",
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=_read_config,
    help="Options in TOML, as `item2vec tune` writes them; the command line overrides them.",
)
preset_option = click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    is_eager=True,
    expose_value=False,
    callback=_read_preset,
    help="Begin from options that did well on such data; --config and the command line override them.",
)
