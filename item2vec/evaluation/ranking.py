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
from item2vec.vectors.recommend import history_weights, mixture, sides
from item2vec.vectors.search import best_columns

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


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
        """Fill in the best items of a block of users, which starts at ``first``."""
        stop = min(first + step, users)
        scores = scorer(first, stop)
        if not keep_seen:
            begin, end = histories.offsets[first], histories.offsets[stop]
            seen = histories.items[begin:end]
            rows = np.repeat(np.arange(stop - first), histories.lengths[first:stop])
            scorable = seen < size
            scores[rows[scorable], seen[scorable]] = -np.inf
        best = best_columns(scores, min(k, size))
        ranked[first:stop, : best.shape[1]] = best

    with ThreadPoolExecutor(cores()) as pool:
        for _ in pool.map(rank, range(0, users, step)):
            pass
    return ranked


def model_scorer(model: KeyedVectors, histories: Sequences, scoring: Scoring) -> Scorer:
    """Make the scorer of a model for some histories.

    A history without an item that the model knows scores 0 everywhere (and so gets the commonest items).

    Raises
    ------
    ModelError
        If the model has no output table and the score needs one, or has numbers that are not finite.
    """
    outputs = model.output_rows("`score=next` needs", "use `score=similar`") if scoring.score == "next" else None
    for name, table in (("input", model.input), ("output", outputs)):
        if table is not None and not np.isfinite(table.sum(dtype=np.float64)):
            raise ModelError(f"the model's {name} table has numbers that are not finite; its training went wrong")
    asking, answering, bias = sides(model.input, outputs, model.vocabulary.counts, scoring)
    known = histories.keep(histories.items < len(model))
    weights = history_weights(known.items, known.lengths, len(model), scoring.pool, scoring.decay)
    if scoring.softmax:
        return lambda first, stop: mixture(asking, answering, weights[first:stop], scoring.softmax, bias)
    queries, columns = weights @ asking[:], np.ascontiguousarray(answering[:].T)

    def score(first: int, stop: int) -> NDArray[np.float32]:
        """Return the scores of all items for the users first:stop, float32 [stop - first, V]."""
        scores: NDArray[np.float32] = queries[first:stop] @ columns
        if bias is not None:
            scores += bias
        return scores

    return score


def sparse_rows(sequences: Sequences, size: int, weights: NDArray[Any] | None = None) -> Any:
    """Sequences as rows of a scipy sparse matrix, float32 [S, size]; an item that comes twice is summed."""
    from scipy.sparse import csr_array

    data = np.ones(len(sequences.items), np.float32) if weights is None else weights.astype(np.float32)
    rows = csr_array((data, sequences.items, sequences.offsets), (len(sequences), size), copy=True)  # summed in place
    rows.sum_duplicates()
    return rows
