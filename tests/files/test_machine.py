"""What the machine has, as the system tells it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
