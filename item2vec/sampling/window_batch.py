"""WindowBatch: what the sampler decided. Pairs are implied by it and only made explicit for the reference and tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class WindowBatch:
    """A batch of centres, their windows, and the negatives they share.

    Centre i's contexts are ``items[start[i]:stop[i]]`` without i itself. A tile is a run of centres that share one set
    of negatives; it may go on from one sequence into the next, since windows never do. Items before the first tile
    and after the last are contexts only.

    Attributes
    ----------
    items : int32 [M]
        The items of the sequences after subsampling, in order.
    start, stop : int64 [M]
        Bounds of each centre's window in ``items``.
    tiles : int64 [T+1]
        Centres ``tiles[t]:tiles[t+1]`` make tile t.
    negatives : int32 [T,N]
        Drawn from the noise distribution; each counts K/N for each pair of its tile.
    """

    items: NDArray[np.int32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    tiles: NDArray[np.int64]
    negatives: NDArray[np.int32]


@dataclass(frozen=True)
class Pairs:
    """The explicit pairs of a batch or a tile.

    Attributes
    ----------
    context : int64 [n]
        Row of the input table; in CBOW, number of the hidden vector.
    target : int64 [n]
        Row of the output table: a centre or a negative, or a node of the tree.
    label : float32 [n]
        1 for a centre, 0 for a negative; 1 - the code for a node.
    weight : float32 [n]
        1 for a centre or a node, K/N for a negative.
    tile : int64 [n]
        What is trained on at once: the tile a pair comes from, some centres of it in CBOW, or the part of a window.
    members : (int64 [m], int64 [m]) or None
        In CBOW: rows of the input table, and the number of the hidden vector that each is a context of.
    """

    context: NDArray[np.int64]
    target: NDArray[np.int64]
    label: NDArray[np.float32]
    weight: NDArray[np.float32]
    tile: NDArray[np.int64]
    members: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


@dataclass(frozen=True)
class Positives:
    """What is to predict a batch's centres: each context of a centre by itself, or in CBOW their mean.

    Attributes
    ----------
    context : int64 [n]
        Row of the input table, or number of the hidden vector.
    centre : int64 [n]
        The item to predict.
    place : int64 [n]
        Where in the batch the centre stands.
    rank : int64 [n]
        How many contexts of the centre come before this one; 0 in CBOW.
    tile : int64 [n]
    members : (int64 [m], int64 [m]) or None
        As for `Pairs`.
    """

    context: NDArray[np.int64]
    centre: NDArray[np.int64]
    place: NDArray[np.int64]
    rank: NDArray[np.int64]
    tile: NDArray[np.int64]
    members: tuple[NDArray[np.int64], NDArray[np.int64]] | None


CBOW_CENTRES = 2
"""Centres of a tile that step at once in CBOW."""


def expand_positives(batch: WindowBatch, cbow: bool) -> Positives:
    """Make a batch's pairs of a context, or with ``cbow`` of a hidden vector, and a centre explicit."""
    tiles = np.repeat(np.arange(len(batch.tiles) - 1), np.diff(batch.tiles))
    centres = np.arange(batch.tiles[0], batch.tiles[-1]) if len(batch.tiles) else np.empty(0, np.int64)
    start, stop = batch.start[centres], batch.stop[centres]
    length = stop - start
    first = np.cumsum(length) - length
    at_context = np.arange(length.sum()) - np.repeat(first - start, length)
    place = np.repeat(centres, length)
    other = at_context != place
    at_context, place, tile = at_context[other], place[other], np.repeat(tiles, length)[other]
    items = batch.items.astype(np.int64)
    if not cbow:
        rank = np.arange(len(place)) - np.searchsorted(place, place)
        return Positives(items[at_context], items[place], place, rank, tile, None)
    places, ends, hidden = np.unique(place, return_index=True, return_inverse=True)
    number = np.arange(len(places))
    return Positives(number, items[places], places, np.zeros_like(number), tile[ends], (items[at_context], hidden))


def expand(batch: WindowBatch, negative: int, cbow: bool = False) -> Pairs:
    """Make a batch's pairs explicit: each (centre, context), then each context of each centre with its negatives.

    Parameters
    ----------
    batch : WindowBatch
    negative : int
        K, the negatives that one pair is worth.
    cbow : bool
        Whether the contexts of a centre make one hidden vector.

    Returns
    -------
    Pairs
        Positive pairs in the order of their centres, then the negatives; a negative equal to the centre is left out.
    """
    positives = expand_positives(batch, cbow)
    context, centre, tile = positives.context, positives.centre, positives.tile
    step = tile
    if cbow:
        within = (positives.place - batch.tiles[tile]) // CBOW_CENTRES
        step = np.unique(tile * (len(batch.items) + 1) + within, return_inverse=True)[1]
    n = batch.negatives.shape[1]
    drawn = batch.negatives[tile].astype(np.int64)  # [pairs, N]
    wanted = (drawn != centre[:, None]).ravel()
    return Pairs(
        context=np.concatenate([context, np.repeat(context, n)[wanted]]),
        target=np.concatenate([centre, drawn.ravel()[wanted]]),
        label=np.concatenate([np.ones(len(centre), np.float32), np.zeros(wanted.sum(), np.float32)]),
        weight=np.concatenate(
            [np.ones(len(centre), np.float32), np.full(wanted.sum(), negative / max(1, n), np.float32)]
        ),
        tile=np.concatenate([step, np.repeat(step, n)[wanted]]),
        members=positives.members,
    )
