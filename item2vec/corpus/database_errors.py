"""What DuckDB says of a failure as one line: which file, where, what to do; not what its own options could do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from item2vec.corpus.utf8_blocks import OF_THE_FILE, Utf8Check
from item2vec.errors import CorpusError

_CSV_LINE = r"CSV Error on Line: (\d+)\s+Original Line: (.{0,80}).*?\s+"
_RAGGED = re.compile(_CSV_LINE + r"Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL)
_OPEN_QUOTE = re.compile(_CSV_LINE + r"Value with unterminated quote found", re.DOTALL)
_JSON = re.compile(r'(?:Malformed JSON|JSON transform error) in file "(.+?)", (?:at byte \d+ )?in line (\d+): (.*)')
_NOT_UTF8 = re.compile(r"not utf-?8|invalid unicode|invalid UTF", re.IGNORECASE)
_DAMAGE = re.compile(r"Failed to read file|decompress|TProtocol|don't know what type|corrupt|no magic bytes", re.I)
_BLOCK = 1 << 20  # bytes


def one_line(error: Exception, about: str, names: Mapping[str, str]) -> str:
    """The message for a failure.

    Parameters
    ----------
    error : Exception
        DuckDB's.
    about : str
        What the statement was about; empty for nothing that users named.
    names : mapping of str to str
        Files that DuckDB read to what users call them.
    """
    text = str(error)
    if "Out of Memory" in text or "max_temp_directory_size" in text:
        return _about(about) + (
            "not enough memory to sort the events, or no space for temporary files; raise --memory, or lower --threads"
        )
    in_json = _JSON.search(text)
    in_csv = re.search(r"^\s*file = (.+)$", text, re.MULTILINE)
    file = in_csv[1].strip() if in_csv else in_json[1] if in_json else ""
    if file and _NOT_UTF8.search(text) and (message := _bad_byte(file, names)):
        return message
    prefix = _about(about)
    if file and repr(shown := names.get(file, file)) not in about:
        prefix += f"{shown!r}: "
    if in_json:
        return prefix + _of_json(file, int(in_json[2]), in_json[3].strip())
    for plain, shown in names.items():
        text = text.replace(plain, shown)
    return prefix + _reason(text)


def _about(about: str) -> str:
    return f"{about}: " if about else ""


def _reason(text: str) -> str:
    damaged = "; the file is damaged, get it again" if _DAMAGE.search(text) else ""
    head = re.split(r"\n\s*(?:LINE \d+:|Possible |See also|file = |For more info)", text, maxsplit=1)[0]
    head = re.sub(r"^(?:[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)* Error|TProtocolException): ", "", head.strip())
    head = _RAGGED.sub(r"line \1, '\2', has \4 of \3 columns; mend it, or leave it out", head)
    head = _OPEN_QUOTE.sub(r"line \1, '\2', has a quote that is not closed; mend it, or leave it out", head)
    head = " ".join(head.replace("Original Line: ", "which is ").split()).rstrip(".: ")
    return (head if len(head) <= 400 else head[:400] + "...") + damaged


def _of_json(file: str, line: int, what: str) -> str:
    """The line that is no JSON: DuckDB counts one more where it is malformed."""
    try:
        with Path(file).open("rb") as lines:
            before = next(islice(lines, max(0, line - 2), None), b"")
        json.loads(before)
    except ValueError:
        line -= 1
    except OSError:
        pass
    return f"line {line:,} is no JSON object: {what.rstrip('.')}; mend it, or leave it out"


def _bad_byte(file: str, names: Mapping[str, str]) -> str | None:
    """Where the first byte stands that is not UTF-8."""
    place = "of its unpacked text" if file in names else OF_THE_FILE
    try:
        with Path(file).open("rb") as opened:
            check = Utf8Check(repr(names.get(file, file)), place)
            for _ in check(iter(lambda: opened.read(_BLOCK), b"")):
                pass
    except CorpusError as error:
        return str(error)
    except OSError:
        pass
    return None
