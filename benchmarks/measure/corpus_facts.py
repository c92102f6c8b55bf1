"""What a race needs to know of its corpus; its first part where it is too much, copies where it is too little."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass
from pathlib import Path

GENSIM_LONGEST_LINE = 10_000  # gensim.models.word2vec.MAX_WORDS_IN_BATCH: the rest of a line is dropped
LETTERS = string.digits + string.ascii_uppercase + "!#$%&*+.:<=>?@^_|~"
MOST_COPIES = len(LETTERS)
STEP = 16 << 20


@dataclass(frozen=True)
class CorpusFacts:
    """Counts of one text file, and the hash that a reported figure carries."""

    tokens: int
    lines: int
    longest_line: int
    sha256: str


def facts_of(path: Path) -> CorpusFacts:
    """Count ``path`` line by line, so that the racing process itself stays small."""
    tokens = lines = longest = 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            length = len(line.split())
            tokens += length
            lines += 1
            longest = max(longest, length)
    return CorpusFacts(tokens, lines, longest, digest.hexdigest())


def write_head(path: Path, tokens: int, target: Path) -> Path:
    """Copy the first lines of ``path`` to ``target`` until they hold ``tokens`` tokens or the file ends."""
    copied = 0
    with path.open("rb") as source, target.open("wb") as copy:
        for line in source:
            if copied >= tokens:
                break
            copy.write(line)
            copied += len(line.split())
    return target


def write_copies(path: Path, target: Path, copies: int = MOST_COPIES, size: int | None = None) -> float:
    """Repeat ``path`` with another letter behind every item each time, so that the items are others.

    At most so many ``copies``, and until ``size`` bytes are written; returns how often. Items have one space between
    them, and no line is empty.
    """
    written = 0
    with target.open("wb") as file:
        for copy, letter in enumerate(LETTERS[:copies]):
            with path.open("rb") as source:
                while block := source.readlines(STEP):
                    lines = b"".join(block)
                    renamed = lines.replace(b" ", letter.encode() + b" ").replace(b"\n", letter.encode() + b"\n")
                    written += file.write(renamed)
                    if size is not None and written >= size:
                        return copy + source.tell() / path.stat().st_size
    return copies
