"""A corpus in a file: numbers and items behind a header of JSON, mapped for reading.

4,096 bytes of header: a line that names the format, a line with the CRC-32 of all else, a line of JSON, spaces. Then
the arrays of `ARRAYS`, little-endian, each from a multiple of 8 bytes on. `CorpusFileWriter` writes it.
"""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.corpus import Corpus, Facts
from item2vec.corpus.memory import give_back
from item2vec.corpus.names import Names
from item2vec.corpus.utf8 import all_valid
from item2vec.corpus.vocabulary import Vocabulary

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
_RESIDENT = 32 << 20  # bytes of ids read after which a mapped file's pages are given back


class DamagedFileError(Exception):
    """A file is not what `CorpusFileWriter` writes."""


class CorpusFile:
    """A mapped corpus file.

    Attributes
    ----------
    path : Path or None
        None for a temporary file, which has no name.
    size : int
        Its bytes.
    found : bool
        Whether it was there already.
    remade : bool
        Whether there was one, but damaged.
    mapped : mmap
        All of it, read-only.
    """

    def __init__(self, file: BinaryIO, path: Path | None = None, *, found: bool = False) -> None:
        self.path = path
        self.found = found
        self.remade = False
        self.mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self.mapped)
        self._read = 0

    def let_go(self, tokens: int) -> None:
        """Note that so many more ids have been read; now and then all pages are given back.

        They stay in the system's cache as long as it has room, but no longer count as this process's own.
        """
        self._read += 4 * tokens
        if self._read >= _RESIDENT:
            self._read = 0
            self.release()

    def release(self) -> None:
        """Give all pages back."""
        give_back(self.mapped, 0, self.size)


def open_corpus(path: Path, key: str) -> Corpus:
    """Map a kept file, after a look at all of it.

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
    """The header's JSON, with its text and the CRC."""
    file.seek(0)
    lines = file.read(HEADER).split(b"\n")
    try:
        crc, text = lines[1], lines[2]
        header: dict[str, Any] = json.loads(text)
        whole = [header[name] for name in Facts.__annotations__] + [header["lengths"][name] for name in ARRAYS]
        if lines[0] + b"\n" != NAME or header["format"] != FORMAT or not isinstance(header["key"], str):
            raise DamagedFileError("it has another format")
        if not all(type(number) is int and number >= 0 for number in whole):
            raise DamagedFileError("a length is none")
    except (IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DamagedFileError("its header is none") from error
    return header | {"crc": crc, "text": text}


def map_corpus(file: CorpusFile, header: dict[str, Any]) -> Corpus:
    """The corpus whose arrays are views of the file, where the header says."""
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
        raise DamagedFileError("its notes are none") from error
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
    """The bytes are those that were written, and no id or offset leads outside, whoever wrote them."""
    file = corpus.file
    assert file is not None
    crc = 0
    with memoryview(file.mapped) as data:
        for start in range(HEADER, file.size, STEP):
            crc = zlib.crc32(data[start : start + STEP], crc)
            give_back(file.mapped, start, min(start + STEP, file.size))
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
    if not all(all_valid(items.blob, items.offsets, len(items)) for items in named):
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
