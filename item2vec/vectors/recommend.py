"""From a history to scores: items pooled to one vector, or a mixture of the probabilities that each gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import DECAY, Pool, Scoring, check_pool
from item2vec.errors import ModelError
from item2vec.vectors.search import SideBySide, best_columns, finite_rows

_NUMBERS = 1 << 22  # gathered at once


class Sides(NamedTuple):
    """The two sides of a score: what a history's items ask with, and what every item answers with.

    Attributes
    ----------
    asking, answering : float32 [V, D]
        D is d, or 2 d where both directions are scored.
    bias : float32 [V] or None
        Added to each item's score.
    """

    asking: NDArray[np.float32] | SideBySide
    answering: NDArray[np.float32] | SideBySide
    bias: NDArray[np.float32] | None


def sides(
    inputs: NDArray[np.float32], outputs: NDArray[np.float32] | None, counts: NDArray[np.int64], scoring: Scoring
) -> Sides:
    """Return what a scoring makes of a model's tables.

    Parameters
    ----------
    inputs, outputs : float32 [V, d]
        Without outputs, or with the score similar, the inputs of length 1 are both sides.
    counts : int64 [V]
    scoring : Scoring

    Raises
    ------
    ModelError
        If popularity is weighed and the model has no counts.
    """
    bias = None
    if scoring.popularity:
        if not counts.any():
            raise ModelError(
                "`popularity` needs the items' counts, and the model has none: the format it came from does not "
                "store them"
            )
        bias = np.float32(scoring.popularity) * np.log(np.maximum(counts, 1)).astype(np.float32)
    if scoring.score == "similar" or outputs is None:
        unit = finite_rows(inputs, cosine=True)
        return Sides(unit, unit, bias)
    if scoring.reverse:
        return Sides(SideBySide(inputs, outputs, scoring.reverse), SideBySide(outputs, inputs), bias)
    return Sides(inputs, outputs, bias)


def pooled(
    table: NDArray[np.float32] | SideBySide,
    histories: Sequence[NDArray[np.int64]],
    pool: Pool = "mean",
    decay: float = DECAY,
) -> NDArray[np.float64]:
    """Return a vector for each history of rows.

    Parameters
    ----------
    table : ndarray of float32 [V, d], or two side by side
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
        limit = done + max(_NUMBERS // table.shape[1], lengths[first])
        last = int(np.searchsorted(ends, limit, "right"))
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


def history_weights(
    items: NDArray[np.integer], lengths: NDArray[np.int64], size: int, pool: Pool, decay: float = DECAY
) -> Any:
    """Return the weights of a model's items in each history, which sum to 1: a scipy sparse array, float32 [Q, V].

    Parameters
    ----------
    items : int [n]
        One history after the other.
    lengths : int64 [Q]
        Of the histories; 0 is allowed.
    size : int
        V.
    pool, decay
        As for `pooled`.
    """
    from scipy.sparse import csr_array  # here, since most questions need none of it

    weights = item_weights(lengths, pool, decay).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = csr_array((weights, items, offsets), (len(lengths), size), copy=True)  # summed in place
    rows.sum_duplicates()
    return rows


def _wide(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the rows in float64, zero where a number is not finite: such a vector says nothing."""
    with np.errstate(invalid="ignore"):  # a signalling NaN
        wide = rows.astype(np.float64)
    wide[~np.isfinite(wide).all(axis=1)] = 0.0
    return wide


# A mixture: each item of a history gives every item a probability, and those are averaged, not the scores.
#
# A mean of scores is one inner product, so that all it can say of pairs has the rank of the vectors, and an item must
# suit the whole history. Of averaged probabilities it is enough that some item of the history makes it likely.
# Training by negative sampling estimates log P(next | item) less the logarithm of the noise distribution, up to a
# constant (Levy and Goldberg 2014, section 3.1), so that the softmax of the scores plus ns-exponent times log(count) is
# P(next | item), and their average the mixture of what each item of the history predicts.

_PROBABILITIES = 1 << 24  # probabilities held at once: 64 MB
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
    together = max(1, _PROBABILITIES // len(table))
    for first in range(0, len(asking), together):
        part = asking[first : first + together]
        mixed += columns[:, part].tocsr() @ _probabilities(queries[part], table, softmax, bias)
    return mixed


def top_mixtures(
    queries: NDArray[np.float32] | SideBySide,
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
    together = max(1, _PROBABILITIES // len(table))
    for first in range(0, len(rows), together):
        mixed = mixture(queries, table, weights[first : first + together], softmax, bias)
        if exclude is not None:
            for row, seen in zip(mixed, exclude[first:], strict=False):
                row[seen] = -np.inf
        mixed[np.isnan(mixed)] = -np.inf  # of damaged vectors
        part = slice(first, first + len(mixed))
        rows[part] = best = best_columns(mixed, k)
        scores[part] = np.where(best < 0, 0, np.take_along_axis(mixed, np.maximum(best, 0), axis=1))
    return rows, scores


def _probabilities(
    rows: NDArray[np.float32],
    table: NDArray[np.float32] | SideBySide,
    softmax: float,
    bias: NDArray[np.floating] | None,
) -> NDArray[np.float32]:
    """Return the softmax over the table of some items' scores, float32 [rows, V]."""
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
