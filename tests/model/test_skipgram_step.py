"""The CPU kernel behind ``torch.ops.item2vec.ns_step``: equal to the reference, and safe whatever it is given."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from batch_tensors import bad_batches, reference, tensors
from made_data import WINDOW_KINDS, random_batch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.step import ns_step
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import WindowBatch

pytestmark = pytest.mark.jit

DIMS = (1, 2, 3, 7, 8, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 128, 200, 257, 300)
ROUNDING = 5e-6  # of the largest number, for some dozen steps in float32; the reference itself needs 1e-5 and more


def random_tables(rng: np.random.Generator, size: int, dim: int, scale: float) -> EmbeddingTables:
    """Tables whose scores are about scale² at random."""
    tables = EmbeddingTables(size, dim)
    for weight in (tables.input.weight, tables.output.weight):
        weight[:] = torch.from_numpy(rng.standard_normal((size, dim)) * scale / dim**0.25)
    return tables


def weights(tables: EmbeddingTables) -> tuple[Tensor, Tensor]:
    return tables.input.weight, tables.output.weight


def kernel_step(tables: EmbeddingTables, batch: WindowBatch, negative: int, lr: float) -> list[float]:
    return list(ns_step(*weights(tables), *tensors(batch), negative, lr).tolist())


def assert_agree(tables: EmbeddingTables, batch: WindowBatch, negative: int, lr: float) -> float:
    """Kernel and float64 reference make the same step, up to float32's rounding; returns the tiles limited."""
    exact = tables.input.weight.double(), tables.output.weight.double()
    before = [weight.clone() for weight in exact]
    loss, pairs, _ = reference(exact, batch, negative, lr)
    kernel_loss, kernel_pairs, limited = kernel_step(tables, batch, negative, lr)
    assert kernel_pairs == pairs
    # a negative that is its centre is first counted, then taken out
    largest = max(1.0, float((before[0] @ before[1].T).abs().max()))
    assert kernel_loss == pytest.approx(loss, rel=1e-5, abs=1e-6 * pairs * (negative + 1) * largest)
    for weight, expected, old in zip(weights(tables), exact, before, strict=True):
        scale = max(1e-3, float(expected.abs().max()))
        assert float((weight.double() - expected).abs().max()) <= ROUNDING * scale
        untouched = (expected == old).all(1)
        assert torch.equal(weight[untouched].double(), old[untouched])
    return limited


@pytest.mark.parametrize("kind", WINDOW_KINDS)
@pytest.mark.parametrize("seed", range(14))
def test_kernel_and_reference_agree(kind: str, seed: int) -> None:
    """Random shapes: dimension, vocabulary, negatives wanted and drawn, tiles of 1 to 40 centres, windows of a kind."""
    rng = np.random.default_rng([seed, WINDOW_KINDS.index(kind)])
    size, dim = int(rng.choice([1, 2, 6, 50, 400])), int(rng.choice(DIMS))
    tile = int(rng.choice([1, 2, 3, 5, 6, 7, 13, 32, 40])), int(rng.choice([1, 2, 3, 5, 8, 15, 16, 17, 20, 33, 64]))
    window, length = int(rng.choice([1, 2, 5, 12])), int(rng.integers(1, 50))
    batch = random_batch(rng, length=length, size=size, tile=tile, window=window, kind=kind)
    tables = random_tables(rng, size, dim, float(rng.choice([0.1, 0.5, 1.0])))
    assert_agree(tables, batch, int(rng.integers(1, 21)), float(rng.choice([1e-4, 1e-3, 5e-3])))


@pytest.mark.parametrize("dim", DIMS)
def test_every_dimension_at_the_defaults(dim: int) -> None:
    rng = np.random.default_rng(dim)
    batch = random_batch(rng, length=100, size=300, tile=(32, 16), window=5, kind="shrunken")
    assert_agree(random_tables(rng, 300, dim, 0.7), batch, 5, 0.025)


@pytest.mark.parametrize("negative", range(1, 21))
def test_every_number_of_negatives_exact_windows(negative: int) -> None:
    rng = np.random.default_rng(negative)
    batch = random_batch(rng, length=30, size=100, tile=(1, negative), window=4, kind="shrunken")
    assert_agree(random_tables(rng, 100, 20, 0.7), batch, negative, 0.025)


@pytest.mark.parametrize("tile", [(1, 5), (7, 3), (32, 16)])
def test_limited_steps_agree(tile: tuple[int, int]) -> None:
    """One tile of steps far too large: both shrink them alike."""
    rng = np.random.default_rng(4)
    seen = 0.0
    for lr in (0.5, 2.0):
        whole = random_batch(rng, length=tile[0] + 2, size=20, tile=tile, window=5, kind="basket")
        batch = WindowBatch(whole.items, whole.start, whole.stop, np.array([0, tile[0]]), whole.negatives[:1])
        seen += assert_agree(random_tables(rng, 20, 40, 3.0), batch, 20, lr)
    assert seen == 2


