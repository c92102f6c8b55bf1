"""Rows that will be needed soon, asked of memory: a row is some cache lines that no cache has."""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import inlined
from item2vec.model.pointers import address, at, get, prefetch

LOW_NODES = 8  # of a path that are prefetched; those near the root are in the cache


@inlined
def prefetch_row(table, row, stride, width):
    """Prefetch a row of a table."""
    where = address(at(table, row * stride))
    for j in range(0, 4 * width, 64):
        prefetch(where + j)


@inlined
def prefetch_item(table, ids, i, stride, width):
    """Prefetch the row of the item at place i."""
    prefetch_row(table, np.int64(get(at(ids, i))), stride, width)


@inlined
def prefetch_path(table, ids, i, later, paths, private, stride, width):
    """Prefetch the low nodes of the path of the item at place i, and the beginning of the path of a later one.

    Rows from ``private`` on are left alone: a worker has them.
    """
    item = np.int64(get(at(ids, i)))
    first = get(at(paths[0], item))
    for k in range(first, min(get(at(paths[0], item + 1)), first + LOW_NODES)):
        row = np.int64(get(at(paths[1], k)) >> 1)
        if row >= private:
            break
        prefetch_row(table, row, stride, width)
    prefetch(address(at(paths[1], get(at(paths[0], np.int64(get(at(ids, later))))))))
