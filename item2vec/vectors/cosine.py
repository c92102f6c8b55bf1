"""The rows of a table that point most nearly in one direction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 18  # numbers a block: it is still in the cache when its norms are computed after its products
# Above the rounding error of a float32 cosine at any dimension in use: rows this close to the k-th best are
# looked at again in float64, so that neither the block a row falls in nor the BLAS decides the order.
_ROUNDING = 2e-5


def cosines(table: NDArray[np.float32], direction: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the cosine of every row with a direction, in float32, without a temporary of the table's size.

    Parameters
    ----------
    table : ndarray of float32 [V, d]
    direction : ndarray of float64 [d]

    Returns
    -------
    ndarray of float32 [V]
        0 where the row or the direction is zero, or not finite.
    """
    rows, dim = table.shape
    step = max(1, _BLOCK // dim)
    query = _unit(direction).astype(np.float32)
    dots = np.empty(rows, np.float32)
    squares = np.empty(rows, np.float32)
    with np.errstate(all="ignore"):
        for first in range(0, rows, step):
            block = table[first : first + step]
            np.dot(block, query, out=dots[first : first + step])
            np.einsum("ij,ij->i", block, block, out=squares[first : first + step])
    return _divide(dots, np.sqrt(squares, out=squares))


def nearest(
    table: NDArray[np.float32], direction: NDArray[np.float64], k: int, exclude: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k rows of highest cosine with a direction, best first; ties by row number.

    Parameters
    ----------
    table : ndarray of float32 [V, d]
    direction : ndarray of float64 [d]
    k : int
        How many, at least 1; fewer come back if the table has no more.
    exclude : ndarray of int64
        Rows to leave out; a row may come twice.

    Returns
    -------
    rows : ndarray of int64 [min(k, V - excluded)]
    cosine : ndarray of float64
        In [-1, 1], to float64 rounding.
    """
    left = len(table) - len(np.unique(exclude))
    k = min(k, left)
    if k == 0:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    rough = cosines(table, direction)
    rough[exclude] = -np.inf
    kth_best = np.partition(rough, len(rough) - k)[len(rough) - k]
    candidates = np.flatnonzero(rough >= kth_best - np.float32(_ROUNDING))
    exact = _exact_cosines(table, candidates, _unit(direction))
    best = np.lexsort((candidates, -exact))[:k]
    return candidates[best], exact[best]


def _exact_cosines(
    table: NDArray[np.float32], rows: NDArray[np.int64], unit: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The cosines of some rows in float64; equal rows get equal numbers, which BLAS does not promise."""
    step = max(1, _BLOCK // table.shape[1])
    dots = np.empty(len(rows))
    norms = np.empty(len(rows))
    with np.errstate(all="ignore"):
        for first in range(0, len(rows), step):
            block = table[rows[first : first + step]].astype(np.float64)
            dots[first : first + step] = np.einsum("ij,j->i", block, unit)
            norms[first : first + step] = np.sqrt(np.einsum("ij,ij->i", block, block))
    cosine: NDArray[np.float64] = np.clip(_divide(dots, norms), -1.0, 1.0) + 0.0  # no -0.0
    return cosine


def _unit(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """The direction with length 1, or zero if it has none."""
    norm = np.sqrt(np.dot(direction, direction))
    return direction / norm if 0 < norm < np.inf else np.zeros_like(direction)


def _divide(dots: NDArray[Any], norms: NDArray[Any]) -> NDArray[Any]:
    """``dots / norms`` in place, 0 where that is no number."""
    with np.errstate(all="ignore"):
        np.divide(dots, norms, out=dots)
    dots[~np.isfinite(dots)] = 0.0
    return dots
