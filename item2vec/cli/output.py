"""Answers on standard output, for people and for programs; how long work shows where it stands, on standard error."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import click

from item2vec.errors import FIELD, Item2VecError, ModelError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from item2vec.training.progress import Progress
    from item2vec.vectors.keyed_vectors import KeyedVectors


# Answers on standard output: tables for people, JSON for programs. Remarks on standard error.

_UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats, surrogates, line and paragraph separators
_JOINERS = "\u200c\u200d"  # of category Cf; scripts and emoji need them


def say(text: str) -> None:
    """Write `text`, of one line or several, and a newline to standard error."""
    click.echo("\n".join(map(printable, text.split("\n"))), err=True)


def remark(kind: Literal["Warning", "Note", "Hint"], sentence: str) -> None:
    """Write a sentence of the library to standard error, with its fields spelled as options, and a full stop."""
    say(f"{kind}: {as_options(sentence)}.")


def as_options(message: str) -> str:
    """Spell the fields that a message of the library names as the options of the command line.

    >>> as_options("`min_lr` is 1, above `lr`; give `lr=2`, or ask `item2vec tune`")
    '--min-lr is 1, above --lr; give --lr 2, or ask `item2vec tune`'
    """

    def option(found: re.Match[str]) -> str:
        name, value = found.groups()
        spelled = "-k" if name == "k" else f"--{name.replace('_', '-')}"
        return spelled + ("" if value is None or value == "True" else f" {value}")

    return FIELD.sub(option, message)


def print_answer(text: str) -> None:
    """Write `text` and a newline to standard output."""
    click.echo(text)


def print_json(document: Any) -> None:
    """Write one JSON document to standard output, in plain ASCII where the output is not UTF-8.

    Characters that a terminal obeys or does not show are escapes, which mean the same to a program.
    """
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    text = json.dumps(document, ensure_ascii=not utf8)
    print_answer(_escaped(text, lambda character: json.dumps(character)[1:-1].replace("\x7f", "\\u007f")))


def print_scores(model: KeyedVectors, answer: list[tuple[str, float]], *, probabilities: bool = False) -> None:
    """Write items, their display names if they have any, and their scores in columns; nothing if there are none."""
    if answer:
        texts = (f"{score:.3%}" if probabilities else f"{round(score, 3) + 0.0:.3f}" for _, score in answer)
        names = ["" if model.names is None else model.name(item) or "" for item, _ in answer]
        items = (item for item, _ in answer)
        print_answer("\n".join(table(zip(items, names, texts, strict=True), "<<>")))


def scored(model: KeyedVectors, answer: list[tuple[str, float]], measure: str) -> list[dict[str, Any]]:
    """Return items and their scores, for JSON; with display names if the model has names."""
    return [{"item": item, **named(model, item), measure: score} for item, score in answer]


def named(model: KeyedVectors, item: str) -> dict[str, str | None]:
    """Return the member of JSON that only models with names have."""
    return {} if model.names is None else {"name": model.name(item)}


def table(rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """Return rows as lines of columns, two spaces apart, in the widths that a terminal shows.

    Parameters
    ----------
    rows : iterable of sequence of str
        As many cells in each; a column of empty cells is left out.
    align : str
        For each column ``<``, to the left, or ``>``, to the right; the last one is for those that follow, too.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    columns = []
    for place, column in enumerate(zip(*shown, strict=True)):
        if widest := max(map(width, column)):
            left = align[min(place, len(align) - 1)] == "<"
            spaces = (" " * (widest - width(cell)) for cell in column)
            columns.append([cell + space if left else space + cell for cell, space in zip(column, spaces, strict=True)])
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]


def printable(text: str) -> str:
    """Return `text` with what a terminal obeys or hides escaped: a tab, an ESC, a mark that turns the line around."""
    return _escaped(text, lambda character: character.encode("unicode_escape").decode())


