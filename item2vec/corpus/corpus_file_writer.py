"""CorpusFileWriter: a corpus file, written by blocks from its beginning to its end."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.code_store import temporary_file, writing_to
from item2vec.corpus.corpus import Corpus, Facts
from item2vec.corpus.corpus_file import ARRAYS, FORMAT, HEADER, NAME, STEP, CorpusFile, map_corpus, read_header
from item2vec.corpus.names import Names
from item2vec.corpus.vocabulary import Vocabulary

TEMPORARY = ".part"


class CorpusFileWriter:
    """Writes a corpus file from its beginning to its end; offsets wait in a file of their own.

    Parameters
    ----------
    folder : Path
    named : bool
        Whether the file is to be kept.
    """

    def __init__(self, folder: Path, *, named: bool) -> None:
        self._folder = folder
        self._lengths = dict.fromkeys(ARRAYS, 0)
        self._crc = 0
        self._path: Path | None = None
        with writing_to(folder):
            self._offsets = temporary_file(folder)
            if named:
                descriptor, name = tempfile.mkstemp(TEMPORARY, "", folder)
                self._path = Path(name)
                self._file: BinaryIO = os.fdopen(descriptor, "w+b")
            else:
                self._file = temporary_file(folder)
            self._file.write(bytes(HEADER))

    def __enter__(self) -> CorpusFileWriter:
        """Return this writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files; what has not been kept goes."""
        with suppress(OSError):  # a full disk was reported when it was met
            self._offsets.close()
        with suppress(OSError):
            self._file.close()
        if self._path:
            self._path.unlink(missing_ok=True)

    def add_items(self, items: NDArray[np.int32]) -> None:
        """Append ids; all come before `finish`."""
        with writing_to(self._folder):
            self._write("items", items)

    def add_offsets(self, offsets: NDArray[np.int64]) -> None:
        """Append offsets, of which the first is 0."""
        with writing_to(self._folder):
            self._offsets.write(np.ascontiguousarray(offsets, "<i8").data)

    def finish(
        self,
        vocabulary: Vocabulary,
        rare: Vocabulary,
        facts: Facts,
        key: str,
        names: Names | None = None,
        notes: tuple[str, ...] = (),
    ) -> Corpus:
        """Write all the rest, the header last, and map the file."""
        with writing_to(self._folder):
            self._offsets.seek(0)
            self._write("offsets", np.empty(0, np.int64))
            while block := self._offsets.read(STEP):
                self._write("offsets", np.frombuffer(block, np.int64))
            for name, items in (("vocabulary", vocabulary), ("rare", rare)):
                self._write(f"{name}_counts", items.counts)
                self._write(f"{name}_offsets", items.offsets)
                self._write(f"{name}_blob", items.blob)
            if names is not None:
                self._write("names_offsets", names.offsets)
                self._write("names_blob", names.blob)
            self._write("notes", np.frombuffer(json.dumps(notes).encode(), np.uint8))
            self._align()
            text = json.dumps({"format": FORMAT, "key": key, "lengths": self._lengths, **facts}).encode()
            self._file.seek(0)
            self._file.write(b"%s%08x\n%s\n" % (NAME, zlib.crc32(text, self._crc), text))
            self._file.write(b" " * (HEADER - self._file.tell()))
            self._file.flush()
            return map_corpus(CorpusFile(self._file), read_header(self._file))

    def keep(self, corpus: Corpus, path: Path, *, remade: bool) -> None:
        """Give the finished file its name; one that is there makes room.

        If that cannot be, as somebody clears the folder, it goes with the process as a temporary one does.
        """
        assert self._path
        assert corpus.file
        try:
            os.replace(self._path, path)
        except OSError:
            return
        self._path = None
        corpus.file.path = path
        corpus.file.remade = remade

    def _write(self, name: str, values: NDArray[Any]) -> None:
        if not self._lengths[name]:
            self._align()
        data = np.ascontiguousarray(values, ARRAYS[name])
        self._lengths[name] += len(data)
        self._append(data.view(np.uint8))

    def _align(self) -> None:
        self._append(np.zeros(-self._file.tell() % 8, np.uint8))

    def _append(self, data: NDArray[np.uint8]) -> None:
        self._crc = zlib.crc32(data.data, self._crc)
        self._file.write(data.data)
