"""A mixture: each item of a history gives every item a probability, and those are averaged, not the scores.

A mean of scores is one inner product, so that all it can say of pairs has the rank of the vectors, and an item must
suit the whole history. Of averaged probabilities it is enough that some item of the history makes it likely.
Training by negative sampling estimates log P(next | item) less the logarithm of the noise distribution, up to a
constant (Levy and Goldberg 2014, section 3.1), so that the softmax of the scores plus ns-exponent times log(count) is
P(next | item), and their average the mixture of what each item of the history predicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.vectors.pooling import item_weights
from item2vec.vectors.scoring import Pool
from item2vec.vectors.side_by_side import SideBySide
from item2vec.vectors.topk import finite_rows

_NUMBERS = 1 << 24  # probabilities held at once: 64 MB
_ROWS = 4096  # of the table, multiplied at once


def mixture(
    queries: NDArray[np.float32] | SideBySide,
    table: NDArray[np.float32] | SideBySide,
    weights: Any,
    softmax: float,
    bias: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Average over each history's items the softmax, over all rows, of ``softmax`` times their scores.

    Near 0 the order of the rows is that of the mean of the scores, far above 1 that of the highest of them.

    Parameters
    ----------
    queries : float32 [V, d]
        A row an item, as it asks.
    table : float32 [V, d]
        A row an item, as it answers.
    weights : scipy sparse array, float32 [Q, V]
        Of a history's items, which sum to 1; a history of none scores 0 everywhere.
    softmax : float
        Above 0.
    bias : ndarray of float [V], optional
        Added to each row's scores.

    Returns
    -------
    float32 [Q, V]
        Probabilities: they sum to 1.
    """
    mixed = np.zeros((weights.shape[0], len(table)), np.float32)
    columns = weights.tocsc()
    asking = np.flatnonzero(np.diff(columns.indptr))
    together = max(1, _NUMBERS // len(table))
    for first in range(0, len(asking), together):
        part = asking[first : first + together]
        mixed += columns[:, part].tocsr() @ _probabilities(queries[part], table, softmax, bias)
    return mixed


def top_mixtures(
    queries: NDArray[np.float32],
    table: NDArray[np.float32] | SideBySide,
    weights: Any,
    softmax: float,
    k: int,
    *,
    bias: NDArray[np.floating] | None = None,
    exclude: Sequence[NDArray[np.int64]] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k rows of highest probability for each history, best first; ties by row number.

    Parameters
    ----------
    queries, table, weights, softmax, bias
        As for `mixture`.
    k : int
        At least 1.
    exclude : sequence of Q arrays of int64, optional
        Rows that may not be a history's answer.

    Returns
    -------
    rows : ndarray of int64 [Q, min(k, V)]
        -1 where a history has no more.
    scores : ndarray of float64 [Q, min(k, V)]
        Probabilities; 0 there.
    """
    k = min(k, len(table))
    rows = np.full((weights.shape[0], k), -1, np.int64)
    scores = np.zeros((weights.shape[0], k))
    together = max(1, _NUMBERS // len(table))
    for first in range(0, len(rows), together):
        mixed = mixture(queries, table, weights[first : first + together], softmax, bias)
        for query, row in enumerate(mixed, first):
            if exclude is not None:
                row[exclude[query]] = -1.0
            near = np.flatnonzero(row >= np.partition(row, -k)[-k])  # the best k, and what equals the last of them
            best = near[np.argsort(-row[near], kind="stable")][:k]
            best = best[row[best] >= 0]
            rows[query, : len(best)], scores[query, : len(best)] = best, row[best]
    return rows, scores


def history_weights(histories: Sequence[NDArray[np.int64]], pool: Pool, decay: float) -> tuple[NDArray[np.int64], Any]:
    """Return the items of all histories, each once, and their weights in each: a scipy sparse array [Q, items]."""
    from scipy.sparse import csr_array  # here, since most questions need none of it

    lengths = np.array([len(history) for history in histories], np.int64)
    weights = item_weights(lengths, pool, decay).astype(np.float32)
    items, column = np.unique(np.concatenate([*histories, np.empty(0, np.int64)]), return_inverse=True)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return items, csr_array((weights, column, offsets), (len(histories), len(items)))


def _probabilities(
    rows: NDArray[np.float32],
    table: NDArray[np.float32] | SideBySide,
    softmax: float,
    bias: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    """The softmax over the table of some items' scores, float32 [rows, V]."""
    scaled = np.float32(softmax) * finite_rows(rows)
    values = np.empty((len(rows), len(table)), np.float32)
    for first in range(0, len(table), _ROWS):
        block = finite_rows(table[first : first + _ROWS])
        values[:, first : first + len(block)] = scaled @ block.T
    if bias is not None:
        values += (softmax * bias).astype(np.float32)
    values -= values.max(axis=1, keepdims=True)
    np.exp(values, out=values)
    values /= values.sum(axis=1, keepdims=True)
    return values
