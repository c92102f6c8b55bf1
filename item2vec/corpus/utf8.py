"""Is it UTF-8 text? A numba kernel for the distinct items, and the words for what is not."""

from __future__ import annotations

import mmap
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from item2vec.corpus.sources import Source, map_file, nul_message
from item2vec.errors import CorpusError

Array = Any  # kernels are typed by numba


@njit(cache=True, nogil=True)
def find_invalid(data: Array, start: int, stop: int) -> int:
    """Position of the first byte in data[start:stop] that is NUL or begins no UTF-8 character, or -1.

    Well-formed is what Unicode 15, table 3-7 says: no overlong forms, no surrogates, nothing above U+10FFFF.
    """
    position = start
    while position < stop:
        lead = data[position]
        if lead < 0x80:
            if lead == 0:
                return position
            position += 1
            continue
        if lead < 0xC2 or lead > 0xF4:
            return position
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if position + more >= stop:
            return position
        low, high = 0x80, 0xBF
        if lead == 0xE0:
            low = 0xA0
        elif lead == 0xED:
            high = 0x9F
        elif lead == 0xF0:
            low = 0x90
        elif lead == 0xF4:
            high = 0x8F
        for i in range(1, more + 1):
            if data[position + i] < low or data[position + i] > high:
                return position
            low, high = 0x80, 0xBF
        position += more + 1
    return -1


@njit(cache=True, nogil=True)
def all_valid(blob: Array, offsets: Array, items: int) -> bool:
    """Whether each item is UTF-8 without NUL, by itself: no character begins in one and ends in the next."""
    for i in range(items):  # noqa: SIM110  a loop is what numba compiles
        if find_invalid(blob, offsets[i], offsets[i + 1]) >= 0:
            return False
    return True


def bad_text_error(sources: Sequence[Source]) -> CorpusError:
    """The error that says where the first byte stands that is not UTF-8 text; one of the files has it."""
    for source in sources:
        if source.size <= source.start:
            continue
        mapped = map_file(source)
        position = int(find_invalid(np.frombuffer(mapped, np.uint8), source.start, source.size))
        if position < 0:
            continue
        line = _count_newlines(mapped, position) + 1
        if mapped[position] == 0:
            return CorpusError(nul_message(source.path, line, position))
        name = str(source.path)
        return CorpusError(
            f"{name!r} is not UTF-8 text: line {line:,} has the byte 0x{mapped[position]:02x}, at byte "
            f"{position:,} of the file; convert it first, perhaps: iconv -f WINDOWS-1252 -t UTF-8 "
            f"{shlex.quote(name)} > corpus.txt"
        )
    return CorpusError("a source changed while it was read; train on a copy that stays as it is")


def _count_newlines(mapped: mmap.mmap, stop: int) -> int:
    step = 1 << 20
    return sum(mapped[start : min(start + step, stop)].count(b"\n") for start in range(0, stop, step))
