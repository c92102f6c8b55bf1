"""Files that are no text, known by how they begin, with a way to make text or a table of them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

from item2vec.corpus.compression import COMPRESSIONS, Compression
from item2vec.corpus.file_names import shown_name
from item2vec.corpus.utf8_blocks import nul_message
from item2vec.errors import CorpusError

# How files begin that are not text, what they are, and how they become text.
_FORMATS = (
    (0, b"PK\x03\x04", "a zip archive", "unpack it first: unzip -p {} > corpus.txt"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first: 7z e {}"),
    (0, b"\x04\x22\x4d\x18", "lz4 data", "decompress it first: lz4 -dc {} > corpus.txt"),
    (0, b"\x1f\x9d", "compress data", "decompress it first: uncompress -c {} > corpus.txt"),
    (257, b"ustar", "a tar archive", "unpack it first: tar -xf {}"),
    (0, b"PAR1", "a Parquet file", "give --format parquet, with --user and --item"),
    (8, b"DUCK", "a DuckDB database", 'say what to read of it: --sql "SELECT * FROM ...", with --user and --item'),
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
    """What to do about one JSON array where a line an event is wanted."""
    return f"it is one JSON array; make a line of each of its events: jq -c '.[]' {path} > events.jsonl"


def _json_remedy(text: str, path: str) -> str | None:
    """What to do about text that begins as JSON does: objects, an array of such, or lists; None if it does not."""
    if found := _OBJECT.match(text):
        if found[1]:
            return json_array_remedy(path)
        return "if each line is an event, give --format jsonl, with --user and --item"
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
