"""Tables as plain UTF-8 files, which DuckDB can read: unpacked whole, with their checksums compared, and transcoded."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from item2vec.errors import CorpusError
from item2vec.files.compression import COMPRESSIONS, Compression, recognise, unpacked
from item2vec.files.encoding import UTF8, Errors, encoding_of
from item2vec.files.paths import STANDARD_INPUT, nearest, shown_name
from item2vec.files.source import FIRST_BLOCK, check_ending, refuse_formats, standard_input, unpacked_head
from item2vec.files.stream import TextStream

_BLOCK = 1 << 20  # bytes
_SPARE = 1 << 28  # bytes of the disk that are left to others: a small file may unpack to any size
COMPRESSED_ENDINGS = tuple(compression.ending for compression in COMPRESSIONS)
PARQUET = b"PAR1"


@dataclass(frozen=True)
class PlainFile:
    """A file that DuckDB can read as it is.

    Parameters
    ----------
    path : Path
        The file itself, or a copy of its text.
    head : bytes
        How it begins, unpacked but not transcoded.
    replaced : int
        Places that were no characters and became U+FFFD.
    """

    path: Path
    head: bytes
    replaced: int = 0

    @property
    def parquet(self) -> bool:
        """Whether it begins as Parquet files do."""
        return self.head.startswith(PARQUET)


def plain_file(path: Path, folder: Path, encoding: str = UTF8, errors: Errors = "strict") -> PlainFile:
    """Find the file itself, or make a copy in the folder, if it is compressed, of another encoding, or a pipe.

    Parameters
    ----------
    path : Path
        ``-`` for standard input.
    folder : Path
        Where copies go.
    encoding : str
        As `check_encoding` returns it; with UTF-8, a byte order mark of UTF-16 or UTF-32 counts. Not for Parquet.
    errors : {"strict", "replace"}

    Raises
    ------
    CorpusError
        If the file cannot be read, is damaged, cut short, an archive, or no text of the encoding, or the folder has
        no room.
    """
    file = _at_rest(path, folder)
    try:
        with file.open("rb") as opened:
            block = opened.read(FIRST_BLOCK)
    except OSError as error:
        raise _unreadable(path, error) from None
    compression = recognise(block)
    check_ending(path, block, compression)
    head = unpacked_head(path, file, block, compression) if compression else block
    if not head.startswith(PARQUET):
        refuse_formats(path, head, " inside" if compression else "")
        actual = encoding_of(head, encoding)
        if actual != UTF8 or errors == "replace":
            stream = TextStream(shown_name(path), file, compression, actual, errors)
            return PlainFile(_copy(path, stream.blocks(_BLOCK), folder), head, stream.replaced)
    return PlainFile(_copy(path, _unpacked(path, file, compression), folder) if compression else file, head)


def _at_rest(path: Path, folder: Path) -> Path:
    """The file, or a copy of what can be read only once."""
    if str(path) == STANDARD_INPUT:
        standard = standard_input()
        return _copy(path, iter(lambda: standard.read(_BLOCK), b""), folder)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CorpusError(f"{str(path)!r} is a directory; name its files, such as {str(path / '*.csv')!r}")
        if stat.S_ISREG(mode):
            return path
        with path.open("rb") as pipe:
            return _copy(path, iter(lambda: pipe.read(_BLOCK), b""), folder)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> CorpusError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return CorpusError(f"no file {str(path)!r}{nearest(path)}")
    return CorpusError(f"cannot read {str(path)!r}: {error.strerror}; see its name, owner and permissions")


def _unpacked(path: Path, file: Path, compression: Compression) -> Iterator[bytes]:
    with file.open("rb") as packed:
        yield from unpacked(packed, compression, shown_name(path), _BLOCK)


def _copy(path: Path, blocks: Iterable[bytes], folder: Path) -> Path:
    """Write blocks to a new file of the folder, as long as the disk keeps room for others."""
    target = folder / f"plain{sum(1 for _ in folder.iterdir())}"
    try:
        with target.open("wb") as file:
            for number, block in enumerate(blocks):
                file.write(block)
                if number % 64 == 0 and shutil.disk_usage(folder).free < _SPARE:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise CorpusError(
            f"cannot unpack {shown_name(path)} into {str(folder)!r}: {error.strerror}; set TMPDIR to a larger place"
        ) from None
    return target
