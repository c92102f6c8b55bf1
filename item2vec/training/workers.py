"""Workers: threads that take numbered shards in order, and stop only between two."""

from __future__ import annotations

import threading
from collections.abc import Callable

from item2vec.errors import TrainingError


class Workers:
    """Threads that do shards 0, 1, 2 ... each once: the next one that nobody took, so that no thread starves.

    Parameters
    ----------
    count : int
        Threads.

    Attributes
    ----------
    taken : int
        Shards that were taken; after `run` all of them are done.
    stopping : bool
        Whether no more is to be taken in this `run`; set it from anywhere, a signal handler too.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0
        self.stopping = False
        self._limit = 0
        self._lock = threading.Lock()
        self._running: list[threading.Event] = []
        self._failures: list[BaseException] = []

    def run(self, limit: int, work: Callable[[int, int], None], tick: Callable[[], None], every: float) -> None:
        """Work until ``limit`` shards are taken or `stopping` is set; no worker runs when this returns or raises.

        Parameters
        ----------
        limit : int
        work : callable
            Called with the worker's index and the shard's number, on its thread. It is not kept: a trainer whose method
            it is goes, with its tables, as soon as nobody needs it.
        tick : callable
            Called from this thread every ``every`` seconds. What it raises comes through.

        Raises
        ------
        TrainingError
            If a shard fails; one that the shard itself raised comes through as it is.
        """
        self._limit = limit
        self._running = []
        self.stopping = False
        try:
            for index in range(self.count):
                self._start(index, work)
            for finished in self._running:
                while not finished.wait(every):
                    tick()
        finally:
            self._finish()
        if self._failures:
            failure = self._failures[0]
            if isinstance(failure, TrainingError):
                raise failure
            raise TrainingError(f"a worker failed: {str(failure) or type(failure).__name__}") from failure

    def _start(self, index: int, work: Callable[[int, int], None]) -> None:
        """Start a worker's thread; it is waited for even if Ctrl-C comes before ``Thread.start`` returns."""
        finished = threading.Event()
        self._running.append(finished)
        try:
            threading.Thread(target=self._take_shards, args=(index, work, finished), daemon=True).start()
        except RuntimeError:  # the system has no more threads: this one will never finish
            finished.set()
            raise

    def _finish(self) -> None:
        """Wait until no worker runs, whatever interrupts: nobody may use the tables before.

        On events, since an interrupted ``Thread.join`` marks a thread as stopped that runs on (CPython 3.11).
        """
        while True:
            try:
                self.stopping = True
                for event in self._running:
                    event.wait()
                return
            except KeyboardInterrupt:
                continue

    def _take_shards(self, index: int, work: Callable[[int, int], None], finished: threading.Event) -> None:
        try:
            while not self.stopping:
                with self._lock:
                    number = self.taken
                    if number >= self._limit:
                        return
                    self.taken = number + 1
                work(index, number)
        except BaseException as error:
            self._failures.append(error)
            self.stopping = True
        finally:
            finished.set()
