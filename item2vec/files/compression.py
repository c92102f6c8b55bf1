"""Compressed files, recognised by their first bytes and unpacked in blocks of bounded size."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from item2vec.errors import CorpusError

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError

_XZ_MEMORY = 1 << 30  # bytes; xz -9 asks for 65 MB, but a file may claim any number
_FAILURES = (zlib.error, OSError, EOFError, ValueError, lzma.LZMAError, ZstdError)


class Decompressor(Protocol):
    """What the standard library's decompressors of one member, stream or frame have in common."""

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether no output is left without more input."""

    @property
    def unused_data(self) -> bytes:
        """What was fed and lies behind the member's end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Feed input, get at most so much output."""


class _GzipMember:
    """A gzip member, with the interface that bz2, lzma and zstd have."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the member has ended."""
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """What was fed from behind its end."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack, at most so many bytes at once; what of the input is left over is kept."""
        text = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = not self._inner.unconsumed_tail and len(text) < max_length
        return text


@dataclass(frozen=True)
class Compression:
    """A format of compressed files.

    Parameters
    ----------
    name, ending : str
        What it is called, and how its files' names end.
    start : callable
        Makes the decompressor of one member.
    """

    name: str
    ending: str
    start: Callable[[], Decompressor]


GZIP = Compression("gzip", ".gz", _GzipMember)
BZIP2 = Compression("bzip2", ".bz2", bz2.BZ2Decompressor)
XZ = Compression("xz", ".xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))
ZSTD = Compression("zstd", ".zst", ZstdDecompressor)
COMPRESSIONS = (GZIP, BZIP2, XZ, ZSTD)

# A block of bzip2 begins with pi's digits, its end with those of pi's square root; text may begin with BZh.
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte from 0x50 to 0x5f: RFC 8878, 3.1.2


def recognise(block: bytes) -> Compression | None:
    """Say how a file is compressed that begins with ``block``; None if not in a way that is known here."""
    if block.startswith(b"\x1f\x8b"):
        return GZIP
    if block.startswith(b"BZh") and block[4:10] in _BZIP2_BLOCKS:
        return BZIP2
    if block.startswith(b"\xfd7zXZ\0"):
        return XZ
    if block.startswith(b"\x28\xb5\x2f\xfd") or (block[1:4] == _ZSTD_SKIPPABLE and 0x50 <= block[0] <= 0x5F):
        return ZSTD
    return None


class Readable(Protocol):
    """What can be read once, from where it stands."""

    def read(self, size: int, /) -> bytes:
        """At most so many of the next bytes; none at the end."""


def unpacked(file: Readable, compression: Compression, shown: str, size: int) -> Iterator[bytes]:
    """Yield the unpacked bytes of all members, streams or frames, one behind the other.

    Parameters
    ----------
    file : Readable
    compression : Compression
    shown : str
        What errors call the file.
    size : int
        Bytes that a block has at most.

    Raises
    ------
    CorpusError
        If the data ends too early, is damaged, or is followed by something else: with how far it got.
    """
    read = done = 0
    member: Decompressor | None = None
    data = b""
    while True:
        if not data and (member is None or member.needs_input):
            data = file.read(max(1, size // 4))
            read += len(data)
            if not data:
                if member is None:
                    return
                raise CorpusError(
                    f"{shown} is cut off: its {compression.name} data ends at byte {read:,}, after {done:,} bytes of "
                    "text; get the whole file"
                )
        if member is None:
            data = data.lstrip(b"\0")  # archives may be padded
            if not data:
                continue
            member = compression.start()
        try:
            block = member.decompress(data, size)
        except _FAILURES as error:
            raise CorpusError(
                f"{shown} is damaged: its {compression.name} data cannot be unpacked at about byte {read:,}, after "
                f"{done:,} bytes of text ({' '.join(str(error).split())}); get the file again"
            ) from None
        data = b""
        done += len(block)
        if member.eof:
            data = member.unused_data
            member = None
        if block:
            yield block
