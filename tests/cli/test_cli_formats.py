"""export and import as commands: what they say, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import item2vec
from item2vec.cli.main import cli
from item2vec.items.vocabulary import Vocabulary


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model where the commands look for one."""
    vocabulary = Vocabulary.from_items(["milk", "butter", "tea"], [5000, 30, 20])
    table = np.array([[1, 0], [3, 4], [0, 0.1]], np.float32)
    item2vec.KeyedVectors(table, table * 2, vocabulary).save(tmp_path / "item2vec.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    return tmp_path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def failure(*arguments: str, status: int = 1) -> str:
    """The error line of a call that must fail without a word on standard output."""
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr[len("Error: ") : -1]


def test_there_and_back(folder: Path) -> None:
    done = ask("export", "v.bin", "--table", "concat")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Wrote 3 vectors of 4 numbers to v.bin (word2vec-binary).\n"
    done = ask("import", "v.bin", "-o", "back.safetensors")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Wrote back.safetensors: 3 items, dim 4.\n"
    done = ask("similar", "milk", "-m", "back.safetensors")
    assert done.stdout == "butter  0.600\ntea     0.000\n"
    assert "first       milk\n            butter\n" in ask("info", "-m", "back.safetensors").stdout
    assert failure("recommend", "milk", "-m", "back.safetensors").startswith("the model has no output table")


def test_json(folder: Path) -> None:
    document = json.loads(ask("export", "v", "--normalize", "--precision", "3", "--json").stdout)
    text = (folder / "v").read_text()
    assert text == "3 2\nmilk 1 0\nbutter 0.6 0.8\ntea 0 1\n"
    facts = {"output": "v", "format": "word2vec", "table": "input", "items": 3, "dim": 2, "bytes": len(text)}
    assert document == facts
    document = json.loads(ask("import", "v", "-o", "m", "--json").stdout)
    assert document == {"output": "m", "source": "v", "items": 3, "dim": 2}


def test_items_of_their_own(folder: Path) -> None:
    np.save(folder / "v.npy", np.eye(2))
    (folder / "words").write_text("a\nb\n")
    assert ask("import", "v.npy", "--items", "words", "-o", "m").exit_code == 0
    assert list(item2vec.load("m")) == ["a", "b"]
    assert failure("import", "v.npy") == (
        "cannot read v.npy: the file with its items, v.vocab.txt, is not there; name it with --items FILE"
    )


def test_what_is_refused(folder: Path) -> None:
    before = (folder / "item2vec.safetensors").read_bytes()
    assert failure("import", "item2vec.safetensors") == (
        "cannot write ./item2vec.safetensors: it is the source itself; name another file"
    )
    assert failure("import", "none") == "cannot read none: no such file or directory"
    assert failure("import", "none", "-o", "no/m").startswith("cannot write no/m: the folder")
    assert failure("export", "v.csv").startswith("the ending '.csv' of v.csv belongs to no known format (.txt, .vec,")
    assert failure("export", "v.npy", "--precision", "3", status=2).startswith("--precision is 3, but the npy format")
    assert failure("export", "v.bin", "--table", "both", status=2).startswith("Invalid value for '--table'")
    (folder / "cut.txt").write_text("2 2\na 1 2\n")
    assert failure("import", "cut.txt") == (
        "cannot read cut.txt: its header says 2 items and 1 are there; it is cut off"
    )
    assert (folder / "item2vec.safetensors").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["cut.txt", "item2vec.safetensors"]
