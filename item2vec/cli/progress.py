"""How long work shows where it stands: a bar on a terminal, plain lines elsewhere, both on standard error."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from item2vec.training.progress import Progress


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
    """A large number in three digits: 941, 12.3k, 6.91M."""
    for unit in ("", "k", "M"):
        if number < 999.5:
            digits = 0 if not unit or number >= 99.95 else 1 if number >= 9.995 else 2
            return f"{number:.{digits}f}{unit}"
        number /= 1000
    return f"{number:.3g}G"


def duration(seconds: float) -> str:
    """Seconds as 0:07, 12:31 or 1:05:09; ? for what cannot be said yet."""
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

        with Console(stderr=True).status(escape(what)):
            yield
        return
    timer = threading.Timer(_EVERY, click.echo, (f"{what} ...",), {"err": True})
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
            click.echo(describe(progress), err=True)

    def on_terminal(self) -> Callable[[Progress], None] | None:
        """What shows a run's progress where there is a bar; None elsewhere, where lines of each run are too many."""
        return self if self._bar is not None else None

    def say(self, line: str) -> None:
        """Print a line of its own, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False)
        elif not self._quiet:
            click.echo(line, err=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.stop()
