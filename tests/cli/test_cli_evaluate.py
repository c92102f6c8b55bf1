"""item2vec evaluate: what is printed, JSON, and one line for what cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import item2vec
from item2vec.cli.main import cli
from item2vec.items.vocabulary import Vocabulary

NAMES = ["a", "b", "c", "d"]
INPUT = np.eye(4, dtype=np.float32)
# What comes next after a is b, after b is c, after c is d, and d leads back to a.
OUTPUT = np.roll(np.eye(4, dtype=np.float32), 1, axis=0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a model and files in it."""
    metadata = {"corpus": {"tokens": 9}}
    vocabulary = Vocabulary.from_items(NAMES, [40, 30, 20, 10])
    item2vec.KeyedVectors(INPUT, OUTPUT, vocabulary, metadata).save(tmp_path / "item2vec.safetensors")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    Path("sessions.txt").write_text("c a b\nd b c\na x\n\nb\n")
    Path("histories.txt").write_text("u1 a\nu2 b\nu3 c\n")
    Path("targets.txt").write_text("u2 c\nu1 b d\nu9 a\n")
    return tmp_path


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *arguments])


def document(*arguments: str) -> dict:
    done = ask(*arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_last_items() -> None:
    """With the last item alone, a leads to b and b to c; x is unknown to the model and so a miss."""
    found = document("items", "sessions.txt", "--pool", "last", "-k", "1,2")
    assert (found["users"], found["targets"], found["unknown_targets"], found["targets_in_history"]) == (3, 3, 1, 0)
    assert found["skipped"] == {"shorter than 2 items": 2}
    assert found["metrics"]["recall@1"]["value"] == pytest.approx(2 / 3)
    assert found["metrics"]["ndcg@2"]["value"] == pytest.approx(2 / 3)
    assert found["metrics"]["recall@1"]["low"] <= 2 / 3 <= found["metrics"]["recall@1"]["high"]
    names = [f"{metric}@{k}" for k in (1, 2) for metric in ("recall", "ndcg", "hit", "mrr", "coverage", "poprank")]
    assert set(found["metrics"]) == set(names)
    assert set(found["baselines"]) == {"popularity", "item-knn", "successor"}
    assert set(found["baselines"]["successor"]) == set(names)
    assert set(found["buckets"]) == {"head", "middle", "tail"}
    assert sum(bucket["targets"] for bucket in found["buckets"].values()) == 3


def test_targets_by_id() -> None:
    found = document("items", "histories.txt", "--targets", "targets.txt", "--id-column", "-k", "2")
    assert (found["users"], found["targets"]) == (2, 3)
    assert found["skipped"] == {"id without targets": 1, "id of targets without a sequence": 1}
    assert set(found["baselines"]) == {"popularity", "item-knn"}
    # u1: b, then the ties in order: b and c. u2: c. So 1/2 and 1.
    assert found["metrics"]["recall@2"]["value"] == pytest.approx(0.75)


def test_event_tables_are_as_lines_with_ids() -> None:
    """The histories and targets of the test before, as events; what came later stands first."""
    Path("h.csv").write_text("who,what,day\nu1,a,1\nu2,b,1\nu3,c,1\n,a,2\n")
    Path("t.jsonl").write_text("".join(
        f'{{"who": "{who}", "what": "{what}", "day": {at}}}\n'
        for who, what, at in [("u2", "c", 9), ("u1", "d", 9), ("u1", "b", 8), ("u9", "a", 7), ("u1", "a", 99)]
    ))  # fmt: skip
    columns = ("--user", "who", "--item", "what", "--time", "day")
    done = ask("items", "h.csv", "--targets", "t.jsonl", *columns, "--where", "day < 50", "-k", "2", "--json")
    assert done.exit_code == 0, done.stderr
    assert "Note: 1 of 4 events have no 'who' and were left out.\n" in done.stderr
    found, text = json.loads(done.stdout), document("items", "histories.txt", "--targets", "targets.txt", "--id-column",
                                                    "-k", "2")  # fmt: skip
    for name in ("users", "targets", "skipped", "metrics", "baselines"):
        assert found[name] == text[name]
    Path("s.csv").write_text("who,what,day\n1,b,3\n2,d,1\n1,c,1\n1,a,2\n2,b,2\n2,c,3\n3,a,1\n3,x,2\n4,b,1\n")
    Path("s.txt").write_text("c a b\nd b c\na x\nb\n")
    whole = document("items", "s.csv", *columns, "--pool", "last", "-k", "2")
    assert whole["metrics"] == document("items", "s.txt", "--pool", "last", "-k", "2")["metrics"]
    done = ask("items", "s.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "s.csv' is an event table; name its columns with --user and --item: it has 'who', 'what', 'day'" in done.stderr
    )
    done = ask("items", "s.txt", "--user", "who")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "s.txt is read as text, which has no use for --user, --item, --time and --where" in done.stderr
    done = ask("items", "*.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert " files of text; evaluate one at a time" in done.stderr


def test_the_kind_is_missing() -> None:
    done = ask("histories.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: No such command 'histories.txt'; say whether it is `item2vec evaluate items FILE`, of held-out items, "
        "or `item2vec evaluate words FILE`, of word pairs or analogies. See 'item2vec evaluate --help'.\n"
    )


def test_what_is_printed() -> None:
    done = ask("items", "histories.txt", "--targets", "targets.txt", "--id-column", "-k", "2", "--no-baselines")
    assert done.exit_code == 0
    assert done.stderr == (
        "2 users, 3 held-out items, 0.0% of them unknown to the model. "
        "Left out: 1 (id without targets), 1 (id of targets without a sequence).\n"
    )
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["@2", "recall", "ndcg", "hit", "mrr", "coverage", "poprank"]
    assert lines[1].split()[:2] == ["model", ".7500"]
    assert "by popularity" in lines[3]
    assert lines[-1] == "± is half the 95% interval."


def test_seen_items() -> None:
    Path("again.txt").write_text("a b a b\n")
    assert document("items", "again.txt", "--pool", "last", "-k", "1")["metrics"]["hit@1"]["value"] == 0
    assert document("items", "again.txt", "--pool", "last", "-k", "1", "--keep-seen")["metrics"]["hit@1"]["value"] == 1
    assert "100.0% are in the user's history, so they cannot be found" in ask("items", "again.txt").stderr


def test_a_model_that_has_seen_what_is_held_out() -> None:
    """The model's metadata say nine tokens, as many as the file has."""
    assert "trained on 9 tokens, as many as sessions.txt has" in ask("items", "sessions.txt").stderr
    Path("train.txt").write_text("a b\nb c\n")
    assert "Warning" not in ask("items", "sessions.txt", "--train", "train.txt").stderr


def test_baselines_learn_from_other_sequences() -> None:
    Path("train.txt").write_text("b d\nb d\nd a\n")
    Path("test.txt").write_text("b d\n")
    alone = document("items", "test.txt", "-k", "1")["baselines"]["successor"]["hit@1"]["value"]
    taught = document("items", "test.txt", "-k", "1", "--train", "train.txt")["baselines"]["successor"]["hit@1"][
        "value"
    ]
    assert (alone, taught) == (0, 1)


def test_words() -> None:
    Path("pairs.txt").write_text("# comment\na b 1\nA a 9\nc zzz 3\n")
    Path("questions.txt").write_text(": one\na b c d\na b c zzz\n")
    done = ask("words", "pairs.txt", "questions.txt", "--restrict", "4")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "pairs.txt  spearman 1.0000  (2 pairs used, 1 missing)\n"
        "questions.txt, 4 words\n"
        "         right  known  questions  skip unknown  unknown wrong\n"
        "  one        1      1          2        1.0000         0.5000\n"
        "  total      1      1          2        1.0000         0.5000\n"
    )
    found = document("words", "pairs.txt", "questions.txt")
    pairs, questions = found["tests"]
    assert pairs == {
        "file": "pairs.txt",
        "kind": "similarity",
        "spearman": pytest.approx(1),
        "used": 2,
        "missing": 1,
        "unreadable": 0,
    }
    assert questions["total"]["unknown_wrong"] == 0.5
    assert questions["sections"][0]["name"] == "one"


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["items", "none.txt"], "no file 'none.txt'", 1),
        (["items", "sessions.txt", "-k", "ten"], "-k is 'ten'; it must be whole numbers", 2),
        (["items", "sessions.txt", "-k", "0"], "k is '0'", 2),
        (["items", "sessions.txt", "--decay", "0"], "decay is 0.0", 2),
        (["items", "sessions.txt", "--targets", "targets.txt"], "there are 5 sequences and 3 lines of targets", 1),
        (["items", "sessions.txt", "-m", "none"], "there is no model at none", 1),
        (["words", "sessions.txt"], "sessions.txt: no line has two words and a score", 1),
        (["words", "none.txt"], "no file 'none.txt'", 1),
    ],
)
def test_what_cannot_be(arguments: list[str], message: str, status: int) -> None:
    done = ask(*arguments)
    assert done.exit_code == status
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_neither_torch_nor_numba_is_imported() -> None:
    root = str(Path(item2vec.__file__).parents[1])
    program = (
        "import sys; from item2vec.cli.main import cli\n"
        "try: cli(['evaluate', 'items', 'sessions.txt'])\n"
        "except SystemExit: print(sorted({'torch', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": root, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_without_a_command_the_help_comes_as_it_is() -> None:
    done = ask()
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("Usage: item2vec evaluate [OPTIONS] COMMAND [ARGS]...\n\n  Measure how good")
    assert done.stderr.count("\n") > 10


def test_held_out_items_of_which_the_model_knows_none_are_refused() -> None:
    Path("other.csv").write_text("x,y z,u\nx,y v,w\n")
    done = ask("items", "other.csv", "--format", "text")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "Error: the model knows none of the 2 held-out items of other.csv; is it the right model, and does --delimiter"
    )
