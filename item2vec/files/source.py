"""From what the user names to files that can be read: each is opened, recognised and checked once."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from item2vec.errors import CorpusError
from item2vec.files.compression import COMPRESSIONS, Compression, recognise, unpacked
from item2vec.files.encoding import UTF8, Errors, encoding_of
from item2vec.files.paths import STANDARD_INPUT, expand, nearest, shown_name
from item2vec.files.stream import PeekedFile, Stream, TextStream
from item2vec.files.utf8 import BYTE_ORDER_MARK, nul_message

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
    (0, b"ARROW1\0\0", "an Arrow file", "write it as Parquet first, for example with pandas"),
    (0, b"\x80", "a Python pickle", "write it as text first, one sequence per line"),
    (0, b"\x93NUMPY", "a numpy array", "write it as text first, one sequence per line"),
)
# Text may have these by chance; then a NUL behind them decides.
_CONFIRMED_BY = {b"PAR1": b"\0", b"ustar": b"\0", b"DUCK": b"\0"}
_WORKBOOKS = (".xlsx", ".xlsm", ".ods")
_OBJECT = re.compile(r'\s*(\[\s*)?\{\s*"(?:[^"\\\n]|\\.)*"\s*:')


def refuse_formats(path: Path, block: bytes, where: str = "") -> None:
    """Refuse a file that begins like one of another format.

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
    what = f"is {compression.name} data" if compression else "is not compressed" if block else "is empty"
    raise CorpusError(
        f"{shown_name(path)} ends in {promised.ending} but {what}; rename it if that is right, or make it again"
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


FIRST_BLOCK = 1 << 16
_LONGEST_LINE = 1 << 30  # bytes, where lines are read one by one from what is unpacked
_LISTED = 10_000  # files of a folder that are looked through for their endings


@dataclass(frozen=True)
class Source:
    """A file or pipe that was opened and recognised once; whoever reads it goes on from here.

    Parameters
    ----------
    path : Path
        ``-`` for standard input.
    file : Path or PeekedFile
        What it is read from: the path, or a pipe whose beginning was looked at.
    block : bytes
        How it begins as it lies, up to `FIRST_BLOCK` bytes.
    head : bytes
        How it begins unpacked.
    compression : Compression or None
    size : int
        Bytes when it was looked at, as they lie; 0 for a pipe.
    changed : tuple of int
        When contents and status changed last, in nanoseconds.
    """

    path: Path
    file: Path | PeekedFile
    block: bytes
    head: bytes
    compression: Compression | None = None
    size: int = 0
    changed: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> str:
        """What messages call it."""
        return shown_name(self.path)

    @property
    def pipe(self) -> bool:
        """Whether it can be read only once."""
        return isinstance(self.file, PeekedFile)


def look(path: Path) -> Source:
    """Open a file or pipe and see how it begins.

    Raises
    ------
    CorpusError
        If it is missing, unreadable, a folder or a device, its ending promises another content, or its compressed
        data is damaged.
    """
    try:
        if str(path) == STANDARD_INPUT:
            return _recognise(path, PeekedFile(standard_input()))
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise CorpusError(f"{str(path)!r} is a directory; name its files, such as {str(path / _pattern(path))!r}")
        if stat.S_ISFIFO(status.st_mode):
            return _recognise(path, PeekedFile(path.open("rb", buffering=0)))
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
    return replace(_recognise(path, path, block), size=status.st_size, changed=(status.st_mtime_ns, status.st_ctime_ns))


def _pattern(folder: Path) -> str:
    """Return a pattern of the commonest ending of a folder's files."""
    try:
        names = os.listdir(folder)[:_LISTED]
    except OSError:
        names = []
    endings = Counter("".join(Path(name).suffixes[-2:]) for name in names if not name.startswith((".", "_")))
    common = [ending for ending, _ in endings.most_common() if ending]
    return f"*{common[0] if common else '.txt'}"


def _recognise(path: Path, file: Path | PeekedFile, block: bytes | None = None) -> Source:
    if block is None:
        assert isinstance(file, PeekedFile)
        block = file.peek(FIRST_BLOCK)
    compression = recognise(block)
    check_ending(path, block, compression)
    head = _unpacked_head(path, file, block, compression) if compression else block
    return Source(path, file, block, head, compression)


def look_at_all(names: Sequence[str | Path]) -> list[Source]:
    """Look at each file; ``~`` and globs are expanded, each glob's files sorted by name, and ``-`` is standard input.

    Raises
    ------
    CorpusError
        If there is no name, or one leads to nothing that can be read; see `look`.
    """
    if not names:
        raise CorpusError("no source is given; name at least one text file")
    paths = [path for name in names for path in expand(os.fspath(name))]
    if sum(str(path) == STANDARD_INPUT for path in paths) > 1:
        raise CorpusError("'-', standard input, is given twice, but can be read only once")
    return [look(path) for path in paths]


@dataclass(frozen=True)
class TextSource:
    """A source that is perhaps text.

    Parameters
    ----------
    path : Path
    size : int
        Bytes of a file that is mapped, as they lie; 0 for a pipe.
    start : int
        Where the text begins: 3 behind a UTF-8 byte order mark, else 0.
    changed : tuple of int
        As for `Source`.
    stream : Stream or None
        What reads it, if it cannot be mapped and cut up: compressed, of another encoding, a pipe, or no file.
    head : bytes
        How its text begins, up to `FIRST_BLOCK` bytes, as UTF-8.
    """

    path: Path
    size: int = 0
    start: int = 0
    changed: tuple[int, int] = (0, 0)
    stream: Stream | None = None
    head: bytes = b""

    @property
    def empty(self) -> bool:
        """Whether it has no text at all."""
        return not self.head

    @property
    def pipe(self) -> bool:
        """Whether it can be read only once."""
        return self.stream is not None and self.stream.once


def find_texts(
    names: Sequence[str | Path | Source], *, encoding: str = UTF8, errors: Errors = "strict"
) -> list[TextSource]:
    """Look at every file's beginning, if that was not done before, and see whether it may be text.

    ``encoding`` is as `check_encoding` returns it.

    Raises
    ------
    CorpusError
        If a name leads to no readable text, or all files are empty.
    """
    looked = [name for name in names if isinstance(name, Source)]
    found = looked or look_at_all([name for name in names if not isinstance(name, Source)])
    texts = [as_text(source, encoding=encoding, errors=errors) for source in found]
    if all(text.empty for text in texts):
        raise CorpusError(f"there is nothing in {describe(texts)}; a corpus needs one sequence of items per line")
    return texts


def as_text(source: Path | Source, *, encoding: str = UTF8, errors: Errors = "strict") -> TextSource:
    """Say how a source is read as text, before any long work.

    Raises
    ------
    CorpusError
        If it cannot be read, or begins as no text does.
    """
    if isinstance(source, Path):
        source = look(source)
    actual = encoding_of(source.head, encoding)
    if actual == UTF8:
        refuse_binary(source.path, source.head, " inside" if source.compression else "")
    text = TextSource(source.path, source.size, changed=source.changed)
    if actual == UTF8 and errors == "strict" and not source.compression and not source.pipe:
        start = len(BYTE_ORDER_MARK) if source.head.startswith(BYTE_ORDER_MARK) else 0
        return replace(text, start=start, head=source.head[start:])
    beginning = PeekedFile(io.BytesIO(source.head))
    blocks = TextStream(source.shown, beginning, None, actual, "replace").blocks(FIRST_BLOCK)
    stream = TextStream(source.shown, source.file, source.compression, actual, errors)
    return replace(text, stream=stream, head=b"".join(blocks))


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


def _unpacked_head(path: Path, file: Path | PeekedFile, block: bytes, compression: Compression) -> bytes:
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


def describe(sources: Sequence[TextSource]) -> str:
    """Name the first file, and how many more there are."""
    more = len(sources) - 1
    return shown_name(sources[0].path) + (f" and {more:,} more file{'s' if more > 1 else ''}" if more else "")


def changed_error(source: Source | TextSource) -> CorpusError:
    """Return the error for a file that did not stay as it was."""
    return CorpusError(
        f"{shown_name(source.path)} changed while it was read; train on a copy that stays as it is, and put a new file "
        "in its place by renaming it"
    )


def same_as_before(source: Source | TextSource) -> bool:
    """Whether a file has the size and the time of change that it had when it was looked at; True for a pipe."""
    if source.pipe:
        return True
    try:
        now = source.path.stat()
    except OSError:
        return False
    return now.st_size == source.size and now.st_mtime_ns == source.changed[0]


def check_unchanged(sources: Iterable[Source | TextSource]) -> None:
    """Raise an error if a file has changed since it was looked at.

    Raises
    ------
    CorpusError
        Naming the first that did.
    """
    for source in sources:
        if not same_as_before(source):
            raise changed_error(source)


def read_range(source: TextSource, start: int, stop: int, size: int) -> Iterator[bytearray]:
    """Yield the bytes from ``start`` to ``stop`` of a plain file, in blocks of at most ``size``.

    The file is read, not mapped: a mapped one that is cut off meanwhile ends the process. A block may be overwritten
    by the next.

    Raises
    ------
    CorpusError
        If it cannot be read any more, or has become shorter.
    """
    try:
        with source.path.open("rb", buffering=0) as file:
            file.seek(start)
            room = bytearray(min(size, stop - start))
            while start < stop:
                read = file.readinto(memoryview(room)[: stop - start])
                if not read:
                    raise changed_error(source)
                start += read
                yield room if read == len(room) else room[:read]
    except OSError as error:
        raise CorpusError(
            f"cannot read {shown_name(source.path)}: {error.strerror or error}; it was readable a moment ago"
        ) from None


def lines_of(source: TextSource) -> Iterator[bytes]:
    """Yield the lines of a source without their newlines; those of a stream unpacked, and as UTF-8.

    Raises
    ------
    CorpusError
        If a stream is damaged or no text, or a line of it has no end; plain text is not checked. If the file changed
        meanwhile.
    """
    if source.stream is None:
        with source.path.open("rb") as file:
            file.seek(source.start)
            yield from (line.removesuffix(b"\n") for line in file)
        check_unchanged([source])
        return
    begun: list[bytes] = []  # of a line: joined once, however many blocks it has
    size = 0
    for block in source.stream.blocks(1 << 20):
        first, *lines = block.split(b"\n")
        begun.append(first)
        size += len(first)
        if size > _LONGEST_LINE:
            raise CorpusError(
                f"{shown_name(source.path)} has a line of over {_LONGEST_LINE:,} bytes, which is too long for a "
                "sequence"
            )
        if lines:
            yield b"".join(begun)
            yield from lines[:-1]
            begun, size = [lines[-1]], len(lines[-1])
    if size:
        yield b"".join(begun)
    check_unchanged([source])
