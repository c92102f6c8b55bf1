"""The project as a whole: what it says of itself, and the order of its imports."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "item2vec"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Written in parts, so that this file itself passes.
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "download.py" + "torch.org",
    "npm" + "js.org",
    "deb" + "ian.org",
)
MACHINE_PATH = re.compile(r"(?<![\w.~:/-])/" + r"(?:work|root|home|Users|opt/wheels|opt/py" + r"pi)/")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_every_package_folder_has_an_init() -> None:
    folders = {path.parent for path in modules()}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_changelog_starts_with_the_version_of_the_project() -> None:
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None
    assert heading[1] == PROJECT["project"]["version"]


def test_make_help_names_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony is not None
    assert {"install", "demo", "test", "test-nojit", "lint", "docs", "bench", "clean", "help"} <= set(phony[1].split())
    assert re.findall(r"^## make (\S+)", makefile, re.MULTILINE) == phony[1].split()
    assert [name for name in phony[1].split() if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def text_files() -> Iterator[tuple[str, str]]:
    """Name and text of every file that git tracks or would."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    found = []
    for name, text in text_files():
        found += [f"{name}: {host}" for host in HOSTS if host in text]
        found += [f"{name}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert found == []


def test_the_search_for_machine_paths_can_find_one() -> None:
    assert MACHINE_PATH.search("cd " + "/" + "home/someone/data")
    assert MACHINE_PATH.search('"/' + 'root/.cache"')
    assert not MACHINE_PATH.search("net/work/x and ~/home/x and ../work/")
