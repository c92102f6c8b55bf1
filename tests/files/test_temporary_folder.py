"""Temporary folders: what a killed process left goes, what another uses stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from item2vec.files.temporary import TemporaryFolder

fcntl = pytest.importorskip("fcntl")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks")
KILLED = """
import os, signal
from item2vec.files.temporary import TemporaryFolder
folder = TemporaryFolder()
(folder.path / "spill").mkdir()
(folder.path / "spill" / "block").write_bytes(b"1")
print(folder.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_only_what_a_killed_process_left_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    script = "import tempfile\n" + f"tempfile.tempdir = {str(tmp_path)!r}\n" + KILLED
    used = TemporaryFolder()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = Path(done.stdout.strip())
    assert (left / "spill" / "block").exists()
    without_lock, of_another = tmp_path / "item2vec-old", tmp_path / "other-1"
    for folder in (without_lock, of_another):
        folder.mkdir()
    (of_another / "lock").touch()
    (tmp_path / "item2vec-link").symlink_to(of_another)
    new = TemporaryFolder()
    assert set(tmp_path.iterdir()) == {used.path, new.path, without_lock, of_another, tmp_path / "item2vec-link"}
    assert (of_another / "lock").exists()
    new.remove()
    used.remove()
    assert not used.path.exists()
    assert not new.path.exists()


def test_folders_whose_lock_was_never_named_go_after_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old = time.time() - 2 * 3600
    folders = {name: tmp_path / f"item2vec-{name}" for name in ("empty", "new", "young", "held", "other")}
    for name, folder in folders.items():
        folder.mkdir()
        if name not in ("empty", "young"):
            (folder / ("new" if name != "other" else "notes")).touch()
        if name != "young":
            os.utime(folder, (old, old))
    held = os.open(folders["held"] / "new", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    TemporaryFolder().remove()
    assert {path.name for path in tmp_path.iterdir()} == {"item2vec-young", "item2vec-held", "item2vec-other"}
    os.close(held)
