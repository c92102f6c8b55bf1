"""The pages of the Python API, as MyST text: every public name of item2vec, and the types that they name."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module
from typing import Any

import item2vec

# Types that come out of public calls or go into them. One that item2vec exports itself is documented under that name.
NAMED_TYPES = {
    "Scoring": "item2vec.config.scoring",
    "TuneConfig": "item2vec.config.tune",
    "ValidationConfig": "item2vec.config.validation",
    "TuneResult": "item2vec.tuning.study",
    "Record": "item2vec.tuning.study",
    "Watcher": "item2vec.tuning.study",
    "Estimate": "item2vec.evaluation.metrics",
    "ApproximateIndex": "item2vec.vectors.approximate",
    "IndexFacts": "item2vec.vectors.approximate",
    "Progress": "item2vec.training.progress",
    "MapData": "item2vec.plot.map",
    "Vocabulary": "item2vec.items.vocabulary",
    "Names": "item2vec.items.names",
}
FIRST = ("item2vec.train", "item2vec.load", "item2vec.TrainConfig")  # on their pages
GROUPS = ("functions", "vectors", "options", "types", "errors")


def group_of(name: str, value: Any) -> str:
    """Which page a name stands on."""
    if name == "KeyedVectors":
        return "vectors"
    if inspect.isclass(value):
        if issubclass(value, Exception):
            return "errors"
        return "options" if dataclasses.is_dataclass(value) and name.endswith(("Config", "Scoring")) else "types"
    return "functions" if callable(value) else "types"


def members() -> dict[str, list[str]]:
    """The full names that each page documents."""
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in item2vec.__all__:
        if name != "__version__":
            found[group_of(name, getattr(item2vec, name))].append(f"item2vec.{name}")
    for name, module in NAMED_TYPES.items():
        if name not in item2vec.__all__:
            found[group_of(name, getattr(import_module(module), name))].append(f"{module}.{name}")
    return {group: sorted(names, key=lambda name: name not in FIRST) for group, names in found.items()}


def group_text(group: str) -> str:
    """The directives of a page."""
    lines = ["````{eval-rst}"]
    for name in members()[group]:
        if group == "functions":
            lines += [f".. autofunction:: {name}", ""]
        elif group in ("vectors", "types"):
            lines += [f".. autoclass:: {name}", "   :members:", "   :inherited-members:", ""]
        elif group == "errors":
            lines += [f".. autoexception:: {name}", "   :show-inheritance:", ""]
        else:
            lines += [f".. autoclass:: {name}", ""]
    return "\n".join([*lines, "````"]) + "\n"
