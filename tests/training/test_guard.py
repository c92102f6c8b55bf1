"""The guard: a training that diverges stops, says why, and leaves no file of numbers that are none."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_data import zipf_corpus
from train_command import QUICK, enter, files, run
from trainers import Recorder, make_trainer

import item2vec
from item2vec.errors import DivergenceError
from item2vec.training.guard import Guard, mean_cosine, rise_of, too_few_steps
from item2vec.training.trainer import Trainer

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
OPTIONS = [{}, {"arch": "cbow"}, {"loss": "hs"}, {"loss": "hs", "arch": "cbow"}]


@pytest.mark.parametrize(
    "options", [*(pytest.param(options, marks=pytest.mark.jit) for options in OPTIONS), {"backend": "torch"}], ids=str
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_one_lost_vector_is_noticed(options: dict[str, Any], value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the loss of its shard, or by the sample that takes in the commonest items."""
    monkeypatch.setattr("item2vec.training.guard._EVERY", 0.0)
    trainer = make_trainer(zipf_corpus(20_000, 300, 30), epochs=100_000, **options)
    trainer.tables.input.weight[2] = value
    with pytest.raises(DivergenceError) as caught:
        trainer.train(every=0.01)
    assert trainer.shards_done < trainer.shards / 100
    message = str(caught.value)
    assert message.startswith("training diverged: the vector of 'i")
    assert f"the learning rate, {trainer.config.lr:g}, is too high" in message
    assert "'i0', 16% of all tokens, too frequent" in message
    assert "`sample=1e-3`" in message


def test_a_rare_row_in_the_sample_is_noticed_without_any_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(zipf_corpus(20_000, 3000, 30), sample=1e-3)
    guard = Guard(trainer.corpus.vocabulary, trainer.config, trainer.tables)
    guard.look(np.zeros(3))
    last = len(trainer.corpus.vocabulary) - 1
    trainer.tables.output.weight[last, 0] = torch.nan
    guard.look(np.zeros(3))  # too soon after the last look
    monkeypatch.setattr("item2vec.training.guard._EVERY", 0.0)
    guard = Guard(trainer.corpus.vocabulary, trainer.config, trainer.tables)
    with pytest.raises(
        DivergenceError, match=f"the vector of '{trainer.corpus.vocabulary[last]}'.*`lr`, such as 0.0063$"
    ):
        guard.look(np.zeros(3))


def test_a_loss_that_is_none_stops_at_once() -> None:
    trainer = make_trainer(zipf_corpus(20_000, 50, 20), epochs=50)
    trainer.step = recorder = Recorder()
    trainer.step = lambda *batch: recorder(*batch) * (np.nan if len(recorder.rates) > 3 else 1)
    with pytest.raises(DivergenceError, match="training diverged: the loss is no longer a finite number"):
        trainer.train()
    assert len(recorder.rates) == 4


