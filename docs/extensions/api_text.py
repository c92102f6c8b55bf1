"""The pages of the Python API, as MyST text: every public name of item2vec."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import item2vec

FIRST = ("item2vec.train", "item2vec.load", "item2vec.TrainConfig")  # on their pages
GROUPS = ("functions", "vectors", "options", "types", "errors")


def group_of(name: str, value: Any) -> str:
    """Which page a name stands on."""
    if name == "KeyedVectors":
        return "vectors"
    if inspect.isclass(value):
        if issubclass(value, Exception):
            return "errors"
        return (
            "options"
            if dataclasses.is_dataclass(value) and name.endswith(("Config", "Scoring"))
            else "options"
            if name.endswith("Options")
            else "types"
        )
    return "functions" if callable(value) else "types"


def members() -> dict[str, list[str]]:
    """The full names that each page documents."""
    found: dict[str, list[str]] = {group: [] for group in GROUPS}
    for name in item2vec.__all__:
        if name != "__version__":
            found[group_of(name, getattr(item2vec, name))].append(f"item2vec.{name}")
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
