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
from item2vec.vectors.index_file import index_command, index_path, load_index
from item2vec.vectors.model_file import CHECKPOINT_KEY, check_model_file

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
  item2vec info --check
"""
)
@model_option
@click.option("--check", is_flag=True, help="Read all of the file and its index; compare both with their checksums.")
@json_option
def info(model_path: str, check: bool, as_json: bool) -> None:
    """Show a model's size, corpus and settings.

    The corpus and settings are those of the training. The model file keeps them.
    """
    model = open_model(model_path)
    checked = _check(model, model_path) if check else None
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
    if checked is not None:
        document["checked"] = checked
    if as_json:
        print_json(document)
    else:
        print_answer("\n".join(_lines(document)))


def _check(model: KeyedVectors, path: str) -> str:
    """Read all of a model, and of the index beside it; return what was found, in words."""
    tensors = check_model_file(path)
    found = (
        f"{tensors} of {tensors} checksums match" if tensors else "has no checksums, like all files of earlier versions"
    )
    if not os.path.exists(beside := index_path(path)):
        return found
    if not load_index(beside, model_path=path, whole=True).fits(model.input):
        raise ModelError(f"{beside} is the index of other vectors; build it again with {index_command(path)}")
    return f"{found}; {beside} belongs to it"


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
    help="The format to write.  [default: by DEST's ending, or word2vec if it has none]",
)
@click.option(
    "--table",
    type=click.Choice(TABLES),
    default="input",
    show_default=True,
    help="Which vectors to write. input: what `similar` compares. output: the context side. sum, concat: both.",
)
@click.option("--normalize", is_flag=True, help="Scale each vector to length 1.")
@click.option("--replace-spaces", metavar="TEXT", help="Replace each white-space character of an item by TEXT.")
@click.option(
    "--precision",
    metavar="N",
    type=click.IntRange(1, 9),
    help="Significant digits in text formats.  [default: as few as read back to the same numbers]",
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
    """Write a model's vectors in a format that other tools read.

    DEST is replaced if it exists. If writing fails, it stays as it was.
    """
    model = open_model(model_path)
    if same_file(destination, model_path):
        raise ModelError(f"cannot write {destination}: it is the model itself; name another file")
    check_model_file(model_path)
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
    help="The format to read.  [default: detected from SOURCE]",
)
@click.option(
    "--items",
    metavar="FILE",
    type=click.Path(readable=False),
    help="A file with the items, one per line, for npy, safetensors and projector files.",
)
@json_option
def import_(source: str, output: str, format_name: str | None, items: str | None, as_json: bool) -> None:
    """Make a model file from another tool's vectors.

    The vectors become the model's input table. There is no output table, so `item2vec recommend` does not work with
    this model. Text may be packed with gzip, bzip2 or xz.
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
    help="The share of the ten nearest items that answers should contain. Higher is slower.",
)
@click.option(
    "--connectivity",
    metavar="N",
    type=click.IntRange(2, 256),
    default=16,
    show_default=True,
    help="Links per item in the index. More links find more, but make the index larger.",
)
@click.option(
    "--threads",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    help="Threads to build with.  [default: one per core]",
)
@json_option
def index(model_path: str, recall: float, connectivity: int, threads: int, as_json: bool) -> None:
    """Build an index for fast, approximate answers from a large model.

    The index is written beside the model as FILE.index. `item2vec similar --approximate` then searches the index
    instead of every item. This pays off for many questions to a million items or more. For smaller models the exact
    answer is as fast. Build the index again after each training: an index of another model is refused.

    Needs usearch: pip install 'item2vec[index]'.
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
