"""PartReader: one thread's share of the sources, tokenised into codes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.codes import CodeStore
from item2vec.corpus.text import tokeniser
from item2vec.corpus.text.tokeniser import Block, ItemTable, Sizes
from item2vec.errors import CorpusError
from item2vec.files.machine import own_pages
from item2vec.files.paths import shown_name
from item2vec.files.source import TextSource, read_range
from item2vec.files.stream import Stream

# Sources shared out to threads: stretches of whole lines.


@dataclass(frozen=True)
class Segment:
    """Whole lines of one file: bytes ``start`` to ``stop``; a stream is one segment."""

    source: TextSource
    start: int
    stop: int


def split_at_lines(sources: Sequence[TextSource], parts: int, least: int) -> list[list[Segment]]:
    """Share the files out to at most ``parts`` threads, in order, in whole lines, about equally much to each.

    Parameters
    ----------
    sources : sequence of TextSource
    parts : int
        How many shares at most, 1 or more.
    least : int
        Bytes that a share should have at least.

    Returns
    -------
    list of lists of Segment
        At least one share; none is empty, unless there is nothing at all.
    """
    total = sum(source.size - source.start for source in sources)
    parts = max(1, min(parts, total // max(least, 1)))
    shares: list[list[Segment]] = [[]]
    done = 0
    for source in sources:
        start = source.start
        while start < source.size or source.stream:
            wanted = total * len(shares) // parts - done  # bytes until this share is full
            last = len(shares) == parts or start + wanted >= source.size
            stop = source.size if last or source.stream else _line_start(source, start + max(wanted, 1))
            shares[-1].append(Segment(source, start, stop))
            done += stop - start
            start = stop
            while len(shares) < parts and done >= total * len(shares) // parts and done < total:
                shares.append([])
            if source.stream:
                break  # it cannot be cut up
    return [share for share in shares if share] or [[]]


_LOOK = 1 << 16  # bytes that are looked through at a time for the end of a line


def _line_start(source: TextSource, position: int) -> int:
    """Where the first line that begins at ``position`` or behind it begins."""
    begin = position - 1
    for block in read_range(source, begin, source.size, _LOOK):
        if (found := block.find(b"\n")) >= 0:
            return begin + found + 1
        begin += len(block)
    return source.size


_LONGEST_ITEM = 1 << 26  # bytes: what is unpacked may go on for ever


class PartReader:
    """Reads one thread's segments, in order, into codes.

    Attributes
    ----------
    table : ItemTable
    codes : CodeStore
        Takes the codes of what was read, the last of each sequence negative.
    sequences : int
        Sequences read.
    """

    def __init__(self, delimiter: bytes, sizes: Sizes, stopped: threading.Event, codes: CodeStore) -> None:
        self.table = ItemTable(sizes)
        self.codes = codes
        self.sequences = 0
        self._delimiter = np.array(list(delimiter), np.uint8)
        self._sizes = sizes
        self._stopped = stopped
        self._open = own_pages((sizes.block,), np.int32)
        self._block = Block(
            edges=np.empty(sizes.scan + 8, np.int64),
            bits=np.empty(sizes.scan // 8, np.uint8),
            keys=np.empty((sizes.scan // 2 + 4, tokeniser.KEY_SIZE), np.uint64),
        )

    def give_table(self) -> ItemTable:
        """Hand the table over, so that its memory goes with who takes it."""
        table = self.table
        del self.table
        return table

    @np.errstate(over="ignore")
    def read(self, segments: list[Segment]) -> None:
        """Read all segments; stops between two chunks when the event is set."""
        for segment in segments:
            if segment.source.stream:
                self._read_stream(segment.source.stream)
            else:
                self._read_segment(segment)
            tokeniser.end_sequence(self.table.cursor, self._open)
        self.codes.append(self._open[: self.table.cursor[tokeniser.TOKENS]])
        self._open = np.empty(0, np.int32)
        self.sequences = int(self.table.cursor[tokeniser.SEQUENCES])

    def _read_segment(self, segment: Segment) -> None:
        size = segment.stop - segment.start
        blocks = read_range(segment.source, segment.start, segment.stop, self._sizes.chunk)
        self._read_blocks(blocks, shown_name(segment.source.path), min(4 * self._sizes.chunk, (size + 63) & -64))

    def _read_stream(self, stream: Stream) -> None:
        self._read_blocks(stream.ahead(self._sizes.stream, self._stopped), stream.shown, 4 * self._sizes.stream)

    def _read_blocks(self, blocks: Iterable[bytes | bytearray], shown: str, room: int) -> None:
        """Read blocks of text one behind the other in a buffer; what begins an item or block waits for the next."""
        cursor = self.table.cursor
        cursor[tokeniser.POSITION] = 0
        cursor[tokeniser.OPEN] = -1
        # A block of the tokeniser is read once it is here to its end, and the delimiter that may begin there.
        beyond = self._sizes.scan + max(1, len(self._delimiter))
        buffer, filled = own_pages((room,), np.uint8), 0
        for block in blocks:
            if self._stopped.is_set():
                return
            if filled + len(block) > len(buffer):
                buffer, filled = self._with_room(buffer, filled, len(block))
            if 0 <= cursor[tokeniser.OPEN] < filled - _LONGEST_ITEM:
                raise CorpusError(
                    f"{shown} has an item of over {_LONGEST_ITEM:,} bytes; it is not text, or its items "
                    "are separated by something else: `delimiter`"
                )
            buffer[filled : filled + len(block)] = np.frombuffer(block, np.uint8)
            filled += len(block)
            if filled >= beyond:
                cursor[tokeniser.STOP] = filled
                self._read_until(*_as_mapped(buffer), (filled - beyond & -64) + 64)
        cursor[tokeniser.STOP] = filled
        if not self._stopped.is_set():
            self._read_until(*_as_mapped(buffer), filled)

    def _with_room(self, buffer: NDArray[np.uint8], filled: int, needed: int) -> tuple[NDArray[np.uint8], int]:
        """Move what has not been read, or only in part, to the beginning; of a longer buffer, if it is much."""
        cursor = self.table.cursor
        begin = int(cursor[tokeniser.OPEN] if cursor[tokeniser.OPEN] >= 0 else cursor[tokeniser.POSITION])
        begin &= -64  # an item that is open goes on at the beginning of a tokeniser's word
        rest = buffer[begin:filled].copy()
        if 2 * (len(rest) + needed) > len(buffer):
            buffer = own_pages((max(2 * len(buffer), 2 * (len(rest) + needed)),), np.uint8)
        buffer[: len(rest)] = rest
        cursor[tokeniser.POSITION] -= begin
        if cursor[tokeniser.OPEN] >= 0:
            cursor[tokeniser.OPEN] -= begin
        return buffer, len(rest)

    def _read_until(self, data: NDArray[np.uint8], words: NDArray[np.uint64], pause: int) -> None:
        cursor = self.table.cursor
        while not self._read_chunk(data, words, pause):
            self._make_room(int(cursor[tokeniser.PAIRS]), int(cursor[tokeniser.SPAN]))
        self.table.check_distinct()

    def _read_chunk(self, data: NDArray[np.uint8], words: NDArray[np.uint64], pause: int) -> bool:
        table = self.table
        return bool(
            tokeniser.read_chunk(
                data, words, self._delimiter, pause, table.cursor, self._block, table.arrays, self._open
            )
        )

    def _make_room(self, pairs: int, span: int) -> None:
        used = int(self.table.cursor[tokeniser.TOKENS])
        if used + pairs > len(self._open):
            # The last token moves along, since a newline to come may have to mark it.
            full = self._open
            kept = min(used, 1)
            self.codes.append(full[: used - kept])
            self._open = own_pages((max(self._sizes.block, pairs + 1),), np.int32)
            self._open[:kept] = full[used - kept : used]
            self.table.cursor[tokeniser.TOKENS] = kept
        self.table.make_room(pairs, span)


def _as_mapped(buffer: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Return the buffer as bytes and as words, read-only as a mapped file is: one compiled form of the kernels."""
    data = buffer.view()
    data.flags.writeable = False
    return data, data[: len(data) // 8 * 8].view(np.uint64)
