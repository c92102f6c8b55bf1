"""recommend, analogy, odd-one-out, similarity, similar's options and batches, with exact output and error text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import item2vec
from item2vec.cli.main import cli
from item2vec.items.vocabulary import Vocabulary

ITEMS = ["milk", "butter", "olive oil", "牛乳", "salt"]
TABLE = np.array([[1, 0], [3, 4], [0, 1], [4, 3], [-1, 0]], np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model where the commands look for one."""
    vocabulary = Vocabulary.from_items(ITEMS, [100, 30, 20, 10, 5])
    item2vec.KeyedVectors(TABLE, TABLE[::-1].copy(), vocabulary).save(tmp_path / "item2vec.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    return tmp_path


def ask(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(cli, arguments, input=input)


def answer(*arguments: str) -> str:
    """Standard output of a call that must succeed without a word on standard error."""
    done = ask(*arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def failure(*arguments: str, status: int = 1) -> str:
    """The error line of a call that must fail without a word on standard output."""
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr[len("Error: ") : -1]


def test_similar_with_options() -> None:
    # (1,0) - (-1,0) points along (1,0).
    assert answer("similar", "milk", "--without", "salt", "-k", "1") == "牛乳  0.800\n"
    assert answer("similar", "milk", "--filter", "^[a-z]+$", "-k", "1") == "butter  0.600\n"
    done = ask("similar", "milk", "--filter", "x")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Note: no item, or display name, has 'x' in it.\n"
    assert answer("similar", "milk", "olive oil", "--weight", "3", "--weight", "4", "-k", "1") == "butter  1.000\n"
    document = json.loads(answer("similar", "milk", "--without", "salt", "-k", "1", "--json"))
    assert document == {
        "items": ["milk"],
        "without": ["salt"],
        "similar": [{"item": "牛乳", "cosine": pytest.approx(0.8)}],
    }


def test_recommend() -> None:
    # Output rows are the table upside down: milk (-1,0), butter (4,3), olive oil (0,1), 牛乳 (3,4), salt (1,0).
    assert answer("recommend", "milk", "-k", "2") == "butter  4.000\n牛乳    3.000\n"
    assert answer("recommend", "milk", "olive oil", "--pool", "last", "-k", "2") == "牛乳    4.000\nbutter  3.000\n"
    assert answer("recommend", "butter", "-k", "1", "--include-seen") == "牛乳  25.000\n"
    # 4 log(30 / 10) makes up for more than what 牛乳 has ahead.
    assert answer("recommend", "olive oil", "-k", "1", "--popularity", "1").startswith("butter  6.401\n")
    # Scores of milk are -1, 4, 0, 3, 1; e^4 and e^3 of 1 + e^-1 + e^4 + e^3 + e.
    assert answer("recommend", "milk", "-k", "2", "--softmax", "1") == "butter  69.314%\n牛乳    25.499%\n"
    document = json.loads(answer("recommend", "milk", "-k", "1", "--softmax", "1", "--json"))
    assert document["recommended"] == [{"item": "butter", "score": pytest.approx(0.693135, abs=1e-6)}]
    assert failure("recommend", "milk", "--softmax", "-1", status=2) == (
        "--softmax is -1.0; it must be a number from 0 to 10,000"
    )
    done = ask("recommend", "milk", "xyz", "-k", "1")
    assert (done.exit_code, done.stdout) == (0, "butter  4.000\n")
    assert done.stderr == "Warning: not in the vocabulary, left out: 'xyz'\n"
    assert json.loads(ask("recommend", "milk", "xyz", "-k", "1", "--json").stdout) == {
        "items": ["milk", "xyz"],
        "unknown": ["xyz"],
        "recommended": [{"item": "butter", "score": 4.0}],
    }
    assert failure("recommend", "xyz") == "'xyz' is not in the vocabulary"
    assert failure("recommend", "milk", "--decay", "2", "--pool", "decay", status=2) == (
        "--decay is 2.0; it must be above 0 and at most 1"
    )


def test_analogy_similarity_and_odd_one_out() -> None:
    # (0,1) - (1,0) + (0.8,0.6) = (-0.2,1.6) is nearest to (0.6,0.8).
    assert answer("analogy", "milk", "olive oil", "牛乳", "-k", "1") == "butter  0.719\n"
    (best,) = json.loads(answer("analogy", "milk", "olive oil", "牛乳", "-k", "1", "--method", "mul", "--json"))[
        "analogy"
    ]
    assert (best["item"], set(best)) == ("salt", {"item", "score"})
    assert (
        json.loads(answer("analogy", "milk", "olive oil", "牛乳", "-k", "1", "--json"))["analogy"][0]["item"]
        == "butter"
    )
    assert answer("similarity", "milk", "butter") == "0.600\n"
    assert json.loads(answer("similarity", "milk", "salt", "--json")) == {"items": ["milk", "salt"], "cosine": -1.0}
    assert answer("odd-one-out", "butter", "牛乳", "salt").startswith("salt    -0.")
    document = json.loads(answer("odd-one-out", "butter", "牛乳", "salt", "--json"))
    assert document["odd"] == document["agreement"][0]["item"] == "salt"
    assert len(document["agreement"]) == 3


DELIMITER = "--delimiter separates the items of a line of --batch FILE, and may not be empty."


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["analogy", "milk", "salt"], "An analogy has three items, A B C; 2 were given."),
        (["analogy"], "Missing argument 'A B C'."),
        (["similarity", "milk"], "Two items can be compared; 1 were given."),
        (["odd-one-out", "milk", "salt"], "The odd one out needs at least three items."),
        (["similar"], "Missing argument 'ITEM...'."),
        (["similar", "milk", "--batch", "x"], "Give items or --batch FILE, not both."),
        (
            ["similar", "--batch", "x", "--filter", "a"],
            "--without, --weight, --exclude, --restrict and --filter are not for --batch.",
        ),
        (["recommend", "milk", "--delimiter", ","], DELIMITER),
        (["recommend", "--batch", "x", "--delimiter", ""], DELIMITER),
    ],
)
def test_wrong_usage(arguments: list[str], line: str) -> None:
    assert failure(*arguments, status=2) == f"{line} See 'item2vec {arguments[0]} --help'."


