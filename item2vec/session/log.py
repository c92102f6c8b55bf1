"""A training's log: JSON objects, a line each, that can be followed while it runs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from item2vec.errors import ConfigError
from item2vec.files.machine import resident_memory
from item2vec.session.listener import Listener

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.corpus.inspection import Inspection
    from item2vec.corpus.kind import Suitable
    from item2vec.session.run import Run
    from item2vec.session.validation import Validation
    from item2vec.training.progress import Epoch, Progress

_FEWER = 500  # a line at most for each 1/500 of the time so far: a training of days has some thousand lines
_OFTEN = 0.5  # seconds between two lines, at least


class TrainingLog(Listener):
    """Writes what a training tells.

    Every object has ``event``, ``time`` (seconds since 1970) and ``run``, the time at which the run began. Events are
    ``read``, ``preset``, ``begin``, ``resume``, ``interval``, ``epoch``, ``validation``, ``checkpoint``, ``warning``,
    ``end`` and ``error``. Lines are added to a log that is there. If the file cannot be written any more, that is told
    once and training goes on.

    Parameters
    ----------
    path : str or Path
    tell : Listener
        Is warned if a line cannot be written.

    Raises
    ------
    ConfigError
        If the file cannot be opened, or is there and is no log.
    """

    def __init__(self, path: str | Path, tell: Listener) -> None:
        self._path = Path(path)
        self._tell = tell
        self._run = round(time.time(), 3)
        self._next = 0.0
        self._file: TextIO | None = open_log(self._path)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def write(self, event: str, **facts: Any) -> None:
        """Add a line; numbers that are not finite are null."""
        if self._file is None:
            return
        document = {"event": event, "time": round(time.time(), 3), "run": self._run, **facts}
        try:
            self._file.write(json.dumps({name: _finite(value) for name, value in document.items()}) + "\n")
            self._file.flush()
        except OSError as error:
            self._file = None  # what it still holds cannot be written either
            self._tell.warned(f"the log {self._path} can no longer be written ({error.strerror}); training goes on")

    def read(self, corpus: Corpus, found: Inspection, seconds: float) -> None:
        """Log what was read."""
        self.write(
            "read", items=len(corpus.vocabulary), tokens=found.tokens, sequences=found.sequences,
            seconds=round(seconds, 3),
        )  # fmt: skip

    def chosen(self, suitable: Suitable) -> None:
        """Log the preset that was taken."""
        self.write("preset", preset=suitable.preset, reason=suitable.reason)

    def begins(self, run: Run) -> None:
        """Log the options."""
        self.write("begin", options=run.trainer.config.as_dict(), threads=run.trainer.threads)

    def resumed(self, progress: Progress) -> None:
        """Log where the training goes on."""
        self.write("resume", epoch=progress.epoch, done=progress.done)

    def progressed(self, progress: Progress) -> None:
        """Log where the training stands, now and then."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + max(_OFTEN, progress.seconds / _FEWER)
        self.write(
            "interval", epoch=progress.epoch, epochs=progress.epochs, done=round(progress.done, 6),
            tokens=progress.tokens, loss=progress.loss, lr=progress.lr, seconds=round(progress.seconds, 3),
            tokens_per_second=round(progress.tokens_per_second, 1), memory=resident_memory(),
        )  # fmt: skip

    def validated(self, validation: Validation) -> None:
        """Log an epoch's value."""
        self.write(
            "validation", epoch=len(validation.values), metric=validation.config.metric, value=validation.values[-1],
            best_epoch=validation.best_epoch,
        )  # fmt: skip

    def epoch_ended(self, epoch: Epoch) -> None:
        """Log an epoch."""
        self.write(
            "epoch", epoch=epoch.number, epochs=epoch.epochs, tokens=epoch.tokens, loss=epoch.loss, lr=epoch.lr,
            seconds=round(epoch.seconds, 3), tokens_per_second=round(epoch.tokens_per_second, 1),
            memory=resident_memory(),
        )  # fmt: skip

    def checkpointed(self, path: Path, done: float, seconds: float) -> None:
        """Log a checkpoint."""
        self.write("checkpoint", path=str(path), done=round(done, 6), seconds=round(seconds, 3))

    def warned(self, sentence: str) -> None:
        """Log a warning."""
        self.write("warning", message=sentence)

    def ends(self, state: str, losses: Sequence[float], seconds: float) -> None:
        """Log the end."""
        self.write("end", state=state, losses=[_finite(loss) for loss in losses], seconds=round(seconds, 3))


def open_log(path: Path) -> TextIO:
    """Open a log to append to; a file that is not a log is left alone.

    Raises
    ------
    ConfigError
        If it cannot be opened, or is no log.
    """
    try:
        if path.exists() and not path.is_dir():
            with path.open("rb") as file:
                begin = file.read(10)
            if begin and begin != b'{"event": ':
                raise ConfigError(f"`log` is {path}, which exists and is not a training log; name another file")
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write the log {path}: {error.strerror}; name another with `log`") from None


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
