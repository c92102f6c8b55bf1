"""The frame of the command line: help, lazy imports, one line and the right exit status for every failure."""

from __future__ import annotations

import errno
import importlib
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import item2vec
from item2vec import errors
from item2vec.cli.main import COMMANDS, cli
from item2vec.items.vocabulary import Vocabulary

ROOT = Path(item2vec.__file__).parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
ENTRIES = {"module": [sys.executable, "-m", "item2vec"], "checkout": [sys.executable, str(ROOT / "cli.py")]}


def run(*arguments: str, entry: str = "module", **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ENTRIES[entry], *arguments],
        text=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        **({"capture_output": True} | options),
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    items = ["milk", "butter", "olive oil"]
    table = np.array([[1, 0], [3, 4], [0, 1]], np.float32)
    item2vec.KeyedVectors(table, None, Vocabulary.from_items(items, [5, 3, 1])).save(tmp_path / "m.safetensors")
    return tmp_path / "m.safetensors"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_an_example(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: item2vec {name} ")
    assert "Example" in done.stdout
    assert f"  item2vec {name} " in done.stdout
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, click.Command)
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("name", ["train", "tune", "inspect"])
def test_help_of_many_options_has_sections_and_lists_each_option_once(name: str) -> None:
    module = COMMANDS[name][0]
    command = getattr(importlib.import_module(module), name)
    text = CliRunner().invoke(cli, [name, "--help"]).stdout
    titles = ["Options:", *(f"{title}:" for title in command.sections), "Examples:"]
    assert [line.strip() for line in text.splitlines() if line.strip() in titles] == titles
    names = {parameter.name for parameter in command.params}
    for title, members in command.sections.items():
        assert names & set(members), title
    listed = text.partition("\nOptions:\n")[2].partition("Examples:")[0]
    assert "SOURCE...\n" not in listed  # an argument is not an option
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            long = max(parameter.opts, key=len)
            assert len(re.findall(rf"^  (?:-\w, )?{long}\b(?!-)", listed, re.MULTILINE)) == 1, long


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(arguments: list[str]) -> None:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0
    assert done.stderr == ""
    for name, (_, line) in COMMANDS.items():
        assert [words for words in done.stdout.splitlines() if words.split() == [name, *line.split()]]