def test_batches(folder: Path) -> None:
    done = ask("similar", "--batch", "-", "-k", "1", input="milk\n\n  butter 牛乳 \r\nmilk xyz\n")
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert documents == [
        {"items": ["milk"], "similar": [{"item": "牛乳", "cosine": pytest.approx(0.8)}]},
        {"items": ["butter", "牛乳"], "similar": [{"item": "milk", "cosine": pytest.approx(0.5**0.5)}]},
        {"items": ["milk", "xyz"], "error": "'xyz' is not in the vocabulary"},
    ]
    assert (done.exit_code, done.stderr) == (0, "Warning: 1 of 3 queries could not be answered.\n")
    (folder / "histories").write_text("olive oil; milk\nxyz;milk\n")
    documents = [
        json.loads(line) for line in answer("recommend", "--batch", "histories", "--delimiter", ";").splitlines()
    ]
    assert [document["items"] for document in documents] == [["olive oil", "milk"], ["xyz", "milk"]]
    assert ["unknown" in document for document in documents] == [False, True]
    assert documents[0]["recommended"] == json.loads(answer("recommend", "olive oil", "milk", "--json"))["recommended"]
    pairs = ask("similarity", "--batch", "-", input="milk butter\nmilk\n")
    assert [json.loads(line).get("cosine") for line in pairs.stdout.splitlines()] == [pytest.approx(0.6), None]
    done = ask("analogy", "--batch", "-", "-k", "1", input="milk butter salt\n")
    assert (
        json.loads(done.stdout)["analogy"]
        == json.loads(answer("analogy", "milk", "butter", "salt", "--json"))["analogy"][:1]
    )


def test_batches_that_fail(folder: Path) -> None:
    done = ask("similar", "--batch", "-", input="xyz\nzyx\n")
    assert (done.exit_code, done.stdout.count("\n")) == (1, 2)
    assert done.stderr == "Error: none of the 2 queries in - could be answered; see the errors in the answers\n"
    assert failure("similar", "--batch", "none") == "cannot read 'none': no such file or directory"
    assert failure("similar", "--batch", ".") == "cannot read '.': is a directory"
    (folder / "latin").write_bytes(b"\xe9\n")
    assert failure("recommend", "--batch", "latin") == "cannot read latin: it is not UTF-8 text"
    assert failure("recommend", "--batch", "latin", "--popularity", "nan", status=2).startswith("--popularity is nan")


def test_an_item_that_looks_like_a_field_is_shown_as_it_is() -> None:
    done = CliRunner().invoke(cli, ["similar", "`lr`"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: '`lr`' is not in the vocabulary")


def test_items_that_are_not_to_be_listed() -> None:
    assert answer("similar", "milk", "--exclude", "牛乳", "-k", "1").split()[0] == "butter"
    assert answer("similar", "milk", "--restrict", "3", "-k", "1").split()[0] == "butter"
    first = json.loads(answer("recommend", "milk", "--json"))["recommended"]
    assert json.loads(answer("recommend", "milk", "--exclude", first[0]["item"], "--json"))["recommended"] == first[1:]
