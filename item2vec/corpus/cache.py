"""Encoded corpora that are kept: where, under what name, for how long."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from item2vec.corpus.corpus import Corpus
from item2vec.corpus.encoded import FORMAT, TEMPORARY, CorpusFileWriter, DamagedFileError, open_corpus
from item2vec.files.paths import cache_folder
from item2vec.files.source import Source, TextSource, same_as_before

ENDING = ".corpus"
_UNUSED = 30 * 24 * 3600  # seconds after which a corpus that was not used goes
_ABANDONED = 24 * 3600  # seconds after which an unfinished one that nobody writes to goes


class CacheEntry:
    """The place of one corpus in the cache.

    Parameters
    ----------
    sources : sequence of Source or TextSource
        Files, no pipes.
    options : dict
        All that the corpus depends on but the files; JSON values.

    Attributes
    ----------
    key : str
        What the corpus follows from, hashed: the files' paths, sizes and times of change, the options, the format.
    """

    def __init__(self, sources: Sequence[Source | TextSource], options: dict[str, Any]) -> None:
        files = [(os.path.abspath(source.path), source.size, *source.changed) for source in sources]
        self.key = hashlib.sha256(json.dumps([FORMAT, files, options]).encode()).hexdigest()
        self._path = cache_folder() / (self.key[:32] + ENDING)
        self._sources = sources
        self._damaged = False

    def open(self) -> Corpus | None:
        """Map the corpus, if it is there and whole."""
        try:
            corpus = open_corpus(self._path, self.key)
        except FileNotFoundError:
            return None
        except (OSError, DamagedFileError):
            self._damaged = True
            return None
        with suppress(OSError):  # no matter of life and death; it stays younger
            os.utime(self._path)
        return corpus

    def keep(self, corpus: Corpus, writer: CorpusFileWriter) -> None:
        """Keep what has been written, if the files stayed as they were, and remove what has not been used for long."""
        if all(map(same_as_before, self._sources)):
            writer.keep(corpus, self._path, remade=self._damaged)
            clear(self._path.parent)


@dataclass(frozen=True)
class KeptFile:
    """A file in the cache: its name, its bytes, and when it was used last, in seconds since 1970."""

    name: str
    size: int
    used: float


def kept_files(folder: Path) -> list[KeptFile]:
    """Return the encoded corpora, and what is or was being written, the one used last first."""
    files = []
    for path in (*folder.glob("*" + ENDING), *folder.glob("*" + TEMPORARY)):
        with suppress(OSError):  # another run was faster
            status = path.stat()
            files.append(KeptFile(path.name, status.st_size, status.st_mtime))
    return sorted(files, key=lambda file: -file.used)


def clear(folder: Path, *, everything: bool = False) -> list[KeptFile]:
    """Remove corpora that were long unused, and what killed runs left; or all. Runs that use one keep it."""
    now = time.time()
    removed = []
    for file in kept_files(folder):
        if everything or now - file.used > (_UNUSED if file.name.endswith(ENDING) else _ABANDONED):
            with suppress(OSError):
                (folder / file.name).unlink()
                removed.append(file)
    return removed
