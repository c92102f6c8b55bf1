"""``item2vec train``: what it prints and where, what it writes, and what the model then answers."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from train_command import ENTRIES, QUICK, SEQUENCES, TOKENS, enter, files, run, start

import item2vec
from item2vec.cli.train import train as train_command
from item2vec.config.source import SourceConfig
from item2vec.config.train import TrainConfig

jit = pytest.mark.jit
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@jit
def test_a_trained_model_answers() -> None:
    done = run("train", "corpus.txt", *QUICK)
    assert (done.exit_code, done.stdout) == (0, "")
    read, shape, preset, needs, trained, ask = done.stderr.splitlines()[-6:]  # a first run says that it compiles
    assert preset == (
        "This looks like sessions: items repeat within a sequence more often than by chance. Taking --preset sessions "
        "(--window 5 --negative 20 --ns-exponent 0.25); --preset words has word2vec's own defaults."
    )
    assert shape.startswith("Sequences have 4 to 8 of these, median 6; ")
    assert needs.startswith("Needs about ")
    assert read.startswith(f"Read 1,500 sequences, {TOKENS:,} tokens in ")
    assert read.endswith(" s: 64 items, which are 100.0% of the tokens.")
    assert trained.startswith("Trained 10 epochs in ")
    assert trained.endswith(" Wrote ./item2vec.safetensors.")
    assert files() == {"corpus.txt", "item2vec.safetensors"}
    words = ask.removeprefix("Ask it: item2vec ").split()
    assert words[0] == "similar"
    answer = run(*(word.strip("'") for word in words))
    assert answer.exit_code == 0
    assert len(answer.stdout.splitlines()) == 10
    answer = json.loads(run("similar", "c3.2", "-k", "7", "--json").stdout)["similar"]
    assert {neighbour["item"].split(".")[0] for neighbour in answer} == {"c3"}
    document = json.loads(run("info", "--json").stdout)
    assert document["config"]["dim"] == 16


@jit
def test_a_long_training_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("item2vec.training.trainer.Trainer.expected_seconds", lambda _: 3725.0)
    assert "Training will take about 1:02:05." in run("train", "corpus.txt", *QUICK).stderr.splitlines()
    assert "Training will take" not in run("train", "corpus.txt", *QUICK, "--quiet").stderr


@jit
def test_json_is_one_document_on_standard_output() -> None:
    done = run("train", "corpus.txt", *QUICK, "--json", "-o", "m.safetensors")
    assert done.exit_code == 0
    assert done.stdout.count("\n") == 1
    document = json.loads(done.stdout)
    assert {name: type(value) for name, value in document.items()} == {
        "items": int,
        "tokens": int,
        "sequences": int,
        "notes": list,
        "preset": str,
        "warnings": list,
        "checkpoints": dict,
        "replaced": int,
        "epochs": int,
        "threads": int,
        "loss": float,
        "losses": list,
        "pairs": int,
        "tokens_per_second": float,
        "seconds": dict,
        "output": str,
    }
    assert (document["items"], document["tokens"], document["sequences"]) == (64, TOKENS, 1500)
    assert (document["epochs"], document["threads"], document["output"]) == (10, 1, "m.safetensors")
    assert set(document["seconds"]) == {"read", "train", "write"}
    assert all(seconds > 0 for seconds in document["seconds"].values())
    assert document["tokens_per_second"] * document["seconds"]["train"] > 0.99 * TOKENS * 10
    assert len(document["losses"]) == 10
    assert document["loss"] == document["losses"][-1] < document["losses"][0]
    # radii 1 to 5 in sequences of 4 to 8: from two contexts a centre to all of them
    assert 10 * 2 * (TOKENS - 1500) < document["pairs"] < 10 * sum(len(s) * (len(s) - 1) for s in SEQUENCES)
    metadata = item2vec.load("m.safetensors").metadata
    assert metadata["training"]["losses"] == pytest.approx(document["losses"])


@jit
def test_quiet_is_silent_but_for_what_was_asked() -> None:
    done = run("train", "corpus.txt", *QUICK, "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    done = run("train", "corpus.txt", *QUICK, "--quiet", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["items"] == 64


@jit
def test_one_thread_and_seed_give_the_same_model_from_both_entries() -> None:
    for entry in ENTRIES:
        done = start(entry, "train", "corpus.txt", *QUICK, "--json", "--quiet", "-o", f"{entry}.safetensors")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["items"] == 64
    first, second = (item2vec.load(f"{entry}.safetensors") for entry in ENTRIES)
    assert np.array_equal(first.input, second.input)
    assert np.array_equal(first.output, second.output)
    assert run("train", "corpus.txt", *QUICK, "--seed", "2").exit_code == 0
    assert not np.array_equal(item2vec.load("item2vec.safetensors").input, first.input)


def test_backend_torch_trains_a_model() -> None:
    done = run("train", "corpus.txt", *QUICK, "--backend", "torch", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["loss"] < 3.2
    answer = json.loads(run("similar", "c3.2", "-k", "7", "--json").stdout)["similar"]
    assert {neighbour["item"].split(".")[0] for neighbour in answer} == {"c3"}


def test_the_options_are_those_of_the_configuration() -> None:
    context = train_command.make_context("train", ["corpus.txt"])
    names = set()
    for config in (TrainConfig, SourceConfig):
        own = {field.name for field in dataclasses.fields(config)}
        assert config(**{name: context.params[name] for name in own}) == config()
        names |= own
    validation = {"validate", "validate_targets", "metric", "patience"}
    checkpoints = {"checkpoint_every", "resume"}
    frame = {"sources", "output", "log", "strict", "quiet", "as_json"}
    assert set(context.params) - names == frame | validation | checkpoints
    for parameter in train_command.params:
        assert parameter.name == "sources" or parameter.help
        spelt = str(parameter.name).replace("_", "-")
        assert parameter.name not in names or {f"--{spelt}", f"--no-{spelt}"} & set(parameter.opts)


@pytest.mark.jit
def test_event_tables_with_names_from_the_command_line_to_similar() -> None:
    rows = [f"{user},{item},{time}" for user, items in enumerate(SEQUENCES) for time, item in enumerate(items)]
    Path("e.csv").write_text("user,item,time,title\n" + "".join(f"{row},The {row.split(',')[1]}\n" for row in rows))
    with Path("e.csv").open("a") as file:
        file.write(",c1.1,5,\n")
    columns = ["--user", "user", "--item", "item", "--time", "time", "--name-column", "title"]
    done = run("train", "e.csv", *columns, *QUICK)
    assert done.exit_code == 0, done.stderr
    assert f"Warning: 1 of {TOKENS + 1:,} events have no 'user' and were left out.\n" in done.stderr
    answer = json.loads(run("similar", "The c3.2", "-k", "7", "--json").stdout)["similar"]
    assert {neighbour["item"].split(".")[0] for neighbour in answer} == {"c3"}
    assert all(neighbour["name"] == "The " + neighbour["item"] for neighbour in answer)
    assert json.loads(run("info", "--json").stdout)["names"] == 64
    # the same events as text give the same vectors
    vectors = item2vec.load("item2vec.safetensors")
    assert run("train", "corpus.txt", *QUICK).exit_code == 0
    assert np.array_equal(item2vec.load("item2vec.safetensors").input, vectors.input)


def test_neither_source_nor_query_is_wrong_usage() -> None:
    done = run("train", "--user", "u", "--item", "i")
    assert (done.exit_code, done.stderr) == (2, "Error: Missing argument 'SOURCE...'. See 'item2vec train --help'.\n")
