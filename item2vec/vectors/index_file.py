"""The index file: usearch's graph in a .safetensors file, with what it was built of and what it is worth.

One tensor, ``graph`` (U8, what usearch's ``Index.save`` gave), and under ``item2vec-index`` in the metadata a JSON
object: ``format`` (1) and the fields of `IndexFacts`. Nothing in it runs. The file is mapped, and the whole graph is
looked through before use (0.2 s for a million items), since usearch itself trusts it.
"""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from item2vec.errors import ModelError
from item2vec.vectors.approximate import SCALAR, ApproximateIndex, IndexFacts, empty_graph
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.safetensors_map import map_tensors
from item2vec.vectors.usearch_graph import graph_fault

FORMAT = 1
METADATA_KEY = "item2vec-index"
_SCALAR_KIND = {"f32": (11, 4), "bf16": (4, 2), "i8": (23, 1)}  # usearch's numbers, and bytes


def index_path(model_path: str | os.PathLike[str]) -> Path:
    """Where a model's index lies by custom: beside it, its ending replaced by ``.index``."""
    return Path(model_path).with_suffix(".index")


def save_index(index: ApproximateIndex, path: str | os.PathLike[str]) -> None:
    """Write an index; the file appears whole or not at all.

    Raises
    ------
    ModelError
        If it cannot be written.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    graph = np.frombuffer(index.graph.save(), np.uint8)
    text = json.dumps({"format": FORMAT} | asdict(index.facts))
    with atomic_path(path) as temporary:
        try:
            save_file({"graph": graph}, temporary, metadata={METADATA_KEY: text})
        except SafetensorError as error:
            raise ModelError(f"cannot write {os.fspath(path)}: {error}") from error


def index_command(model_path: str | os.PathLike[str] | None) -> str:
    """The command that builds a model's index, for messages."""
    return "`item2vec index`" if model_path is None else f"`item2vec index -m {shlex.quote(os.fspath(model_path))}`"


def load_index(path: str | os.PathLike[str], *, model_path: str | os.PathLike[str] | None = None) -> ApproximateIndex:
    """Map an index file, after looking through all of it.

    Parameters
    ----------
    path : str or path-like
    model_path : str or path-like, optional
        The file of the model whose index it is to be, for messages.

    Raises
    ------
    ModelError
        If it is missing, damaged, or usearch is not installed: naming it and what to do.
    """
    shown, command = os.fspath(path), index_command(model_path)
    if not os.path.exists(shown):
        raise ModelError(f"there is no index at {shown}; build one with {command}")
    try:
        tensors, texts = map_tensors(path)
        facts = _facts(texts.get(METADATA_KEY))
        data = tensors.get("graph")
        if facts is None or data is None or data.dtype != np.uint8:
            raise ModelError(f"cannot read {shown}: it is no index of this version")
        fault = graph_fault(data, facts.items, facts.dim, *_SCALAR_KIND[SCALAR])
        if fault is not None:
            raise ModelError(f"cannot read {shown}: {fault}")
    except ModelError as error:
        raise ModelError(f"{error}; build the index again with {command}") from error
    graph = empty_graph(facts.dim, facts.connectivity)
    try:
        graph.view(data)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read {shown}: {error}; build the index again with {command}") from error
    return ApproximateIndex(graph, facts, data)


def _facts(text: str | None) -> IndexFacts | None:
    """The facts in the metadata, None if they are not those of an index of this format."""
    try:
        given: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    kinds: dict[str, Any] = {"int": int, "float": (int, float), "str": str}
    names = {field.name: kinds[str(field.type)] for field in fields(IndexFacts)}
    if not isinstance(given, dict) or given.pop("format", None) != FORMAT or given.keys() != names.keys():
        return None
    if not all(isinstance(given[name], kind) and type(given[name]) is not bool for name, kind in names.items()):
        return None
    facts = IndexFacts(**given)
    sensible = 0 < facts.items < 2**31 and 0 < facts.dim < 2**20 and 2 <= facts.connectivity <= 256
    return facts if sensible and 0 < facts.effort <= 1 << 16 and 0 <= facts.recall <= 1 else None
