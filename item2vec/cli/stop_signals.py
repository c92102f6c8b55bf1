"""Ctrl-C, SIGTERM and a closed terminal. While training, the first one asks to stop, the second stops at once.

At other times SIGTERM ends a command as Ctrl-C does, so that no temporary file is left.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

import click

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Termination:
    """Makes SIGTERM and SIGHUP a KeyboardInterrupt, the second one a kill.

    Attributes
    ----------
    received : int
        The signal; SIGINT, which is Python's own, before.
    """

    def __init__(self) -> None:
        self.received = int(signal.SIGINT)

    @property
    def status(self) -> int:
        """The exit status of an interrupted command, as a shell has it."""
        return 128 + self.received

    def catch(self) -> None:
        """Begin, in the main thread; a signal that the process was started to ignore stays ignored."""
        for number in _SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt


TERMINATION = Termination()


class StopSignals:
    """Catches signals while it is open; one that the process was started to ignore, by nohup say, stays ignored.

    Parameters
    ----------
    stop : callable
        Called at the first signal, from its handler. The second is a KeyboardInterrupt, the third kills.

    Attributes
    ----------
    received : int
        The first signal; 0 before.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.received = 0
        self._stop = stop
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status that tells of the signal, as a shell has it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.received

    def __enter__(self) -> StopSignals:
        """Begin to catch; outside of the main thread nothing can be."""
        try:
            for number in _SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        except ValueError:
            self._before.clear()
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.received:
            self.received = number
            self._stop()
            return
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the handlers back; an interrupted SIGTERM keeps its exit status."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if isinstance(error, KeyboardInterrupt) and self.received not in (0, signal.SIGINT):
            raise click.exceptions.Exit(self.status) from error
