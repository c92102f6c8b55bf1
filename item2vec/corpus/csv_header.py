"""The header line of a CSV file: where it ends, and which columns it names."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from item2vec.corpus.utf8_blocks import BYTE_ORDER_MARK, bad_byte_message
from item2vec.errors import CorpusError


def first_line(path: Path, name: str) -> str:
    """The header line: a line, and more where a quoted name goes on over its end."""
    try:
        with path.open("rb") as file:
            block = file.read(1 << 20)
    except OSError as error:
        raise CorpusError(f"cannot read {name}: {error.strerror}; see its name, owner and permissions") from None
    text = block.removeprefix(BYTE_ORDER_MARK)
    end = re.search(rb'\A(?:[^"\r\n]|"[^"]*")*', text)
    line = text[: end.end()] if end else text
    if not line.strip():
        raise CorpusError(f"{name} is empty; an event table has a header line and an event on each line")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise CorpusError(bad_byte_message(name, line, error.start)) from None


def parse_line(line: str, delimiter: str) -> list[str]:
    """The names in a header line; none if such a delimiter makes no sense of it."""
    if len(delimiter) > 1:
        return [name.strip('"') for name in line.split(delimiter)]
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names for columns that SQL, which overlooks case, can tell apart."""
    seen: set[str] = set()
    result = []
    for place, name in enumerate(names):
        unique, number = name or f"column{place}", 1
        while unique.casefold() in seen:
            unique, number = f"{name or 'column'}_{number}", number + 1
        seen.add(unique.casefold())
        result.append(unique)
    return result
