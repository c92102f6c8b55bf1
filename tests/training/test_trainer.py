"""Trainer: every token once an epoch, a loss that is right, and the same bits again."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import naive_step
import numpy as np
import pytest
import torch
from made_data import make_corpus, zipf_corpus
from naive_sampler import SplitMix64, sample_batch
from trainers import Recorder, make_trainer

import item2vec
from item2vec.config.train import TrainConfig
from item2vec.errors import TrainingError
from item2vec.model.huffman import huffman_tree
from item2vec.sampling.draws import stretch
from item2vec.sampling.sampler import Window
from item2vec.sampling.window_batch import WindowBatch
from item2vec.training.progress import Progress
from item2vec.training.steps import KernelStep, PathStep, Step, TorchStep, make_step
from item2vec.training.trainer import Trainer

jit = pytest.mark.jit
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")

ROOT = Path(item2vec.__file__).parent.parent
STILL = 1e-30  # a learning rate that changes nothing


def bits(trainer: Trainer) -> str:
    tables = trainer.tables
    return hashlib.sha256(
        b"".join(weight.contiguous().numpy().tobytes() for weight in (tables.input.weight, tables.output.weight))
    ).hexdigest()


def trained_bits(backend: str = "kernel", seed: int = 4) -> str:
    trainer = make_trainer(zipf_corpus(4000, 60, 20), epochs=2, seed=seed, backend=backend, sample=1e-2)
    trainer.train()
    return bits(trainer)


@pytest.mark.parametrize("backend", [pytest.param("kernel", marks=jit), "torch"])
def test_one_thread_the_same_seed_the_same_bits(backend: str) -> None:
    assert trained_bits(backend) == trained_bits(backend)
    assert trained_bits(backend, seed=5) != trained_bits(backend)


@jit
def test_another_process_gets_the_same_bits() -> None:
    program = "import test_trainer; print(test_trainer.trained_bits())"
    folders = os.pathsep.join(map(str, (ROOT, ROOT / "tests", Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": folders}
    )
    assert done.stdout.strip() == trained_bits(), done.stderr


@jit
@pytest.mark.parametrize("threads", [1, 2, 3, 4])
def test_every_shard_is_taken_once_an_epoch(threads: int) -> None:
    """Window 1 without subsampling has a known number of pairs: two for each two neighbours."""
    corpus = zipf_corpus(20_000, 300, 30)
    trainer = make_trainer(corpus, threads=threads, window=1, epochs=3)
    spans, take = [], trainer.sampler.batch

    def noted(worker: object, first: int, last: int) -> WindowBatch:
        if first < last:
            spans.append((first, last))
        return take(worker, first, last)

    trainer.sampler.batch = noted
    result = trainer.train()
    epoch = sorted(set(spans))
    assert sorted(spans) == sorted(epoch * 3)
    assert [first for first, _ in epoch] == [0, *(last for _, last in epoch[:-1])]
    assert epoch[-1][1] == len(corpus.items)
    assert len(epoch) > 10
    assert result.pairs == 3 * 2 * int((np.diff(corpus.offsets) - 1).sum())
    assert result.done == 1
    assert result.epoch == 3
    assert len(result.losses) == 3


@pytest.mark.parametrize("backend", [pytest.param("kernel", marks=jit), "torch"])
def test_the_loss_of_the_first_batch_is_that_of_the_twins(backend: str) -> None:
    """One batch, tables that the step leaves as they are: sampled and summed once more in plain Python."""
    corpus = make_corpus([[0, 1, 2, 1], [3, 3, 2, 0, 1], [2], [4, 0, 5]] * 5)
    trainer = make_trainer(corpus, lr=STILL, min_lr=STILL, epochs=1, seed=9, window=3, backend=backend, dim=4)
    rng = np.random.default_rng(1)
    trainer.tables.input.weight[:] = torch.from_numpy(rng.standard_normal((6, 4)).astype(np.float32))
    trainer.tables.output.weight[:] = torch.from_numpy(rng.standard_normal((6, 4)).astype(np.float32))
    before = trainer.tables.input.weight.clone(), trainer.tables.output.weight.clone()

    state = np.random.SeedSequence(9).spawn(2)[1].generate_state(1, np.uint64)
    noise = trainer.sampler.noise.tolist()
    sequences = [part.tolist() for part in np.split(corpus.items, corpus.offsets[1:-1])]
    naive = sample_batch(
        SplitMix64(int(state[0])),
        sequences,
        0,
        len(corpus.items),
        window=Window(3),
        keep=[2**32] * 6,
        noise=noise,
        tile=trainer.tile,
    )
    start, stop = np.array(naive.windows).T
    batch = WindowBatch(
        np.array(naive.items, np.int32), start, stop, np.array(naive.tiles), np.array(naive.negatives, np.int32)
    )
    loss, pairs = naive_step.step(before[0].tolist(), before[1].tolist(), batch, 5, STILL)
    result = trainer.train()
    assert result.pairs == pairs
    assert result.losses == (pytest.approx(loss / pairs, rel=1e-5),)
    assert torch.equal(trainer.tables.input.weight, before[0])


@jit
def test_the_loss_is_comparable_between_epochs_and_thread_counts() -> None:
    """Tables that stand still have the same loss whoever measures it, but for which windows and negatives are drawn."""
    corpus = zipf_corpus(12_000, 50, 20)
    losses = []
    for threads in (1, 2, 4):
        trainer = make_trainer(corpus, threads=threads, lr=STILL, min_lr=STILL, epochs=3)
        weight = np.random.default_rng(2).standard_normal((50, 8)).astype(np.float32)
        trainer.tables.input.weight[:] = trainer.tables.output.weight[:] = torch.from_numpy(weight) / 2
        losses += trainer.train().losses
    assert len(losses) == 9
    assert max(losses) / min(losses) < 1.02


def test_the_learning_rate_falls_linearly_over_all_tokens() -> None:
    trainer = make_trainer(zipf_corpus(10_000, 50, 20), lr=0.5, min_lr=0.1, epochs=4)
    assert [trainer.learning_rate(done) for done in (0, 0.25, 1)] == pytest.approx([0.5, 0.4, 0.1])
    trainer.step = recorder = Recorder()
    result = trainer.train()
    shards = len(recorder.rates)
    assert shards >= 40
    assert recorder.rates == pytest.approx(np.linspace(0.5, 0.1, shards, endpoint=False).tolist())
    assert result.losses == (2.0,) * 4
    assert result.pairs == shards


def test_a_single_shard_of_a_single_epoch() -> None:
    trainer = make_trainer(make_corpus([[0, 1]]), epochs=1, lr=0.5, min_lr=0.1, threads=4)
    trainer.step = recorder = Recorder()
    result = trainer.train()
    assert recorder.rates == [0.5]
    assert (result.pairs, result.done, result.epoch, result.losses) == (1, 1.0, 1, (2.0,))


def test_results_and_progress_add_up() -> None:
    corpus = dataclasses.replace(zipf_corpus(5000, 50, 20), raw_tokens=7000)
    trainer = make_trainer(corpus, epochs=3, lr=0.5, min_lr=0.1)
    pause = threading.Event()
    trainer.step = Recorder(lambda: pause.wait(0.002))
    reports: list[Progress] = []
    result = trainer.train(reports.append, every=0.003)
    assert len(reports) > 3
    done = [report.done for report in reports]
    assert done == sorted(done)
    for report in reports:
        assert 0 <= report.done <= 1
        assert report.epochs == 3
        assert report.epoch == max(1, int(np.ceil(report.done * 3 - 1e-9)))
        assert report.lr == pytest.approx(0.5 - 0.4 * report.done)
        assert report.loss == 2.0 or np.isnan(report.loss)
        assert report.tokens_per_second == pytest.approx(report.done * 21_000 / report.seconds)
        assert report.done == 0 or report.seconds + report.seconds_left == pytest.approx(report.seconds / report.done)
    assert result.seconds >= reports[-1].seconds
    assert result.tokens_per_second == pytest.approx(21_000 / result.seconds)


def step_of(config: TrainConfig) -> Step:
    return make_step(config, huffman_tree(np.array([3, 2, 1])) if config.loss == "hs" else None)


def test_the_step_is_chosen_by_backend_and_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert isinstance(step_of(TrainConfig()), KernelStep)
    assert isinstance(step_of(TrainConfig(loss="hs", arch="cbow")), PathStep)
    assert isinstance(step_of(TrainConfig(backend="kernel", device="cpu")), KernelStep)
    assert isinstance(step_of(TrainConfig(backend="torch")), TorchStep)
    assert step_of(TrainConfig(backend="torch")).device == torch.device("cpu")
    with pytest.raises(TrainingError, match="torch cannot use cuda on this machine; use `device=cpu`"):
        step_of(TrainConfig(device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert step_of(TrainConfig(device="cuda")).device.type == "cuda"
    assert step_of(TrainConfig(backend="torch")).device.type == "cuda"
    assert step_of(TrainConfig(backend="torch", device="cpu")).device.type == "cpu"
    assert isinstance(step_of(TrainConfig()), KernelStep)


def test_tile_and_threads_follow_the_options() -> None:
    corpus = make_corpus([[0, 1, 2]] * 4)
    assert make_trainer(corpus, tile=(3, 7)).tile == (3, 7)
    torch_trainer = make_trainer(corpus, backend="torch", negative=4, threads=3)
    assert (torch_trainer.tile, torch_trainer.threads) == ((1, 4), 1)
    assert make_trainer(corpus, threads=3).threads == 3
    assert make_trainer(corpus, threads=0).threads == TrainConfig().worker_count


@pytest.mark.parametrize("mode", ["shrink", "basket"])
def test_what_is_drawn_does_not_depend_on_the_threads(mode: str) -> None:
    """The same batches at the same places, whoever takes them."""
    corpus = zipf_corpus(20_000, 300, 30)
    drawn: list[dict[float, list[list[int]]]] = []

    def note(batches: dict[float, list[list[int]]], tables: object, batch: WindowBatch, lr: float) -> np.ndarray:
        centres = slice(batch.tiles[0], batch.tiles[-1])  # outside, start and stop mean nothing
        parts = (batch.items, batch.start[centres], batch.stop[centres], batch.tiles, batch.negatives)
        batches[lr] = [part.tolist() for part in parts]  # the rate tells the place
        return np.array([1.0, 1.0, 0.0])

    for threads in (1, 3):
        trainer = make_trainer(corpus, threads=threads, epochs=2, sample=1e-2, window_mode=mode)
        drawn.append({})
        trainer.step = partial(note, drawn[-1])
        trainer.train()
    assert len(drawn[0]) > 30
    assert drawn[0] == drawn[1]


def test_shards_have_stretches_of_their_own() -> None:
    """Neighbouring shards' first numbers are as good as independent: bits that differ are half of all, in any place."""
    seed, mask = 0x1234_5678_9ABC_DEF1, (1 << 64) - 1
    states = [int(stretch(seed, number)) for number in range(4096)]
    assert states[0] == seed
    assert states[3] == (seed + 3 * (1 << 36) * 0x9E3779B97F4A7C15) & mask
    first = np.array([SplitMix64(state).draw() for state in states], np.uint64)
    differing = np.unpackbits((first[1:] ^ first[:-1]).view(np.uint8)).reshape(-1, 64).mean(0)
    assert np.abs(differing - 0.5).max() < 0.05
    ordered = np.sort(first / 2.0**64)
    assert np.abs(ordered - np.arange(4096) / 4096).max() < 1.95 / 64  # Kolmogorov and Smirnov, a chance of 0.1%


@pytest.mark.jit
def test_saying_how_long_it_will_take_changes_nothing() -> None:
    corpus = zipf_corpus(20_000, 50, 20)
    plain, asked = (make_trainer(corpus, threads=1, epochs=2) for _ in range(2))
    assert asked.expected_seconds() > 0
    plain.train()
    asked.train()
    assert np.array_equal(plain.tables.input.weight, asked.tables.input.weight)
    assert np.array_equal(plain.tables.output.weight, asked.tables.output.weight)