@pytest.mark.parametrize("entry", ENTRIES)
def test_both_entries_behave_alike(entry: str, model: Path, tmp_path: Path) -> None:
    done = run("--version", entry=entry, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"item2vec {item2vec.__version__}\n", "")
    done = run("similar", "milk", "-m", str(model), entry=entry, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "butter     0.600\nolive oil  0.000\n", "")
    done = run("similar", entry=entry, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: Missing argument 'ITEM...'. See 'item2vec similar --help'.\n"


def test_version_is_the_project_s() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert f'\nversion = "{item2vec.__version__}"\n' in project


def imported_by(program: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    return set(done.stdout.split())


def test_help_imports_nothing_heavy() -> None:
    modules = imported_by("from item2vec.cli.main import cli\ntry: cli(['--help'])\nexcept SystemExit: pass")
    assert "click" in modules
    assert not modules & {"numpy", "torch", "numba", "rich", "safetensors"}


def test_queries_import_neither_torch_nor_numba(model: Path, tmp_path: Path) -> None:
    calls = (["similar", "milk"], ["similar", "milkk"], ["similarity", "milk", "butter"], ["recommend", "milk"])
    for call in (*calls, ["analogy", "milk", "butter", "olive oil"], ["info"], ["export", str(tmp_path / "v.npy")]):
        arguments = [*call, "-m", str(model)]
        modules = imported_by(f"from item2vec.cli.main import cli\ntry: cli({arguments!r})\nexcept SystemExit: pass")
        assert "numpy" in modules
        assert not modules & {"torch", "numba", "llvmlite", "rich", "scipy"}
    assert not imported_by("import item2vec") & {"numpy", "torch", "numba", "click"}
    assert not imported_by(f"import item2vec; item2vec.load({str(model)!r})") & {"torch", "numba", "click"}


def test_public_names() -> None:
    for name in set(item2vec.__all__) - {"train"}:
        assert getattr(item2vec, name) is not None
    assert set(item2vec.__all__) <= set(dir(item2vec))
    assert item2vec.UnknownItemError is errors.UnknownItemError
    with pytest.raises(AttributeError, match="module 'item2vec' has no attribute 'trian'"):
        item2vec.trian  # noqa: B018


FAILURES = [
    (errors.ModelError("cannot read x: it is\nodd"), 1, "Error: cannot read x: it is odd\n"),
    (errors.ConfigError("dim is 0; it must be more"), 2, "Error: dim is 0; it must be more\n"),
    (errors.UnknownItemError("a", ["b"]), 1, "Error: 'a' is not in the vocabulary; did you mean 'b'?\n"),
    (
        OSError(errno.ENOSPC, "No space left on device", "big.txt"),
        1,
        "Error: big.txt: no space left on device\n",
    ),
    (PermissionError(errno.EACCES, "Permission denied", "shut"), 1, "Error: shut: permission denied\n"),
    (OSError("odd"), 1, "Error: odd\n"),
    (MemoryError(), 1, "Error: not enough memory: the system gives no more\n"),
    (MemoryError("Unable to allocate 1 TiB"), 1, "Error: not enough memory: Unable to allocate 1 TiB\n"),
    (KeyboardInterrupt(), 130, "Interrupted.\n"),
    (click.exceptions.Exit(3), 3, ""),
    (click.Abort(), 130, "Interrupted.\n"),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
]


@pytest.mark.parametrize(("error", "status", "line"), FAILURES)
def test_failures(monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, line: str) -> None:
    def fail(path: str) -> None:
        raise error

    monkeypatch.setattr(importlib.import_module("item2vec.cli.ask"), "open_model", fail)
    done = CliRunner().invoke(cli, ["similar", "milk"])
    assert (done.exit_code, done.stdout, done.stderr) == (status, "", line)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["simlar"], "Error: No such command 'simlar'. Did you mean 'similar'?"),
        (["qqq"], "Error: No such command 'qqq'."),
        (["--foo"], "Error: No such option"),
        (
            ["similar", "milk", "-k", "0"],
            "Error: Invalid value for '-k' / '--topk': 0 is not in the range x>=1.",
        ),
        (["similar", "milk", "-k", "x"], "Error: Invalid value for '-k' / '--topk': 'x' is not a valid int"),
        (["export"], "Error: Missing argument 'DEST'."),
        (["export", "x", "--format", "fasttext"], "Error: Invalid value for '--format': 'fasttext' is not "),
        (["info", "more"], "Error: Got unexpected extra argument"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], line: str) -> None:
    done = CliRunner().invoke(cli, arguments)
    command = "item2vec" if arguments[0] not in COMMANDS else f"item2vec {arguments[0]}"
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(line)
    assert done.stderr.endswith(f" See '{command} --help'.\n")
    assert done.stderr.count("\n") == 1


def test_closed_pipe_is_quiet(model: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = run("similar", "milk", "-m", str(model), capture_output=False, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_behind_standard_output(model: Path) -> None:
    with open("/dev/full", "w") as full:
        for arguments in (["similar", "milk"], ["similar", "milk", "--json"], ["info"]):
            done = run(*arguments, "-m", str(model), capture_output=False, stdout=full, stderr=subprocess.PIPE)
            assert done.returncode == 1
            assert done.stderr == "Error: cannot write to standard output: no space left on device\n"


CHEAP = {
    "version": ["--version"],
    "help": ["similar", "--help"],
    "similar": ["similar", "milk"],
    "json": ["similar", "milk", "--json"],
    "unknown": ["recommend", "milk"],
    "info": ["info"],
    "inspect": ["inspect", "corpus.txt"],
    "split": ["split", "corpus.txt"],
    "export": ["export", "vectors.txt", "--replace-spaces", "_"],
    "import": ["import", "vectors.txt", "-o", "imported.safetensors"],
    "cache": ["cache"],
}
WITHOUT_ANSWER = ("split", "export", "import", "unknown")


def lose(number: int, how: str) -> Callable[[], None]:
    """What a process does before it begins, to have lost a stream."""

    def closed() -> None:
        os.close(number)

    def full() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), number)

    def broken() -> None:
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, number)

    return {"closed": closed, "full": full, "broken": broken}[how]


