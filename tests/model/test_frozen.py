"""Frozen rows: they stay as they are, bit for bit, and others step as if those could move."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from batch_tensors import tensors
from made_data import random_batch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.huffman import huffman_tree
from item2vec.model.pairs import reference_path_step, reference_step
from item2vec.model.step import hs_step, ns_step
from item2vec.model.tables import EmbeddingTables, Initial

pytestmark = pytest.mark.jit
SIZE, DIM = 30, 20


def made(seed: int) -> tuple[np.random.Generator, EmbeddingTables, tuple[Tensor, Tensor]]:
    """Random tables, and a third of each one's rows marked as frozen."""
    rng = np.random.default_rng(seed)
    tables = EmbeddingTables(SIZE, DIM)
    for weight in (tables.input.weight, tables.output.weight):
        weight[:] = torch.from_numpy(rng.standard_normal((SIZE, DIM)) / 3)
        weight[0] = -0.0  # adding 0 to it would change its bits
    frozen = tuple(torch.from_numpy((rng.random(SIZE) < 0.3).astype(np.uint8)) for _ in range(2))
    for mask in frozen:
        mask[0] = 1
    return rng, tables, (frozen[0], frozen[1])


def assert_stays(before: Tensor, after: Tensor, mask: Tensor) -> None:
    """Frozen rows have the same bits, and most of the others do not."""
    same = (before.numpy().view(np.int32) == after.contiguous().numpy().view(np.int32)).all(1)
    assert same[mask.numpy() != 0].all()
    assert not same[mask.numpy() == 0].all()


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_negative_sampling_steps_around_frozen_rows(seed: int, cbow: bool) -> None:
    rng, tables, frozen = made(seed)
    batch = random_batch(rng, length=60, size=SIZE, tile=(8, 6), window=4, kind="shrunken")
    before = tables.input.weight.clone(), tables.output.weight.clone()
    exact = before[0].double(), before[1].double()
    reference_step(*exact, *tensors(batch), 5, 0.05, cbow, *frozen)
    ns_step(tables.input.weight, tables.output.weight, *tensors(batch), 5, 0.05, cbow, *frozen)
    for old, new, expected, mask in zip(
        before, (tables.input.weight, tables.output.weight), exact, frozen, strict=True
    ):
        assert_stays(old, new, mask)
        assert float((new.double() - expected).abs().max()) < 1e-5


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_hierarchical_softmax_steps_around_frozen_rows(seed: int, cbow: bool) -> None:
    rng, tables, (frozen, _) = made(seed)
    batch = random_batch(rng, length=60, size=SIZE, tile=(8, 1), window=4, kind="shrunken")
    tree = torch.from_numpy(huffman_tree(np.sort(rng.integers(1, 100, SIZE))[::-1].astype(np.int64)))
    before = tables.input.weight.clone()
    exact = before.double(), tables.output.weight.double()
    parts = tensors(batch)[:4]
    reference_path_step(*exact, *parts, tree, 0.05, cbow, frozen)
    hs_step(tables.input.weight, tables.output.weight, *parts, tree, 0.05, cbow, frozen)
    assert_stays(before, tables.input.weight, frozen)
    for new, expected in zip((tables.input.weight, tables.output.weight), exact, strict=True):
        assert float((new.double() - expected).abs().max()) < 1e-5


def test_marks_of_another_size_are_refused() -> None:
    rng, tables, _ = made(0)
    batch = random_batch(rng, length=20, size=SIZE, tile=(8, 6), window=4, kind="shrunken")
    with pytest.raises(TrainingError, match="7 marks of frozen rows for a table of 30"):
        ns_step(
            tables.input.weight,
            tables.output.weight,
            *tensors(batch),
            5,
            0.05,
            False,
            torch.zeros(7, dtype=torch.uint8),
        )


@pytest.mark.parametrize("has_output", [True, False])
def test_tables_begin_with_what_is_given(has_output: bool) -> None:
    rng = np.random.default_rng(1)
    given = [rng.standard_normal((9, 5)).astype(np.float32) for _ in range(2)]
    ids, rows = np.array([7, 0, 3]), np.array([2, 8, 5])
    tables = EmbeddingTables(10, 5, np.random.SeedSequence(3))
    plain = tables.input.weight.clone()
    tables.fill(Initial(ids, rows, given[0], given[1] if has_output else None, frozen=True))
    assert np.array_equal(tables.input.weight[ids].numpy(), given[0][rows])
    others = np.setdiff1d(np.arange(10), ids)
    assert torch.equal(tables.input.weight[others], plain[others])
    assert tables.frozen_input.nonzero().flatten().tolist() == sorted(ids.tolist())
    assert len(tables.frozen_output) == (10 if has_output else 0)
    assert np.array_equal(tables.output.weight[ids].numpy(), given[1][rows] if has_output else np.zeros((3, 5)))
