"""Configuration files: options of training and reading as TOML, laid over presets; read and written here."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from item2vec.config.presets import AUTO, preset, preset_scoring
from item2vec.config.scoring import Scoring
from item2vec.config.source import Dedupe, Format, Nulls, Quote, SourceConfig
from item2vec.config.train import Arch, Backend, Context, Device, Loss, TrainConfig, WindowMode
from item2vec.config.tune import By
from item2vec.errors import ConfigError
from item2vec.files.atomic import atomic_path
from item2vec.files.encoding import Errors

# Configuration files: options of training and reading as TOML, as ``item2vec tune`` writes them.


class TrainOptions(TypedDict, total=False):
    """The fields of `TrainConfig` and `SourceConfig`, and what lays further ones under them."""

    config: str | Path | None
    preset: str | None

    arch: Arch
    loss: Loss
    dim: int
    window: int
    window_mode: WindowMode
    context: Context
    negative: int
    sample: float
    ns_exponent: float
    epochs: int
    lr: float
    min_lr: float
    min_count: int
    max_items: int | None
    threads: int
    seed: int
    device: Device
    backend: Backend
    tile: tuple[int, int] | None
    init: str | None
    freeze: bool

    format: Format
    delimiter: str | None
    quote: Quote
    encoding: str
    errors: Errors
    user: str | None
    item: str | None
    item_delimiter: str | None
    time: str | None
    session_gap: str | float | None
    where: str | None
    dedupe: Dedupe
    weight: str | None
    sql: str | None
    nulls: Nulls
    names: str | None
    name_column: str | None
    memory: str | int | None
    cache: bool


class TuneOptions(TrainOptions, total=False):
    """The fields of `TuneConfig`, and those of a training, which stay as they are given."""

    budget: str | float | None
    trials: int | None
    metric: str
    by: By
    holdout: float
    validate: str | Path | None
    validate_targets: str | Path | None
    id_column: bool
    dims: tuple[int, ...]
    max_tokens: int
    keep_seen: bool
    study: str | Path | None


_GENSIM = {  # its names for what has another one here
    "vector_size": "dim",
    "size": "dim",
    "alpha": "lr",
    "min_alpha": "min_lr",
    "workers": "threads",
    "iter": "epochs",
    "max_final_vocab": "max_items",
    "corpus_file": "sources, the first argument",
    "sentences": "sources, the first argument",
    "sg": "arch, 'skipgram' or 'cbow'",
    "hs": "loss, 'ns' or 'hs'",
    "shrink_windows": "window_mode, 'shrink' or 'fixed'",
}
SCORE = "score"  # a table of how models are to be asked, which training leaves alone


def read_config(path: str | Path) -> dict[str, Any]:
    """Read the options of a file, by the names of `TrainConfig` and `SourceConfig`; ``preset`` may be among them.

    Hyphens may stand for underscores. A table ``[score]`` is for `read_scoring` and left out.

    Raises
    ------
    ConfigError
        If the file cannot be read, is no TOML, or has a key that is no option or a value of another type.
    """
    found = _parsed(path)
    types = _types()
    options: dict[str, Any] = {}
    for key, value in found.items():
        name = key.replace("-", "_")
        if name == SCORE and isinstance(value, dict):
            continue
        if name not in types:
            raise ConfigError(f"config {path} has {key!r}, which is not an option; {_closest(name, types)}")
        if not _fits(value, types[name]):
            raise ConfigError(f"config {path} has {key} = {json.dumps(value, default=str)}; {_wanted(types[name])}")
        options[name] = tuple(value) if isinstance(value, list) else value
    return options


def read_scoring(path: str | Path) -> Scoring | None:
    """Read the table ``[score]`` of a file, the scoring of its models; None if it has no such table.

    Raises
    ------
    ConfigError
        If the file cannot be read or is no TOML, or the table has what cannot be.
    """
    found = _parsed(path).get(SCORE)
    if not isinstance(found, dict):
        return None
    try:
        return Scoring.of(found)
    except ConfigError as error:
        raise ConfigError(f"config {path}, [score]: {error}") from None


def scoring_of_layers(options: Mapping[str, Any]) -> Scoring | None:
    """How models of a ``config`` file or a ``preset`` among the options are to be asked; None if they do not say.

    Raises
    ------
    ConfigError
        If the file or the preset cannot be.
    """
    path, named = options.get("config"), options.get("preset")
    if path is not None:
        if (scoring := read_scoring(path)) is not None:
            return scoring
        named = named or read_config(path).get("preset")
    return None if named is None else preset_scoring(named)


def with_layers(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options with those of their ``config`` file laid under them, and those of a ``preset`` under both.

    Raises
    ------
    ConfigError
        If the file or the preset cannot be.
    """
    given = dict(options)
    path = given.pop("config", None)
    filed = {} if path is None else read_config(path)
    named = given.pop("preset", None) or filed.pop("preset", None)
    filed.pop("preset", None)
    return {**({} if named is None else preset(named)), **filed, **given}


