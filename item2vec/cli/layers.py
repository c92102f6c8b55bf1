"""``--config FILE`` and ``--preset NAME``: options laid under those of the command line, the preset lowest."""

from __future__ import annotations

from typing import Any

import click

from item2vec.config_file import read_config, read_scoring
from item2vec.presets import PRESETS, preset, preset_scoring
from item2vec.vectors.scoring import Scoring

_NAMES = ("item2vec.preset", "item2vec.config")  # where a context keeps what was read, the lowest layer first
_SCORING = ("item2vec.preset.scoring", "item2vec.config.scoring")


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
