"""One vector of several items': their mean, the last one's, or a mean in which the recent count most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from item2vec.vectors.scoring import DECAY, Pool, check_pool

_NUMBERS = 1 << 22  # gathered at once


def pooled(
    table: NDArray[np.float32], histories: Sequence[NDArray[np.int64]], pool: Pool = "mean", decay: float = DECAY
) -> NDArray[np.float64]:
    """Return a vector for each history of rows.

    Parameters
    ----------
    table : ndarray of float32 [V, d]
    histories : sequence of Q arrays of int64
        Rows, the oldest first; none may be empty.
    pool : {"mean", "last", "decay"}
        decay: the row n places before the last has the weight ``decay**n``; the weights add up to 1.
    decay : float
        In (0, 1].

    Returns
    -------
    ndarray of float64 [Q, d]

    Raises
    ------
    ConfigError
        If `pool` or `decay` cannot be.
    """
    lengths = np.array([len(history) for history in histories], np.int64)
    weights = item_weights(lengths, pool, decay)
    if pool == "last":
        return _wide(table[np.array([history[-1] for history in histories], np.int64)])
    vectors = np.empty((len(histories), table.shape[1]))
    ends = np.cumsum(lengths)
    first = 0
    while first < len(histories):
        # As many histories as fit, at least one.
        done = ends[first] - lengths[first]
        room = done + max(_NUMBERS // table.shape[1], lengths[first])
        last = int(np.searchsorted(ends, room, "right"))
        sizes = lengths[first:last]
        starts = np.cumsum(sizes) - sizes
        rows = _wide(table[np.concatenate(histories[first:last])])
        rows *= weights[done : done + len(rows), None]
        vectors[first:last] = np.add.reduceat(rows, starts, axis=0)
        first = last
    return vectors


def item_weights(lengths: NDArray[np.int64], pool: Pool, decay: float = DECAY) -> NDArray[np.float64]:
    """Return the weight of each item of some histories, one history after the other; a history's sum to 1.

    Parameters
    ----------
    lengths : ndarray of int64 [Q]
        Of the histories; 0 is allowed.
    pool, decay
        As for `pooled`.

    Returns
    -------
    ndarray of float64 [lengths.sum()]

    Raises
    ------
    ConfigError
        If `pool` or `decay` cannot be.
    """
    check_pool(pool, decay)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    ages = np.cumsum(lengths)[owners] - 1 - np.arange(len(owners))
    if pool == "mean":
        weights = np.ones(len(owners))
    elif pool == "last":
        weights = (ages == 0).astype(np.float64)
    else:
        weights = np.power(decay, ages, dtype=np.float64)
    return weights / np.bincount(owners, weights, len(lengths))[owners]


def _wide(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rows in float64, zero where a number is not finite: such a vector says nothing."""
    with np.errstate(invalid="ignore"):  # a signalling NaN
        wide = rows.astype(np.float64)
    wide[~np.isfinite(wide).all(axis=1)] = 0.0
    return wide
