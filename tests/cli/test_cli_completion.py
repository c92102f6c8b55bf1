"""Shell completion: commands, options, formats, and items of the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.shell_completion import ShellComplete

import item2vec
from item2vec.cli.main import COMMANDS, cli
from item2vec.items.vocabulary import Vocabulary


def completions(arguments: list[str], incomplete: str) -> list[str]:
    return [item.value for item in ShellComplete(cli, {}, "item2vec", "").get_completions(arguments, incomplete)]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model where the commands look for one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    items = ["milk", "mill", "größe", "groß", "m", *(f"x{number}" for number in range(99))]
    item2vec.KeyedVectors(np.eye(len(items), dtype=np.float32), None, Vocabulary.from_items(items, [1] * 104)).save("m")
    return tmp_path / "m"


def test_commands_and_options() -> None:
    assert completions([], "") == list(COMMANDS)
    assert completions([], "si") == ["similar", "similarity"]
    assert "--table" in completions(["export"], "--t")
    assert completions(["export", "--table"], "s") == ["sum"]


def test_items(model: Path) -> None:
    for command in ("similar", "recommend", "analogy", "similarity", "odd-one-out"):
        assert completions([command], "mi") == []  # there is no model
        assert completions([command, "-m", str(model)], "mil") == ["milk", "mill"]
        assert completions([command, "-m", str(model), "milk"], "grö") == ["größe"]
    assert completions(["similar", "-m", str(model)], "") == [*list(item2vec.load(model))[:50]]
    assert completions(["similar", "-m", str(model)], "milks") == []
    model.rename(model.with_name("item2vec.safetensors"))
    assert completions(["similar"], "m") == ["milk", "mill", "m"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_that_shells_evaluate(shell: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("_ITEM2VEC_COMPLETE", f"{shell}_source")
    monkeypatch.setattr("click.shell_completion.BashComplete._check_version", staticmethod(lambda: None))
    with pytest.raises(SystemExit) as left:
        cli([])
    assert left.value.code == 0
    assert "_ITEM2VEC_COMPLETE" in capsys.readouterr().out
