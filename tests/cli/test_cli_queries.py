"""similar, info and export on a small model, with exact output and error text."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import item2vec
from item2vec.cli.main import cli
from item2vec.cli.output import print_json, printable, shell_command, table, width
from item2vec.items.vocabulary import Vocabulary

ITEMS = ["milk", "butter", "olive oil", "牛乳", "tab\there"]
TABLE = np.array([[1, 0], [3, 4], [0, 1], [4, 3], [-1, 0]], np.float32)
METADATA = {
    "config": {
        "dim": 2,
        "min_count": 5,
        "sample": 0.001,
        "max_items": None,
        "tile": [32, 16],
        "device": "auto",
    },
    "corpus": {"tokens": 12345, "sequences": 1000},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model where the commands look for one."""
    vocabulary = Vocabulary.from_items(ITEMS, [5000, 30, 20, 10, 5])
    item2vec.KeyedVectors(TABLE, TABLE * 2, vocabulary, METADATA).save(tmp_path / "item2vec.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    return tmp_path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def answer(*arguments: str) -> str:
    """Standard output of a call that must succeed without a word on standard error."""
    done = ask(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def failure(*arguments: str) -> str:
    """The error line of a call that must fail without a word on standard output."""
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr[len("Error: ") : -1]


@pytest.mark.usefixtures("folder")
def test_similar() -> None:
    # Columns line up on a terminal, where each of the two Chinese characters takes two.
    assert answer("similar", "milk") == (
        "牛乳        0.800\nbutter      0.600\nolive oil   0.000\ntab\\there  -1.000\n"
    )
    assert answer("similar", "olive oil", "-k", "1") == "butter  0.800\n"
    assert answer("similar", "milk", "olive oil", "--topk", "2") == "butter  0.990\n牛乳    0.990\n"
    assert answer("similar", "-k", "1", "--", "tab\there") == "olive oil  0.000\n"


@pytest.mark.usefixtures("folder")
def test_similar_json() -> None:
    document = json.loads(answer("similar", "milk", "milk", "-k", "2", "--json"))
    assert document == {
        "items": ["milk", "milk"],
        "similar": [
            {"item": "牛乳", "cosine": pytest.approx(0.8)},
            {"item": "butter", "cosine": pytest.approx(0.6)},
        ],
    }
    everything = json.loads(answer("similar", *ITEMS, "--json"))
    assert everything == {"items": ITEMS, "similar": []}
    assert answer("similar", *ITEMS) == ""


@pytest.mark.usefixtures("folder")
def test_unknown_item() -> None:
    assert failure("similar", "milk", "Buter") == "'Buter' is not in the vocabulary; did you mean 'butter'?"
    assert failure("similar", "xyzzy", "--json") == "'xyzzy' is not in the vocabulary"
    assert failure("similar", "\udcff\n") == "'\\udcff\\n' is not in the vocabulary"


def test_model_from_option_environment_and_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    advice = "; make one with `item2vec train CORPUS`, or name one with -m/--model FILE or ITEM2VEC_MODEL"
    (folder / "item2vec.safetensors").rename(folder / "other")
    for command in (["similar", "milk"], ["info"], ["export", "v.txt"]):
        assert failure(*command) == "there is no model at ./item2vec.safetensors" + advice
        assert failure(*command, "-m", "none") == "there is no model at none" + advice
    answer("info", "-m", "other")
    monkeypatch.setenv("ITEM2VEC_MODEL", "other")
    answer("info")
    assert failure("info", "--model", "other/none") == "there is no model at other/none" + advice
    assert failure("info", "-m", ".") == "cannot read .: it is a folder; name a model file"


def test_damaged_model(folder: Path) -> None:
    (folder / "item2vec.safetensors").write_text("milk bread\n")
    for command in (["similar", "milk"], ["info"], ["export", "v.txt"]):
        assert failure(*command).endswith(
            "it is damaged or not a model file; to read another tool's vectors, use `item2vec import`"
        )
    assert not (folder / "v.txt").exists()


def test_info(folder: Path) -> None:
    size = (folder / "item2vec.safetensors").stat().st_size
    assert (
        answer("info")
        == f"""\
model       ./item2vec.safetensors ({size:,} bytes)
items       5
dim         2
tables      input, output
written by  item2vec {item2vec.__version__}
config      dim 2, min-count 5, sample 0.001, max-items none, tile 32,16, device auto
corpus      tokens 12,345, sequences 1,000
commonest   milk 5,000
            butter 30
            olive oil 20
            牛乳 10
            tab\\there 5
"""
    )


def test_info_json(folder: Path) -> None:
    assert json.loads(answer("info", "--json")) == {
        "model": "./item2vec.safetensors",
        "bytes": (folder / "item2vec.safetensors").stat().st_size,
        "items": 5,
        "dim": 2,
        "tables": ["input", "output"],
        "commonest": [{"item": item, "count": count} for item, count in zip(ITEMS, [5000, 30, 20, 10, 5], strict=True)],
        "format": 1,
        "version": item2vec.__version__,
        **METADATA,
    }


def test_export(folder: Path) -> None:
    done = ask("export", "v.txt", "--replace-spaces", "_")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "Wrote 5 vectors of 2 numbers to v.txt (word2vec).\n")
    lines = (folder / "v.txt").read_text().splitlines()
    assert lines == ["5 2", "milk 1 0", "butter 3 4", "olive_oil 0 1", "牛乳 4 3", "tab_here -1 0"]
    document = json.loads(answer("export", "v.txt", "--replace-spaces", "_", "--table", "output", "--json"))
    assert document == {
        "output": "v.txt",
        "format": "word2vec",
        "table": "output",
        "items": 5,
        "dim": 2,
        "bytes": 63,
    }
    assert (folder / "v.txt").read_text().splitlines()[2] == "butter 6 8"
    assert (folder / "v.txt").stat().st_size == 63


def test_export_that_cannot_be(folder: Path) -> None:
    before = (folder / "item2vec.safetensors").read_bytes()
    assert failure("export", "v.txt") == (
        "the item 'olive oil' has white space, which the word2vec format cannot carry; "
        "write another character for it with --replace-spaces _"
    )
    assert failure("export", "item2vec.safetensors", "--replace-spaces", "_") == (
        "cannot write item2vec.safetensors: it is the model itself; name another file"
    )
    assert failure("export", "none/v.txt", "--replace-spaces", "_") == (
        f"cannot write none/v.txt: the folder {folder.resolve() / 'none'} does not exist; make it first"
    )
    assert ask("export", "v.txt", "--replace-spaces", " ").exit_code == 2
    assert [path.name for path in folder.iterdir()] == ["item2vec.safetensors"]
    assert (folder / "item2vec.safetensors").read_bytes() == before


def test_columns_have_the_widths_that_terminals_show() -> None:
    assert [width(text) for text in ("milk", "牛乳", "ｶﾞ", "e\u0301", "🥑", "ß", "")] == [4, 4, 2, 1, 2, 1, 0]
    emoji = (
        "\u2764\ufe0f",
        "\U0001f469\u200d\U0001f373",
        "\U0001f44d\U0001f3fd",
        "\U0001f1e9\U0001f1ea",
        "a\u200db",
        "\u1112\u1161\u11ab",
    )
    assert [width(text) for text in emoji] == [2, 2, 2, 2, 2, 2]
    assert table([("牛乳", "1.000"), ("e\u0301a", "-0.250")], "<>") == ["牛乳   1.000", "e\u0301a    -0.250"]
    assert table([], "<>") == []
    assert table([("a", "", "1", "2"), ("bc", "", "10", "")], "<<>") == ["a    1  2", "bc  10"]


def test_control_characters_are_escaped() -> None:
    assert printable("a\u202eb\u200b\ufeff \u009b31m \U000e0041") == "a\\u202eb\\u200b\\ufeff \\x9b31m \\U000e0041"
    assert (
        printable("\u0645\u06cc\u200c\u062e\u0648 👩\u200d🍳 mi\u200dlk")
        == "\u0645\u06cc\u200c\u062e\u0648 👩\u200d🍳 mi\\u200dlk"
    )
    assert printable("a\tb\n\x1b[31m\x85\u2028é 🥑\u00a0") == "a\\tb\\n\\x1b[31m\\x85\\u2028é 🥑\u00a0"


def test_json_has_escapes_for_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"item": "é\u202e\x7f\u009b \U000e0041\ud800\u2028", "b": 1}
    print_json(document)
    printed = capsys.readouterr().out
    assert json.loads(printed) == document
    assert printed.isascii() or printed.rstrip("\n").isprintable()
    assert "\\u202e" in printed


