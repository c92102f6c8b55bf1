"""The rows of a table that score best: exact, for one direction or many queries at once, on all cores."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.files.machine import cores

# Two tables read as one whose rows are longer, without a copy of either.


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Rows of one table followed by the same rows of another, put together as they are asked for.

    Parameters
    ----------
    left, right : ndarray of float32 [V, d] and [V, e]
    scale : float
        What the right table is multiplied by.
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]
    scale: float = 1.0

    def __len__(self) -> int:
        return len(self.left)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of both together."""
        return len(self.left), self.left.shape[1] + self.right.shape[1]

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        right = self.right[rows] if self.scale == 1 else np.float32(self.scale) * self.right[rows]
        return np.concatenate([self.left[rows], right], axis=1)


# The best rows of a table for many queries at once: exact, on all cores, never a matrix items × queries.
#
# A block of rows meets all queries in one matrix product, which stays in the cache; only what beats the worst
# of a query's best so far is looked at again. Each thread has rows of its own. Products are float32; the best
# and what rounding may have kept from being so are compared again in float64, so that neither the block a row
# falls in nor the BLAS decides the order.

_ROWS = 1024  # of a block; with its scores for _QUERIES it fits the second-level cache
_QUERIES = 512
_SPARE = 32  # rows kept beyond the k best of a query, where rounding may have changed their order
_ROUNDING = 2e-5  # above the relative error of a float32 product at any dimension in use
_BLAS = threading.Lock()
_POOL = 16  # a query's candidates, on average, before the worst are dropped


@dataclass(frozen=True)
class _Task:
    """What all threads read."""

    table: NDArray[np.float32] | SideBySide
    queries: NDArray[np.float32]
    k: int
    cosine: bool
    bias: NDArray[np.float32] | None
    excluded: NDArray[np.int64]  # query * V + row, sorted


