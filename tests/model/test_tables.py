"""EmbeddingTables: word2vec.c's initial rows, in memory that the kernel reads, and given away without padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from item2vec.model.tables import EmbeddingTables


@pytest.mark.parametrize("dim", [1, 4, 15, 16, 17, 100, 300])
def test_rows_are_padded_and_aligned(dim: int) -> None:
    tables = EmbeddingTables(7, dim, np.random.SeedSequence(1))
    for embedding in (tables.input, tables.output):
        assert embedding.weight.shape == (7, dim)
        assert embedding.weight.dtype == torch.float32
        assert not embedding.weight.requires_grad
        assert embedding.weight.data_ptr() % 64 == 0
        width = embedding.weight.stride(0)
        assert 0 <= width - dim < 16
        assert embedding.weight.stride(1) == 1
        assert not torch.as_strided(embedding.weight, (7, width), (width, 1))[:, dim:].any()


def test_initial_rows() -> None:
    tables = EmbeddingTables(2000, 10, np.random.SeedSequence(3))
    numbers = tables.input.weight.numpy().ravel() * 10 + 0.5  # uniform on 0..1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-3
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert not tables.output.weight.any()
    same, other = (EmbeddingTables(2000, 10, np.random.SeedSequence(seed)) for seed in (3, 4))
    assert torch.equal(same.input.weight, tables.input.weight)
    assert not torch.equal(other.input.weight, tables.input.weight)
    assert not EmbeddingTables(5, 3).input.weight.any()


@pytest.mark.parametrize(("items", "dim"), [(1, 1), (9, 5), (300, 16), (70_000, 3), (50, 33)])
def test_take_gives_the_rows_without_padding(items: int, dim: int) -> None:
    """Also across the blocks of rows that it moves at a time."""
    tables = EmbeddingTables(items, dim, np.random.SeedSequence(2))
    tables.output.weight[:] = torch.arange(items * dim, dtype=torch.float32).reshape(items, dim)
    expected = [tables.input.weight.numpy().copy(), tables.output.weight.numpy().copy()]
    memory = tables.input.weight.data_ptr()
    taken = tables.take()
    for table, rows in zip(taken, expected, strict=True):
        assert table.shape == (items, dim)
        assert table.dtype == np.float32
        assert table.flags.c_contiguous
        assert np.array_equal(table, rows)
    assert taken[0].ctypes.data == memory  # no second copy
