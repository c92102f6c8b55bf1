"""Compiled code: when it goes stale, and where it is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from item2vec import kernels

ROOT = Path(__file__).resolve().parents[2]
KERNEL = """
from item2vec.kernels import kernel

@kernel
def add_one(number):
    return number + 1
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(kernels._config, "CACHE_DIR", "")


def load(path: Path) -> ModuleType:
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.jit
def test_an_edit_anywhere_in_a_family_makes_its_code_stale(tmp_path: Path) -> None:
    package = tmp_path / "item2vec"
    shutil.copytree(ROOT / "item2vec", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "first.py").write_text(KERNEL)
    (package / "second.py").write_text("from item2vec.first import add_one as first_step\n\nfactor = first_step\n")
    (package / "third.py").write_text(
        "from item2vec.kernels import kernel\nfrom item2vec.second import factor\n\n"
        "@kernel\ndef twice(number):\n    return 2 * factor(number)\n"
    )
    program = (
        "from item2vec.third import twice; from item2vec.kernels import is_compiled; "
        "print(is_compiled(twice), twice(3), is_compiled(twice))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}

    def run() -> str:
        return subprocess.run(
            [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.strip()

    assert run() == "False 8 True"
    assert run() == "True 8 True"
    (package / "first.py").write_text(KERNEL.replace("+ 1", "+ 5"))
    assert run() == "False 16 True"
    (package / "errors.py").write_text((package / "errors.py").read_text() + "# no kernel builds on this\n")
    assert run() == "True 16 True"


@pytest.mark.jit
def test_a_package_that_cannot_be_written_keeps_its_code_in_the_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    (tmp_path / "others").mkdir()
    (tmp_path / "others/__pycache__").write_text("in the way of a folder, for root too")
    (tmp_path / "others/found.py").write_text(KERNEL)
    add_one = load(tmp_path / "others/found.py").add_one
    assert add_one(1) == 2
    assert kernels.keeps_code(add_one)
    assert len(list((tmp_path / "cache/kernels").rglob("found.add_one*.nbi"))) == 1


@pytest.mark.jit
def test_without_any_folder_kernels_are_compiled_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nowhere").write_text("no folder")
    monkeypatch.setattr(kernels, "_folders", lambda path: iter([tmp_path / "nowhere/kernels"]))
    (tmp_path / "homeless.py").write_text(KERNEL)
    add_one = load(tmp_path / "homeless.py").add_one
    assert add_one(1) == 2
    assert not kernels.keeps_code(add_one)
    assert not kernels.is_compiled(add_one)
