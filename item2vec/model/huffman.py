"""The Huffman tree of the items' counts, for hierarchical softmax (Mikolov et al. 2013b, section 2.1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import kernel
from item2vec.sampling.window_batch import Pairs, Positives, WindowBatch, expand_positives

PART = 6
"""Contexts of a centre that step at once: six as long as there are so many, then four, then two, then one."""


class Paths(NamedTuple):
    """Every item's way up, one after the other: read at once, where the tree itself would be a miss a node.

    Attributes
    ----------
    begin : int64 [V+1]
        Item i's way up is ``up[begin[i]:begin[i+1]]``.
    up : int32
        2·n + b for an inner node n and the bit b of the code below it, from below.
    longest : int
        Most nodes of a path.
    """

    begin: NDArray[np.int64]
    up: NDArray[np.int32]
    longest: int


def huffman_tree(counts: NDArray[np.int64]) -> NDArray[np.int32]:
    """Make the tree that word2vec.c makes; ties are broken the same way, so equal counts give equal trees.

    Parameters
    ----------
    counts : int64 [V]
        In any order; word2vec.c's tree is that of descending counts.

    Returns
    -------
    int32 [2V-1]
        The way up: entry i is 2·n + b for item i, and entry V + m for inner node m, where n is the inner node above and
        b the bit of the code on the way down; -1 at the root. The V - 1 inner nodes are rows of the output table, in
        the order in which they were made, so that the root is row V - 2.
    """
    size = len(counts)
    order = np.argsort(-counts, kind="stable")
    above = np.full(2 * size - 1, -1, np.int64)
    _join(np.maximum(counts, 1)[order], above)
    tree = np.empty(2 * size - 1, np.int32)
    tree[order] = above[:size]
    tree[size:] = above[size:]
    return tree


@kernel
def _join(counts: NDArray[np.int64], above: NDArray[np.int64]) -> None:
    """Join the two smallest again and again; inner nodes are made in ascending order, so two queues do."""
    size = len(counts)
    sums = np.empty(size, np.int64)
    leaf, inner = size - 1, 0
    for made in range(size - 1):
        sums[made] = 0
        for bit in range(2):
            if leaf >= 0 and (inner == made or counts[leaf] < sums[inner]):
                below, count = leaf, counts[leaf]
                leaf -= 1
            else:
                below, count = size + inner, sums[inner]
                inner += 1
            above[below] = 2 * made + bit
            sums[made] += count


@kernel
def path_lengths(tree: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """How many inner nodes are above each of ``size`` items, int64 [V].

    Of length 0 where an entry leads out of the tree or in a circle: an inner node always leads to one that was made
    later.
    """
    bad = np.zeros(0, np.int64)
    if len(tree) != max(0, 2 * size - 1):
        return bad
    depth = np.zeros(size, np.int64)
    for node in range(size - 2, -1, -1):
        above = tree[size + node]
        if above == -1:
            depth[node] = 1
        elif above < 0 or above // 2 <= node or above // 2 >= size - 1:
            return bad
        else:
            depth[node] = depth[above // 2] + 1
    lengths = np.zeros(size, np.int64)
    for item in range(size):
        above = tree[item]
        if above < -1 or above // 2 >= size - 1:
            return bad
        if above >= 0:
            lengths[item] = depth[above // 2]
    return lengths


def make_paths(tree: NDArray[np.int32], size: int) -> Paths | None:
    """Return the paths of a tree of ``size`` items; None where it is not one."""
    lengths = path_lengths(tree, size)
    if len(lengths) != size:
        return None
    begin = np.concatenate([[0], np.cumsum(lengths)])
    return Paths(begin, _write_paths(tree, begin), int(lengths.max(initial=0)))


@kernel
def _write_paths(tree: NDArray[np.int32], begin: NDArray[np.int64]) -> NDArray[np.int32]:
    size = len(begin) - 1
    up = np.empty(begin[size], np.int32)
    for item in range(size):
        above = tree[item]
        for k in range(begin[item], begin[item + 1]):
            up[k] = above
            above = tree[size + above // 2]
    return up


def expand_paths(batch: WindowBatch, tree: NDArray[np.int32], cbow: bool = False) -> Pairs:
    """Make a batch's pairs explicit: each context of each centre, or their mean, with each node of the centre's path.

    Parameters
    ----------
    batch : WindowBatch
        Its negatives mean nothing here.
    tree : int32 [2V-1]
    cbow : bool

    Returns
    -------
    Pairs
        In the order of the centres; ``tile`` numbers the parts of windows that are trained on at once. Pairs of an item
        without a path, the only one of its vocabulary, are left out.
    """
    positives = expand_positives(batch, cbow)
    size = (len(tree) + 1) // 2
    part = np.unique(positives.place * (len(batch.items) + 2) + _parts(positives), return_inverse=True)[1]
    context, above, tile = positives.context, tree[positives.centre].astype(np.int64), part
    found: list[tuple[NDArray[np.int64], ...]] = []
    while True:
        climbing = above >= 0
        context, above, tile = context[climbing], above[climbing], tile[climbing]
        if not len(above) and found:
            break
        found.append((context, above >> 1, 1 - (above & 1), tile))
        above = tree[size + (above >> 1)].astype(np.int64) if len(above) else above
    contexts, targets, labels, tiles = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(tiles, kind="stable")
    ones = np.ones(len(order), np.float32)
    return Pairs(
        contexts[order], targets[order], labels[order].astype(np.float32), ones, tiles[order], positives.members
    )


def _parts(positives: Positives) -> NDArray[np.int64]:
    """Which part of its window each context is in, int64 [n]: of PART contexts, then of four, of two and of one."""
    rank, place = positives.rank, positives.place
    count = np.searchsorted(place, place, "right") - np.searchsorted(place, place)
    whole, left = count - count % PART, count % PART
    return np.where(rank < whole, rank // PART, whole // PART + (rank - whole >= np.where(left >= 4, 4, 2)))
