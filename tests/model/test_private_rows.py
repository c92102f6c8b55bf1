"""A worker's copies of a table's last rows: what they move by arrives, whoever else moves the rows meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from item2vec.model.cpu.rows import PrivateRows, make_private_rows, renew_rows, renew_some, take_rows
from item2vec.model.cpu.simd import padded, pointers, ptr

DIM = 9
WIDTH = padded(DIM)


@njit
def take(table, private):
    take_rows(ptr(table), WIDTH, pointers(private))


@njit
def renew(table, first, last, private):
    renew_rows(ptr(table), first, last, WIDTH, pointers(private))


@njit
def renew_in_turn(table, steps, private):
    renew_some(ptr(table), steps, WIDTH, pointers(private))


def worker(rows: int) -> PrivateRows:
    return make_private_rows(rows, DIM, 2)


@pytest.mark.jit
def test_the_steps_of_two_workers_both_arrive() -> None:
    rng = np.random.default_rng(1)
    table = rng.standard_normal((400, WIDTH)).astype(np.float32)
    expected = table.copy()
    workers = [worker(400), worker(400)]
    for one in workers:
        take(table.ravel(), one)
    for _ in range(3):
        for one in workers:
            moved = rng.standard_normal((255, WIDTH)).astype(np.float32)
            one.mine[:] += moved.ravel()
            expected[145:] += moved
        for one in workers[::-1]:
            renew(table.ravel(), 0, 255, one)
    for one in workers:
        renew(table.ravel(), 0, 255, one)
        assert np.array_equal(one.mine, one.base)
    np.testing.assert_allclose(table, expected, atol=1e-5)


@pytest.mark.jit
@pytest.mark.parametrize("count", [0, 1, 2, 3, 6, 7, 255])
def test_each_level_of_a_full_tree_is_renewed_half_as_often_as_the_one_above_it(count: int) -> None:
    table = np.zeros((count, WIDTH), np.float32)
    copies = worker(count)
    take(table.ravel(), copies)
    renewed = np.zeros(count, np.int64)
    for step in range(1, 257):
        copies.mine[:] += 1
        before = copies.base[::WIDTH].copy()
        renew_in_turn(table.ravel(), step, copies)
        renewed += copies.base[::WIDTH] != before
    assert renewed.tolist() == [256 >> int(np.log2(rank)) for rank in range(count, 0, -1)]


def test_more_workers_renew_oftener_and_one_alone_has_no_copies() -> None:
    made = [make_private_rows(1000, DIM, workers) for workers in (1, 2, 4, 5, 16, 1000)]
    assert [one.copies for one in made] == [0, 255, 255, 255, 255, 255]
    assert [one.every for one in made[1:]] == [32, 16, 8, 4, 4]
    assert all(one.first + one.copies == 1000 for one in made)