def test_negatives_equal_to_a_centre_are_skipped() -> None:
    """Where every negative is the only item, what is left is the positive pairs."""
    rng = np.random.default_rng(0)
    items, places = np.zeros(12, np.int32), np.arange(12)
    start, stop = np.maximum(0, places - 3), np.minimum(12, places + 4)
    batch = WindowBatch(items, start, stop, np.array([0, 5, 12]), np.zeros((2, 9), np.int32))
    bare = WindowBatch(items, start, stop, np.array([0, 5, 12]), np.zeros((2, 0), np.int32))
    tables, same = random_tables(rng, 1, 24, 0.5), EmbeddingTables(1, 24)
    for weight, other in zip(weights(same), weights(tables), strict=True):
        weight[:] = other
    loss, pairs, _ = kernel_step(tables, batch, 7, 0.01)
    bare_loss, bare_pairs, _ = kernel_step(same, bare, 7, 0.01)
    assert pairs == bare_pairs
    assert loss == pytest.approx(bare_loss, rel=1e-4)
    torch.testing.assert_close(tables.input.weight, same.input.weight, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(tables.output.weight, same.output.weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tiles", [[0], [2], [0, 0], [3, 3, 3]])
def test_a_batch_without_centres_changes_nothing(tiles: list[int]) -> None:
    tables = random_tables(np.random.default_rng(0), 5, 10, 1.0)
    before = [weight.clone() for weight in weights(tables)]
    places = np.array([0, 0, 0])
    negatives = np.zeros((len(tiles) - 1, 4), np.int32)
    batch = WindowBatch(np.array([0, 1, 2], np.int32), places, places + 3, np.array(tiles), negatives)
    assert kernel_step(tables, batch, 5, 1.0) == [0.0, 0.0, 0.0]
    no_items, no_places = np.empty(0, np.int32), np.empty(0, np.int64)
    if tiles == [0]:
        batch = WindowBatch(no_items, no_places, no_places, np.array(tiles), negatives)
        assert kernel_step(tables, batch, 5, 1.0) == [0.0, 0.0, 0.0]
    assert all(map(torch.equal, weights(tables), before))


@pytest.mark.parametrize("dim", [1, 5, 17, 100])
def test_the_padding_stays_zero(dim: int) -> None:
    rng = np.random.default_rng(dim)
    tables = random_tables(rng, 30, dim, 1.0)
    for _ in range(3):
        batch = random_batch(rng, length=80, size=30, tile=(8, 6), window=4, kind="shrunken")
        kernel_step(tables, batch, 5, 0.1)
    for weight in weights(tables):
        width = weight.stride(0)
        whole = torch.as_strided(weight, (30, width), (width, 1))
        assert not whole[:, dim:].any()
        assert whole[:, :dim].all()


def test_work_space_grows_and_changes_with_the_batches() -> None:
    """Batches of one thread in any order, of many sizes: none may find another's left-overs in its way."""
    rng = np.random.default_rng(3)
    shapes = [
        (8, 5, 4, 1),
        (300, 5, 20, 30),
        (8, 5, 4, 2),
        (8, 40, 33, 3),
        (100, 1, 1, 9),
        (8, 5, 4, 1),
        (17, 64, 2, 60),
    ]
    for dim, negatives, centres, window in shapes * 2:
        batch = random_batch(rng, length=60, size=40, tile=(centres, negatives), window=window, kind="shrunken")
        assert_agree(random_tables(rng, 40, dim, 0.5), batch, 5, 1e-3)


def test_two_threads_at_once_each_have_their_own_work_space() -> None:
    rng = np.random.default_rng(6)
    jobs = [
        (
            random_tables(rng, 50, dim, 0.5),
            random_batch(rng, length=600, size=50, tile=(16, 8), window=5, kind="shrunken"),
        )
        for dim in (20, 130)
    ]
    expected = []
    for tables, batch in jobs:
        copy = EmbeddingTables(50, tables.input.embedding_dim)
        for weight, other in zip(weights(copy), weights(tables), strict=True):
            weight[:] = other
        kernel_step(copy, batch, 5, 0.01)
        expected.append(copy)
    threads = [threading.Thread(target=kernel_step, args=(*job, 5, 0.01)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for (tables, _), copy in zip(jobs, expected, strict=True):
        assert all(map(torch.equal, weights(tables), weights(copy)))


def test_strided_index_tensors_are_read_as_they_are() -> None:
    rng = np.random.default_rng(5)
    batch = random_batch(rng, length=30, size=20, tile=(4, 6), window=3, kind="shrunken")
    tables, other = random_tables(rng, 20, 12, 0.5), EmbeddingTables(20, 12)
    for weight, copy in zip(weights(tables), weights(other), strict=True):
        copy[:] = weight
    spread = [torch.stack([part, torch.full_like(part, 7)], -1)[..., 0] for part in tensors(batch)]
    assert not any(part.is_contiguous() for part in spread)
    expected = kernel_step(tables, batch, 5, 0.01)
    assert ns_step(*weights(other), *spread, 5, 0.01).tolist() == expected
    assert all(map(torch.equal, weights(tables), weights(other)))


@pytest.mark.parametrize("what", bad_batches())
def test_an_index_out_of_range_is_refused(what: str) -> None:
    tables = random_tables(np.random.default_rng(0), 4, 3, 1.0)
    before = [weight.clone() for weight in weights(tables)]
    with pytest.raises(TrainingError, match="index outside"):
        kernel_step(tables, bad_batches()[what], 5, 0.1)
    assert all(map(torch.equal, weights(tables), before))


def wrong_tables() -> dict[str, tuple[Tensor, Tensor]]:
    good = EmbeddingTables(4, 5).input.weight
    return {
        "float64": (good.double(), good.double()),
        "float16 output": (good, good.half()),
        "other length": (good, EmbeddingTables(3, 5).input.weight),
        "other dim": (good, EmbeddingTables(4, 3).input.weight),
    }


@pytest.mark.parametrize("what", wrong_tables())
def test_tables_of_another_type_or_shape_are_refused(what: str) -> None:
    batch = WindowBatch(
        np.array([0, 1], np.int32), np.array([0, 0]), np.array([2, 2]), np.array([0, 2]), np.array([[2]], np.int32)
    )
    with pytest.raises(TrainingError, match="table"):
        ns_step(*wrong_tables()[what], *tensors(batch), 5, 0.1)


@pytest.mark.parametrize("layout", ["plain", "transposed", "spread", "one plain"])
def test_tables_of_another_layout_get_the_same_step(layout: str) -> None:
    rng = np.random.default_rng(2)
    tables = random_tables(rng, 9, 5, 0.5)
    batch = random_batch(rng, length=30, size=9, tile=(4, 6), window=3, kind="shrunken")
    make = {
        "plain": lambda weight: weight.contiguous(),
        "transposed": lambda weight: weight.T.contiguous().T,
        "spread": lambda weight: torch.stack([weight, torch.full_like(weight, 7)], -1)[..., 0],
        "one plain": lambda weight: weight.contiguous() if weight is tables.output.weight else weight.clone(),
    }[layout]
    others = [make(weight.detach()) for weight in weights(tables)]
    if layout != "one plain":
        assert others[0].stride() != tables.input.weight.stride()
    expected = kernel_step(tables, batch, 5, 0.01)
    assert ns_step(*others, *tensors(batch), 5, 0.01).tolist() == expected
    assert all(map(torch.equal, weights(tables), others))


@pytest.mark.parametrize("dim", [5, 16])
def test_opcheck(dim: int) -> None:
    """torch's own checks of an operator: its schema, what it mutates, its fake kernel, tracing."""
    rng = np.random.default_rng(1)
    batch = random_batch(rng, length=12, size=6, tile=(4, 3), window=2, kind="shrunken")
    arguments = (*weights(random_tables(rng, 6, dim, 0.5)), *tensors(batch), 5, 0.01)
    torch.library.opcheck(ns_step, arguments, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [2, 20, 300])
@pytest.mark.parametrize("tile", [(1, 50), (32, 16), (4, 64)])
@pytest.mark.parametrize(("lr", "wide"), [(1.0, True), (10.0, True), (10.0, False)])
def test_nothing_diverges(size: int, tile: tuple[int, int], lr: float, wide: bool) -> None:
    """Window 50 with 50 negatives, learning rates far too large: after many steps every number is still one."""
    rng = np.random.default_rng(size)
    tables = EmbeddingTables(size, 16, np.random.SeedSequence(1))
    for _ in range(6):
        batch = random_batch(rng, length=400, size=size, tile=tile, window=50 if wide else 5, kind="shrunken")
        loss, _, limited = kernel_step(tables, batch, 50 if wide else 5, lr)
        assert np.isfinite(loss)
    assert limited > 0
    for weight in weights(tables):
        assert torch.isfinite(weight).all()
        assert float(weight.abs().max()) < 1e5
