"""From what the user names to files that can be read: each is opened, recognised and checked once."""

from __future__ import annotations

import io
import json
import mmap
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from item2vec.errors import CorpusError
from item2vec.files.compression import COMPRESSIONS, Compression, recognise, unpacked
from item2vec.files.encoding import UTF8, Errors, encoding_of
from item2vec.files.paths import STANDARD_INPUT, expand, nearest, shown_name
from item2vec.files.stream import PeekedFile, Stream, TextStream
from item2vec.files.utf8 import BYTE_ORDER_MARK, nul_message

# Files that are no text, known by how they begin, with a way to make text or a table of them.

# How files begin that are not text, what they are, and how they become text.
_FORMATS = (
    (0, b"PK\x03\x04", "a zip archive", "unpack it first: unzip -p {} > corpus.txt"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first: 7z e {}"),
    (0, b"\x04\x22\x4d\x18", "lz4 data", "decompress it first: lz4 -dc {} > corpus.txt"),
    (0, b"\x1f\x9d", "compress data", "decompress it first: uncompress -c {} > corpus.txt"),
    (257, b"ustar", "a tar archive", "unpack it first: tar -xf {}"),
    (0, b"PAR1", "a Parquet file", "give `format=parquet`, with `user` and `item`"),
    (8, b"DUCK", "a DuckDB database", 'say what to read of it: `sql` "SELECT * FROM ...", with `user` and `item`'),
    (0, b"SQLite format 3\0", "an SQLite database", "write a table of it as CSV: sqlite3 -header -csv {} 'SELECT ...'"),
    (0, b"ARROW1\0\0", "an Arrow file", "write it as Parquet first, by pandas say"),
    (0, b"\x80", "a Python pickle", "write it as text first, a sequence a line"),
    (0, b"\x93NUMPY", "a numpy array", "write it as text first, a sequence a line"),
)
# Text may have these by chance; then a NUL behind them decides.
_CONFIRMED_BY = {b"PAR1": b"\0", b"ustar": b"\0", b"DUCK": b"\0"}
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")
_OBJECT = re.compile(r'\s*(\[\s*)?\{\s*"(?:[^"\\\n]|\\.)*"\s*:')


def refuse_formats(path: Path, block: bytes, where: str = "") -> None:
    """Refuse what begins as files of other formats do.

    Parameters
    ----------
    path : Path
    block : bytes
        Its beginning, unpacked.
    where : str
        Stands behind the format's name: `` inside`` for what was unpacked.

    Raises
    ------
    CorpusError
    """
    for place, magic, what, remedy in _FORMATS:
        if block.startswith(magic, place) and _CONFIRMED_BY.get(magic, b"") in block[place + 4 :]:
            if path.suffix.lower() in _WORKBOOKS:
                what, remedy = "a workbook", "save it as CSV first"
            remedy = remedy.format(shlex.quote(str(path)))
            raise CorpusError(f"{shown_name(path)} is {what}{where}, not text; {remedy}")


def refuse_binary(path: Path, block: bytes, where: str = "") -> None:
    """Refuse other formats, NUL bytes and JSON; parameters and errors are those of `refuse_formats`."""
    refuse_formats(path, block, where)
    if b"\0" in block:
        position = block.index(b"\0")
        place = "of its unpacked text" if where else "of the file"
        raise CorpusError(nul_message(shown_name(path), block.count(b"\n", 0, position) + 1, position, place))
    if remedy := _json_remedy(block.decode(errors="replace"), shlex.quote(str(path))):
        raise CorpusError(f"{shown_name(path)} is JSON, not text; {remedy}")


def check_ending(path: Path, block: bytes, compression: Compression | None) -> None:
    """Refuse a file whose name promises another content: who reads it as text, or leaves it, is surprised."""
    promised = next((known for known in COMPRESSIONS if path.suffix.lower() == known.ending), None)
    if promised is None or promised is compression:
        return
    what = f"is {compression.name} data" if compression else "is no compressed file" if block else "is empty"
    raise CorpusError(
        f"{shown_name(path)} ends in {promised.ending} but {what}; rename it if it is what you want, or make it again"
    )


def json_array_remedy(path: str) -> str:
    """Return what to do about one JSON array where a line an event is wanted."""
    return f"it is one JSON array; make a line of each of its events: jq -c '.[]' {path} > events.jsonl"


def _json_remedy(text: str, path: str) -> str | None:
    """Return what to do about text that begins as JSON does: objects, arrays, lists; None if it does not."""
    if found := _OBJECT.match(text):
        if found[1]:
            return json_array_remedy(path)
        return "if each line is an event, give `format=jsonl`, with `user` and `item`"
    line = text.split("\n", 1)[0].strip()
    if not (line.startswith("[") and line.endswith("]")):
        return None
    try:
        items = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if len(items) < 2 and not any(isinstance(item, str) for item in items):
        return None  # [1] may be an item
    return f"""if each line is a list of items, write it as text: jq -r 'join("\\t")' {path} > corpus.txt"""


# From what the user names to files that can be read.

FIRST_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 30  # bytes, where lines are read one by one from what is unpacked


@dataclass(frozen=True)
class Source:
    """A file that is there, readable and perhaps text.

    Parameters
    ----------
    path : Path
        ``-`` for standard input.
    size : int
        Bytes when it was checked, compressed ones as they are; 0 for a pipe.
    start : int
        Where the text begins: 3 behind a UTF-8 byte order mark, else 0.
    changed : tuple of int
        When contents and status changed last, in nanoseconds.
    stream : Stream or None
        What reads it, if it cannot be mapped and cut up: compressed, of another encoding, a pipe, or no file.
    head : bytes
        How the text of a stream begins, as UTF-8.
    """

    path: Path
    size: int
    start: int
    changed: tuple[int, int] = (0, 0)
    stream: Stream | None = None
    head: bytes = b""

    @property
    def empty(self) -> bool:
        """Whether it has no text at all."""
        return not self.head if self.stream else self.size <= self.start

    @property
    def pipe(self) -> bool:
        """Whether it can be read only once."""
        return self.stream is not None and self.stream.once

    def first_block(self) -> bytes:
        """Return how its text begins, up to `FIRST_BLOCK` bytes."""
        return self.head if self.stream else map_file(self)[self.start : self.start + FIRST_BLOCK]


def find_sources(names: Sequence[str | Path], *, encoding: str = UTF8, errors: Errors = "strict") -> list[Source]:
    """Expand ``~`` and globs (each glob's files sorted by name) and look at every file's beginning.

    ``-`` is standard input. ``encoding`` is as `check_encoding` returns it.

    Raises
    ------
    CorpusError
        If a name leads to no readable text, or all files are empty.
    """
    if not names:
        raise CorpusError("no source is given; name at least one text file")
    paths = [path for name in names for path in expand(os.fspath(name))]
    if sum(str(path) == STANDARD_INPUT for path in paths) > 1:
        raise CorpusError("'-', standard input, is named twice, and can be read only once")
    sources = [check_source(path, encoding=encoding, errors=errors) for path in paths]
    if all(source.empty for source in sources):
        raise CorpusError(f"there is nothing in {describe(sources)}; a corpus has a sequence of items on each line")
    return sources


def check_source(path: Path, *, encoding: str = UTF8, errors: Errors = "strict") -> Source:
    """Look at one file before any long work.

    Raises
    ------
    CorpusError
        If it is missing, unreadable, no file or pipe, or begins as no text does.
    """
    try:
        if str(path) == STANDARD_INPUT:
            return _check_pipe(path, standard_input(), encoding, errors)
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CorpusError(f"{str(path)!r} is a directory; name its files, such as {str(path / '*.txt')!r}")
        if stat.S_ISFIFO(status.st_mode):
            return _check_pipe(path, path.open("rb", buffering=0), encoding, errors)
        if not stat.S_ISREG(status.st_mode):
            raise CorpusError(f"{str(path)!r} is not a regular file but a device or socket; write it to a file first")
        with path.open("rb") as file:
            block = file.read(FIRST_BLOCK)
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"no file {str(path)!r}{nearest(path)}") from None
    except OSError as error:
        raise CorpusError(
            f"cannot read {shown_name(path)}: {error.strerror or error}; see its owner and permissions"
        ) from None
    stream, head = _stream(path, path, block, encoding, errors)
    start = len(BYTE_ORDER_MARK) if block.startswith(BYTE_ORDER_MARK) else 0
    return Source(path, status.st_size, start, (status.st_mtime_ns, status.st_ctime_ns), stream, head)