def top_k(
    table: NDArray[np.float32] | SideBySide,
    queries: NDArray[np.floating],
    k: int,
    *,
    cosine: bool,
    bias: NDArray[np.floating] | None = None,
    exclude: Sequence[NDArray[np.int64]] | None = None,
    threads: int = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k rows of highest score for each query, best first; ties by row number.

    Parameters
    ----------
    table : ndarray of float32 [V, d], or two side by side
    queries : ndarray of float32 or float64 [Q, d]
    k : int
        At least 1.
    cosine : bool
        Whether the score is the cosine, 0 where a row or a query has no direction, or the inner product.
    bias : ndarray of float [V], optional
        Added to each row's score.
    exclude : sequence of Q arrays of int64, optional
        Rows that may not be a query's answer.
    threads : int
        0 for one a core.

    Returns
    -------
    rows : ndarray of int64 [Q, min(k, V)]
        -1 where a query has no more.
    scores : ndarray of float64 [Q, min(k, V)]
        -inf there.
    """
    k = min(k, len(table))
    wide = np.asarray(queries, np.float64)
    if cosine:
        norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))[:, None]
        wide = np.divide(wide, norms, out=np.zeros_like(wide), where=(norms > 0) & np.isfinite(norms))
    flat = [row + query * len(table) for query, rows in enumerate(exclude or ()) for row in (np.unique(rows),)]
    task = _Task(
        table,
        np.ascontiguousarray(wide, np.float32),
        k,
        cosine,
        None if bias is None else np.asarray(bias, np.float32),
        np.concatenate(flat) if flat else np.empty(0, np.int64),
    )
    workers = max(1, min(threads or cores(), len(table) // _ROWS))
    cuts = np.linspace(0, len(table), workers + 1).astype(np.int64).tolist()
    from threadpoolctl import threadpool_limits  # here, since a single query needs none of this

    # A product of BLAS's own threads would wait for the others' at each block. The limit holds for the whole
    # process, so that only one call may set it and put it back.
    with _BLAS, threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda worker: _Best(task).scan(cuts[worker], cuts[worker + 1]), range(workers)))
    best = _Best(task)
    best.add(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    best.prune()
    return _ranked(task, wide, bias, *best.pool())


class _Best:
    """A pool of candidates (query, row, score), and the score that a new one must beat."""

    def __init__(self, task: _Task) -> None:
        self._task = task
        self._floor = np.full(len(task.queries), -np.inf, np.float32)
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
        self._size = 0

    def pool(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """All candidates: queries, rows, scores."""
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
        query, row, score = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        return query, row, score

    def scan(self, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Look through rows start:stop, and return what may be among the best."""
        task = self._task
        scores = np.empty(_QUERIES * _ROWS, np.float32)
        limit = (_POOL + task.k + _SPARE) * len(task.queries)
        for first in range(start, stop, _ROWS):
            block = finite_rows(task.table[first : min(first + _ROWS, stop)], cosine=task.cosine)
            for query in range(0, len(task.queries), _QUERIES):
                few = task.queries[query : query + _QUERIES]
                product = scores[: len(few) * len(block)].reshape(len(few), len(block))
                with np.errstate(over="ignore", invalid="ignore"):  # of damaged vectors
                    np.dot(few, block.T, out=product)
                if task.bias is not None:
                    product += task.bias[first : first + len(block)]
                self._take(product, query, first)
            if self._size > limit:
                self.prune()
        self.prune()
        return self.pool()

    def _take(self, scores: NDArray[np.float32], query: int, first: int) -> None:
        """Add what beats the floor of scores [queries, rows], whose first query and row are given."""
        floor = self._floor[query : query + len(scores)]
        keep = self._task.k + _SPARE
        hit = np.flatnonzero(scores.max(axis=1) > floor)
        if len(hit) == 0:
            return
        chosen = scores[hit] if len(hit) < len(scores) else scores
        if np.isneginf(floor[hit]).all() and chosen.shape[1] > keep:
            # The first block: all would pass, so the best are picked here; more where some are excluded.
            lost = np.searchsorted(self._task.excluded, (query + len(scores)) * len(self._task.table))
            lost -= np.searchsorted(self._task.excluded, query * len(self._task.table))
            count = min(keep + int(lost), chosen.shape[1])
            worst = np.partition(chosen, -count, axis=1)[:, -count]
            line, column = np.nonzero(chosen >= worst[:, None])
        else:
            line, column = np.nonzero(chosen > floor[hit][:, None])
        self.add(hit[line] + query, column + first, chosen[line, column])

    def add(self, query: NDArray[np.int64], row: NDArray[np.int64], score: NDArray[np.float32]) -> None:
        """Add candidates, unless they are excluded."""
        excluded = self._task.excluded
        if len(excluded):
            key = query * len(self._task.table) + row
            place = np.minimum(np.searchsorted(excluded, key), len(excluded) - 1)
            allowed = excluded[place] != key
            query, row, score = query[allowed], row[allowed], score[allowed]
        self._parts.append((query, row, score))
        self._size += len(query)

    def prune(self) -> None:
        """Drop candidates that cannot be among the best of their query, and raise the floors."""
        query, row, score = self.pool()
        order = np.lexsort((row, -score, query))
        query, row, score = query[order], row[order], score[order]
        sizes = np.bincount(query, minlength=len(self._floor))
        starts = np.cumsum(sizes) - sizes
        keep = self._task.k + _SPARE
        for place, spare in ((self._task.k, True), (keep, False)):
            full = np.flatnonzero(sizes >= place)
            kth = score[starts[full] + place - 1]
            # Beyond `keep` rows of the same score the first rows have it.
            if spare:
                with np.errstate(invalid="ignore"):  # scores of damaged vectors may be infinite
                    kth = kth - np.float32(_ROUNDING) * (np.ones_like(kth) if self._task.cosine else np.abs(kth))
            self._floor[full] = np.maximum(self._floor[full], kth)
        kept = (np.arange(len(query)) - starts[query] < keep) & (score >= self._floor[query])
        self._parts = [(query[kept], row[kept], score[kept])]
        self._size = int(kept.sum())


def finite_rows(block: NDArray[np.float32], *, cosine: bool = False) -> NDArray[np.float32]:
    """Return the rows as they are multiplied: of length 1 for cosines, zero where they hold what is no number."""
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", block, block)
        good = np.isfinite(squares)
        if cosine:
            good &= squares > 0
            block = np.divide(block, np.sqrt(np.where(good, squares, 1.0))[:, None], dtype=np.float32)
    if not good.all():
        block = np.where(good[:, None], block, np.float32(0))
    return block


def _ranked(
    task: _Task,
    wide: NDArray[np.float64],
    bias: NDArray[np.floating] | None,
    query: NDArray[np.int64],
    row: NDArray[np.int64],
    score: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k best candidates of each query by their scores in float64."""
    exact = np.empty(len(row))
    for first in range(0, len(row), 1 << 14):
        part = slice(first, first + (1 << 14))
        with np.errstate(all="ignore"):
            block = task.table[row[part]].astype(np.float64)
            squares = np.einsum("ij,ij->i", block, block)
            dots = np.einsum("ij,ij->i", block, wide[query[part]])
            # What is no number in float32 counts as zero, as above.
            good = np.isfinite(squares.astype(np.float32)) & ((squares > 0) | (not task.cosine))
            exact[part] = np.where(good, np.clip(dots / np.sqrt(squares), -1, 1) if task.cosine else dots, 0.0) + 0.0
    if bias is not None:
        exact += np.asarray(bias, np.float64)[row]
    order = np.lexsort((row, -exact, query))
    query, row, exact = query[order], row[order], exact[order]
    sizes = np.bincount(query, minlength=len(wide))
    rank = np.arange(len(query)) - (np.cumsum(sizes) - sizes)[query]
    top = rank < task.k
    rows = np.full((len(wide), task.k), -1, np.int64)
    scores = np.full((len(wide), task.k), -np.inf)
    rows[query[top], rank[top]] = row[top]
    scores[query[top], rank[top]] = exact[top]
    return rows, scores


# The best of scores that are there already.


def best_columns(scores: NDArray[np.float32], k: int) -> NDArray[np.int32]:
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


# The rows of a table that point most nearly in one direction.

_BLOCK = 1 << 18  # numbers a block: it is still in the cache when its norms are computed after its products


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
    """Return the cosines of some rows in float64; equal rows get equal numbers, which BLAS does not promise."""
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
    """Return the direction with length 1, or zero if it has none."""
    norm = np.sqrt(np.dot(direction, direction))
    return direction / norm if 0 < norm < np.inf else np.zeros_like(direction)


def _divide(dots: NDArray[Any], norms: NDArray[Any]) -> NDArray[Any]:
    """``dots / norms`` in place, 0 where that is no number."""
    with np.errstate(all="ignore"):
        np.divide(dots, norms, out=dots)
    dots[~np.isfinite(dots)] = 0.0
    return dots
