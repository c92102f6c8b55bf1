"""Validation while training: nobody trains meanwhile, the best epoch is kept, and it stops in time."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from evaluation_twins import best as best_items
from evaluation_twins import ndcg
from made_data import clusters, zipf_corpus
from trainers import make_trainer

import item2vec
from item2vec.cli.main import cli
from item2vec.config.validation import ValidationConfig
from item2vec.errors import ConfigError, CorpusError
from item2vec.items.vocabulary import Vocabulary
from item2vec.session import validation
from item2vec.session.validation import Validation

jit = pytest.mark.jit
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
VOCABULARY = Vocabulary.from_items(["a", "b", "c", "d", "e"], [9, 8, 7, 6, 5])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [" ".join(dict.fromkeys(sequence)) + "\n" for sequence in clusters(sequences=1500)]
    Path("train.txt").write_text("".join(lines[:1200]))
    Path("valid.txt").write_text("".join(lines[1200:]))
    Path("small.txt").write_text("a b\nb c\n")
    return tmp_path


@jit
@pytest.mark.parametrize("threads", [1, 3])
def test_no_worker_trains_after_an_epoch(threads: int) -> None:
    """The tables stay as they are while the callback looks at them; each epoch is whole; one thread, the same bits."""
    corpus = zipf_corpus(20_000, 300, 30)
    plain, trainer = (make_trainer(corpus, threads=threads, epochs=3) for _ in range(2))
    seen = []

    def after_epoch(tables) -> bool:
        before = tables.input.weight.clone()
        threading.Event().wait(0.02)
        assert np.array_equal(before, tables.input.weight)
        seen.append((trainer.result().epoch, trainer.progress().done))
        return True

    result = trainer.train(after_epoch=after_epoch)
    assert seen == [(1, pytest.approx(1 / 3)), (2, pytest.approx(2 / 3)), (3, 1)]
    assert result.done == 1
    expected = plain.train()
    assert result.pairs == pytest.approx(expected.pairs, rel=0.02)
    if threads == 1:
        assert result.losses == expected.losses
        assert np.array_equal(plain.tables.input.weight, trainer.tables.input.weight)


@jit
def test_training_ends_where_it_is_told_to() -> None:
    trainer = make_trainer(zipf_corpus(5_000, 100, 30), epochs=5)
    result = trainer.train(after_epoch=lambda tables: trainer.result().epoch < 2)
    assert (result.epoch, result.done, len(result.losses)) == (2, pytest.approx(2 / 5), 2)


def test_the_value_is_that_of_the_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    inputs, outputs = rng.normal(size=(2, 5, 3)).astype(np.float32)
    Path("v.txt").write_text("a b c\nc d\nz e a\n")
    found = Validation(VOCABULARY, ValidationConfig("v.txt", metric="ndcg@2")).evaluate(inputs, outputs)
    expected = []
    for history, target in (([0, 1], 2), ([2], 3), ([4], 0)):
        scores = outputs @ inputs[history].mean(0)
        expected.append(ndcg(best_items(scores.tolist(), 2, set(history)), {target}, 2))
    assert found == pytest.approx(np.mean(expected))
    monkeypatch.setattr(validation, "USERS", 2)
    some = Validation(VOCABULARY, ValidationConfig("v.txt", metric="ndcg@2")).evaluate(inputs, outputs)
    assert any(some == pytest.approx((sum(expected) - one) / 2) for one in expected)


def test_the_best_epoch_is_kept() -> None:
    """Values .1 .3 .2 .3 .1: the second epoch is the best, and after patience of 3 it is over."""
    found = Validation(VOCABULARY, ValidationConfig("small.txt", patience=3))
    values = iter([0.1, 0.3, 0.2, 0.3, 0.1])
    found.evaluate = lambda inputs, outputs: next(values)  # type: ignore[method-assign]
    tables = np.zeros((5, 2), np.float32)
    going = []
    for epoch in range(1, 6):
        tables[:] = epoch
        going.append(found.after_epoch(tables, 2 * tables))
    assert going == [True, True, True, True, False]
    assert found.best_epoch == 2
    assert found.best is not None
    assert [table[0, 0] for table in found.best] == [2, 4]
    assert found.as_dict() == {"metric": "ndcg@20", "values": [0.1, 0.3, 0.2, 0.3, 0.1], "best_epoch": 2}


def test_python_takes_the_command_line_s_options_and_refuses_what_it_refuses() -> None:
    with pytest.raises(ConfigError, match=r"train\.txt is part of the training, last items included; split it first"):
        item2vec.train("train.txt", validate="train.txt")
    with pytest.raises(ConfigError, match="`patience` needs `validate`, the sequences to validate on"):
        item2vec.train([["a", "b"]], patience=1)
    with pytest.raises(CorpusError, match=r"no file 'nowhere\.txt'"):
        item2vec.train([["a", "b"]], validate="nowhere.txt")


@jit
def test_train_with_validation() -> None:
    """Planted clusters are found, and the model is that of the best epoch."""
    config = ValidationConfig("valid.txt", metric="recall@7", patience=0)
    options = {"validate": "valid.txt", "metric": "recall@7", "patience": 0}
    model = item2vec.train("train.txt", dim=16, sample=0.0, epochs=6, threads=1, **options)
    found = model.metadata["training"]["validation"]
    assert len(found["values"]) == 6
    assert max(found["values"]) > 0.8  # an item of the same cluster, of which there are eight
    again = Validation(model.vocabulary, config).evaluate(model.input, model.output)
    assert again == pytest.approx(max(found["values"]))


@jit
def test_the_command() -> None:
    options = ("--dim", "16", "--sample", "0", "--epochs", "40", "--threads", "1", "--lr", "0.1", "--patience", "2")
    arguments = ["train", "train.txt", "--validate", "valid.txt", "--metric", "hit@7", *options]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    epochs, best = document["epochs"], document["validation"]["best_epoch"]
    assert epochs == len(document["losses"]) == len(document["validation"]["values"]) == best + 2 < 40
    lines = [line for line in done.stderr.splitlines() if "hit@7" in line]
    assert len(lines) == epochs + 1
    assert lines[0].startswith("epoch 1/40  hit@7 ")
    assert f"Trained {epochs} epochs" in lines[-1]
    assert f"Kept epoch {best}" in lines[-1]
    assert Path("item2vec.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["--patience", "3"], "--patience needs --validate, the sequences to validate on", 2),
        (["--validate", "train.txt"], "train.txt is part of the training, last items included", 2),
        (["--validate", "none.txt"], "no file 'none.txt'", 1),
        (["--validate", "valid.txt", "--metric", "auc"], "metric is 'auc'; it must be one of recall, ndcg", 2),
        (["--validate", "valid.txt", "--patience", "-1"], "patience is -1", 2),
        (["--validate", "valid.txt", "--validate-targets", "small.txt"], "300 sequences and 2 lines of targets", 1),
    ],
)
def test_what_cannot_be(arguments: list[str], message: str, status: int) -> None:
    done = CliRunner().invoke(cli, ["train", "train.txt", "--quiet", *arguments])
    assert done.exit_code == status
    assert message in done.stderr
    assert not Path("item2vec.safetensors").exists()
    with pytest.raises(ConfigError):
        ValidationConfig("x", patience=True)


def test_help_has_the_defaults() -> None:
    text = " ".join(CliRunner().invoke(cli, ["train", "--help"]).stdout.split())
    assert f"[default: {ValidationConfig.metric}]" in text
    assert f"[default: {ValidationConfig.patience}]" in text
