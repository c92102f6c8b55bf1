"""CodeStore: a reader's codes, in memory up to a limit, then in temporary files."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError

_FILE_SIZE = 1 << 30  # bytes after which another file begins, so that the disk gets them back bit by bit


class Room:
    """How many bytes of codes all readers together may hold in memory.

    Parameters
    ----------
    limit : int
        Bytes.
    folder : Path
        Where files go once they hold more; made when needed.

    Attributes
    ----------
    exceeded : bool
        Whether there was more: then all codes lie in files.
    """

    def __init__(self, limit: int, folder: Path) -> None:
        self.folder = folder
        self.exceeded = False
        self._left = limit
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Whether so many bytes more may stay in memory."""
        with self._lock:
            self._left -= size
            self.exceeded = self.exceeded or self._left < 0
        return not self.exceeded


class CodeStore:
    """Codes in the order in which they are appended.

    In memory they lie in blocks of pages of their own, so that each goes back to the system as soon as it has
    been taken. The files have no name, so that they go with the process, however it ends.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._blocks: list[NDArray[np.int32]] = []
        self._files: list[BinaryIO] = []
        self._longest = 1

    def append(self, codes: NDArray[np.int32]) -> None:
        """Take a block of codes.

        Raises
        ------
        CorpusError
            If it must go to a file, and cannot.
        """
        self._blocks.append(codes)
        self._longest = max(self._longest, len(codes))
        if not self._room.take(codes.nbytes):
            self.write_out()

    def write_out(self) -> None:
        """Bring all that lies in memory to a file."""
        if not self._blocks:
            return
        with writing_to(self._room.folder):
            for block in self._blocks:
                if not self._files or self._files[-1].tell() >= _FILE_SIZE:
                    self._files.append(temporary_file(self._room.folder))
                self._files[-1].write(block.data)
            self._files[-1].flush()
        self._blocks = []

    def take(self) -> Iterator[NDArray[np.int32]]:
        """Yield all codes, block by block, and let go of each."""
        while self._files:
            with self._files.pop(0) as file:
                file.seek(0)
                while len(block := np.fromfile(file, np.int32, self._longest)):
                    yield block
        while self._blocks:
            yield self._blocks.pop(0)


def temporary_file(folder: Path) -> BinaryIO:
    """Open a file without a name, readable by this user alone; the folder is made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  its user closes it
    return file


@contextmanager
def writing_to(folder: str | os.PathLike[str]) -> Iterator[None]:
    """Turn the system's refusals in the body into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise CorpusError(
            f"cannot write the encoded corpus to {os.fspath(folder)!r}: {(error.strerror or str(error)).lower()}; "
            "name a folder with room for 8 bytes a token by ITEM2VEC_CACHE, or give more --memory"
        ) from None
