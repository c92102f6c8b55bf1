"""The programs in ``benchmarks``: each starts, with the options that are shown, and the README there has it."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
PROGRAMS = sorted(path for path in BENCHMARKS.glob("*/*.py") if "__main__" in path.read_text(encoding="utf-8"))
COMMAND = re.compile(r"python (benchmarks/[\w/]+\.py)([^\n`]*)")


def help_of(program: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the program prints with --help, run in this process."""
    monkeypatch.setattr(sys, "argv", [str(program), "--help"])
    # fuzz_coverage.py needs atheris, which is no dependency, before anything else.
    monkeypatch.setitem(sys.modules, "atheris", SimpleNamespace(instrument_imports=lambda include: nullcontext()))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(program), run_name="__main__")
    assert ended.value.code == 0
    return capsys.readouterr().out


def documents() -> Iterator[Path]:
    """Every file that shows commands."""
    yield from (ROOT / "README.md", ROOT / "Makefile")
    yield from (ROOT / "docs").rglob("*.md")
    yield from BENCHMARKS.rglob("*.md")
    yield from BENCHMARKS.rglob("*.py")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_it_starts_and_has_the_options_that_are_shown(
    program: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = program.relative_to(ROOT).as_posix()
    shown = help_of(program, capsys, monkeypatch)
    assert shown.startswith(f"usage: {program.name}")
    for path in documents():
        for found, rest in COMMAND.findall(path.read_text(encoding="utf-8")):
            if found == name:
                options = re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", rest.split("#")[0].split(" -- ")[0])
                assert [option for option in options if option not in shown] == [], f"{path}: {found}{rest}"


def test_every_program_that_is_named_is_there() -> None:
    """In comments too, of the package and of the tests."""
    sources = [*documents(), *(ROOT / "item2vec").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    named = {
        name for path in sources for name in re.findall(r"benchmarks/[\w/]+\.py", path.read_text(encoding="utf-8"))
    }
    assert len(named) >= len(PROGRAMS)
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_readme_has_each_program_with_its_command() -> None:
    readme = (BENCHMARKS / "README.md").read_text(encoding="utf-8")
    commands = {found for found, _ in COMMAND.findall(readme)}
    started_by_others = {BENCHMARKS / "measure" / "trainers.py"}
    assert {path.relative_to(ROOT).as_posix() for path in set(PROGRAMS) - started_by_others} <= commands


def test_folders_are_small() -> None:
    for folder in (BENCHMARKS / "measure", BENCHMARKS / "stress"):
        assert len(list(folder.glob("*.py"))) <= 15