def test_what_is_printed_for_a_shell_is_one_word_in_plain_letters() -> None:
    words = ["milk", "olive oil", "$(rm x)", "`rm x`", "it's", "a\\'\x1b[31m\u202eé\n", "-x", "", "\udcff", "~", "a\tb"]
    done = subprocess.run(["bash", "-c", "printf '%s\\0' " + shell_command(words)], capture_output=True, check=True)
    assert [os.fsdecode(word) for word in done.stdout.split(b"\0")[:-1]] == words
    assert shell_command(words).isprintable()
    assert shell_command(words[:3]) == "milk 'olive oil' '$(rm x)'"


def test_info_is_no_wider_than_a_page_and_leaves_nothing_out(folder: Path) -> None:
    from item2vec.cli.model import _lines

    config = {f"option_{place}": place for place in range(30)}
    document = {"model": "m", "bytes": 1, "items": 1, "dim": 1, "tables": ["input"], "commonest": [], "config": config}
    lines = _lines(document | {"losses": [float(place) for place in range(30)]})
    assert max(map(len, lines)) <= 100
    wrapped = lines[5 : lines.index("losses      0,1,...,28,29")]
    assert " ".join(line[12:] for line in wrapped) == ", ".join(f"option-{place} {place}" for place in range(30))
    assert wrapped[1].startswith(" " * 12)
