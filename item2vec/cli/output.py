"""Answers on standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any

import click

_UNSHOWN = ("Cc", "Cs", "Zl", "Zp")  # controls, surrogates, line and paragraph separators


def print_answer(text: str) -> None:
    """Write `text` and a newline to standard output.

    Raises
    ------
    click.ClickException
        If it does not take them, a full disk say. A closed pipe is left to the caller.
    """
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        from item2vec.cli.main import discard_output

        discard_output()
        raise click.ClickException(f"cannot write to standard output: {(error.strerror or '').lower()}") from error


def print_json(document: Any) -> None:
    """Write one JSON document to standard output, in plain ASCII where the output is not UTF-8."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    print_answer(json.dumps(document, ensure_ascii=not utf8))


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Return two columns: text to the left, numbers to the right, in the widths that a terminal shows."""
    shown = [(printable(left), right) for left, right in rows]
    left_width = max((width(left) for left, _ in shown), default=0)
    right_width = max((len(right) for _, right in shown), default=0)
    return "\n".join(left + " " * (left_width - width(left)) + "  " + right.rjust(right_width) for left, right in shown)


def printable(text: str) -> str:
    """Return `text` with control characters escaped: a tab breaks the columns, an ESC rules the terminal."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _UNSHOWN else character
        for character in text
    )


def width(text: str) -> int:
    """Return the terminal columns that `text` takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    columns = 0
    for character in text:
        if unicodedata.category(character) not in ("Mn", "Me", "Cf"):
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns
