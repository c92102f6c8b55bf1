"""From what the user names to files that can be read, and to one stretch of lines for each thread."""

from __future__ import annotations

import difflib
import glob
import mmap
import os
import shlex
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from item2vec.errors import CorpusError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIRST_BLOCK = 1 << 16

# How files begin that are not text, what they are, and how they become text.
_FORMATS = (
    (b"\x1f\x8b", "gzip data", "decompress it first: gzip -dc {} > corpus.txt"),
    (b"BZh", "bzip2 data", "decompress it first: bzip2 -dc {} > corpus.txt"),
    (b"\xfd7zXZ\0", "xz data", "decompress it first: xz -dc {} > corpus.txt"),
    (b"\x28\xb5\x2f\xfd", "zstd data", "decompress it first: zstd -dc {} > corpus.txt"),
    (b"PK\x03\x04", "a zip archive", "unpack it first: unzip -p {} > corpus.txt"),
    (b"PAR1", "a Parquet file", "write it as text first, a sequence a line"),
    (b"\x80", "a Python pickle", "write it as text first, a sequence a line"),
    (b"\x93NUMPY", "a numpy array", "write it as text first, a sequence a line"),
    (b"\xff\xfe", "UTF-16 text", "convert it first: iconv -f UTF-16 -t UTF-8 {} > corpus.txt"),
    (b"\xfe\xff", "UTF-16 text", "convert it first: iconv -f UTF-16 -t UTF-8 {} > corpus.txt"),
)
# Text may begin with these by chance; then what follows decides.
_CONFIRMED_BY = {b"BZh": b"1AY&SY", b"PAR1": b"\0"}


@dataclass(frozen=True)
class Source:
    """A file that is there, readable and perhaps text.

    Parameters
    ----------
    path : Path
    size : int
        Bytes when it was checked.
    start : int
        Where the text begins: 3 behind a UTF-8 byte order mark, else 0.
    """

    path: Path
    size: int
    start: int


@dataclass(frozen=True)
class Segment:
    """Whole lines of one file: bytes ``start`` to ``stop``."""

    source: Source
    start: int
    stop: int


def find_sources(names: Sequence[str | Path]) -> list[Source]:
    """Expand ``~`` and globs (each glob's files sorted by name) and look at every file's beginning.

    Raises
    ------
    CorpusError
        If a name leads to no readable text, or all files are empty.
    """
    if not names:
        raise CorpusError("no source is given; name at least one text file")
    sources = [check_source(path) for name in names for path in _expand(os.fspath(name))]
    if all(source.size <= source.start for source in sources):
        raise CorpusError(f"there is nothing in {describe(sources)}; a corpus has a sequence of items on each line")
    return sources


def check_source(path: Path) -> Source:
    """Look at one file before any long work.

    Raises
    ------
    CorpusError
        If it is missing, unreadable, no regular file, or begins as no text does.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CorpusError(f"{str(path)!r} is a directory; name its files, such as {str(path / '*.txt')!r}")
        if not stat.S_ISREG(status.st_mode):
            raise CorpusError(f"{str(path)!r} is not a regular file but a pipe or device; write it to a file first")
        with path.open("rb") as file:
            block = file.read(FIRST_BLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"no file {str(path)!r}{_nearest(path)}") from None
    except OSError as error:
        raise CorpusError(f"cannot read {str(path)!r}: {error.strerror}; see its owner and permissions") from None
    _refuse_binary(path, block)
    return Source(path, status.st_size, len(BYTE_ORDER_MARK) if block.startswith(BYTE_ORDER_MARK) else 0)


def describe(sources: Sequence[Source]) -> str:
    """Name the first file, and how many more there are."""
    more = len(sources) - 1
    return repr(str(sources[0].path)) + (f" and {more:,} more file{'s' if more > 1 else ''}" if more else "")


def map_file(source: Source) -> mmap.mmap:
    """Map a file that is not empty, for reading.

    Raises
    ------
    CorpusError
        If it cannot be read any more, or is no longer as long as it was.
    """
    try:
        with source.path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:  # ValueError: it is empty now
        raise CorpusError(f"cannot read {str(source.path)!r}: {error}; it was there a moment ago") from None
    if len(mapped) != source.size:
        raise CorpusError(f"{str(source.path)!r} changed while it was read; train on a copy that stays as it is")
    return mapped


def split_at_lines(sources: Sequence[Source], parts: int, least: int) -> list[list[Segment]]:
    """Share the files out to at most ``parts`` threads, in order, in whole lines, about equally much to each.

    Parameters
    ----------
    sources : sequence of Source
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
        while start < source.size:
            wanted = total * len(shares) // parts - done  # bytes until this share is full
            last = len(shares) == parts or start + wanted >= source.size
            stop = source.size if last else _line_start(source, start + max(wanted, 1))
            shares[-1].append(Segment(source, start, stop))
            done += stop - start
            start = stop
            while len(shares) < parts and done >= total * len(shares) // parts and done < total:
                shares.append([])
    return [share for share in shares if share] or [[]]


def _line_start(source: Source, position: int) -> int:
    """Where the first line that begins at ``position`` or behind it begins."""
    mapped = map_file(source)
    return mapped.find(b"\n", position - 1) + 1 or source.size


def _expand(name: str) -> Iterator[Path]:
    """Files that a name stands for: itself, if it is there or is no pattern."""
    if name == "-":
        raise CorpusError("'-', standard input, cannot be mapped into memory; write it to a file first")
    path = os.path.expanduser(name)
    if os.path.lexists(path) or not glob.has_magic(path):
        yield Path(path)
        return
    found = sorted(glob.glob(path, recursive=True))
    files = [match for match in found if not os.path.isdir(match)]
    if not files:
        what = "only directories match" if found else "no file matches"
        raise CorpusError(f"{what} {name!r}; look at the pattern and the folder it is asked from")
    yield from map(Path, files)


def _nearest(path: Path) -> str:
    """What to add when a file is missing: the folder that is missing, or the file that was meant."""
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {str(folder)!r}"
    try:
        close = difflib.get_close_matches(path.name, os.listdir(folder), n=1)
    except OSError:
        close = []
    return f"; did you mean {str(folder / close[0])!r}?" if close else "; look at its name and folder"


def _refuse_binary(path: Path, block: bytes) -> None:
    for magic, what, remedy in _FORMATS:
        if block.startswith(magic) and _CONFIRMED_BY.get(magic, b"") in block[4:]:
            raise CorpusError(f"{str(path)!r} is {what}, not text; {remedy.format(shlex.quote(str(path)))}")
    if b"\0" in block:
        raise CorpusError(nul_message(path, block.count(b"\n", 0, block.index(b"\0")) + 1, block.index(b"\0")))


def nul_message(path: Path, line: int, position: int) -> str:
    """One line about a NUL byte: ``line`` counts from 1, ``position`` (bytes into the file) from 0."""
    return (
        f"{str(path)!r} looks binary: line {line:,} has a NUL byte, at byte {position:,} of the file; "
        "give a text file, or remove the byte"
    )
