"""CodeStore: a reader's codes, in memory up to a limit, then in temporary files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from item2vec.errors import CorpusError

# TemporaryFolder: it goes with its user, or, if that was killed, when the next one is made.

if sys.platform != "win32":
    import fcntl

_PREFIX = "item2vec-"
_NEW, _LOCK = "new", "lock"
_UNNAMED = 3600.0  # seconds after which a folder whose lock was never named is one that a killed run left


class TemporaryFolder:
    """A new folder in the system's place for such ($TMPDIR).

    A lock on a file in it, which ends with the process however that ends, says that it is in use. Process numbers would
    not: containers that share a folder have numbers of their own.

    Attributes
    ----------
    path : Path
    """

    def __init__(self) -> None:
        _remove_abandoned(Path(tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        new = self.path / _NEW
        self._lock = os.open(new, os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(OSError):  # a file system without locks: nobody can take it for abandoned
            if _take(self._lock):
                new.rename(self.path / _LOCK)  # by this name it is locked from the first moment on

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _take(file: int) -> bool:
    """Lock a file, unless somebody has; False too where there are no locks."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_abandoned(place: Path) -> None:
    """Remove this user's folders that no process has locked any more, and old ones that were killed at their making."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another run was faster, or it is not ours
            if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
                continue
            lock = folder / _LOCK
            if not lock.exists():
                if os.listdir(folder) not in ([], [_NEW]) or time.time() - folder.stat().st_mtime < _UNNAMED:
                    continue
                lock = folder / _NEW
                if not lock.exists():
                    folder.rmdir()
                    continue
            file = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _take(file):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(file)


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
            "name a folder with room for 8 bytes per token with ITEM2VEC_CACHE, or give more `memory`"
        ) from None