def standard_input() -> BinaryIO:
    """Return standard input, unbuffered where it can be: a thread that waits in a buffered read holds its lock.

    Raises
    ------
    CorpusError
        If there is none, or it is a terminal.
    """
    if sys.stdin is None or sys.stdin.closed:
        raise CorpusError("'-' is standard input, but that is closed; pipe text into it")
    if sys.stdin.isatty():
        raise CorpusError("'-' is standard input, but that is a terminal; pipe text into it")
    buffered = sys.stdin.buffer
    file: BinaryIO = getattr(buffered, "raw", buffered)
    return file


def _check_pipe(path: Path, file: BinaryIO, encoding: str, errors: Errors) -> Source:
    peeked = PeekedFile(file)
    stream, head = _stream(path, peeked, peeked.peek(FIRST_BLOCK), encoding, errors)
    if stream is None:
        stream, head = TextStream(shown_name(path), peeked, None, encoding, errors), peeked.peek(FIRST_BLOCK)
    return Source(path, 0, 0, stream=stream, head=head)


def _stream(
    path: Path, file: Path | PeekedFile, block: bytes, encoding: str, errors: Errors
) -> tuple[TextStream | None, bytes]:
    """Return what reads a source that begins with ``block``, and how its text begins; None if it is plain UTF-8."""
    compression = recognise(block)
    check_ending(path, block, compression)
    if compression is None:
        actual = encoding_of(block, encoding)
        if actual == UTF8:
            refuse_binary(path, block)
            if errors == "strict":
                return None, b""
        head = block
    else:
        head = unpacked_head(path, file, block, compression)
        actual = encoding_of(head, encoding)
        if actual == UTF8:
            refuse_binary(path, head, " inside")
    stream = TextStream(shown_name(path), file, compression, actual, errors)
    text = TextStream(shown_name(path), PeekedFile(io.BytesIO(head)), None, actual, "replace").blocks(FIRST_BLOCK)
    return stream, b"".join(text)


