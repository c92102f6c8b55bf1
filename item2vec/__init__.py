"""item2vec: vectors for items from sequences of items.

>>> import item2vec
>>> model = item2vec.train("corpus.txt", dim=100)  # doctest: +SKIP
>>> model.similar("milk", k=10)  # doctest: +SKIP

Every name here is imported when it is first used, so that a query pays for numpy but not for torch or numba.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from item2vec.config.layers import TrainOptions, TuneOptions
    from item2vec.config.scoring import Scoring
    from item2vec.config.source import SourceConfig
    from item2vec.config.train import TrainConfig
    from item2vec.config.tune import TuneConfig
    from item2vec.config.validation import ValidationConfig
    from item2vec.errors import (
        AmbiguousNameError,
        ConfigError,
        CorpusError,
        DivergenceError,
        Item2VecError,
        ModelError,
        TrainingError,
        UnknownItemError,
    )
    from item2vec.evaluation.metrics import Estimate
    from item2vec.items.names import Names
    from item2vec.items.vocabulary import Vocabulary
    from item2vec.plot.draw import draw_map
    from item2vec.plot.map import MapData
    from item2vec.session.train import train
    from item2vec.training.progress import Epoch, Progress
    from item2vec.tuning.study import Record, TuneResult, Watcher
    from item2vec.tuning.tune import tune
    from item2vec.vectors.approximate import ApproximateIndex, IndexFacts
    from item2vec.vectors.formats.registry import export_vectors, read_vectors
    from item2vec.vectors.keyed_vectors import KeyedVectors
    from item2vec.vectors.keyed_vectors import load_model as load

    __version__: str

__all__ = [
    "AmbiguousNameError",
    "ApproximateIndex",
    "ConfigError",
    "CorpusError",
    "DivergenceError",
    "Epoch",
    "Estimate",
    "IndexFacts",
    "Item2VecError",
    "KeyedVectors",
    "MapData",
    "ModelError",
    "Names",
    "Progress",
    "Record",
    "Scoring",
    "SourceConfig",
    "TrainConfig",
    "TrainOptions",
    "TrainingError",
    "TuneConfig",
    "TuneOptions",
    "TuneResult",
    "UnknownItemError",
    "ValidationConfig",
    "Vocabulary",
    "Watcher",
    "__version__",
    "draw_map",
    "export_vectors",
    "load",
    "read_vectors",
    "train",
    "tune",
]

_HOMES = {
    "Scoring": "item2vec.config.scoring:Scoring",
    "TuneConfig": "item2vec.config.tune:TuneConfig",
    "ValidationConfig": "item2vec.config.validation:ValidationConfig",
    "TuneResult": "item2vec.tuning.study:TuneResult",
    "Record": "item2vec.tuning.study:Record",
    "Watcher": "item2vec.tuning.study:Watcher",
    "Estimate": "item2vec.evaluation.metrics:Estimate",
    "ApproximateIndex": "item2vec.vectors.approximate:ApproximateIndex",
    "IndexFacts": "item2vec.vectors.approximate:IndexFacts",
    "Progress": "item2vec.training.progress:Progress",
    "Epoch": "item2vec.training.progress:Epoch",
    "MapData": "item2vec.plot.map:MapData",
    "Vocabulary": "item2vec.items.vocabulary:Vocabulary",
    "Names": "item2vec.items.names:Names",
    "TrainOptions": "item2vec.config.layers:TrainOptions",
    "TuneOptions": "item2vec.config.layers:TuneOptions",
    "KeyedVectors": "item2vec.vectors.keyed_vectors:KeyedVectors",
    "SourceConfig": "item2vec.config.source:SourceConfig",
    "TrainConfig": "item2vec.config.train:TrainConfig",
    "__version__": "item2vec.version:version",
    "draw_map": "item2vec.plot.draw:draw_map",
    "export_vectors": "item2vec.vectors.formats.registry:export_vectors",
    "load": "item2vec.vectors.keyed_vectors:load_model",
    "read_vectors": "item2vec.vectors.formats.registry:read_vectors",
    "train": "item2vec.session.train:train",
    "tune": "item2vec.tuning.tune:tune",
} | {name: f"item2vec.errors:{name}" for name in __all__ if name.endswith("Error")}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'item2vec' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute)
    if name == "__version__":
        value = value()
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
