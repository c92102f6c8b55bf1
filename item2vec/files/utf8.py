"""Blocks of UTF-8 that pass by are checked, and the words for bytes that are not UTF-8. numpy only."""

from __future__ import annotations

import codecs
import itertools
import mmap
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError

BYTE_ORDER_MARK = codecs.BOM_UTF8
OF_THE_FILE = "of the file"


class Utf8Check:
    """Passes blocks of UTF-8 on as they are, cut between characters, without a byte order mark.

    Parameters
    ----------
    shown, place : str
        What errors call the file, and what a byte's position is counted in.
    """

    replaced = 0  # places that became U+FFFD, as `Transcoder` counts them

    def __init__(self, shown: str, place: str) -> None:
        self._shown = shown
        self._place = place

    def __call__(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the blocks.

        Raises
        ------
        CorpusError
            At the first byte that is NUL or begins no character: with file, line and byte.
        """
        passed, lines = 0, 1  # of what has been yielded, the mark included
        kept = b""
        for block in blocks:
            text = kept + block if kept else block
            if not passed and len(text) < len(BYTE_ORDER_MARK):
                kept = text
                continue
            valid = self._valid(text, passed, lines)
            kept = text[valid:]
            if valid:
                yield text[0 if passed or not text.startswith(BYTE_ORDER_MARK) else len(BYTE_ORDER_MARK) : valid]
            passed += valid
            lines += text.count(b"\n", 0, valid)
        if kept:
            valid = self._valid(kept, passed, lines)
            if valid < len(kept):
                raise CorpusError(bad_byte_message(self._shown, kept, valid, passed, lines, self._place))
            yield kept

    def _valid(self, text: bytes, passed: int, lines: int) -> int:
        """How many bytes are whole characters; a character may go on in the next block."""
        bad = text.find(b"\0")
        try:
            valid = codecs.utf_8_decode(text if bad < 0 else text[:bad], "strict", False)[1]
            bad = valid if bad >= 0 else -1
        except UnicodeDecodeError as error:
            bad = error.start
        if bad >= 0:
            raise CorpusError(bad_byte_message(self._shown, text, bad, passed, lines, self._place))
        return valid


def bad_byte_message(
    shown: str, text: bytes | mmap.mmap, position: int, passed: int = 0, lines: int = 1, place: str = OF_THE_FILE
) -> str:
    """One line about text[position], which is NUL or begins no UTF-8 character.

    Parameters
    ----------
    shown : str
        What to call the file.
    text : bytes or mmap
    position : int
        From 0.
    passed, lines : int
        The byte of the file that ``text`` begins at, and its line, from 1.
    place : str
        What the byte's position is counted in.
    """
    line = lines + _count_newlines(text, position)
    if text[position] == 0:
        return nul_message(shown, line, passed + position, place)
    return (
        f"{shown} is not UTF-8 text: line {line:,} has the byte 0x{text[position]:02x}, at byte "
        f"{passed + position:,} {place}; give its encoding, perhaps `encoding=windows-1252`, or `errors=replace`"
    )


def nul_message(shown: str, line: int, position: int, place: str = OF_THE_FILE) -> str:
    """One line about a NUL byte: ``line`` counts from 1, ``position`` (bytes) from 0."""
    return (
        f"{shown} looks binary: line {line:,} has a NUL byte, at byte {position:,} {place}; "
        "give a text file, or remove the byte"
    )


def _count_newlines(text: bytes | mmap.mmap, stop: int) -> int:
    step = 1 << 20
    return sum(text[start : min(start + step, stop)].count(b"\n") for start in range(0, stop, step))


_CHUNK = 1 << 22  # bytes of items decoded at once


def first_not_utf8(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int | None:
    """Return the first item that is not valid UTF-8 by itself, or None; the items divide the blob."""
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    places = np.searchsorted(starts, np.arange(_CHUNK, len(blob), _CHUNK))
    cuts = np.unique(starts[places[places < len(starts)]]).tolist()
    wrong = len(blob)
    for begin, end in itertools.pairwise([0, *cuts, len(blob)]):
        try:
            blob[begin:end].tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            wrong = begin + error.start
            break
    inside = starts[(blob[starts] & 0xC0) == 0x80]
    if len(inside) and inside[0] < wrong:  # a character of the item before goes on there
        wrong = int(inside[0]) - 1
    return None if wrong == len(blob) else int(np.searchsorted(offsets, wrong, "right")) - 1


def all_text(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> bool:
    """Whether each of the items that divide the blob is UTF-8 by itself, without NUL."""
    return bool(blob.all()) and first_not_utf8(blob, offsets) is None
