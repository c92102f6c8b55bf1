"""Scores of all items for many histories at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.evaluation.ranking import Scorer
from item2vec.evaluation.sequences import Sequences
from item2vec.vectors.mixture import mixture
from item2vec.vectors.pooling import item_weights
from item2vec.vectors.scoring import Scoring

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


def model_scorer(model: KeyedVectors, histories: Sequences, scoring: Scoring) -> Scorer:
    """Make the scorer of a model for some histories.

    A history without an item that the model knows scores 0 everywhere (and so gets the commonest items).

    Raises
    ------
    ModelError
        If the model has no output table and the score needs one, or has numbers that are not finite.
    """
    inputs = model.input
    targets = model.output_rows("`--score next` needs", "use --score similar") if scoring.score == "next" else None
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
