"""CorpusFileWriter: a corpus file, written by blocks from its beginning to its end."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.corpus import Corpus, CorpusFile, Facts
from item2vec.files.machine import release_pages
from item2vec.files.temporary import temporary_file, writing_to
from item2vec.files.utf8 import all_text
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

# A corpus in a file: numbers and items behind a header of JSON, mapped for reading.
#
# 4,096 bytes of header: a line that names the format, a line with the CRC-32 of all else, a line of JSON, spaces. Then
# the arrays of `ARRAYS`, little-endian, each from a multiple of 8 bytes on. `CorpusFileWriter` writes it.

FORMAT = 3  # to be raised whenever the same sources would become another file
NAME = b"item2vec corpus\n"
HEADER = 4096
ARRAYS = {
    "items": "<i4", "offsets": "<i8",
    "vocabulary_counts": "<i8", "vocabulary_offsets": "<i8", "vocabulary_blob": "|u1",
    "rare_counts": "<i8", "rare_offsets": "<i8", "rare_blob": "|u1",
    "names_offsets": "<i8", "names_blob": "|u1",  # none at all without names
    "notes": "|u1",  # a JSON list
}  # fmt: skip
STEP = 4 << 20  # bytes of a file that are worked on at a time


class DamagedFileError(Exception):
    """A file is not what `CorpusFileWriter` writes."""


def open_corpus(path: Path, key: str) -> Corpus:
    """Check a cached file completely, then map it.

    Raises
    ------
    FileNotFoundError
        If there is none.
    DamagedFileError
        If it is not a file of this format that was made for ``key``, or not as it was written.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        header = read_header(file)
        if header["key"] != key:
            raise DamagedFileError("it is of other sources")
        corpus = map_corpus(CorpusFile(file, path, found=True), header)
    _check(corpus, header)
    return corpus


def read_header(file: BinaryIO) -> dict[str, Any]:
    """Return the header's JSON, with its text and the CRC."""
    file.seek(0)
    lines = file.read(HEADER).split(b"\n")
    try:
        crc, text = lines[1], lines[2]
        header: dict[str, Any] = json.loads(text)
        whole = [header[name] for name in Facts.__annotations__] + [header["lengths"][name] for name in ARRAYS]
        if lines[0] + b"\n" != NAME or header["format"] != FORMAT or not isinstance(header["key"], str):
            raise DamagedFileError("it has another format")
        if not all(type(number) is int and number >= 0 for number in whole):
            raise DamagedFileError("a length is not a number")
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFileError("its header cannot be read") from error
    return header | {"crc": crc, "text": text}


def map_corpus(file: CorpusFile, header: dict[str, Any]) -> Corpus:
    """Return the corpus whose arrays are views of the file, where the header says."""
    arrays = {}
    position = HEADER
    for name, kind in ARRAYS.items():
        length = header["lengths"][name]
        end = position + length * np.dtype(kind).itemsize
        if end > file.size:
            raise DamagedFileError("it is cut off")
        arrays[name] = np.frombuffer(file.mapped, kind, length, position)
        position = end + -end % 8
    if position != file.size:
        raise DamagedFileError("it is too long")
    texts = {
        name: Vocabulary(arrays[f"{name}_blob"], arrays[f"{name}_offsets"], arrays[f"{name}_counts"])
        for name in ("vocabulary", "rare")
    }
    try:
        notes = tuple(map(str, json.loads(arrays["notes"].tobytes())))
    except (ValueError, TypeError, RecursionError) as error:
        raise DamagedFileError("its notes cannot be read") from error
    return Corpus(
        arrays["items"],
        arrays["offsets"],
        texts["vocabulary"],
        raw_tokens=header["raw_tokens"],
        raw_sequences=header["raw_sequences"],
        replaced=header["replaced"],
        rare=texts["rare"],
        names=Names(arrays["names_blob"], arrays["names_offsets"]) if len(arrays["names_offsets"]) else None,
        notes=notes,
        file=file,
    )


def _check(corpus: Corpus, header: dict[str, Any]) -> None:
    """Check that the bytes are those that were written, and that no id or offset leads outside."""
    file = corpus.file
    assert file is not None
    crc = 0
    with memoryview(file.mapped) as data:
        for start in range(HEADER, file.size, STEP):
            crc = zlib.crc32(data[start : start + STEP], crc)
            release_pages(file.mapped, start, min(start + STEP, file.size))
    if b"%08x" % zlib.crc32(header["text"], crc) != header["crc"]:  # as text: as numbers, "1A" would do for "1a"
        raise DamagedFileError("its sum is another")
    vocabulary, rare = corpus.vocabulary, corpus.rare
    assert rare is not None
    if any(len(items.offsets) != len(items.counts) + 1 for items in (vocabulary, rare)):
        raise DamagedFileError("counts and items differ")
    if corpus.names is not None and len(corpus.names) != len(vocabulary):
        raise DamagedFileError("names and items differ")
    named: list[Vocabulary | Names] = [vocabulary, rare] if corpus.names is None else [vocabulary, rare, corpus.names]
    texts = [(items.offsets, len(items.blob)) for items in named]
    for offsets, end in [(corpus.offsets, len(corpus.items)), *texts]:
        if not len(offsets) or offsets[0] != 0 or offsets[-1] != end:
            raise DamagedFileError("offsets do not divide what they should")
        for block in _blocks(file, offsets):
            if np.any(block[1:] < block[:-1]):
                raise DamagedFileError("offsets fall")
    if not all(all_text(items.blob, items.offsets) for items in named):
        raise DamagedFileError("an item is not UTF-8")
    for block in _blocks(file, corpus.items):
        if block.min() < 0 or block.max() >= len(vocabulary):
            raise DamagedFileError("an id has no item")


def _blocks(file: CorpusFile, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Parts of an array that share their borders, whose pages are given back."""
    step = STEP // values.itemsize
    for start in range(0, len(values), step):
        yield values[start : start + step + 1]
        file.release()


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