def test_a_loss_above_that_of_knowing_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five looks in a row, 20,000 pairs each at least; 6 ln 2 is 4.16."""
    monkeypatch.setattr("item2vec.training.guard._EVERY", 0.0)
    trainer = make_trainer(zipf_corpus(20_000, 50, 20))
    guard = Guard(trainer.corpus.vocabulary, trainer.config, trainer.tables)
    sums = np.zeros(3)

    def look(loss: float, pairs: int) -> None:
        sums[:] += (loss * pairs, pairs, 0)
        guard.look(sums.copy())

    for loss in (4.5, 5.0, 5.0, 5.0, 5.0, 4.5, 5.0, 5.0, 5.0, 5.0):
        look(loss, 20_000)
    look(5.0, 100)  # too few: counted with the next ones
    with pytest.raises(DivergenceError, match=r"is 5, and untrained vectors have 4\.16; likely the"):
        look(5.0, 20_000)


def test_a_loss_that_rose_is_told_at_the_end() -> None:
    assert rise_of([3.0, 2.5, 3.1], 60_000) is None
    assert rise_of([3.0, 2.5, 3.2], 59_999) is None
    assert rise_of([], 0) is None
    assert rise_of([3.0, 2.5, 3.2], 60_000) == "the mean loss of a pair rose from 2.5 in epoch 2 to 3.2 in epoch 3"


@pytest.mark.parametrize("sample", [0.0, 1e-3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.jit
def test_the_loss_of_nothing_is_that_of_the_first_step(options: dict[str, Any], sample: float) -> None:
    """Output rows begin as 0, and so do all scores. A negative that is the centre counts nothing."""
    trainer = make_trainer(zipf_corpus(20_000, 300, 30), epochs=1, lr=1e-30, min_lr=1e-30, sample=sample, **options)
    nothing = trainer.guard.nothing
    first = trainer.train().losses[0]
    if trainer.config.loss == "hs":
        assert first == pytest.approx(nothing, rel=0.02)  # which occurrences are kept is drawn
    else:
        assert 0.8 * nothing < first < nothing


@pytest.mark.parametrize("checkpoint", [False, True])
def test_the_command_keeps_the_model_that_is_there(
    checkpoint: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vector is lost at 60%, as seen by the sampled look or at the end at the latest."""
    enter(tmp_path, monkeypatch)
    Path("item2vec.safetensors").write_bytes(b"the old model")
    work = Trainer._work

    def lose(self: Trainer, index: int, number: int) -> None:
        work(self, index, number)
        if number == self.shards // 2:
            self._workers.stopping = True  # a moment for a checkpoint, however fast the machine is
        if number > self.shards * 0.6:
            self.tables.input.weight[0, 0] = torch.nan

    monkeypatch.setattr(Trainer, "_work", lose)
    options = ["--checkpoint-every", "0.001s" if checkpoint else "0"]
    monkeypatch.setattr("item2vec.session.checkpoints._SHARE", 1e9)
    done = run("train", "corpus.txt", *QUICK, "--backend", "torch", *options)
    assert done.exit_code == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("Error: training diverged: the vector of ")
    assert Path("item2vec.safetensors").read_bytes() == b"the old model"
    if not checkpoint:
        assert files() == {"corpus.txt", "item2vec.safetensors"}
        return
    assert re.search(r"; item2vec\.checkpoint\.safetensors has the vectors at \d\d?%$", error)
    model = item2vec.load("item2vec.checkpoint.safetensors")
    assert np.isfinite(model.input).all()
    assert 0 < model.metadata["training"]["done"] < 0.7
    assert json.dumps(model.metadata)


def test_mean_cosine_is_that_of_all_pairs() -> None:
    rows = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32) + 1
    rows[4] = 0
    cosines = [
        0.0 if 4 in (i, j) else float(rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j]))
        for i in range(7)
        for j in range(i)
    ]
    assert mean_cosine(rows) == pytest.approx(np.mean(cosines), abs=1e-6)


def test_too_few_steps_are_told() -> None:
    apart = np.random.default_rng(1).normal(size=(200, 20)).astype(np.float32)
    alike = apart * np.float32(0.1) + 1
    assert too_few_steps(apart, [3.9, 3.0], 4.16) is None
    assert too_few_steps(alike[:49], [3.9, 3.0], 4.16) is None  # so few may well be alike
    assert too_few_steps(alike, [3.9, 3.0], 4.16) == (
        "the vectors are nearly all the same: two of the 200 commonest items have cosine 0.99 on average, and "
        "neighbours mean "
        "little: too few steps; try `epochs=20`, or let `item2vec tune` choose"
    )
    assert too_few_steps(apart, [4.15], 4.16) == (
        "hardly anything was learnt: the mean loss of a pair is 4.15 and untrained vectors have 4.16: too few "
        "steps; try `epochs=10`, or let `item2vec tune` choose"
    )


@pytest.mark.jit
def test_a_small_corpus_at_the_defaults_of_text_is_warned_of_and_more_epochs_mend_it(tmp_path: Path) -> None:
    """1,424 recipes in 5 epochs: every cosine is 0.999, and nothing else says so."""
    recipes = Path(item2vec.__file__).parent.parent / "corpora" / "recipes.txt"
    with pytest.warns(UserWarning, match=r"the vectors are nearly all the same.* try `epochs=50`"):
        item2vec.train(recipes, preset="words")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        item2vec.train(recipes, preset="words", epochs=50)
        item2vec.train(recipes)  # which takes the preset that suits it
