"""Text that cannot be mapped: compressed, in another encoding, or from a pipe; read once, in blocks of UTF-8."""

from __future__ import annotations

import codecs
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from item2vec.errors import CorpusError
from item2vec.files.compression import Compression, Readable, unpacked
from item2vec.files.encoding import UTF8, Errors
from item2vec.files.utf8 import OF_THE_FILE, Utf8Check, nul_message

# Text of any encoding to UTF-8, block by block; errors with their place, or a count of what was replaced.

_replaced = threading.local()  # .count: places replaced by this thread's decoders


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Python's own way to replace, counted."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    _replaced.count += 1
    return "\ufffd", error.end


codecs.register_error("item2vec.replace", _replace)


class Transcoder:
    """Turns blocks of one encoding into blocks of UTF-8 without a byte order mark.

    Parameters
    ----------
    encoding : str
        As `check_encoding` returns it.
    errors : {"strict", "replace"}
    shown : str
        What errors call the file.
    place : str
        What a byte's position is counted in: ``of the file``.

    Attributes
    ----------
    replaced : int
        Places so far that were no characters and became U+FFFD.
    """

    def __init__(self, encoding: str, errors: Errors, shown: str, place: str) -> None:
        self.replaced = 0
        self._encoding = encoding
        self._errors = "item2vec.replace" if errors == "replace" else "strict"
        self._shown = shown
        self._place = place

    def __call__(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the UTF-8 of all blocks, which end together with the text.

        Raises
        ------
        CorpusError
            At the first byte that is no character of the encoding, or is NUL: with file, line and byte.
        """
        decoder = codecs.getincrementaldecoder(self._encoding)(self._errors)
        fed, lines = 0, 1
        begun = self._encoding in ("utf-16", "utf-32")  # their decoders take the mark away
        final = False
        while not final:
            block = next(blocks, b"")
            final = not block
            before = decoder.getstate()
            text = self._decode(decoder, block, final, fed, lines)
            if "\0" in text:
                decoder.setstate(before)
                position = fed + _first_nul(decoder, block)
                line = lines + text.count("\n", 0, text.index("\0"))
                raise CorpusError(nul_message(self._shown, line, position, self._place))
            fed += len(block)
            lines += text.count("\n")
            if text and not begun:
                begun, text = True, text.removeprefix("\ufeff")
            if text:
                yield self._encode(text, lines)

    def _decode(self, decoder: codecs.IncrementalDecoder, block: bytes, final: bool, fed: int, lines: int) -> str:
        before = decoder.getstate()
        _replaced.count = 0
        try:
            text = decoder.decode(block, final)
        except UnicodeDecodeError as error:
            # The error's positions count from the bytes that the decoder had kept.
            kept = len(error.object) - len(block)
            decoder.setstate(before)
            line = lines + decoder.decode(block[: max(0, error.start - kept)]).count("\n")
            value = error.object[error.start]
            raise CorpusError(
                f"{self._shown} is not {self._encoding} text: line {line:,} has the byte 0x{value:02x}, at byte "
                f"{fed - kept + error.start:,} {self._place} ({error.reason}); give its `encoding`, or `errors=replace`"
            ) from None
        except UnicodeError as error:  # some codecs say no more
            raise CorpusError(
                f"{self._shown} is not {self._encoding} text, at line {lines:,} or behind it: {error}; "
                "give its `encoding`"
            ) from None
        self.replaced += _replaced.count
        return text

    def _encode(self, text: str, lines: int) -> bytes:
        """UTF-8; a few encodings can express half a surrogate pair, which is no character."""
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            if self._errors != "strict":
                self.replaced += sum("\ud800" <= character <= "\udfff" for character in text)
                return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
            line = lines - text.count("\n", error.start)
            raise CorpusError(
                f"{self._shown} is not {self._encoding} text: line {line:,} has half a surrogate pair; "
                "give its `encoding`, or `errors=replace`"
            ) from None


def _first_nul(decoder: codecs.IncrementalDecoder, block: bytes) -> int:
    """Where the first NUL character begins; below 0 if the decoder keeps its first bytes."""
    for position in range(len(block)):
        kept = len(decoder.getstate()[0])
        if "\0" in decoder.decode(block[position : position + 1]):
            return position - kept
    return len(block)


# Text that cannot be mapped: compressed, of another encoding, or from a pipe; read once, in blocks of UTF-8.

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
        """Return the first bytes, fewer only if there are no more."""
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
