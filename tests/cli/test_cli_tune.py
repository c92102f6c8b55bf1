"""``item2vec tune``: what it prints and writes, and one line for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from train_command import enter, files, run

import item2vec

pytest.importorskip("optuna")
jit = pytest.mark.jit

FEW = ("--dim", "8", "--threads", "1", "--metric", "hit@5", "--by", "last", "--min-count", "1")
FIXED = (
    "--lr",
    "0.1",
    "--negative",
    "4",
    "--sample",
    "0",
    "--window-mode",
    "fixed",
    "--context",
    "both",
    "--epochs",
    "4",
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@jit
def test_from_trials_to_a_model() -> None:
    done = run("tune", "corpus.txt", *FEW, *FIXED, "--trials", "2", "--study", "s.journal")
    assert done.exit_code == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Trials train on ")
    assert (
        "Held out is the last item, of 1,500 sequences: 750 items to choose by and 750 for the comparison" in lines[0]
    )
    assert lines[1].startswith("   0* hit@5 ")
    assert lines[1].endswith("[exponent 0.75, window 5]")
    shown = done.stdout.splitlines()
    assert shown[0] == "2 trials: 2 done."
    assert "On 750 other sequences, which had no part in the choice, hit@5:" in shown
    found = {line.split()[0] for line in shown[shown.index("") :] if line}
    assert {"defaults", "tuned", "gain", "item-knn", "popularity"} <= found
    assert shown[-1] == "Wrote ./best.toml. Train with it: item2vec train corpus.txt --config ./best.toml"
    assert files() == {"corpus.txt", "best.toml", "s.journal"}
    assert "# train:    item2vec train corpus.txt --config ./best.toml" in Path("best.toml").read_text()
    trained = run("train", "corpus.txt", "--config", "best.toml", "--quiet", "--epochs", "1")
    assert trained.exit_code == 0, trained.stderr
    config = item2vec.load("item2vec.safetensors").metadata["config"]
    assert (config["dim"], config["lr"], config["window_mode"], config["epochs"]) == (8, 0.1, "fixed", 1)
    again = run("tune", "corpus.txt", *FEW, *FIXED, "--trials", "1", "--study", "s.journal", "--json")
    assert again.exit_code == 0, again.stderr
    document = json.loads(again.stdout)
    assert len(document["trials"]) == 3
    assert document["config"]["lr"] == 0.1
    assert set(document["held_out"]["gain"]) == {"value", "low", "high"}
    assert document["best"]["scoring"]["score"] in ("next", "similar")
    other = run("tune", "corpus.txt", *FEW, *FIXED, "--trials", "1", "--study", "s.journal", "--seed", "2")
    assert other.exit_code == 2
    assert other.stderr.splitlines()[-1].startswith("Error: the study s.journal has ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Error: Missing argument 'SOURCE...'. See 'item2vec tune --help'.\n"),
        (
            ("corpus.txt", "--budget", "long"),
            "Error: --budget is 'long'; it must be a time above 0 such as 90s, 10m, 2h, or seconds\n",
        ),
        (
            ("corpus.txt", "--dims", "a"),
            "Error: --dims is 'a'; it must be whole numbers with commas between them, such as",
        ),
        (("corpus.txt", "--loss", "hs"), "Error: --loss is 'hs', whose output table holds no items; "),
        (("corpus.txt", "--metric", "auc"), "Error: --metric is 'auc'; it must be one of "),
        (
            ("corpus.txt", "--id-column"),
            "Error: --id-column only works together with --validate; name a file with it\n",
        ),
        (("corpus.txt", "--validate", "none.txt"), "Error: "),
        (("corpus.txt", "-o", "no/b.toml"), "Error: cannot write no/b.toml: the folder "),
        (("none.txt",), "Error: "),
    ],
)
def test_one_line_for_what_cannot_be(arguments: tuple[str, ...], message: str) -> None:
    done = run("tune", *arguments)
    assert done.exit_code in (1, 2)
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert files() == {"corpus.txt"}


def test_without_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = run("tune", "corpus.txt")
    assert done.exit_code == 2
    assert done.stderr == "Error: tune needs optuna and tomli_w; install them with pip install 'item2vec[tune]'\n"
