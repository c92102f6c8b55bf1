"""CBOW and hierarchical softmax: kernel, reference, autograd and plain-Python twin agree, and nothing diverges."""

from __future__ import annotations

from itertools import pairwise

import naive_family
import numpy as np
import pytest
import torch
from batch_tensors import bad_batches, path_reference, reference, tensors
from made_data import WINDOW_KINDS, random_batch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.huffman import expand_paths, huffman_tree
from item2vec.model.pairs import pair_tensors
from item2vec.model.reference import pair_loss, pair_step
from item2vec.model.step import hs_step, ns_step
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import CBOW_CENTRES, WindowBatch, expand

MODES = ("cbow ns", "skipgram hs", "cbow hs")
DIMS = (1, 3, 8, 17, 33, 48, 100, 130)
ROUNDING = 1e-5  # of the largest number


def random_tables(rng: np.random.Generator, size: int, dim: int, scale: float) -> tuple[Tensor, Tensor]:
    tables = EmbeddingTables(size, dim)
    for weight in (tables.input.weight, tables.output.weight):
        weight[:] = torch.from_numpy(rng.standard_normal((size, dim)) * scale / dim**0.25)
    return tables.input.weight, tables.output.weight


def random_tree(rng: np.random.Generator, size: int) -> Tensor:
    return torch.from_numpy(huffman_tree(np.sort(rng.integers(1, 1000, size))[::-1]))


def kernel(
    tables: tuple[Tensor, Tensor], batch: WindowBatch, mode: str, tree: Tensor, lr: float, workers: int = 1
) -> list[float]:
    cbow = mode.startswith("cbow")
    if mode.endswith("ns"):
        return list(ns_step(*tables, *tensors(batch), 5, lr, cbow).tolist())
    return list(hs_step(*tables, *tensors(batch)[:4], tree, lr, cbow, None, workers).tolist())


def plain(tables: tuple[Tensor, Tensor], batch: WindowBatch, mode: str, tree: Tensor, lr: float) -> list[float]:
    cbow = mode.startswith("cbow")
    if mode.endswith("ns"):
        return reference(tables, batch, 5, lr, cbow)
    return path_reference(tables, batch, tree, lr, cbow)


def assert_agree(
    tables: tuple[Tensor, Tensor], batch: WindowBatch, mode: str, tree: Tensor, lr: float, workers: int = 1
) -> float:
    """Kernel and float64 reference make the same step, up to float32's rounding; returns the steps limited."""
    exact = tables[0].double(), tables[1].double()
    before = [weight.clone() for weight in exact]
    loss, pairs, _ = plain(exact, batch, mode, tree, lr)
    kernel_loss, kernel_pairs, limited = kernel(tables, batch, mode, tree, lr, workers)
    assert kernel_pairs == pairs
    assert kernel_loss == pytest.approx(loss, rel=2e-5, abs=1e-5 * (pairs + 1))
    for weight, expected, old in zip(tables, exact, before, strict=True):
        scale = max(1e-3, float(expected.abs().max()))
        assert float((weight.double() - expected).abs().max()) <= ROUNDING * scale
        untouched = (expected == old).all(1)
        assert torch.equal(weight[untouched].double(), old[untouched])
    return limited


@pytest.mark.jit
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", WINDOW_KINDS)
def test_kernel_and_reference_agree(mode: str, kind: str) -> None:
    """Random shapes: dimension, vocabulary, negatives, tiles, windows of a kind, some wider than a part."""
    for seed in range(10):
        rng = np.random.default_rng([seed, WINDOW_KINDS.index(kind), MODES.index(mode)])
        size, dim = int(rng.choice([1, 2, 6, 50, 400])), int(rng.choice(DIMS))
        tile = int(rng.choice([1, 2, 5, 13, 32])), int(rng.choice([1, 3, 8, 15, 17, 40]))
        window, length = int(rng.choice([1, 2, 5, 20])), int(rng.integers(1, 40))
        batch = random_batch(rng, length=length, size=size, tile=tile, window=window, kind=kind)
        tables = random_tables(rng, size, dim, float(rng.choice([0.1, 0.5, 1.0])))
        assert_agree(tables, batch, mode, random_tree(rng, size), float(rng.choice([1e-4, 1e-3, 5e-3])))


