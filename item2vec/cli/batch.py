"""Many queries from a file or standard input: a query a line in, a JSON document a line out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

import click

from item2vec.cli.output import print_json
from item2vec.errors import Item2VecError, ModelError

_TOGETHER = 1024  # queries answered at once: they share each pass over the model

batch_option = click.option(
    "--batch",
    "batch_path",
    metavar="FILE",
    type=click.Path(allow_dash=True, readable=False),
    help="Answer each line of FILE, - for standard input, with a line of JSON.",
)
delimiter_option = click.option(
    "--delimiter", metavar="TEXT", help="What separates a line's items, if not white space."
)


def check_arguments(items: Sequence[str], batch_path: str | None, *, name: str = "ITEM...") -> None:
    """Either items or a batch is given.

    Raises
    ------
    click.UsageError
        If neither or both are.
    """
    if batch_path is None and not items:
        raise click.UsageError(f"Missing argument '{name}'.", click.get_current_context())
    if batch_path is not None and items:
        raise click.UsageError("Give items or --batch FILE, not both.", click.get_current_context())


def check_delimiter(delimiter: str | None, batch_path: str | None) -> None:
    """A delimiter is for batches, and is not empty.

    Raises
    ------
    click.UsageError
        If not so.
    """
    if delimiter is not None and (batch_path is None or not delimiter):
        raise click.UsageError(
            "--delimiter separates the items of a line of --batch FILE, and may not be empty.",
            click.get_current_context(),
        )


def answer_batch(
    path: str,
    delimiter: str | None,
    prepare: Callable[[list[str]], Any],
    answer: Callable[[list[Any]], list[dict[str, Any]]],
) -> None:
    """Print a document for each line, in order; a line that cannot be answered gets one with an ``error``.

    Parameters
    ----------
    path : str
        The file; ``-`` for standard input.
    delimiter : str or None
        Between a line's items; None for white space.
    prepare : callable
        Makes a query of a line's items, or raises an Item2VecError that becomes the line's answer.
    answer : callable
        Answers several queries.

    Raises
    ------
    ModelError
        If the file cannot be read, or no line could be answered.
    """
    lines = failed = 0
    file = _open(path)
    with file:
        while block := list(islice(_items(file, path, delimiter), _TOGETHER)):
            documents: list[dict[str, Any] | None] = []
            prepared = []
            for items in block:
                try:
                    prepared.append(prepare(items))
                    documents.append(None)
                except Item2VecError as error:
                    documents.append({"items": items, "error": str(error)})
                    failed += 1
            answers = iter(answer(prepared) if prepared else [])
            for document in documents:
                print_json(next(answers) if document is None else document)
            lines += len(block)
    if failed and failed == lines:
        raise ModelError(f"none of the {lines:,} queries in {path} could be answered; see the errors in the answers")
    if failed:
        click.echo(f"Warning: {failed:,} of {lines:,} queries could not be answered.", err=True)


def _open(path: str) -> BinaryIO:
    if path == "-":
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no file name"
        raise ModelError(f"cannot read {path!r}: {reason}") from error


def _items(file: BinaryIO, path: str, delimiter: str | None) -> Iterator[list[str]]:
    """The items of each line that has any."""
    for line in file:
        try:
            text = line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise ModelError(f"cannot read {path}: it is not UTF-8 text") from error
        items = text.split() if delimiter is None else [part.strip() for part in text.split(delimiter)]
        items = [item for item in items if item]
        if items:
            yield items