def takes_suitable(options: Mapping[str, Any]) -> bool:
    """Whether the preset is left to the corpus: none is named, and no file of options lies under them.

    Raises
    ------
    ConfigError
        If the file cannot be.
    """
    path, named = options.get("config"), options.get("preset")
    if named is None and path is not None:
        named = read_config(path).get("preset", "words")
    return named in (None, AUTO)


def split_options(options: Mapping[str, Any]) -> tuple[SourceConfig, TrainConfig]:
    """Sort keyword options: how to read, and how to train.

    Raises
    ------
    ConfigError
        If a name belongs to neither, or a value cannot work.
    """
    reading, training = set(SourceConfig.fields()), set(TrainConfig.__dataclass_fields__)
    for name in options:
        if name not in reading | training:
            raise ConfigError(f"unknown option {name!r}; {_closest(name, _types())}")
    source = SourceConfig(**{name: value for name, value in options.items() if name in reading})
    return source, TrainConfig(**{name: value for name, value in options.items() if name in training})


_LONGEST = 1 << 20  # characters


def _parsed(path: str | Path) -> dict[str, Any]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            text = file.read(_LONGEST + 1)
        if len(text) > _LONGEST:
            raise ConfigError(f"config {path} has over {_LONGEST:,} characters; options take a few lines")
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read config {path}: {(error.strerror or str(error)).lower()}") from None
    except RecursionError:
        raise ConfigError(f"config {path} cannot be read: its values are nested too deep") from None
    except ValueError as error:  # no TOML, not UTF-8, a number of thousands of digits
        raise ConfigError(f"config {path} is not valid TOML: {error}") from None


def _types() -> dict[str, Any]:
    """Return the type of each option."""
    types: dict[str, Any] = {"preset": str}
    for cls in (TrainConfig, SourceConfig):
        hints = get_type_hints(cls)
        types |= {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    return types


def _closest(name: str, types: Mapping[str, Any]) -> str:
    if name in _GENSIM:
        return f"here it is {_GENSIM[name]}"
    close = get_close_matches(name, types, n=1)
    return f"did you mean {close[0]!r}?" if close else f"the options are {', '.join(sorted(types))}"


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of TOML can be one of a type; ranges are checked where the options are used."""
    choices = get_args(hint)
    if get_origin(hint) is Literal:
        return value in choices
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(map(_fits, value, choices)) and len(value) == len(choices)
    if choices:  # a union
        return any(_fits(value, choice) for choice in choices if choice is not NoneType)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint


def _wanted(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return f"it must be one of {', '.join(get_args(hint))}"
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    wanted = [names.get(choice, "two whole numbers") for choice in get_args(hint) or (hint,) if choice is not NoneType]
    return f"it must be {' or '.join(dict.fromkeys(wanted))}"


# The file that ``item2vec tune`` writes and ``item2vec train --config`` reads.

_OF_THE_MACHINE = ("threads", "device", "backend")


def write_best(
    path: str | Path, config: TrainConfig, source: SourceConfig, scoring: Scoring, comments: tuple[str, ...]
) -> None:
    """Write options as TOML, and how to score under ``[score]``; the file appears whole or not at all.

    Parameters
    ----------
    path : str or Path
    config : TrainConfig
        What differs from the defaults is written, and what names the machine is not.
    source : SourceConfig
        How the corpus was read; what differs from the defaults is written.
    scoring : Scoring
    comments : tuple of str
        Lines to begin with.

    Raises
    ------
    ModelError
        If the file cannot be written.
    """
    import tomli_w

    document: dict[str, Any] = {**source.set_options(), **_set_options(config), "score": dataclasses.asdict(scoring)}
    text = "".join(f"# {' '.join(line.splitlines())}\n" for line in comments) + tomli_w.dumps(document)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _set_options(config: TrainConfig) -> dict[str, Any]:
    """Return the options that differ from the defaults."""
    standard = TrainConfig().as_dict()
    return {
        name: value
        for name, value in config.as_dict().items()
        if value is not None and value != standard[name] and name not in _OF_THE_MACHINE
    }