@pytest.mark.jit
@pytest.mark.parametrize("mode", ["skipgram hs", "cbow hs"])
@pytest.mark.parametrize("workers", [2, 3, 16, 100])
def test_copies_of_the_nodes_near_the_root_change_no_step(mode: str, workers: int) -> None:
    """Batches of many renewals, trees of fewer and of more nodes than are copied."""
    for seed, (dim, size) in enumerate([(3, 1), (8, 2), (17, 3), (100, 200), (24, 2000)]):
        rng = np.random.default_rng([seed, workers])
        batch = random_batch(rng, length=150, size=size, tile=(5, 3), window=3, kind="shrunken")
        assert_agree(random_tables(rng, size, dim, 0.5), batch, mode, random_tree(rng, size), 1e-3, workers)


@pytest.mark.jit
@pytest.mark.parametrize("negatives", [1, 2, 3, 4, 5, 8, 9, 11])
def test_pairs_of_centres_agree(negatives: int) -> None:
    """As on text: items that mostly differ, windows that overlap, tiles of one pair and of more, of every size."""
    for seed, dim in enumerate(DIMS):
        rng = np.random.default_rng([seed, negatives])
        tile, kind = (int(rng.choice([2, 3, 6])), negatives), str(rng.choice(["shrunken", "basket"]))
        batch = random_batch(rng, length=40, size=3000, tile=tile, window=int(rng.choice([1, 2, 5])), kind=kind)
        tables = random_tables(rng, 3000, dim, 0.5)
        assert_agree(tables, batch, "cbow ns", torch.empty(0), 0.01)


@pytest.mark.jit
def test_a_limited_pair_of_centres_agrees() -> None:
    limited = 0.0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        whole = random_batch(rng, length=14, size=3000, tile=(2, 5), window=5, kind="shrunken")
        batch = WindowBatch(whole.items, whole.start, whole.stop, whole.tiles[:2], whole.negatives[:1])
        limited += assert_agree(random_tables(rng, 3000, 40, 3.0), batch, "cbow ns", torch.empty(0), 2.0)
    assert limited >= 3


@pytest.mark.jit
@pytest.mark.parametrize("mode", MODES)
def test_limited_steps_agree(mode: str) -> None:
    """One step far too large, items and nodes met again and again: both shrink it alike."""
    seen = 0.0
    for seed, (lr, size) in enumerate(((0.5, 20), (2.0, 20), (5.0, 3))):
        rng = np.random.default_rng(seed)
        centres = CBOW_CENTRES if mode == "cbow ns" else 1
        whole = random_batch(rng, length=14, size=size, tile=(centres, 6), window=5, kind="basket")
        batch = WindowBatch(whole.items, whole.start, whole.stop, whole.tiles[:2], whole.negatives[:1])
        seen += assert_agree(random_tables(rng, size, 40, 3.0), batch, mode, random_tree(rng, size), lr)
    assert seen >= 3


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", WINDOW_KINDS)
def test_the_reference_equals_the_naive_step(mode: str, kind: str) -> None:
    rng = np.random.default_rng(3)
    cbow = mode.startswith("cbow")
    batch = random_batch(rng, length=20, size=5, tile=(4, 3), window=3, kind=kind)
    tables = tuple(torch.from_numpy(rng.standard_normal((5, 3))) * 0.5 for _ in range(2))
    lists = [table.tolist() for table in tables]
    counts = [9, 5, 3, 2, 2]
    tree = huffman_tree(np.array(counts))
    found = plain(tables, batch, mode, torch.from_numpy(tree), 0.02)
    if mode == "cbow ns":
        expected = naive_family.cbow_step(*lists, batch, 5, 0.02, CBOW_CENTRES)
    else:
        paths = [list(zip(rows, bits, strict=True)) for rows, bits in map(path_of(tree), range(5))]
        expected = naive_family.path_step(*lists, batch, paths, 0.02, cbow)
    assert found == pytest.approx([*expected, 0.0])
    for table, rows in zip(tables, lists, strict=True):
        torch.testing.assert_close(table, torch.tensor(rows, dtype=torch.float64), rtol=1e-6, atol=1e-7)