@pytest.fixture
def working(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with all that the cheap commands need."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(ENVIRONMENT, "ITEM2VEC_MODEL", str(model))  # type: ignore[attr-defined]
    monkeypatch.setitem(ENVIRONMENT, "ITEM2VEC_CACHE", str(tmp_path / "cache"))  # type: ignore[attr-defined]
    (tmp_path / "corpus.txt").write_text("a b\nb a c\n" * 9)
    (tmp_path / "vectors.txt").write_text("1 2\nmilk 1 2\n")
    return tmp_path


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("name", CHEAP)
def test_a_lost_stream_costs_no_work_and_is_no_traceback(name: str, working: Path) -> None:
    usual = run(*CHEAP[name])
    for how in ("closed", "full", "broken"):
        deaf = run(*CHEAP[name], preexec_fn=lose(2, how))
        assert (deaf.returncode, deaf.stdout) == (usual.returncode, usual.stdout), how
        mute = run(*CHEAP[name], preexec_fn=lose(1, how))
        if name in WITHOUT_ANSWER:
            assert (mute.returncode, mute.stderr) == (usual.returncode, usual.stderr), how
        elif how == "broken":
            assert (mute.returncode, mute.stderr) == (1, "")
        else:
            reason = {"closed": "it is closed", "full": "no space left on device"}[how]
            assert (mute.returncode, mute.stderr) == (1, f"Error: cannot write to standard output: {reason}\n")
    unfed = run(*CHEAP[name], preexec_fn=lose(0, "closed"))
    assert (unfed.returncode, unfed.stdout) == (usual.returncode, usual.stdout)


@pytest.mark.parametrize("arguments", [["similar", "--batch", "-"], ["inspect", "-"], ["split", "-"]])
def test_standard_input_that_cannot_be_read(arguments: list[str], working: Path) -> None:
    for how in ("closed", "broken"):  # the latter: it is open for writing
        done = run(*arguments, preexec_fn=lose(0, how))
        assert (done.returncode, done.stdout) == (1, ""), how
        assert done.stderr.startswith("Error: "), how
        assert done.stderr.count("\n") == 1, how


def test_all_three_streams_closed(working: Path) -> None:
    def close() -> None:
        os.closerange(0, 3)

    (working / "vectors.txt").unlink()
    done = run(*CHEAP["export"], preexec_fn=close, capture_output=False)
    assert done.returncode == 0
    assert (working / "vectors.txt").read_text().startswith("3 2\nmilk 1 0\n")


def test_a_reader_that_leaves_in_the_middle_ends_a_batch_quietly(working: Path) -> None:
    command = [*ENTRIES["module"], "similar", "--batch", "questions.txt"]
    Path("questions.txt").write_text("milk\n" * 20_000)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:  # type: ignore[call-overload]
        assert json.loads(process.stdout.readline())["items"] == ["milk"]
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_a_terminal_that_is_gone_is_no_error(working: Path) -> None:
    """A warning to a terminal that was closed, of a command that ignores SIGHUP."""
    master, slave = pty.openpty()
    os.close(master)
    done = run("split", "corpus.txt", capture_output=False, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    assert (done.returncode, done.stdout) == (0, "")
    assert (working / "corpus.train.txt").exists()


def test_output_in_an_encoding_that_lacks_the_items(tmp_path: Path) -> None:
    items = ["milk", "🥑", "é"]
    vocabulary = Vocabulary.from_items(items, [3, 2, 1])
    path = tmp_path / "m"
    item2vec.KeyedVectors(np.array([[1, 0], [1, 0], [0, 1]], np.float32), None, vocabulary).save(path)
    latin = ENVIRONMENT | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}
    plain, document = (
        subprocess.run([*ENTRIES["module"], "similar", "milk", "-m", str(path), *more], capture_output=True, env=latin)
        for more in ([], ["--json"])
    )
    assert plain.stdout == b"\\U0001f951  1.000\n\xe9   0.000\n"
    assert [entry["item"] for entry in json.loads(document.stdout)["similar"]] == ["🥑", "é"]
