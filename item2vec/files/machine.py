"""What the machine has: cores, memory, mapped pages that are given back, and threads that all end when one fails."""

from __future__ import annotations

import math
import mmap
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import TrainingError


def cores() -> int:
    """Return how many cores this process may use: those it is bound to, or its container's quota where that is less."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(bound, *(math.ceil(quota) for quota in _core_quotas()), sys.maxsize))


# Arrays on memory pages of their own, mapped pages given back, and how much memory there is and is left.

Kind = TypeVar("Kind", bound=np.generic)
_GROUPS, _OWN_GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def own_pages(shape: tuple[int, ...], dtype: type[Kind]) -> NDArray[Kind]:
    """Array of zeros whose memory goes back to the system, whole and at once, when the array goes.

    numpy's own memory often stays in the process, under what was allocated after it. Pages become resident
    with the first write, so that an array may be larger than what is used of it.
    """
    kind = np.dtype(dtype)
    count = math.prod(shape)
    memory = mmap.mmap(-1, max(count * kind.itemsize, 1), access=mmap.ACCESS_COPY)  # private: shared is slower
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, kind, count).reshape(shape)


def release_pages(mapped: mmap.mmap, start: int, stop: int) -> None:
    """Let go of a mapped file's pages that have been read; should one be needed again, it is read again."""
    if hasattr(mmap, "MADV_DONTNEED"):
        first = start // mmap.PAGESIZE * mmap.PAGESIZE
        mapped.madvise(mmap.MADV_DONTNEED, first, stop - first)


def tokens_in_memory() -> int:
    """Bytes of tokens that lie in memory where the user has not said how many: 1/32 of the machine's."""
    return machine_memory() // 32


def machine_memory() -> int:
    """Bytes of memory that this process may use at most: the machine's, or its container's where that is less."""
    sizes = [4 << 30]  # where nothing can be learnt
    with suppress(AttributeError, ValueError, OSError):
        sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    return min(*sizes, *(limit for limit, _ in _container_limits()), sys.maxsize)


def available_memory() -> int:
    """Bytes of memory that this process can still take before something is killed.

    The system's own estimate (``MemAvailable`` of Linux, which counts what it would take back from its file cache) and
    free swap space, or what is left of the container's limit or of ``ulimit -v`` where that is less.
    """
    free = sum(_number("/proc/meminfo", name) for name in ("MemAvailable", "SwapFree"))
    left = [free * 1024 or machine_memory()]
    left += [limit - used for limit, used in _container_limits()]
    with suppress(ImportError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            left.append(limit - _number("/proc/self/status", "VmSize") * 1024)
    return max(0, min(left))


def resident_memory() -> int:
    """Bytes of memory that this process holds now, with its libraries; 0 where that cannot be learnt."""
    return _number("/proc/self/status", "VmRSS") * 1024


def _container_limits() -> Iterator[tuple[int, int]]:
    """Limit and use, in bytes, of each control group that this process is in, cached pages of files left out.

    Those of version 2 (kernel documentation, ``cgroup-v2``, memory.max), from its own up to the root, which inside a
    container is the container's; and version 1's only one.
    """
    with suppress(OSError):
        lines = _OWN_GROUP.read_text().splitlines()
        own = _GROUPS / next((line[4:] for line in lines if line.startswith("0::/")), "")
        for group in (own, *(parent for parent in own.parents if parent.is_relative_to(_GROUPS))):
            with suppress(OSError, ValueError):  # ValueError: it says "max"
                limit = int((group / "memory.max").read_text())
                cached = _number(str(group / "memory.stat"), "inactive_file")
                yield limit, int((group / "memory.current").read_text()) - cached
    with suppress(OSError, ValueError):
        group = _GROUPS / "memory"
        limit = int((group / "memory.limit_in_bytes").read_text())
        cached = _number(str(group / "memory.stat"), "total_inactive_file")
        yield limit, int((group / "memory.usage_in_bytes").read_text()) - cached


def _core_quotas() -> Iterator[float]:
    """Yield the cores that each control group of this process leaves it (``cgroup-v2``, cpu.max; version 1's quota)."""
    with suppress(OSError):
        lines = _OWN_GROUP.read_text().splitlines()
        own = _GROUPS / next((line[4:] for line in lines if line.startswith("0::/")), "")
        for group in (own, *(parent for parent in own.parents if parent.is_relative_to(_GROUPS))):
            with suppress(OSError, ValueError):  # ValueError: it says "max"
                quota, period = map(int, (group / "cpu.max").read_text().split())
                yield quota / period
    with suppress(OSError, ValueError):
        quota, period = (int((_GROUPS / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        if quota > 0:
            yield quota / period


def _number(path: str, name: str) -> int:
    """Return the number behind a name at the beginning of a line of a file of the system's; 0 if it has none."""
    with suppress(OSError):
        found = re.search(rf"^{name}:?\s+(\d+)", Path(path).read_text(), re.MULTILINE)
        return int(found[1]) if found else 0
    return 0


# Calls made in threads of their own, all of which end when one fails.

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


TO_COMPILE, TO_TRAIN = 600_000_000, 1_300_000_000  # bytes of address space that numba takes, and torch with it


def check_address_space(needed: int, what: str) -> None:
    """Refuse to import large libraries into less address space than they take: they crash, or spin, without a word.

    Parameters
    ----------
    needed : int
        Bytes: `TO_COMPILE` or `TO_TRAIN`.
    what : str
        What needs them, for the message.

    Raises
    ------
    TrainingError
        If ``ulimit -v`` leaves less.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < needed:
        raise TrainingError(
            f"this process may use {limit / 1e6:,.0f} MB of address space (ulimit -v), and {what} needs about "
            f"{needed / 1e6:,.0f} MB before any data; raise the limit, with `ulimit -v unlimited` say"
        )
