"""The file of a study: Optuna's journal, a JSON object a line, looked through before Optuna reads it."""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from optuna.storages import JournalStorage

_LONGEST_LINE = 1 << 26  # bytes; a trial's values in the test take eight a sequence
_MOST = 1 << 30  # bytes of a study: Optuna holds all of it in memory
_BEGIN = b'{"op_code":'  # of each line
_OLD_LOCK = 60.0  # seconds; Optuna's own locks are held while a line is written


class _FileLock:
    """A lock on the study's file itself, which ends with the process however that ends; see Optuna's lock classes."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = -1

    def acquire(self) -> bool:
        """Wait for the lock; where the file system has none, go on without."""
        import fcntl

        self._file = os.open(self._path, os.O_RDWR)
        with suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        """Give it back."""
        os.close(self._file)


def open_journal(path: str | Path, longest: int = _LONGEST_LINE, most: int = _MOST) -> JournalStorage:
    """Open a study's file, or make it; an unfinished last line is dropped, with a warning.

    Raises
    ------
    ConfigError
        As for `mend_journal`.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if (note := mend_journal(path)) is not None:
        warnings.warn(note, stacklevel=2)
    return JournalStorage(JournalFileBackend(os.fspath(path), _lock(os.fspath(path))))


def mend_journal(path: str | Path, longest: int = _LONGEST_LINE, most: int = _MOST) -> str | None:
    """Look through a study's file, if it is there; what a kill or a full disk left of a last line is dropped.

    Parameters
    ----------
    path : str or Path
    longest, most : int
        Bytes that a line, and the file, may have.

    Returns
    -------
    str or None
        That a line was dropped, in words.

    Raises
    ------
    ConfigError
        If it is no study, is damaged or too large, or cannot be read or written: naming it.
    """
    shown = os.fspath(path)
    if not os.path.exists(shown):
        return None
    lock = _lock(shown)
    try:
        _remove_stale_lock(shown)
        if lock is not None:
            lock.acquire()
        try:
            return _look_through(shown, longest, most)
        finally:
            if lock is not None:
                lock.release()
    except OSError as error:
        raise ConfigError(f"cannot open the study {shown}: {(error.strerror or str(error)).lower()}") from None


def _lock(path: str) -> Any:
    """Return a lock for Optuna; None for its own, where files cannot be locked."""
    return _FileLock(path) if sys.platform != "win32" else None


def damaged_study(path: str | Path | None, what: str) -> ConfigError:
    """Return the error for a study that cannot be used."""
    return ConfigError(f"the study {path} is damaged: {what}; give another `study`, or move that file away")


def _remove_stale_lock(path: str) -> None:
    """Remove the lock that Optuna, as earlier versions used it, left when it was killed."""
    lock = path + ".lock"
    with suppress(OSError):
        if time.time() - os.lstat(lock).st_mtime > _OLD_LOCK:
            os.unlink(lock)


def _look_through(path: str, longest: int, most: int) -> str | None:
    """Check each line, and cut off one at the end that was not finished; say so."""
    with open(path, "r+b") as file:
        head = file.read(len(_BEGIN))
        if not _BEGIN.startswith(head):
            raise ConfigError(f"{path} is not a study of `item2vec tune`; give `study` the name of a new file")
        if (size := os.fstat(file.fileno()).st_size) > most:
            raise ConfigError(f"the study {path} has {size:,} bytes, and may have {most:,}; give another `study`")
        file.seek(0)
        begin, number = 0, 1
        while line := file.readline(longest + 1):
            if len(line) > longest:
                raise damaged_study(path, f"line {number:,} has over {longest:,} bytes")
            if not line.endswith(b"\n"):
                file.truncate(begin)
                return f"the last line of the study {path} was not finished; it was dropped"
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                entry = None
            if not isinstance(entry, dict) or type(entry.get("op_code")) is not int:
                raise damaged_study(path, f"line {number:,} cannot be read")
            begin += len(line)
            number += 1
    return None
