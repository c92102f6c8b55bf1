"""Answers on standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

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


def print_scores(model: KeyedVectors, answer: list[tuple[str, float]], *, probabilities: bool = False) -> None:
    """Write items, their display names if they have any, and their scores in columns; nothing if there are none."""
    if answer:
        shown = with_names(model, [item for item, _ in answer])
        texts = (f"{score:.3%}" if probabilities else f"{round(score, 3) + 0.0:.3f}" for _, score in answer)
        print_answer(aligned(zip(shown, texts, strict=True)))


def scored(model: KeyedVectors, answer: list[tuple[str, float]], measure: str) -> list[dict[str, Any]]:
    """Items and their scores, for JSON; with display names if the model has names."""
    return [{"item": item, **named(model, item), measure: score} for item, score in answer]


def named(model: KeyedVectors, item: str) -> dict[str, str | None]:
    """The member of JSON that only models with names have."""
    return {} if model.names is None else {"name": model.name(item)}


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Return two columns: text to the left, numbers to the right, in the widths that a terminal shows."""
    shown = [(printable(left), right) for left, right in rows]
    left_width = max((width(left) for left, _ in shown), default=0)
    right_width = max((len(right) for _, right in shown), default=0)
    return "\n".join(left + " " * (left_width - width(left)) + "  " + right.rjust(right_width) for left, right in shown)


def columns(rows: Iterable[tuple[str, str, str, str]]) -> list[str]:
    """Return lines of two columns of text and two of numbers; a column in which nothing stands takes no room."""
    shown = [tuple(map(printable, row)) for row in rows]
    lines = [""] * len(shown)
    for place, column in enumerate(zip(*shown, strict=True)):
        widest = max(map(width, column))
        gap = "  " if place and widest else ""
        for row, cell in enumerate(column):
            space = " " * (widest - width(cell))
            lines[row] += gap + (cell + space if place < 2 else space + cell)
    return lines


def with_names(model: KeyedVectors, items: Sequence[str]) -> list[str]:
    """Return the items as a list shows them: each with its display name in a second column, if the model has names."""
    if model.names is None:
        return list(items)
    longest = max((width(printable(item)) for item in items), default=0)
    return [
        item + " " * (longest - width(printable(item)) + 2) + name if (name := model.name(item)) else item
        for item in items
    ]


def printable(text: str) -> str:
    """Return `text` with control characters escaped: a tab breaks the columns, an ESC rules the terminal."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if unicodedata.category(character) in _UNSHOWN else character
        for character in text
    )


def width(text: str) -> int:
    """Return the terminal columns that `text` takes.

    Two for a wide character, none for a combining one; emoji joined by U+200D, or with a skin tone, are one, and
    U+FE0F makes a sign the emoji of two columns (Unicode Technical Standard 51).
    """
    if text.isascii():
        return len(text)
    columns = last = 0
    joined = False
    for character in text:
        if character == "\ufe0f" and last == 1:
            columns, last = columns + 1, 2
        elif not (unicodedata.category(character) in ("Mn", "Me", "Cf") or _adds_nothing(character, last, joined)):
            last = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            columns += last
        joined = character == "\u200d" and last == 2
    return columns


def _adds_nothing(character: str, last: int, joined: bool) -> bool:
    """Whether a character becomes one with what stands before it, `last` columns wide."""
    skin_tone = "\U0001f3fb" <= character <= "\U0001f3ff" and last == 2
    return joined or skin_tone or "\u1160" <= character <= "\u11ff"  # the latter: vowels and finals of Hangul
