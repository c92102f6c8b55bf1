"""What a race needs to know of its corpus, and the first part of it where the whole is too much."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

GENSIM_LONGEST_LINE = 10_000  # gensim.models.word2vec.MAX_WORDS_IN_BATCH: the rest of a line is dropped


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
