"""Rows that every worker steps on all the time, kept by each of them for itself for a while.

The nodes near the root of a Huffman tree are stepped on at every centre. Workers that all do so in one table wait for
each other's cache lines longer than they compute. So a worker has copies of these rows, steps on them, and now and then
adds to the table what a copy has moved by, and takes the row anew::

    Y[n] += mine - base        mine = base = Y[n]

As in Hogwild (Niu et al. 2011), steps are lost only where two workers write a row at the same moment; what a worker
reads of the others' steps is older. The last row of the table, the tree's root, is renewed every ``every`` centres, the
two before it half as often, the four before these a quarter as often, and so on: about as often as each of them is
stepped on, for a node has the count of its items.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

from item2vec.model.compiled import inlined, kernel
from item2vec.model.pointers import address, at, ptr
from item2vec.model.simd import LANES, add, load, store, sub
from item2vec.model.tile_scratch import aligned, padded

_COPIES = 255  # the eight highest levels of a full tree: beyond, another worker seldom has the row just now
_CENTRES = 64  # of all workers together, between two renewals of the root (benchmarks/LOG.md has others)
_LEAST_CENTRES = 4


class PrivateRows(NamedTuple):
    """A worker's copies of the last ``count`` rows of a table.

    Attributes
    ----------
    first, count : int
        The row that the first copy is of, and how many there are.
    every : int
        Centres until the last row is renewed; a power of two.
    mine, base : float32 [count·stride], flat
        Each copy, and what it was when it was taken.
    """

    first: int
    count: int
    every: int
    mine: npt.NDArray[Any]
    base: npt.NDArray[Any]


def make_private_rows(nodes: int, dim: int, workers: int) -> PrivateRows:
    """Room for a worker's copies, of the last of so many rows of d numbers; none if it works alone.

    The more workers there are, the oftener each renews its copies: together they step on a row as often in between.
    """
    count = min(nodes, _COPIES) if workers > 1 else 0
    every = max(_LEAST_CENTRES, _CENTRES >> (workers - 1).bit_length())
    return PrivateRows(nodes - count, count, every, aligned(count * padded(dim)), aligned(count * padded(dim)))


@inlined
def private_pointers(private):
    """`PrivateRows` as the other functions here take them, without arrays, whose references would be counted."""
    return PrivateRows(private.first, private.count, private.every, ptr(private.mine), ptr(private.base))


@inlined
def shift_of(table, stride, private):
    """How far a copy is from its row, in numbers."""
    return (address(private.mine) - address(table)) // 4 - private.first * stride


@kernel
def take_rows(table, stride, private):
    """Make all copies."""
    for j in range(0, private.count * stride, LANES):
        y = load(at(table, private.first * stride + j))
        store(at(private.mine, j), y)
        store(at(private.base, j), y)


@kernel
def renew_rows(table, first, last, stride, private):
    """Add to the rows first:last, counted from the first copy's, what their copies have moved by; take them anew."""
    row, mine, base = at(table, private.first * stride), private.mine, private.base
    for j in range(first * stride, last * stride, LANES):
        y = add(load(at(row, j)), sub(load(at(mine, j)), load(at(base, j))))
        store(at(row, j), y)
        store(at(mine, j), y)
        store(at(base, j), y)


@inlined
def renew_some(table, steps, stride, private):
    """Renew those copies whose turn it is after so many times ``every`` centres."""
    last, some = private.count, 1
    while last > 0 and steps & (some - 1) == 0:
        renew_rows(table, max(0, last - some), last, stride, private)
        last -= some
        some *= 2
