"""Files that appear whole or not at all: written beside the target, synced, then renamed over it."""

from __future__ import annotations

import functools
import os
import re
import socket
import stat
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from item2vec.errors import ModelError

_ABANDONED = 24 * 3600  # seconds after which a temporary that nobody writes to is one that a killed run left
_WRITER = re.compile(r"([0-9a-f]{8})-([1-9][0-9]{0,9})-[0-9a-f]{8}", re.ASCII)  # as `_writer_mark` makes it


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
    with atomic_paths(path) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(*paths: str | os.PathLike[str]) -> Iterator[tuple[Path, ...]]:
    """Give temporary paths for files that belong together; see `atomic_path`.

    At no instant do old and new files lie side by side under their names. Files that are there are set aside first, as
    ``NAME.old-...``, the last one before all others, and the new last one comes after all others: between the two it
    is missing, so that a reader that needs it fails. What was set aside is put back after an error; only if the process
    is killed between two renames does it stay as it is, whole, until the same files have been written again.

    Parameters
    ----------
    *paths : str or path-like
        The targets. The last is the one without which the others are of no use.

    Yields
    ------
    tuple of pathlib.Path

    Raises
    ------
    ModelError
        If a target cannot be written: naming it and why.
    """
    shown = os.fspath(paths[-1])
    temporaries: list[Path] = []
    try:
        targets, modes = [_target(os.fspath(path)) for path in paths], []
        try:
            for path, target in zip(paths, targets, strict=True):
                shown = os.fspath(path)
                temporary, mode = _reserve(target)
                temporaries.append(temporary)
                modes.append(mode)
            shown = os.fspath(paths[-1])
            yield tuple(temporaries)
            for temporary, mode in zip(temporaries, modes, strict=True):
                _sync(temporary, mode)
            _put_in_place(temporaries, targets)
            for folder in {target.parent for target in targets}:
                _sync_folder(folder)
        finally:
            for temporary in temporaries:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"cannot write {shown}: {_reason(error)}") from error


def _put_in_place(temporaries: Sequence[Path], targets: Sequence[Path]) -> None:
    """Rename the finished files over the targets: a single one at once, several without a mix of old and new."""
    aside: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        if len(targets) > 1:
            for target in reversed(targets):
                if target.exists():
                    old = target.with_name(f"{_aside_name(target)}{_writer_mark()}")
                    aside[target] = old
                    os.rename(target, old)
        for temporary, target in zip(temporaries, targets, strict=True):
            placed.append(target)
            os.replace(temporary, target)
    except BaseException:
        if len(targets) > 1:
            for target in reversed(placed):
                target.unlink(missing_ok=True)
        for target, old in reversed(aside.items()):
            if old.exists():
                os.replace(old, target)
        raise
    for old in aside.values():
        with suppress(OSError):  # the new files stand
            old.unlink()
    for target in targets:
        _remove_dead(target.parent, _aside_name(target), "")


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
    """Return the file that `shown` stands for, links resolved; only a regular file or a free name will do."""
    if "\0" in shown or not shown:
        raise ModelError(f"cannot write {shown!r}: it is not a file name")
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
    _remove_abandoned(target.parent)
    # The name is independent of the target's, which may already be as long as the file system allows.
    temporary = target.parent / f".item2vec-{_writer_mark()}.tmp"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    os.close(descriptor)
    kept = target if target.exists() else temporary
    return temporary, stat.S_IMODE(kept.stat().st_mode)


def _remove_abandoned(folder: Path) -> None:
    """Remove what runs left that were killed while they wrote: at once if that is known, else by age.

    Other machines may write here too, and other containers, whose processes cannot be asked after.
    """
    _remove_dead(folder, ".item2vec-", ".tmp")
    with suppress(OSError):
        for path in folder.glob(".item2vec-*.tmp"):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()


def _remove_dead(folder: Path, before: str, behind: str) -> None:
    """Remove the files of a folder that are named ``before MARK behind`` and whose writer is dead."""
    with suppress(OSError):
        for name in os.listdir(folder):
            if not (name.startswith(before) and name.endswith(behind)):
                continue
            found = _WRITER.fullmatch(name[len(before) : len(name) - len(behind)])
            if found and found[1] == _place() and not _lives(int(found[2])):
                with suppress(OSError):
                    (folder / name).unlink()


def _aside_name(target: Path) -> str:
    """Return how the name begins under which a file is set aside; names have at most 255 bytes."""
    return os.fsdecode(os.fsencode(target.name)[:200]) + ".old-"


def _writer_mark() -> str:
    """Return a name's part that is new, and says which process has chosen it."""
    return f"{_place()}-{os.getpid()}-{os.urandom(4).hex()}"


@functools.cache
def _place() -> str:
    """Return 8 hexadecimal digits of where process numbers mean what they mean here: the machine and the container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return f"{zlib.crc32(' '.join(parts).encode()):08x}"


def _lives(process: int) -> bool:
    """Whether there is such a process here, or that cannot be known."""
    if sys.platform == "win32":  # there, to ask is to end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


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
    """Return the system's words for an error, without its number."""
    return (error.strerror or str(error)).lower()
