"""Text of any encoding to UTF-8, block by block; errors with their place, or a count of what was replaced."""

from __future__ import annotations

import codecs
import threading
from collections.abc import Iterator

from item2vec.corpus.text_encoding import Errors
from item2vec.corpus.utf8_blocks import nul_message
from item2vec.errors import CorpusError

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
                f"{fed - kept + error.start:,} {self._place} ({error.reason}); give its --encoding, or --errors replace"
            ) from None
        except UnicodeError as error:  # some codecs say no more
            raise CorpusError(
                f"{self._shown} is not {self._encoding} text, at line {lines:,} or behind it: {error}; "
                "give its --encoding"
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
                "give its --encoding, or --errors replace"
            ) from None


def _first_nul(decoder: codecs.IncrementalDecoder, block: bytes) -> int:
    """Where the first NUL character begins; below 0 if the decoder keeps its first bytes."""
    for position in range(len(block)):
        kept = len(decoder.getstate()[0])
        if "\0" in decoder.decode(block[position : position + 1]):
            return position - kept
    return len(block)
