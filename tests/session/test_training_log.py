"""The log of a training, and a caller that stops it after an epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import item2vec
from item2vec.errors import ConfigError, Item2VecError
from item2vec.session.listener import Listener

pytest.importorskip("torch")
BASKETS = [["milk", "bread", "tea"], ["tea", "milk", "jam"], ["bread", "butter"]] * 30
OPTIONS: dict[str, Any] = {"dim": 4, "sample": 0, "threads": 1, "epochs": 3, "min_count": 1, "preset": "words"}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_tells_all_that_happened(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    (tmp_path / "held.txt").write_text("milk bread tea\ntea milk jam\n")
    model = item2vec.train(BASKETS, log=path, validate=tmp_path / "held.txt", metric="ndcg@2", patience=0, **OPTIONS)
    told = lines(path)
    kinds = [line["event"] for line in told if line["event"] not in ("interval", "warning")]
    assert kinds == ["read", "begin", *["validation", "epoch"] * 3, "end"]
    assert len({line["run"] for line in told}) == 1
    assert all(line["time"] >= line["run"] for line in told)
    read, begin, end = told[0], next(line for line in told if line["event"] == "begin"), told[-1]
    assert (read["items"], read["tokens"], read["sequences"]) == (5, 240, 90)
    assert begin["options"] == model.metadata["config"]
    epochs = [line for line in told if line["event"] == "epoch"]
    assert [line["loss"] for line in epochs] == model.metadata["training"]["losses"] == end["losses"]
    assert [(line["epoch"], line["epochs"], line["tokens"]) for line in epochs] == [
        (1, 3, 240),
        (2, 3, 480),
        (3, 3, 720),
    ]
    assert all(line["memory"] > 1 << 20 for line in epochs)
    values = [line["value"] for line in told if line["event"] == "validation"]
    assert values == model.metadata["training"]["validation"]["values"]


def test_the_log_changes_no_bit(tmp_path: Path) -> None:
    plain = item2vec.train(BASKETS, **OPTIONS)
    logged = item2vec.train(BASKETS, log=tmp_path / "run.jsonl", on_epoch=lambda epoch: True, **OPTIONS)
    assert (plain.input == logged.input).all()


def test_a_caller_sees_each_epoch_and_may_end_the_training(tmp_path: Path) -> None:
    seen = []

    def stop(epoch: item2vec.Epoch) -> bool:
        seen.append(epoch)
        return epoch.number < 2

    model = item2vec.train(BASKETS, on_epoch=stop, log=tmp_path / "run.jsonl", **OPTIONS)
    assert [(epoch.number, epoch.epochs, epoch.value) for epoch in seen] == [(1, 3, None), (2, 3, None)]
    assert [epoch.loss for epoch in seen] == model.metadata["training"]["losses"]
    assert lines(tmp_path / "run.jsonl")[-1]["losses"] == model.metadata["training"]["losses"]


def test_another_run_is_added_and_errors_are_logged(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    item2vec.train(BASKETS, log=path, **OPTIONS)
    first = lines(path)
    with pytest.raises(Item2VecError):
        item2vec.train([["a"], ["b"]], log=path, **OPTIONS)
    told = lines(path)
    assert told[: len(first)] == first
    assert told[-1]["event"] == "error"
    assert "there is nothing to learn" in told[-1]["message"]
    assert told[-1]["run"] != first[0]["run"]


def test_the_preset_that_was_taken_is_logged(tmp_path: Path) -> None:
    item2vec.train(BASKETS * 3, log=tmp_path / "run.jsonl", **(OPTIONS | {"preset": None}))
    (told,) = [line for line in lines(tmp_path / "run.jsonl") if line["event"] == "preset"]
    assert told["preset"] == "baskets"


@pytest.mark.parametrize("content", ["milk bread\n", '{"a": 1}\n'])
def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"^`log` is .*corpus.txt, which exists and is not a training log; name"):
        item2vec.train(BASKETS, log=path, **OPTIONS)
    with pytest.raises(ConfigError, match=r"^cannot write the log .*: Is a directory; name another with `log`"):
        item2vec.train(BASKETS, log=tmp_path, **OPTIONS)
    assert path.read_text() == content


def test_a_log_that_cannot_be_written_any_more_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from item2vec.session import log

    class Full:
        def write(self, line: str) -> None:
            raise OSError(28, "No space left on device")

    class Told(Listener):
        def __init__(self) -> None:
            self.warnings: list[str] = []

        def warned(self, sentence: str) -> None:
            self.warnings.append(sentence)

    monkeypatch.setattr(log, "open_log", lambda path: Full())
    told = Told()
    one = log.TrainingLog(tmp_path / "run.jsonl", told)
    one.write("begin")
    one.write("end")
    assert told.warnings == [
        f"the log {tmp_path / 'run.jsonl'} can no longer be written (No space left on device); training goes on"
    ]
