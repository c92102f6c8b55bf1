"""Calls made in threads of their own, all of which end when one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


def run_in_threads(calls: Sequence[Callable[[], _Result]], stopped: threading.Event | None = None) -> list[_Result]:
    """Results of the calls in order, each made in a thread of its own.

    When one raises, or Ctrl-C is pressed, ``stopped`` is set, by which the others can end early.
    """
    if len(calls) == 1:
        return [calls[0]()]
    with ThreadPoolExecutor(len(calls)) as pool:
        try:
            futures = [pool.submit(call) for call in calls]
            return [future.result() for future in futures]
        except BaseException:
            if stopped:
                stopped.set()  # before the pool waits for its threads
            raise