def path_of(tree: np.ndarray):
    """An item's inner nodes and bits, from below."""

    def climb(item: int) -> tuple[list[int], list[int]]:
        size, ups = (len(tree) + 1) // 2, [int(tree[item])]
        while tree[size + ups[-1] // 2] >= 0:
            ups.append(int(tree[size + ups[-1] // 2]))
        return [up // 2 for up in ups], [up % 2 for up in ups]

    return climb


@pytest.mark.parametrize("mode", MODES)
def test_a_step_is_minus_lr_times_the_gradient(mode: str) -> None:
    """In CBOW each context's step is its hidden vector's whole: the gradient times the number of contexts."""
    rng = np.random.default_rng(8)
    cbow = mode.startswith("cbow")
    batch = random_batch(rng, length=30, size=6, tile=(5, 4), window=4, kind="basket")
    pairs = (
        expand(batch, 3, cbow) if mode.endswith("ns") else expand_paths(batch, huffman_tree(np.arange(6, 0, -1)), cbow)
    )
    (context, target, label, weight), members = pair_tensors(pairs, torch.device("cpu"))
    parts = context, target, label.double(), weight.double()
    input, output = (torch.from_numpy(rng.standard_normal((6, 7)) * 0.5).requires_grad_() for _ in range(2))
    loss = pair_loss(input, output, *parts, members=members)
    after = [input.detach().clone(), output.detach().clone()]
    assert float(pair_step(*after, *parts, 1e-4, members=members)) == pytest.approx(loss.item())
    gradient = torch.autograd.grad(loss, (input, output))
    torch.testing.assert_close(after[1], output.detach() - 1e-4 * gradient[1], rtol=1e-9, atol=1e-12)
    if members is None:
        torch.testing.assert_close(after[0], input.detach() - 1e-4 * gradient[0], rtol=1e-9, atol=1e-12)
    else:  # the gradient by the rows of the windows, each its own, times how many they are
        row, hidden = members
        own = input.detach()[row].requires_grad_()
        loss = pair_loss(own, output, *parts, members=(torch.arange(len(row)), hidden))
        whole = torch.autograd.grad(loss, own)[0] * torch.bincount(hidden)[hidden][:, None]
        expected = input.detach().index_add(0, row, -1e-4 * whole)
        torch.testing.assert_close(after[0], expected, rtol=1e-9, atol=1e-12)


def test_the_path_of_an_item_predicts_every_other_item_too() -> None:
    """Over all items the probabilities that the tree gives for one context sum to 1."""
    rng = np.random.default_rng(2)
    size = 11
    input, output = (torch.from_numpy(rng.standard_normal((size, 4))) for _ in range(2))
    tree = huffman_tree(rng.integers(1, 50, size))
    total = 0.0
    for item in range(size):
        one = WindowBatch(
            np.array([item, 7], np.int32),
            np.array([0, 0]),
            np.array([2, 0]),
            np.array([0, 1]),
            np.zeros((1, 0), np.int32),
        )
        parts, _ = pair_tensors(expand_paths(one, tree), torch.device("cpu"))
        total += float(torch.exp(-pair_loss(input, output, *parts)))
    assert total == pytest.approx(1)


@pytest.mark.jit
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("size", "window", "lr"), [(2, 50, 1.0), (20, 50, 0.5), (300, 5, 10.0), (300, 50, 10.0)])
def test_nothing_diverges(mode: str, size: int, window: int, lr: float) -> None:
    rng = np.random.default_rng(size)
    tables = EmbeddingTables(size, 16, np.random.SeedSequence(1))
    weights, tree = (tables.input.weight, tables.output.weight), random_tree(rng, size)
    for _ in range(6):
        batch = random_batch(rng, length=400, size=size, tile=(32, 16), window=window, kind="shrunken")
        assert np.isfinite(kernel(weights, batch, mode, tree, lr)[0])
    assert all(torch.isfinite(weight).all() and float(weight.abs().max()) < 1e5 for weight in weights)


@pytest.mark.jit
@pytest.mark.parametrize("mode", MODES)
def test_work_space_changes_with_the_batches(mode: str) -> None:
    """Batches of one thread in any order, of many sizes: none may find another's left-overs in its way."""
    rng = np.random.default_rng(3)
    for dim, window, size in [(8, 1, 3), (100, 30, 400), (8, 2, 40), (8, 60, 5), (100, 1, 2)] * 2:
        batch = random_batch(rng, length=60, size=size, tile=(9, 5), window=window, kind="shrunken")
        assert_agree(random_tables(rng, size, dim, 0.5), batch, mode, random_tree(rng, size), 1e-3)


@pytest.mark.jit
@pytest.mark.parametrize("mode", MODES)
def test_opcheck(mode: str) -> None:
    rng = np.random.default_rng(1)
    batch = random_batch(rng, length=12, size=6, tile=(4, 3), window=2, kind="shrunken")
    tables, cbow = random_tables(rng, 6, 5, 0.5), mode.startswith("cbow")
    if mode.endswith("ns"):
        torch.library.opcheck(ns_step, (*tables, *tensors(batch), 5, 0.01, cbow), rtol=1e-4, atol=1e-5)
    else:
        arguments = (*tables, *tensors(batch)[:4], random_tree(rng, 6), 0.01, cbow)
        torch.library.opcheck(hs_step, arguments, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", [pytest.param(kernel, marks=pytest.mark.jit), plain])
@pytest.mark.parametrize("what", [name for name in bad_batches() if name != "tiles and negatives"])
def test_an_index_out_of_range_is_refused(step, what: str) -> None:
    tables = random_tables(np.random.default_rng(0), 4, 3, 1.0)
    for mode in ("cbow ns",) if what in ("negative", "negative negative") else MODES:
        before = [weight.clone() for weight in tables]
        with pytest.raises(TrainingError, match="index outside"):
            step(tables, bad_batches()[what], mode, random_tree(np.random.default_rng(0), 4), 0.1)
        assert all(map(torch.equal, tables, before))


@pytest.mark.jit
def test_a_tree_of_other_items_is_refused_also_after_a_good_one() -> None:
    rng = np.random.default_rng(0)
    tables, tree = random_tables(rng, 4, 3, 1.0), random_tree(rng, 4)
    batch = random_batch(rng, length=12, size=4, tile=(4, 3), window=2, kind="shrunken")
    kernel(tables, batch, "skipgram hs", tree, 0.1)
    with pytest.raises(TrainingError, match="the tree is not one of 4 items"):
        kernel(tables, batch, "skipgram hs", random_tree(rng, 5), 0.1)
    tree[0] = 1000
    with pytest.raises(TrainingError, match="the tree is not one of 4 items"):
        kernel(tables, batch, "skipgram hs", tree, 0.1)


def test_wide_windows_are_taken_in_parts() -> None:
    items = np.arange(40, dtype=np.int32)
    batch = WindowBatch(items, np.full(40, 0), np.full(40, 40), np.array([3, 5]), np.zeros((1, 0), np.int32))
    pairs = expand_paths(batch, huffman_tree(np.ones(40, np.int64)))
    sizes = [len(np.unique(pairs.context[pairs.tile == part])) for part in range(int(pairs.tile.max()) + 1)]
    assert sizes == [6] * 6 + [2, 1] + [6] * 6 + [2, 1]
    assert all(before <= after for before, after in pairwise(pairs.tile))
