"""Text that cannot be mapped: compressed, of another encoding, or from a pipe; read once, in blocks of UTF-8."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from item2vec.corpus.compression import Compression, Readable, unpacked
from item2vec.corpus.text_encoding import UTF8, Errors
from item2vec.corpus.transcoding import Transcoder
from item2vec.corpus.utf8_blocks import OF_THE_FILE, Utf8Check
from item2vec.errors import CorpusError

_AHEAD = 4  # blocks that may lie ready
_WAIT = 0.2  # seconds after which a reader that waits looks whether it should stop


class Stream(Protocol):
    """What gives a source's text block by block."""

    @property
    def shown(self) -> str:
        """What errors call the source."""

    @property
    def replaced(self) -> int:
        """Places so far that were no characters and became U+FFFD."""

    @property
    def once(self) -> bool:
        """Whether it can be read only once."""

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the text as UTF-8 in blocks of about ``size`` bytes."""

    def ahead(self, size: int, stopped: threading.Event) -> Iterator[bytes]:
        """Yield the same, prepared meanwhile where it can be; ends early once ``stopped`` is set."""


class PeekedFile:
    """A binary file whose beginning can be looked at before it is read; for pipes, which cannot go back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._head = b""

    def peek(self, size: int) -> bytes:
        """The first bytes, fewer only if there are no more."""
        while len(self._head) < size:
            more = self._file.read(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head

    def read(self, size: int) -> bytes:
        """At most so many of the next bytes; none at the end."""
        if self._head:
            block, self._head = self._head[:size], self._head[size:]
            return block
        return self._file.read(size) or b""


class TextStream:
    """The text of one source as blocks of UTF-8 that hold whole characters.

    Parameters
    ----------
    shown : str
        What errors call the source.
    file : Path or PeekedFile
        A path is opened when the reading begins.
    compression : Compression or None
    encoding : str
    errors : {"strict", "replace"}
    """

    def __init__(
        self, shown: str, file: Path | PeekedFile, compression: Compression | None, encoding: str, errors: Errors
    ) -> None:
        self._shown = shown
        self._file = file
        self._compression = compression
        place = "of its unpacked text" if compression else OF_THE_FILE
        self._filter: Utf8Check | Transcoder = (
            Utf8Check(shown, place)
            if encoding == UTF8 and errors == "strict"
            else Transcoder(encoding, errors, shown, place)
        )

    @property
    def shown(self) -> str:
        """What errors call the source."""
        return self._shown

    @property
    def replaced(self) -> int:
        """Places so far that were no characters and became U+FFFD."""
        return self._filter.replaced

    @property
    def once(self) -> bool:
        """Whether it can be read only once, as a pipe."""
        return isinstance(self._file, PeekedFile)

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the text in blocks of about ``size`` bytes.

        Raises
        ------
        CorpusError
            If the source cannot be read, is damaged, or is no text of its encoding.
        """
        try:
            if isinstance(self._file, Path):
                with self._file.open("rb", buffering=0) as file:
                    yield from self._filter(self._bytes(file, size))
            else:
                yield from self._filter(self._bytes(self._file, size))
        except OSError as error:
            raise CorpusError(f"cannot read {self._shown}: {error.strerror or error}") from None

    def ahead(self, size: int, stopped: threading.Event) -> Iterator[bytes]:
        """Yield the blocks, unpacked and transcoded by a thread of its own."""
        return read_ahead(self.blocks(size), stopped)

    def _bytes(self, file: Readable, size: int) -> Iterator[bytes]:
        if self._compression:
            return unpacked(file, self._compression, self._shown, size)
        return iter(lambda: file.read(size), b"")


def read_ahead(blocks: Iterator[bytes], stopped: threading.Event) -> Iterator[bytes]:
    """Yield the blocks, which a thread of its own prepares; ends early once ``stopped`` is set."""
    ready: queue.Queue[bytes | BaseException | None] = queue.Queue(_AHEAD)
    closed = threading.Event()

    def prepare() -> None:
        """Put the blocks into the queue, then None, or the error that ended them: the reader raises it."""
        try:
            for block in blocks:
                ready.put(block)
                if closed.is_set():
                    return
            ready.put(None)
        except BaseException as error:
            ready.put(error)

    threading.Thread(target=prepare, daemon=True).start()
    try:
        while not stopped.is_set():
            try:
                block = ready.get(timeout=_WAIT)
            except queue.Empty:
                continue
            if block is None:
                return
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        closed.set()
        while not ready.empty():  # a put that waits gets its place, and finds that it may end
            ready.get_nowait()
