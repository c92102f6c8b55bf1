"""The best k items of many users: scores a block of users at a time, on threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from item2vec.evaluation.sequences import Sequences

# Scores of users first to stop, float32 [stop - first, items], higher is better; the array is the caller's to change.
Scorer = Callable[[int, int], NDArray[np.float32]]

_BLOCK = 1 << 22  # scores computed at a time by a thread: 16 MB


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rank_items(
    scorer: Scorer, size: int, histories: Sequences, k: int, *, keep_seen: bool = False
) -> NDArray[np.int32]:
    """Recommend k items to each user.

    Parameters
    ----------
    scorer : callable
        Gives the scores of items 0 to ``size`` for a range of users.
    size : int
        Items that are scored.
    histories : Sequences [U]
        What the users have; not recommended again unless ``keep_seen``.
    k : int
    keep_seen : bool

    Returns
    -------
    array, int32 [U, k]
        Best first, equal scores by code, so a model's commoner item first; -1 where no item is left.
    """
    users = len(histories)
    ranked = np.full((users, k), -1, np.int32)
    step = max(1, min(_BLOCK // size, 1024))

    def rank(first: int) -> None:
        stop = min(first + step, users)
        scores = scorer(first, stop)
        if not keep_seen:
            begin, end = histories.offsets[first], histories.offsets[stop]
            seen = histories.items[begin:end]
            rows = np.repeat(np.arange(stop - first), histories.lengths[first:stop])
            scorable = seen < size
            scores[rows[scorable], seen[scorable]] = -np.inf
        best = top_k(scores, min(k, size))
        ranked[first:stop, : best.shape[1]] = best

    with ThreadPoolExecutor(core_count()) as pool:
        for _ in pool.map(rank, range(0, users, step)):
            pass
    return ranked


def top_k(scores: NDArray[np.float32], k: int) -> NDArray[np.int32]:
    """Columns of the k highest scores of each row, best first; equal ones in ascending order, -1 for those of -inf.

    Parameters
    ----------
    scores : array, float32 [B, n]
        No NaN.
    k : int
        At most n.
    """
    block, size = scores.shape
    group = max(1, min(64, size // (4 * k)))
    columns_used = size // group * group
    highest = scores[:, :columns_used].reshape(block, group, -1).max(1)
    # k groups have a score as high as this, so at least k scores are: a bound at the price of one pass.
    floor = np.partition(highest, highest.shape[1] - k, axis=1)[:, -k]
    rows, columns = np.divmod(np.flatnonzero(scores >= floor[:, None]), size)
    if len(rows) > 8 * block * k:  # masses of equal scores
        rows, columns = _first_of_equals(scores, k)
    values = scores[rows, columns]
    order = np.lexsort((columns, -values, rows))
    begins = np.searchsorted(rows, np.arange(block))
    chosen = order[begins[:, None] + np.arange(k)]
    best: NDArray[np.int32] = columns[chosen].astype(np.int32)
    best[values[chosen] == -np.inf] = -1
    return best


def _first_of_equals(scores: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of exactly k scores a row, in order: of those equal to the k-th highest the first ones."""
    block, size = scores.shape
    kth = np.partition(scores, size - k, axis=1)[:, size - k]
    rows, columns = np.divmod(np.flatnonzero(scores >= kth[:, None]), size)
    equal = scores[rows, columns] == kth[rows]
    begins = np.searchsorted(rows, np.arange(block))
    above = np.add.reduceat(~equal, begins, dtype=np.int64)
    before = np.cumsum(equal) - equal
    chosen = ~equal | (before - before[begins][rows] < (k - above)[rows])
    return rows[chosen], columns[chosen]
