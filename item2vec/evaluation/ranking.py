"""Scores of all items for many histories at once, and the best k of them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.errors import ModelError
from item2vec.evaluation.sequences import Sequences
from item2vec.files.machine import cores
from item2vec.vectors.recommend import item_weights, mixture

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


# The best k items of many users: scores a block of users at a time, on threads.

# Scores of users first to stop, float32 [stop - first, items], higher is better; the array is the caller's to change.
Scorer = Callable[[int, int], NDArray[np.float32]]

_BLOCK = 1 << 22  # scores computed at a time by a thread: 16 MB


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

    with ThreadPoolExecutor(cores()) as pool:
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


# Scores of all items for many histories at once.


def model_scorer(model: KeyedVectors, histories: Sequences, scoring: Scoring) -> Scorer:
    """Make the scorer of a model for some histories.

    A history without an item that the model knows scores 0 everywhere (and so gets the commonest items).

    Raises
    ------
    ModelError
        If the model has no output table and the score needs one, or has numbers that are not finite.
    """
    inputs = model.input
    targets = model.output_rows("`score=next` needs", "use `score=similar`") if scoring.score == "next" else None
    for name, table in (("input", inputs), ("output", targets)):
        if table is not None and not np.isfinite(table.sum(dtype=np.float64)):
            raise ModelError(f"the model's {name} table has numbers that are not finite: its training went wrong")
    if scoring.score == "similar" or targets is None:
        norms = np.sqrt(np.einsum("ij,ij->i", inputs, inputs))[:, None]
        inputs = targets = (inputs / np.where(norms > 0, norms, 1)).astype(np.float32)
    asking, answering = inputs, targets  # [V, d] both
    if scoring.score == "next" and scoring.reverse:
        asking = np.concatenate([inputs, np.float32(scoring.reverse) * targets], axis=1)  # [V, 2d] both
        answering = np.concatenate([targets, inputs], axis=1)
    weights = pooled(histories, len(model), scoring)
    bias = np.float32(scoring.popularity) * np.log(np.maximum(model.vocabulary.counts, 1)).astype(np.float32)
    if scoring.softmax:
        return lambda first, stop: mixture(asking, answering, weights[first:stop], scoring.softmax, bias)
    queries, columns = weights @ asking, np.ascontiguousarray(answering.T)

    def score(first: int, stop: int) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = queries[first:stop] @ columns
        if scoring.popularity:
            scores += bias
        return scores

    return score


def pooled(histories: Sequences, size: int, scoring: Scoring) -> Any:
    """Weights of a model's items in each history, which sum to 1: a sparse matrix, float32 [U, size]."""
    known = histories.keep(histories.items < size)
    return sparse_rows(known, size, item_weights(known.lengths, scoring.pool, scoring.decay))


def sparse_rows(sequences: Sequences, size: int, weights: NDArray[Any] | None = None) -> Any:
    """Sequences as rows of a scipy sparse matrix, float32 [S, size]; an item that comes twice is summed."""
    from scipy.sparse import csr_array

    data = np.ones(len(sequences.items), np.float32) if weights is None else weights.astype(np.float32)
    rows = csr_array((data, sequences.items, sequences.offsets), (len(sequences), size), copy=True)  # summed in place
    rows.sum_duplicates()
    return rows