def unpacked_head(path: Path, file: Path | PeekedFile, block: bytes, compression: Compression) -> bytes:
    """Return the first bytes of a compressed file: from the file itself, so that one cut off early is found out.

    Raises
    ------
    CorpusError
        If it is damaged, or what was compressed is compressed itself.
    """
    with file.open("rb") if isinstance(file, Path) else io.BytesIO(block) as beginning:
        head = b""
        blocks = unpacked(beginning, compression, shown_name(path), FIRST_BLOCK)
        try:
            for more in blocks:
                head += more
                if len(head) >= FIRST_BLOCK:
                    break
        except CorpusError:
            if isinstance(file, Path) or len(block) < FIRST_BLOCK:
                raise  # all of it was there, and it is damaged
    if inner := recognise(head):
        raise CorpusError(
            f"{shown_name(path)} is compressed twice, {inner.name} data within {compression.name} data; "
            "decompress it once first"
        )
    return head[:FIRST_BLOCK]


def describe(sources: Sequence[Source]) -> str:
    """Name the first file, and how many more there are."""
    more = len(sources) - 1
    return shown_name(sources[0].path) + (f" and {more:,} more file{'s' if more > 1 else ''}" if more else "")


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


def lines_of(source: Source) -> Iterator[bytes]:
    """Yield the lines of a source without their newlines; those of a stream unpacked, and as UTF-8.

    Raises
    ------
    CorpusError
        If a stream is damaged or no text, or a line of it has no end; plain text is not checked.
    """
    if source.stream is None:
        with source.path.open("rb") as file:
            file.seek(source.start)
            yield from (line.removesuffix(b"\n") for line in file)
        return
    begun: list[bytes] = []  # of a line: joined once, however many blocks it has
    size = 0
    for block in source.stream.blocks(1 << 20):
        first, *lines = block.split(b"\n")
        begun.append(first)
        size += len(first)
        if size > _LONGEST_LINE:
            raise CorpusError(
                f"{shown_name(source.path)} has a line of over {_LONGEST_LINE:,} bytes; that is no sequence"
            )
        if lines:
            yield b"".join(begun)
            yield from lines[:-1]
            begun, size = [lines[-1]], len(lines[-1])
    if size:
        yield b"".join(begun)
