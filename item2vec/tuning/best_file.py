"""The file that ``item2vec tune`` writes and ``item2vec train --config`` reads."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from item2vec.config import TrainConfig
from item2vec.corpus.source_config import SourceConfig
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.scoring import Scoring

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
    """The options that differ from the defaults."""
    standard = TrainConfig().as_dict()
    return {
        name: value
        for name, value in config.as_dict().items()
        if value is not None and value != standard[name] and name not in _OF_THE_MACHINE
    }
