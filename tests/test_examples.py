"""The examples that users copy out of docstrings; those of the pages are in ``test_docs.py``."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import item2vec

ROOT = Path(item2vec.__file__).parent.parent
SOURCES = [path for path in sorted((ROOT / "item2vec").rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


# api's example trains a model.
CASES = [pytest.param(path, marks=pytest.mark.jit if path.stem == "api" else (), id=path.stem) for path in SOURCES]


@pytest.mark.parametrize("path", CASES)
def test_docstrings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
