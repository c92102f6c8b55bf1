"""Presets: options that did well on several data sets of one kind. Without one, training is word2vec's.

The figures behind them, and the data sets that they were chosen and checked on, are in ``benchmarks/LOG.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from item2vec.config.scoring import Scoring
from item2vec.errors import ConfigError

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "words": {},
        "baskets": {
            "window_mode": "basket",
            "window": 10,
            "negative": 20,
            "sample": 0.0,
            "ns_exponent": 0.25,
            "epochs": 30,
        },
        "sessions": {
            "window": 5,
            "negative": 20,
            "sample": 0.0,
            "ns_exponent": 0.25,
            "epochs": 30,
        },
    }
)
"""words: text. baskets: orders, playlists, users' items, where order means nothing. sessions: clicks, where it does."""

PRESET_FIELDS = frozenset(name for options in PRESETS.values() for name in options)
AUTO = "auto"  # the preset that suits the corpus, which is seen once it has been read

SCORES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"words": {}, "baskets": {"reverse": 0.5}, "sessions": {"pool": "decay", "decay": 0.3, "reverse": 0.5}}
)
"""What a model of each is best asked with, by the names of `item2vec.config.scoring.Scoring`."""


def preset(name: str) -> dict[str, Any]:
    """Return the options of a preset, by the names of `TrainConfig`; none for ``auto``.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    if name == AUTO:
        return {}
    if name not in PRESETS:
        raise ConfigError(f"`preset` is {name!r}; it must be one of {', '.join((AUTO, *PRESETS))}")
    return dict(PRESETS[name])


def preset_scoring(name: str) -> Scoring | None:
    """How a model of a preset is best asked; None for ``words``, which changes nothing, and ``auto``.

    Raises
    ------
    ConfigError
        If there is no such preset.
    """
    preset(name)
    return Scoring(**SCORES[name]) if SCORES.get(name) else None
