"""Files appear whole or not at all, with a sane mode, and every failure names the target."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import item2vec
from item2vec.errors import ModelError
from item2vec.files.atomic import atomic_path, check_writable
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.model_file import save_model

ROOT = Path(item2vec.__file__).parent.parent


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def umask() -> None:
    old = os.umask(0o027)
    yield
    os.umask(old)


def test_target_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "t"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
        assert temporary.parent == tmp_path
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_any_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "t"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.usefixtures("umask")
def test_mode_follows_the_umask_or_the_old_file(tmp_path: Path) -> None:
    vocabulary, table = Vocabulary.from_items(["a"], [1]), np.ones((1, 1), np.float32)
    path = tmp_path / "m"
    save_model(path, input=table, output=None, vocabulary=vocabulary, metadata={})
    assert mode(path) == 0o640
    path.chmod(0o604)
    save_model(path, input=table, output=None, vocabulary=vocabulary, metadata={})
    assert mode(path) == 0o604


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_path(tmp_path / "link") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "x"


def test_longest_name(tmp_path: Path) -> None:
    with atomic_path(tmp_path / ("n" * 255)) as temporary:
        temporary.write_text("x")
    assert (tmp_path / ("n" * 255)).read_text() == "x"


def test_targets_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cases = {
        tmp_path: "it is a folder; name a file in it",
        f"{tmp_path}/new/": "it is a folder; name a file in it",
        tmp_path / "none" / "x": f"the folder {tmp_path / 'none'} does not exist; make it first",
        tmp_path / "file" / "x": "not a directory",
        "/dev/null": "it is not a regular file",
        "": "it is not a file name",
        "a\0b": "it is not a file name",
    }
    for path, what in cases.items():
        for call in (check_writable, lambda path: atomic_path(path).__enter__()):
            with pytest.raises(ModelError, match=r"^cannot write ") as caught:
                call(path)
            assert str(caught.value).endswith(what)
    check_writable(tmp_path / "fine")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
def test_folder_that_refuses() -> None:
    folder = Path(tempfile.mkdtemp())  # pytest's own are root's, and nobody else may enter them
    user = os.geteuid()
    if user == 0:  # root may do anything
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        check_writable(folder / "x")
        folder.chmod(0o500)
        with pytest.raises(ModelError, match="permission denied"):
            check_writable(folder / "x")
    finally:
        folder.chmod(0o700)
        os.seteuid(user)
        shutil.rmtree(folder)


def test_file_that_grows_too_large(tmp_path: Path) -> None:
    """A full disk, as far as one can have it in a test: the system refuses the file's 100,001st byte."""
    program = f"""
import numpy as np, item2vec
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.registry import export_vectors
vocabulary = Vocabulary.from_items(map(str, range(9000)), [1] * 9000)
model = item2vec.KeyedVectors(np.ones((9000, 9), np.float32), None, vocabulary)
for write in (model.save, lambda path: export_vectors(model, path)):
    try:
        write("{tmp_path}/m")
    except item2vec.ModelError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2
    for line in done.stdout.splitlines():
        assert line.startswith(f"cannot write {tmp_path}/m: ")
        assert "file too large" in line.lower()
    assert list(tmp_path.iterdir()) == []
