"""Files are the old ones or the new ones, whole: on a full disk, without permission, in a process that is killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from item2vec.corpus.text.text import read_text
from item2vec.errors import Item2VecError, ModelError
from item2vec.evaluation.split import write_parts
from item2vec.files.atomic import atomic_path, atomic_paths
from item2vec.vectors.formats.registry import export_vectors, read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

Write = Callable[[Path, int], object]


def model(version: int) -> KeyedVectors:
    """Two versions share no item and no number, so that a mix of them shows."""
    table = np.arange(1, 13, dtype=np.float32).reshape(4, 3) + 100 * version
    return KeyedVectors.from_items([f"v{version}.{i}" for i in range(4)], table)


def split(folder: Path, version: int) -> None:
    divided = [([b"t%d.%d" % (version, i)] * 3, [b"h%d.%d" % (version, i)]) for i in range(4)]
    write_parts(divided, str(folder / "parts"), None)


def export(name: str) -> Write:
    return lambda folder, version: export_vectors(model(version), folder / name)


WRITERS: dict[str, Write] = {
    "model": lambda folder, version: model(version).save(folder / "m.safetensors"),
    **{name: export(name) for name in ("v.txt", "v.txt.gz", "v.bin", "v.glove", "v.npy", "v.tsv", "v.parquet")},
    "split": split,
}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@contextmanager
def file_size(limit: int) -> Iterator[None]:
    """The system refuses the byte after this one, as a full disk does; Python ignores the signal that goes with it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_at_any_byte(tmp_path: Path, name: str) -> None:
    write = WRITERS[name]
    write(tmp_path, 2)
    new = content(tmp_path)
    write(tmp_path, 1)
    old = content(tmp_path)
    longest = max(map(len, new.values()))
    steps = 6 if name == "v.parquet" else 30
    for limit in sorted({0, 1, longest - 1, *range(7, longest, max(1, longest // steps))}):
        with file_size(limit), pytest.raises(Item2VecError, match=r"^cannot write .*: file too large$"):
            write(tmp_path, 2)
        assert content(tmp_path) == old
    with file_size(longest):
        write(tmp_path, 2)
    assert content(tmp_path).keys() == new.keys()


def test_a_cache_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("ITEM2VEC_CACHE", str(cache))
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c d\n" * 300)
    read_text([corpus], min_count=1, memory=0)
    (kept,) = content(cache).values()
    shutil.rmtree(cache)
    for limit in (0, 1, 4000, 4096, 5000, len(kept) - 1):
        with file_size(limit), pytest.raises(Item2VecError, match="cannot write the encoded corpus"):
            read_text([corpus], min_count=1, memory=0)
        assert content(cache) == {}
    with file_size(len(kept)):
        read_text([corpus], min_count=1, memory=0)
    assert list(content(cache).values()) == [kept]


def killed_at(call: int, work: Callable[[], object]) -> bool:
    """Whether a process that does the work is killed just before so many calls of the system on files and folders."""
    child = os.fork()
    if child == 0:
        left = call

        def counted(function: Callable[..., object]) -> Callable[..., object]:
            def before(*args: object, **kwargs: object) -> object:
                nonlocal left
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args, **kwargs)

            return before

        for name in ("open", "replace", "rename", "unlink", "fsync", "chmod"):
            setattr(os, name, counted(getattr(os, name)))
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    assert status in (0, signal.SIGKILL)
    return status != 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of fork, from Python 3.12 on
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("name", ["model", "v.npy", "split"])
@pytest.mark.parametrize("there", [True, False])
def test_a_kill_at_any_call_leaves_old_or_new(tmp_path: Path, name: str, there: bool) -> None:
    write = WRITERS[name]
    made = []
    for version in (2, 1):
        write(tmp_path, version)
        made.append(content(tmp_path))
    new, old = made
    call = 1
    while True:
        folder = tmp_path / str(call)
        folder.mkdir()
        if there:
            write(folder, 1)
        if not killed_at(call, lambda folder=folder: write(folder, 2)):
            break
        found = content(folder)
        named = {file: data for file, data in found.items() if file in new}
        if there:
            assert named in (old, new) or (named.items() < old.items() or named.items() < new.items())
            # Whatever the instant, one of the two is there whole; perhaps set aside.
            put_back = {file.split(".old-")[0]: data for file, data in found.items() if ".old-" in file}
            assert new in (named, named | put_back) or old in (named, named | put_back)
        else:
            assert named == new or named.items() <= new.items()
        main = "parts.train.txt" if name == "split" else "m.safetensors" if name == "model" else "v.npy"
        if named not in (old, new):
            assert main not in named  # so that nobody reads what is not whole
        call += 1
    assert call > 4
    assert content(folder) == new


def test_an_error_between_two_renames_puts_all_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export("v.npy")(tmp_path, 1)
    old = content(tmp_path)
    real, calls = os.replace, []

    def replace(source: object, target: object) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(source, target)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(ModelError, match=r"cannot write .*v\.npy: no space left on device"):
        export("v.npy")(tmp_path, 2)
    assert content(tmp_path) == old
    assert read_vectors(tmp_path / "v.npy")["v1.0"].tolist() == [101, 102, 103]


def test_pairs_of_the_longest_names(tmp_path: Path) -> None:
    names = ["ä" * 127, "ö" * 127]
    for text in ("old", "new"):
        with atomic_paths(*(tmp_path / name for name in names)) as temporaries:
            for temporary in temporaries:
                temporary.write_text(text)
    assert content(tmp_path) == dict.fromkeys(names, b"new")


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
@pytest.mark.parametrize("paths", [("one",), ("beside", "one")])
def test_a_permission_that_is_lost_in_between(paths: tuple[str, ...]) -> None:
    folder = Path(tempfile.mkdtemp())
    for name in paths:
        (folder / name).write_text("old")
    user = os.geteuid()
    if user == 0:  # root may do anything
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:

        def write() -> None:
            with atomic_paths(*(folder / name for name in paths)) as temporaries:
                for temporary in temporaries:
                    temporary.write_text("new")
                folder.chmod(0o500)

        with pytest.raises(ModelError, match=r"cannot write .*: permission denied"):
            write()
        assert {name: (folder / name).read_text() for name in paths} == dict.fromkeys(paths, "old")
    finally:
        folder.chmod(0o700)
        os.seteuid(user)
        shutil.rmtree(folder)


def test_what_killed_runs_left_goes_after_a_day(tmp_path: Path) -> None:
    left, young = tmp_path / ".item2vec-1-00.tmp", tmp_path / ".item2vec-2-00.tmp"
    left.touch()
    young.touch()
    os.utime(left, (1e9, 1e9))
    with atomic_path(tmp_path / "x") as temporary:
        temporary.write_text("x")
    assert sorted(content(tmp_path)) == [".item2vec-2-00.tmp", "x"]


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("names", [("x",), ("x.items", "x")])
def test_what_killed_runs_left_goes_with_the_next(tmp_path: Path, names: tuple[str, ...]) -> None:
    """After a kill at any call and another run, only the new files are there."""

    def write(folder: Path, text: str) -> None:
        with atomic_paths(*(folder / name for name in names)) as temporaries:
            for temporary in temporaries:
                temporary.write_text(text)

    left, call = 0, 1
    while True:
        folder = tmp_path / str(call)
        folder.mkdir()
        write(folder, "old")
        if not killed_at(call, lambda folder=folder: write(folder, "new")):
            break
        left += len(content(folder).keys() - set(names))
        write(folder, "newest")
        assert content(folder) == dict.fromkeys(names, b"newest")
        call += 1
    assert left > 1


@pytest.mark.skipif(sys.platform == "win32", reason="no process is asked after there")
def test_what_others_may_still_need_stays(tmp_path: Path) -> None:
    """The files of a living process, of another place, and those that only look alike."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with atomic_path(tmp_path / "x") as temporary:
        place = temporary.name.split("-")[1]
        assert temporary.name.split("-")[2] == str(os.getpid())
        (tmp_path / f"x.old-{place}-{dead.pid}-00000000").touch()
        (tmp_path / f".item2vec-{place}-{dead.pid}-00000000.tmp").touch()
        elsewhere = f"{int(place, 16) ^ 1:08x}"
        kept = [
            f".item2vec-{place}-{os.getppid()}-00000000.tmp", f".item2vec-{elsewhere}-{dead.pid}-00000000.tmp",
            f".item2vec-{place}-{dead.pid}.tmp", "x.old-20261201", f"x.old-{elsewhere}-{dead.pid}-00000000",
            f"y.old-{place}-{dead.pid}-00000000", f"x.old-{place}-0-00000000", "notes.tmp",
        ]  # fmt: skip
        for name in kept:
            (tmp_path / name).touch()
        with atomic_path(tmp_path / "z") as another:
            assert temporary.exists()
            another.write_text("z")
    assert sorted(content(tmp_path)) == sorted([*kept, "x", "z"])
