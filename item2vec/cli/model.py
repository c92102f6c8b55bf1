"""``item2vec info``, ``export``, ``import`` and ``index``: model files."""

from __future__ import annotations

import json
import os
import warnings
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.options import DEFAULT_MODEL, format_table, json_option, model_option, open_model
from item2vec.cli.output import print_answer, print_json, printable, remark, say, working
from item2vec.errors import ModelError
from item2vec.files.atomic import check_writable
from item2vec.files.paths import same_file
from item2vec.vectors.formats.registry import FORMATS, TABLES, WRITERS, Table, export_vectors, read_vectors
from item2vec.vectors.index_file import index_path

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


# ``item2vec info``: what a model is.

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
    """Return an item, with its display name where items have such."""
    name = {} if model.names is None else {"name": model.names[rank]}
    return {"item": model.vocabulary[rank], **name}


def _lines(document: dict[str, Any]) -> list[str]:
    """Return the document for people, a fact a line."""
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
    """Return a fact, on several lines if it has several parts and is long."""
    lines = [f"{name:<11}"]
    for place, part in enumerate(parts := text.split(", ")):
        word = part + ("," if place < len(parts) - 1 else "")
        if place and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append(" " * 11)
        lines[-1] += " " + word
    return lines


def _value(value: Any, depth: int = 0) -> str:
    """Return a metadata value for people: members on one line, numbers grouped; JSON if it is deeply nested."""
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


# ``item2vec export``: a model's vectors for other tools.


@click.command(
    epilog=f"""\b
Formats:
{format_table(WRITERS)}

\b
Examples:
  item2vec export vectors.txt
  item2vec export vectors.bin --table sum --normalize
  item2vec export vectors.parquet
  item2vec export vectors.txt.gz --replace-spaces _ --precision 5
"""
)
@click.argument("destination", metavar="DEST", type=click.Path(readable=False))
@model_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(WRITERS),
    metavar="FORMAT",
    help="By DEST's ending if not given; word2vec if it has none.",
)
@click.option(
    "--table",
    type=click.Choice(TABLES),
    default="input",
    show_default=True,
    help="Which vectors: input is what `similar` compares, output the context side.",
)
@click.option("--normalize", is_flag=True, help="Scale each vector to length 1.")
@click.option("--replace-spaces", metavar="TEXT", help="Write TEXT for each white-space character of an item.")
@click.option(
    "--precision",
    metavar="N",
    type=click.IntRange(1, 9),
    help="Significant digits of text; by default the fewest that read back as the same numbers.",
)
@json_option
def export(
    destination: str,
    model_path: str,
    format_name: str | None,
    table: Table,
    normalize: bool,
    replace_spaces: str | None,
    precision: int | None,
    as_json: bool,
) -> None:
    """Write a model's vectors in another tool's format.

    DEST appears whole or not at all; one that is there is replaced.
    """
    model = open_model(model_path)
    if same_file(destination, model_path):
        raise ModelError(f"cannot write {destination}: it is the model itself; name another file")
    written = export_vectors(
        model,
        destination,
        format=format_name,
        table=table,
        normalize=normalize,
        replace_spaces=replace_spaces,
        precision=precision,
    )
    dim = model.dim * (2 if table == "concat" else 1)
    if as_json:
        facts = {"format": written, "table": table, "items": len(model), "dim": dim}
        print_json({"output": destination, **facts, "bytes": os.path.getsize(destination)})
    else:
        say(f"Wrote {len(model):,} vectors of {dim:,} numbers to {destination} ({written}).")


# ``item2vec import``: another tool's vectors as a model file.


@click.command(
    "import",
    epilog=f"""\b
Formats:
{format_table(FORMATS)}

\b
Examples:
  item2vec import glove.6B.100d.txt -o glove.safetensors
  item2vec import GoogleNews-vectors-negative300.bin.gz
  item2vec import embeddings.npy --items vocabulary.txt
""",
)
@click.argument("source", metavar="SOURCE", type=click.Path(readable=False))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(readable=False),
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help="By SOURCE's content if not given.",
)
@click.option(
    "--items",
    metavar="FILE",
    type=click.Path(readable=False),
    help="The items, one a line, of a npy, safetensors or projector file.",
)
@json_option
def import_(source: str, output: str, format_name: str | None, items: str | None, as_json: bool) -> None:
    """Make a model file of another tool's vectors.

    What was read is the input table; there is no output table, so that `recommend` has nothing to go by.
    Text may be packed with gzip, bzip2 or xz.
    """
    check_writable(output)
    if same_file(source, output):
        raise ModelError(f"cannot write {output}: it is the source itself; name another file")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = read_vectors(source, format_name, items=items)
    for one in told:
        remark("Note", str(one.message))
    model.save(output)
    if as_json:
        print_json({"output": output, "source": source, "items": len(model), "dim": model.dim})
    else:
        say(f"Wrote {output}: {len(model):,} items, dim {model.dim:,}.")


# ``item2vec index``: an approximate index beside a model.


@click.command(
    epilog="""\b
Examples:
  item2vec index
  item2vec index -m words.safetensors --recall 0.99
  item2vec similar --approximate --batch items.txt -m words.safetensors > neighbours.jsonl
"""
)
@model_option
@click.option(
    "--recall",
    metavar="X",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="The share of the ten nearest that answers are to have: more takes longer.",
)
@click.option(
    "--connectivity",
    metavar="N",
    type=click.IntRange(2, 256),
    default=16,
    show_default=True,
    help="Neighbours of an item in the index: more make it larger and surer.",
)
@click.option("--threads", metavar="N", type=click.IntRange(min=0), default=0, help="All cores by default.")
@json_option
def index(model_path: str, recall: float, connectivity: int, threads: int, as_json: bool) -> None:
    """Build an index for approximate answers from large models.

    It lies beside the model, as FILE.index, and `similar --approximate` looks there instead of at every item. Worth it
    for many questions to a million items or more; below, the exact answer is as fast. It belongs to this very model:
    after another training it is refused. Needs usearch: pip install 'item2vec[index]'.
    """
    model = open_model(model_path)
    path = index_path(model_path)
    if same_file(path, model_path):
        raise ModelError(f"cannot write {path}: it is the model itself; give the model another ending")
    with working(f"Building the index of {len(model):,} items"):
        facts = model.build_index(path, recall=recall, connectivity=connectivity, threads=threads).facts
    size = os.path.getsize(path)
    if as_json:
        print_json(
            {"output": str(path), "items": facts.items, **facts.as_json(), "seconds": facts.seconds, "bytes": size}
        )
        return
    say(f"Wrote {path}: {facts.items:,} items, {size / 1e6:,.1f} MB, built in {facts.seconds:.1f} s.")
    say(facts.in_words())
    if facts.recall < recall:
        remark(
            "Warning",
            f"that is less than `recall={recall:g}`; a larger `connectivity` than {connectivity} finds more",
        )
