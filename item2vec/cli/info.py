"""``item2vec info``: what a model is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_answer, print_json, printable

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

_COMMONEST = 10
_DEEPEST = 4  # levels of metadata
_WIDTH = 100  # of a line with several parts
_LONGEST_LIST = 8


@click.command(
    epilog="""\b
Examples:
  item2vec info
  item2vec info -m groceries.safetensors --json
"""
)
@model_option
@json_option
def info(model_path: str, as_json: bool) -> None:
    """Say what a model is: sizes, corpus, settings.

    The corpus and the settings are those of the training, as the model file has them.
    """
    from item2vec.vectors.model_file import CHECKPOINT_KEY

    model = open_model(model_path)
    counts = model.vocabulary.counts[:_COMMONEST].tolist()
    document: dict[str, Any] = {
        "model": model_path,
        "bytes": os.path.getsize(model_path),
        "items": len(model),
        "dim": model.dim,
        "tables": ["input"] if model.output is None else ["input", "output"],
        "commonest": [_named(model, rank) | {"count": count} for rank, count in enumerate(counts)],
    }
    if model.names is not None:
        document["names"] = model.names.given
    for name, value in model.metadata.items():
        document.setdefault(name, True if name == CHECKPOINT_KEY else value)
    if as_json:
        print_json(document)
    else:
        print_answer("\n".join(_lines(document)))


def _named(model: KeyedVectors, rank: int) -> dict[str, Any]:
    """An item, with its display name where items have such."""
    name = {} if model.names is None else {"name": model.names[rank]}
    return {"item": model.vocabulary[rank], **name}


def _lines(document: dict[str, Any]) -> list[str]:
    """The document for people, a fact a line."""
    size = document["bytes"]
    facts = [
        (
            "model",
            f"{document['model']} ({size / 1e6:,.1f} MB)" if size >= 1e5 else f"{document['model']} ({size:,} bytes)",
        ),
        ("items", f"{document['items']:,}"),
        ("dim", f"{document['dim']:,}"),
        ("tables", ", ".join(document["tables"])),
        ("written by", f"item2vec {document.get('version')}"),
    ]
    known = {"model", "bytes", "items", "dim", "tables", "version", "format", "commonest"}
    facts += [(name, _value(value)) for name, value in document.items() if name not in known]
    # Of imported vectors the counts are not known.
    counted = any(entry["count"] for entry in document["commonest"])
    head = "commonest" if counted else "first"
    for entry in document["commonest"]:
        shown = printable(entry["item"]) + (f" {entry['count']:,}" if counted else "")
        facts.append((head, shown + (f" {printable(entry['name'])}" if entry.get("name") else "")))
        head = ""
    return [line for name, text in facts for line in _wrapped(printable(name), printable(text))]


def _wrapped(name: str, text: str) -> list[str]:
    """A fact, on several lines if it has several parts and is long."""
    lines = [f"{name:<11}"]
    for place, part in enumerate(parts := text.split(", ")):
        word = part + ("," if place < len(parts) - 1 else "")
        if place and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append(" " * 11)
        lines[-1] += " " + word
    return lines


def _value(value: Any, depth: int = 0) -> str:
    """A metadata value for people: an object's members on one line, numbers grouped; as JSON if it is deeply nested."""
    if depth == _DEEPEST:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', '-')} {_value(member, depth + 1)}" for name, member in value.items())
    if isinstance(value, list):
        if len(value) > _LONGEST_LIST:  # losses of many epochs; --json has them all
            value = [*value[:2], "...", *value[-2:]]
        return ",".join(_value(member, depth + 1) for member in value)
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