def shell_word(text: str) -> str:
    """Return `text` quoted for a shell, in plain letters: a command that is printed can be copied and run."""
    if text.isprintable():
        return shlex.quote(text)
    plain = text.replace("\\", "\\\\").replace("'", "\\'")
    return "$'" + _escaped(plain, lambda letter: "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))) + "'"


def shell_command(words: Iterable[str]) -> str:
    """Return a command for a shell."""
    return " ".join(map(shell_word, words))


def _escaped(text: str, escape: Callable[[str], str]) -> str:
    """Return `text` with each character that is not to be shown escaped; joiners may stay between other letters."""
    if text.isprintable():
        return text
    return "".join(
        escape(character)
        if unicodedata.category(character) in _UNSHOWN
        and not (character in _JOINERS and place and not text[place - 1].isascii())
        else character
        for place, character in enumerate(text)
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


# Many queries from a file or standard input: a query a line in, a JSON document a line out.

_LONGEST_LINE = 1 << 24  # bytes of a query; a history of a million items has fewer
_TOGETHER = 1024  # queries answered at once: they share each pass over the model

batch_option = click.option(
    "--batch",
    "batch_path",
    metavar="FILE",
    type=click.Path(allow_dash=True, readable=False),
    help="Answer each line of FILE with a line of JSON. - is standard input.",
)
delimiter_option = click.option(
    "--delimiter", metavar="TEXT", help="The separator between the items of a line of --batch.  [default: white space]"
)


def check_arguments(items: Sequence[str], batch_path: str | None, *, name: str = "ITEM...") -> None:
    """Check that either items or a batch is given.

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
    """Check that a delimiter is not empty, and comes with a batch.

    Raises
    ------
    click.UsageError
        If it is empty, or there is no batch.
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
        remark("Warning", f"{failed:,} of {lines:,} queries could not be answered")


def _open(path: str) -> BinaryIO:
    if path == "-":
        if sys.stdin is None:
            raise ModelError("cannot read standard input: it is closed")
        return sys.stdin.buffer
    try:
        return open(path, "rb")
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not a file name"
        raise ModelError(f"cannot read {path!r}: {reason}") from error


def _items(file: BinaryIO, path: str, delimiter: str | None, longest: int = _LONGEST_LINE) -> Iterator[list[str]]:
    """Yield the items of each line that has any; none may have more bytes than ``longest``."""
    name = "standard input" if path == "-" else path
    try:
        while line := file.readline(longest + 1):
            if len(line) > longest:
                raise ModelError(f"cannot read {name}: a line has over {longest:,} bytes; write one query a line")
            text = line.decode("utf-8").rstrip("\r\n")
            items = text.split() if delimiter is None else [part.strip() for part in text.split(delimiter)]
            items = [item for item in items if item]
            if items:
                yield items
    except UnicodeDecodeError as error:
        raise ModelError(f"cannot read {name}: it is not UTF-8 text") from error
    except OSError as error:
        raise ModelError(f"cannot read {name}: {(error.strerror or str(error)).lower()}") from error


# How long work shows where it stands: a bar on a terminal, plain lines elsewhere, both on standard error.

_EVERY = 10.0  # seconds between plain lines


def describe(progress: Progress) -> str:
    """One line: epoch, share done, speed, loss, learning rate, time left."""
    loss = "-" if math.isnan(progress.loss) else f"{progress.loss:.4f}"
    return (
        f"epoch {progress.epoch}/{progress.epochs}  {progress.done:4.0%}  "
        f"{count(progress.tokens_per_second)} tokens/s  loss {loss}  lr {progress.lr:.5f}  "
        f"{duration(progress.seconds_left)} left"
    )


def count(number: float) -> str:
    """Write a large number in three digits: 941, 12.3k, 6.91M."""
    for unit in ("", "k", "M"):
        if number < 999.5:
            digits = 0 if not unit or number >= 99.95 else 1 if number >= 9.995 else 2
            return f"{number:.{digits}f}{unit}"
        number /= 1000
    return f"{number:.3g}G"


def duration(seconds: float) -> str:
    """Write seconds as 0:07, 12:31 or 1:05:09; ? if they are not known yet."""
    if not seconds < 1e7:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say what is at work: a spinner on a terminal, elsewhere a line once it takes long."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status(escape(printable(what))):
            yield
        return
    timer = threading.Timer(_EVERY, say, (f"{what} ...",))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class ProgressShower:
    """Shows progress while it is open; call it with each `Progress`."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._last = time.monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressShower:
        """Open the bar, if standard error is a terminal."""
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            self._bar = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("starting", total=1.0)
        return self

    def __call__(self, progress: Progress) -> None:
        """Show where the run stands."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=progress.done, description=describe(progress))
        elif not self._quiet and time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            say(describe(progress))

    def on_terminal(self) -> Callable[[Progress], None] | None:
        """Return what shows a run's progress on a bar; None without one, as lines of each run are too many."""
        return self if self._bar is not None else None

    def say(self, line: str) -> None:
        """Print a line of its own, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(printable(line), markup=False, highlight=False)
        elif not self._quiet:
            say(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
