"""The plain torch reference: equal to a hand calculation, to autograd, and to a plain-Python twin of the step."""

from __future__ import annotations

import math

import naive_step
import numpy as np
import pytest
import torch
from batch_tensors import bad_batches, reference
from made_data import WINDOW_KINDS, random_batch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.reference import STEP_LIMIT, limited, pair_loss, pair_step
from item2vec.sampling.window_batch import WindowBatch, expand


def pair_tensors(batch: WindowBatch, negative: int) -> tuple[Tensor, ...]:
    pairs = expand(batch, negative)
    context, target, label, weight = map(torch.from_numpy, (pairs.context, pairs.target, pairs.label, pairs.weight))
    return context, target, label.double(), weight.double()


def random_tables(size: int, dim: int, scale: float, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(size, dim, generator=generator, dtype=torch.float64) * scale for _ in range(2))


def test_one_pair_and_one_negative_by_hand() -> None:
    """x = (1, 0), centre y = (2, 1), negative y' = (0, 3): scores 2 and 0, lr 0.5, the negative counts twice."""
    input = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    output = torch.tensor([[0.0, 3.0], [2.0, 1.0]], dtype=torch.float64)
    context, target = torch.tensor([0, 0]), torch.tensor([1, 0])
    label, weight = torch.tensor([1.0, 0.0]), torch.tensor([1.0, 2.0])
    expected_loss = math.log(1 + math.exp(-2)) + 2 * math.log(2)
    assert float(pair_loss(input, output, context, target, label, weight)) == pytest.approx(expected_loss)
    loss = pair_step(input, output, context, target, label, weight, 0.5)
    assert float(loss) == pytest.approx(expected_loss)
    pull = 0.5 * (1 - 1 / (1 + math.exp(-2)))  # 0.0596
    push = 0.5 * 2 * -0.5
    assert input.tolist() == [pytest.approx([1 + 2 * pull, pull + 3 * push]), [0, 0]]
    assert output.tolist() == [pytest.approx([push, 3]), pytest.approx([2 + pull, 1])]


def test_one_window_of_the_operator_by_hand() -> None:
    """Items a b a, window 1, in one tile with one negative, c: the middle sees both ends, both ends the middle."""
    input = torch.tensor([[1.0], [2.0], [0.0]], dtype=torch.float64)
    output = torch.tensor([[0.5], [-1.0], [1.0]], dtype=torch.float64)
    batch = WindowBatch(
        np.array([0, 1, 0], np.int32), np.array([0, 0, 1]), np.array([2, 3, 3]), np.array([0, 3]),
        np.array([[2]], np.int32),
    )  # fmt: skip
    loss, pairs, _ = reference((input, output), batch, 5, 0.1)
    sigma, softplus = naive_step.sigmoid, naive_step.softplus
    assert pairs == 4
    # (b | a) twice: score 1; (a | b) twice: score -1; the negative with b and with a, twice each: scores 2 and 1
    assert loss == pytest.approx(2 * softplus(-1) + 2 * softplus(1) + 5 * (2 * softplus(2) + 2 * softplus(1)))
    up_a, up_b, down_a, down_b = 0.1 * sigma(1), 0.1 * sigma(-1), -0.5 * sigma(1), -0.5 * sigma(2)
    assert input.ravel().tolist() == pytest.approx(
        [1 + 2 * up_a * -1 + 2 * down_a * 1, 2 + 2 * up_b * 0.5 + 2 * down_b * 1, 0]
    )
    assert output.ravel().tolist() == pytest.approx(
        [0.5 + 2 * up_b * 2, -1 + 2 * up_a * 1, 1 + 2 * down_a * 1 + 2 * down_b * 2]
    )


@pytest.mark.parametrize("kind", WINDOW_KINDS)
def test_a_step_is_minus_lr_times_the_gradient(kind: str) -> None:
    rng = np.random.default_rng(8)
    batch = random_batch(rng, length=40, size=6, tile=(5, 4), window=4, kind=kind)
    pairs = pair_tensors(batch, 3)
    input, output = (table.requires_grad_() for table in random_tables(6, 7, 0.5))
    loss = pair_loss(input, output, *pairs)
    gradients = torch.autograd.grad(loss, (input, output)) if len(pairs[0]) else (torch.zeros(6, 7), torch.zeros(6, 7))
    after = [input.detach().clone(), output.detach().clone()]
    if len(pairs[0]):
        assert float(pair_step(*after, *pairs, 1e-3)) == pytest.approx(loss.item())
    for table, gradient, stepped in zip((input, output), gradients, after, strict=True):
        torch.testing.assert_close(stepped, table.detach() - 1e-3 * gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", WINDOW_KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_the_operator_equals_the_naive_step(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tile = (int(rng.integers(1, 8)), int(rng.integers(1, 6)))
    batch = random_batch(rng, length=int(rng.integers(3, 24)), size=4, tile=tile, window=3, kind=kind)
    tables = random_tables(4, 3, 0.4, seed)
    lists = [table.tolist() for table in tables]
    expected = naive_step.step(*lists, batch, 3, 0.02)
    assert reference(tables, batch, 3, 0.02) == pytest.approx([*expected, 0.0])
    for table, rows in zip(tables, lists, strict=True):
        torch.testing.assert_close(table, torch.tensor(rows, dtype=torch.float64), rtol=1e-7, atol=2e-8)


def test_steps_below_the_limit_are_left_as_they_are() -> None:
    g = torch.tensor([0.5, -0.25, 0.125], dtype=torch.float64)
    rows = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    one = torch.tensor(1.0, dtype=torch.float64)
    assert limited(g, *rows, one, one).tolist() == g.tolist()
    assert limited(g, *rows, STEP_LIMIT * one, STEP_LIMIT * one).tolist() == g.tolist()  # Σ|g| ≤ 1


@pytest.mark.parametrize("seed", range(20))
def test_no_limited_step_can_change_a_score_by_more_than_the_limit(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    g = torch.randn(40, generator=generator, dtype=torch.float64) * 10.0 ** float(
        torch.randint(-2, 5, (), generator=generator)
    )
    rows = tuple(torch.randint(6, (40,), generator=generator) for _ in range(2))
    most = torch.rand(2, generator=generator, dtype=torch.float64) * 30
    small = limited(g, *rows, *most)
    for row, squared in zip(rows, (most[1], most[0]), strict=True):
        sums = torch.zeros(6, dtype=torch.float64).index_add_(0, row, small.abs())
        assert float((sums * squared).max()) <= STEP_LIMIT * (1 + 1e-9)
    assert (small * g >= 0).all()
    assert (small.abs() <= g.abs()).all()


@pytest.mark.parametrize("what", bad_batches())
def test_an_index_out_of_range_is_refused(what: str) -> None:
    tables = random_tables(4, 3, 1.0)
    before = [table.clone() for table in tables]
    with pytest.raises(TrainingError, match="index outside"):
        reference(tables, bad_batches()[what], 5, 0.1)
    assert all(map(torch.equal, tables, before))
