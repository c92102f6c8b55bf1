"""What editors see of the options is what the configurations have."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, get_type_hints

import item2vec
from item2vec.config.layers import TrainOptions, TuneOptions
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig
from item2vec.config.tune import TuneConfig

LAYERS = {"config", "preset"}


def types_of(*configurations: Any) -> dict[str, Any]:
    """The names and types of the fields."""
    return {
        field.name: get_type_hints(configuration)[field.name]
        for configuration in configurations
        for field in dataclasses.fields(configuration)
    }


def test_keywords_of_train_are_the_fields_of_its_configurations() -> None:
    hints = get_type_hints(TrainOptions)
    assert {name: kind for name, kind in hints.items() if name not in LAYERS} == types_of(TrainConfig, SourceConfig)


def test_keywords_of_tune_are_those_and_its_own() -> None:
    hints = get_type_hints(TuneOptions)
    expected = types_of(TrainConfig, SourceConfig, TuneConfig)
    assert {name: kind for name, kind in hints.items() if name not in LAYERS} == expected


def test_the_signatures_show_them() -> None:
    for function, options in ((item2vec.train, TrainOptions), (item2vec.tune, TuneOptions)):
        assert inspect.signature(function).parameters["options"].annotation == f"Unpack[{options.__name__}]"
