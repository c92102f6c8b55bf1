"""Which items stay, and in which order: the rule of all readers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def divide_items(
    counts: NDArray[np.int64], min_count: int, max_items: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Items to keep and items to drop, both by descending count, ties in the order that they are in.

    Parameters
    ----------
    counts : array, int64 [items]
        In order of first occurrence.
    min_count : int
    max_items : int or None

    Returns
    -------
    kept, dropped : arrays, int64
        Places in ``counts``.
    """
    order = np.argsort(-counts, kind="stable")
    kept = min(int(np.count_nonzero(counts >= min_count)), len(counts) if max_items is None else max_items)
    return order[:kept], order[kept:]
