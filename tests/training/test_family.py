"""Whole trainings in every architecture and loss: planted clusters, the same bits, no number lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import clusters, make_corpus, zipf_corpus
from trainers import make_trainer

import item2vec
from item2vec.config.train import TrainConfig
from item2vec.model.huffman import huffman_tree, make_paths

MODES = [(arch, loss) for arch in ("skipgram", "cbow") for loss in ("ns", "hs")]
jit = pytest.mark.jit


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("planted") / "clusters.txt"
    path.write_text("\n".join(map(" ".join, clusters())) + "\n")
    return str(path)


@pytest.mark.parametrize(("arch", "loss"), MODES[1:])
@pytest.mark.parametrize("backend", [pytest.param("kernel", marks=jit), "torch"])
def test_planted_clusters_are_found(planted: str, arch: str, loss: str, backend: str) -> None:
    """The seven nearest of an item are the seven others of its cluster, the loss falls, the model says which it was."""
    epochs = 10 if backend == "kernel" or loss == "ns" else 3
    options = {"dim": 16, "sample": 0.0, "epochs": epochs, "lr": 0.05, "threads": 1, "preset": "words"}
    model = item2vec.train(planted, arch=arch, loss=loss, backend=backend, **options)
    losses = model.metadata["training"]["losses"]
    assert losses[-1] < 0.95 * losses[0]
    assert losses[0] < (6 if loss == "ns" else 6.5) * np.log(2)  # knowing nothing; paths are 6 nodes long
    right = [
        item.split(".")[0] == neighbour.split(".")[0]
        for item in model.vocabulary.index_to_key()
        for neighbour, _ in model.similar(item, k=7)
    ]
    assert np.mean(right) > 0.99
    config = model.metadata["config"]
    assert (config["arch"], config["loss"]) == (arch, loss)


@jit
@pytest.mark.parametrize(("arch", "loss"), MODES)
def test_one_thread_gives_the_same_bits(arch: str, loss: str) -> None:
    found = []
    for _ in range(2):
        trainer = make_trainer(zipf_corpus(3000, 50, 20), epochs=2, arch=arch, loss=loss)
        result = trainer.train()
        found.append((result.losses, trainer.tables.input.weight.clone(), trainer.tables.output.weight.clone()))
    assert found[0][0] == found[1][0]
    assert torch.equal(found[0][1], found[1][1])
    assert torch.equal(found[0][2], found[1][2])
    assert found[0][2].abs().max() > 0


@jit
@pytest.mark.parametrize(("arch", "loss"), MODES)
def test_pairs_are_counted_alike_by_kernel_and_torch(arch: str, loss: str) -> None:
    """Fixed windows without subsampling: each context of a centre is a pair, or each centre that has a context."""
    sequences = [[0, 1, 2, 3], [1], [2, 0], [3, 3, 3]]
    expected = {"skipgram": 2 * (3 + 2 + 1) + 2 + 2 * (2 + 1), "cbow": 4 + 2 + 3}[arch]
    for backend in ("kernel", "torch"):
        trainer = make_trainer(
            make_corpus(sequences), epochs=1, arch=arch, loss=loss, backend=backend, window=3, window_mode="fixed"
        )
        assert trainer.train().pairs == expected


@jit
@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(MODES),
    st.sampled_from([("shrink", "both"), ("fixed", "left"), ("shrink", "right"), ("basket", "both")]),
    st.sampled_from([1, 2, 30]),
    st.sampled_from([1, 5, 50]),
    st.sampled_from([0.0, 1e-2]),
    st.sampled_from([0.025, 0.5, 10.0]),
    st.sampled_from([-1.0, 0.0, 0.75]),
)
def test_no_number_is_lost_in_any_mode(
    mode: tuple[str, str], windows: tuple[str, str], size: int, window: int, sample: float, lr: float, power: float
) -> None:
    trainer = make_trainer(
        zipf_corpus(1500, size, 40), epochs=2, arch=mode[0], loss=mode[1], window_mode=windows[0], context=windows[1],
        window=window, sample=sample, lr=lr, min_lr=lr, ns_exponent=power, negative=7,
    )  # fmt: skip
    losses = trainer.train().losses
    assert np.isfinite(losses).all()
    assert torch.isfinite(trainer.tables.input.weight).all()
    assert torch.isfinite(trainer.tables.output.weight).all()


@jit
@pytest.mark.parametrize(("arch", "loss"), MODES[1:])
@pytest.mark.parametrize("window", [5, 50])
def test_the_default_learning_rate_learns_whatever_the_window(arch: str, loss: str, window: int) -> None:
    """Items without any order, nothing to learn but their counts, which the tree knows already: it gets no worse."""
    corpus = zipf_corpus(5000, 200, 60)
    result = make_trainer(corpus, epochs=4, window=window, arch=arch, loss=loss).train()
    known = result.losses[0]
    if loss == "hs":  # what zeros give; the first epoch's losses are lower, as a wide window meets one path many times
        counts = corpus.vocabulary.counts
        paths = make_paths(huffman_tree(counts), len(counts))
        assert paths is not None
        known = np.log(2) * np.average(np.diff(paths.begin), weights=counts)
    assert result.losses[-1] < 1.005 * known


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "glove"}, "`arch` is 'glove'; it must be one of skipgram, cbow"),
        ({"loss": "softmax"}, "`loss` is 'softmax'; it must be one of ns, hs"),
        ({"loss": "hs", "tile": (4, 8)}, "`tile` is for negative sampling; leave it out with `loss=hs`"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(item2vec.ConfigError) as caught:
        TrainConfig(**options)
    assert str(caught.value) == message
