"""What the user names: globs to files, what messages call a file, and which one was meant."""

from __future__ import annotations

import difflib
import glob
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from item2vec.errors import CorpusError

STANDARD_INPUT = "-"


def expand(name: str) -> Iterator[Path]:
    """Files that a name stands for: itself, if it is there or is no pattern."""
    path = os.path.expanduser(name)
    if os.path.lexists(path) or not glob.has_magic(path):
        # pathlib takes "./" away, by which people name a file that is called "-"
        yield Path(os.path.abspath(path) if name != STANDARD_INPUT and str(Path(path)) == STANDARD_INPUT else path)
        return
    found = sorted(glob.glob(path, recursive=True))
    files = [match for match in found if not os.path.isdir(match)]
    if not files:
        what = "only directories match" if found else "no file matches"
        raise CorpusError(f"{what} {name!r}; check the pattern and the current folder")
    yield from map(Path, files)


def nearest(path: Path) -> str:
    """Return what to add when a file is missing: the folder that is missing, or the file that was meant."""
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {str(folder)!r}"
    try:
        close = difflib.get_close_matches(path.name, os.listdir(folder), n=1)
    except OSError:
        close = []
    return f"; did you mean {str(folder / close[0])!r}?" if close else "; check its name and folder"


def shown_name(path: Path) -> str:
    """Return what messages call a file."""
    return "standard input" if str(path) == STANDARD_INPUT else repr(str(path))


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two names lead to the same file, which exists."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def cache_folder() -> Path:
    """Return the folder of what item2vec keeps: ``ITEM2VEC_CACHE``, else item2vec in the user's cache folder."""
    own = os.environ.get("ITEM2VEC_CACHE")
    if own:
        return Path(own).expanduser()
    if sys.platform == "darwin":
        user = "~/Library/Caches"
    elif sys.platform == "win32":
        user = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user).expanduser() / "item2vec"
