"""Shell completion: commands, options, formats, and items of the model."""

from __future__ import annotations

import contextlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.shell_completion import ShellComplete
from train_command import ENVIRONMENT

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


CODE = ["$(touch owned)", "`touch owned`", ";touch owned", "'$(touch owned)'", '"$(touch owned)"', ":$(touch owned)",
        ",$(touch owned)", " & touch owned", "|touch owned", ">owned", "(e)(:touch owned:)"]  # fmt: skip
PLAIN = ["größe", "=x", "%1", "/a.b-c_@+:"]
ODD = [*PLAIN, " touch", "{a,b}", "!!", "~", " größe", "#", ","]
NEVER = ["\\$(touch owned)", "*", "[a]", "@(a)", "$(touch\towned)", "\nowned", "\u202eowned"]  # are offered by bash
HOSTILE = [f"milk{end}" for end in CODE + ODD + NEVER]
PROGRAM = """#!/bin/sh
if [ -n "$_ITEM2VEC_COMPLETE" ]; then exec {python} -m item2vec "$@"; fi
for word; do printf '%s\\0' "$word" >> arguments; done
touch done
"""
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set bell-style none'"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D"),
    "fish": (["fish", "--no-config", "-i"], "true"),
}


def in_shell(shell: str, typed: str, folder: Path) -> list[str] | None:
    """Type a command with a Tab, and Enter, in a real shell; return the words that the program was called with."""
    command, beginning = SHELLS[shell]
    source = f"{beginning}; _ITEM2VEC_COMPLETE={shell}_source item2vec > script; . ./script; touch ready\n"
    if shell == "fish":
        source = "env _ITEM2VEC_COMPLETE=fish_source item2vec > script; source script; touch ready\n"
    process, master = pty.fork()
    if not process:  # pragma: no cover, another process
        os.chdir(folder)
        path = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "LANG": "C.UTF-8"}
        os.execvpe(command[0], command, ENVIRONMENT | path)
    reading = threading.Thread(target=_drain, args=(master,), daemon=True)
    reading.start()
    try:
        os.write(master, source.encode())
        _wait_for(folder / "ready")
        time.sleep(0.3)
        os.write(master, typed.encode() + b"\t")
        time.sleep(1.5)  # the program answers the shell
        os.write(master, b"\n")
        _wait_for(folder / "done", 3)
    finally:
        os.kill(process, signal.SIGKILL)
        os.close(master)
        os.waitpid(process, 0)
    arguments = folder / "arguments"
    return arguments.read_text().split("\0")[:-1] if arguments.exists() else None


def _drain(master: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(master, 4096):
            pass


def _wait_for(path: Path, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)


def shell_folder(folder: Path, items: list[str]) -> None:
    (folder / "bin").mkdir()
    (folder / "bin" / "item2vec").write_text(PROGRAM.format(python=sys.executable))
    (folder / "bin" / "item2vec").chmod(0o755)
    table = np.eye(len(items), dtype=np.float32)
    item2vec.KeyedVectors(table, None, Vocabulary.from_items(items, [1] * len(items))).save(
        folder / "item2vec.safetensors"
    )


def shell_test(shell: str) -> Any:
    return pytest.param(shell, marks=pytest.mark.skipif(not shutil.which(shell), reason=f"{shell} is not installed"))


@pytest.mark.parametrize("item", ["milk$(touch owned)", "milk `touch owned`", "milk;touch owned", "milk 'n\" größe"])
@pytest.mark.parametrize("shell", [shell_test(shell) for shell in SHELLS])
def test_a_completed_item_is_one_word_and_no_code(shell: str, item: str, tmp_path: Path) -> None:
    shell_folder(tmp_path, [item, "bread"])
    assert in_shell(shell, "item2vec similar mi", tmp_path) == ["similar", item]
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("typed", ["'mi", '"mi', "mi\\l"])
@pytest.mark.parametrize("shell", [shell_test(shell) for shell in SHELLS])
def test_a_quote_that_was_typed_does_not_unquote_what_is_completed(shell: str, typed: str, tmp_path: Path) -> None:
    shell_folder(tmp_path, ["milk$(touch owned)", "bread"])
    words = in_shell(shell, f"item2vec similar {typed}", tmp_path)
    assert words in (None, ["similar", "milk$(touch owned)"], ["similar", "mil"])
    assert not (tmp_path / "owned").exists()


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize("typed", ["mi", "'mi", '"mi', "mi\\l", "x'mi"])
def test_whatever_bash_is_offered_is_the_item_or_nothing(typed: str, tmp_path: Path) -> None:
    """The words that the script gives bash, put where what was typed stood: each is its item, and nothing runs."""
    shell_folder(tmp_path, HOSTILE)
    script = r"""
        eval "$(_ITEM2VEC_COMPLETE=bash_source item2vec)"
        COMP_WORDS=(item2vec similar "$1"); COMP_CWORD=2; opened=$2
        _item2vec_completion item2vec
        for word in "${COMPREPLY[@]}"; do
            eval "set -- $opened$word$opened"
            printf '%s\0' "$#" "$1"
        done
    """
    opened = typed[0] if typed[0] in "'\"" else ""
    path = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script, "bash", typed, opened],
        cwd=tmp_path,
        env=ENVIRONMENT | path,
        capture_output=True,
        text=True,
    )
    words = done.stdout.split("\0")[:-1]
    assert set(words[::2]) <= {"1"}
    assert set(words[1::2]) <= set(HOSTILE)
    assert not (tmp_path / "owned").exists()
    ends = CODE + ODD if typed == "mi" else PLAIN if not typed.startswith("x") else []
    assert set(words[1::2]) == {f"milk{end}" for end in ends}


def test_items_that_are_options_or_not_shown_are_not_offered(tmp_path: Path) -> None:
    items = ["--model=other", "-m", "a\nb", "a\x1b[31m", "a\u202eb", "ab"]
    shell_folder(tmp_path, items)
    path = str(tmp_path / "item2vec.safetensors")
    assert completions(["similar", "-m", path], "") == ["ab"]
    assert completions(["similar", "-m", path, "--"], "-") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_that_shells_evaluate(shell: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("_ITEM2VEC_COMPLETE", f"{shell}_source")
    monkeypatch.setattr("click.shell_completion.BashComplete._check_version", staticmethod(lambda: None))
    with pytest.raises(SystemExit) as left:
        cli([])
    assert left.value.code == 0
    assert "_ITEM2VEC_COMPLETE" in capsys.readouterr().out
