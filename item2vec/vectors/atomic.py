"""Files that appear whole or not at all: written beside the target, synced, then renamed over it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from item2vec.errors import ModelError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write to; on leaving without an error it becomes `path`.

    The temporary lies in the target's folder, so that the rename cannot cross file systems, and is removed if
    anything goes wrong. A symbolic link is followed. A new file gets the mode that the umask allows; one that
    is replaced keeps the mode it had.

    Parameters
    ----------
    path : str or path-like
        The target. The body may replace the temporary by another file, as some writers do.

    Yields
    ------
    pathlib.Path
        An empty file of this process's own.

    Raises
    ------
    ModelError
        If the target cannot be written: naming it and why.
    """
    shown = os.fspath(path)
    try:
        target = _target(shown)
        temporary, mode = _reserve(target)
        try:
            yield temporary
            _sync(temporary, mode)
            os.replace(temporary, target)
            _sync_folder(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"cannot write {shown}: {_reason(error)}") from error


def check_writable(path: str | os.PathLike[str]) -> None:
    """Fail now, before any long work, if `path` could not be written at the end.

    Raises
    ------
    ModelError
        If the folder is missing or refuses a new file, or the target is no regular file.
    """
    shown = os.fspath(path)
    try:
        _reserve(_target(shown))[0].unlink()
    except OSError as error:
        raise ModelError(f"cannot write {shown}: {_reason(error)}") from error


def _target(shown: str) -> Path:
    """The file that `shown` stands for, links resolved; only a regular file or a free name will do."""
    if "\0" in shown or not shown:
        raise ModelError(f"cannot write {shown!r}: it is no file name")
    target = Path(os.path.realpath(shown))
    if target.is_dir() or shown.endswith(os.sep):
        raise ModelError(f"cannot write {shown}: it is a folder; name a file in it")
    if target.exists() and not target.is_file():
        raise ModelError(f"cannot write {shown}: it is not a regular file")
    if not target.parent.exists():
        raise ModelError(f"cannot write {shown}: the folder {target.parent} does not exist; make it first")
    return target


def _reserve(target: Path) -> tuple[Path, int]:
    """Make the temporary file; also the mode that the finished file is to have."""
    # The name is independent of the target's, which may already be as long as the file system allows.
    temporary = target.parent / f".item2vec-{os.getpid()}-{os.urandom(4).hex()}.tmp"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    os.close(descriptor)
    kept = target if target.exists() else temporary
    return temporary, stat.S_IMODE(kept.stat().st_mode)


def _sync(temporary: Path, mode: int) -> None:
    """Give the file its mode and wait until its bytes are on the disk."""
    # The mode is set last: the body may have put a private file (0600) in the temporary's place.
    descriptor = os.open(temporary, os.O_RDWR)
    try:
        os.fsync(descriptor)
        os.chmod(temporary, mode)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Wait until the rename is on the disk, where folders can be synced at all."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    """The system's words for an error, without its number."""
    return (error.strerror or str(error)).lower()
