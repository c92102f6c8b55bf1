"""What the machine has, as the system tells it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from item2vec.errors import TrainingError
from item2vec.files import machine


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 8), ("150000 100000", 2), ("400000 100000", 4), ("1000 100000", 1), ("nonsense", 8)],
)
def test_cores_are_those_of_the_container(
    quota: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group's own quota is below its parent's, as a container's is below the machine's."""
    (tmp_path / "groups/inner").mkdir(parents=True)
    (tmp_path / "groups/cpu.max").write_text("700000 100000\n" if expected < 7 else "max 100000\n")
    (tmp_path / "groups/inner/cpu.max").write_text(quota + "\n")
    (tmp_path / "own").write_text("0::/inner\n")
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_OWN_GROUP", tmp_path / "own")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert machine.cores() == expected


@pytest.mark.parametrize(
    ("limit", "fits"), [(machine.TO_TRAIN - 1, False), (machine.TO_TRAIN, True), (resource.RLIM_INFINITY, True)]
)
def test_too_little_address_space_is_said_before_large_libraries_crash(
    monkeypatch: pytest.MonkeyPatch, limit: int, fits: bool
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
    with (
        nullcontext()
        if fits
        else pytest.raises(
            TrainingError,
            match=r"^this process may use 1,300 MB of address space .*, and training needs about 1,300",
        )
    ):
        machine.check_address_space(machine.TO_TRAIN, "training")


@pytest.mark.parametrize(("command", "needs"), [(["train", "c.txt"], "training"), (["inspect", "c.txt"], "numba")])
def test_a_command_with_too_little_address_space_ends_in_a_line(tmp_path: Path, command: list[str], needs: str) -> None:
    (tmp_path / "c.txt").write_text("a b\nb a\n")
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20)); "
        f"sys.argv = ['item2vec', *{command!r}]; from item2vec.cli.main import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: this process may use 419 MB of address space (ulimit -v), and {needs} needs")
    assert done.stderr.count("\n") == 1
