"""What holds in every mode: hypothesis over architectures, losses, windows, noise, given and frozen rows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import clusters, make_corpus, zipf_corpus
from torch import Tensor
from trainers import make_trainer

from item2vec.corpus.corpus import Corpus
from item2vec.model.tables import Initial
from item2vec.training.progress import TrainResult
from item2vec.training.trainer import Trainer

pytestmark = pytest.mark.jit
MODES = tuple(product(("skipgram", "cbow"), ("ns", "hs")))
WINDOWS = (("shrink", "both"), ("shrink", "left"), ("fixed", "both"), ("fixed", "right"), ("basket", "both"))


def given_rows(rng: np.random.Generator, size: int, dim: int, kind: str, loss: str) -> Initial | None:
    """Rows for every other item, of the input table, or of both where the loss has a row of output an item."""
    if kind == "none":
        return None
    ids = np.arange(0, size, 2)
    tables = [rng.standard_normal((len(ids), dim)).astype(np.float32) for _ in range(2)]
    output = tables[1] if kind.startswith("both") and loss == "ns" else None
    return Initial(ids, np.arange(len(ids)), tables[0], output, frozen=kind.endswith("frozen"))


def trained(corpus: Corpus, initial: Initial | None, options: dict[str, object]) -> tuple[Trainer, TrainResult]:
    trainer = make_trainer(corpus, **options)
    if initial is not None:
        trainer.tables.fill(initial)
    return trainer, trainer.train()


def pair_bounds(corpus: Corpus, arch: str, mode: str, context: str, window: int) -> tuple[int, int]:
    """Fewest and most pairs that an epoch without subsampling has, by counting."""

    def count(radius: int) -> int:
        pairs = 0
        for length in np.diff(corpus.offsets).tolist():
            for i in range(length):
                if mode == "basket":
                    contexts = min(length - 1, 2 * radius)
                else:
                    before, after = min(i, radius), min(length - 1 - i, radius)
                    contexts = (before if context != "right" else 0) + (after if context != "left" else 0)
                pairs += contexts if arch == "skipgram" else min(1, contexts)
        return pairs

    return count(1 if mode == "shrink" else window), count(window)


def bits(table: Tensor) -> np.ndarray:
    return table.detach().contiguous().numpy().view(np.int32)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(MODES),
    st.sampled_from(WINDOWS),
    st.sampled_from(["none", "input", "both", "input frozen", "both frozen"]),
    st.sampled_from([2, 30]),
    st.sampled_from([1, 5, 40]),
    st.sampled_from([0.0, 1e-2]),
    st.sampled_from([0.025, 0.5, 10.0]),
    st.sampled_from([-1.0, 0.0, 0.75]),
    st.sampled_from([1, 7]),
    st.sampled_from([1, 8, 13]),
)
def test_every_mode_keeps_its_promises(
    mode: tuple[str, str], windows: tuple[str, str], kind: str, size: int, window: int, sample: float, lr: float,
    power: float, negative: int, dim: int,
) -> None:  # fmt: skip
    """No NaN, frozen rows bit for bit, as many pairs as counted, and with one thread the same bits again."""
    corpus = zipf_corpus(600, size, 30)
    options: dict[str, object] = {
        "epochs": 2, "arch": mode[0], "loss": mode[1], "window_mode": windows[0], "context": windows[1],
        "window": window, "sample": sample, "lr": lr, "min_lr": lr, "ns_exponent": power, "negative": negative,
        "dim": dim,
    }  # fmt: skip
    initial = given_rows(np.random.default_rng(size), size, dim, kind, mode[1])
    (first, result), (second, again) = (trained(corpus, initial, options) for _ in range(2))
    tables = [(t.tables.input.weight, t.tables.output.weight) for t in (first, second)]
    assert np.isfinite(result.losses).all()
    assert all(torch.isfinite(table).all() for table in tables[0])
    assert result.losses == again.losses
    assert all(np.array_equal(bits(a), bits(b)) for a, b in zip(*tables, strict=True))
    if initial is not None and initial.frozen:
        for table, rows in zip(tables[0], (initial.input, initial.output), strict=True):
            if rows is not None:
                assert np.array_equal(bits(table[initial.ids]), rows.view(np.int32))
    fewest, most = pair_bounds(corpus, mode[0], *windows, window)
    assert (0 if sample else 2 * fewest) <= result.pairs <= 2 * most


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("windows", [("shrink", "both"), ("fixed", "left"), ("basket", "both")])
@pytest.mark.parametrize(("arch", "loss"), MODES)
def test_planted_clusters_are_found_in_every_mode(arch: str, loss: str, windows: tuple[str, str], frozen: bool) -> None:
    """The loss falls, and an item's nearest are those of its cluster; around frozen rows of each cluster too."""
    names = sorted({name for sequence in clusters() for name in sequence})
    number = {name: i for i, name in enumerate(names)}
    corpus = make_corpus([[number[name] for name in sequence] for sequence in clusters()])
    of = np.array([name.split(".")[0] for name in names])
    options: dict[str, object] = {
        "epochs": 10, "arch": arch, "loss": loss, "window_mode": windows[0], "context": windows[1], "dim": 16,
        "lr": 0.05,
    }  # fmt: skip
    initial = None
    if frozen:  # an item of each cluster, where a training without any frozen put it
        whole, _ = trained(corpus, None, options)
        ids = np.unique(of, return_index=True)[1]
        initial = Initial(ids, ids, whole.tables.input.weight.detach().numpy().copy(), None, frozen=True)
    trainer, result = trained(corpus, initial, options)
    assert result.losses[-1] < 0.97 * result.losses[0]
    rows = trainer.tables.input.weight.detach().numpy()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(len(rows))
    nearest = np.argsort(-cosines, axis=1)[:, :7]
    assert np.mean(of[nearest] == of[:, None]) > 0.95
