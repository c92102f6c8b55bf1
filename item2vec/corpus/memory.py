"""Arrays on memory pages of their own, mapped pages given back, and how much memory there is."""

from __future__ import annotations

import math
import mmap
import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Kind = TypeVar("Kind", bound=np.generic)


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


def give_back(mapped: mmap.mmap, start: int, stop: int) -> None:
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
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # ValueError: it says "max"
            sizes.append(int(Path(limit).read_text()))
    return min(sizes)
