"""How a model scores items for a history: which tables, how the history is pooled, how popularity is weighed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError
from item2vec.evaluation.ranking import Scorer
from item2vec.evaluation.sequences import Sequences
from item2vec.vectors.mixture import check_softmax, mixture
from item2vec.vectors.pooling import Pool, item_weights

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

Score = Literal["next", "similar"]


@dataclass(frozen=True)
class Scoring:
    """Options of scoring.

    Parameters
    ----------
    score : {"next", "similar"}
        next: the history's input vectors times every item's output vector, what training made probable (sigma of it,
        up to the noise distribution). similar: input vectors of length 1 times input vectors of length 1, the cosine.
    pool : {"mean", "last", "decay"}
        The history's vector: the mean of its items', the last item's, or a mean in which an item weighs ``decay``
        times the one after it.
    decay : float
        Above 0, at most 1.
    popularity : float
        This times log(count) is added to each score; undoes what a high ns-exponent took from common items.
    reverse : float
        With the score next, this times the score of the other direction is added, the history's output vectors times
        the item's input vector. Skip-gram learns each pair in both directions, and where order means nothing, their
        sum is a better estimate of the pair than either. At least 0.
    softmax : float
        0: the scores of the history's items are averaged. Above: the softmax over all items of this times the scores
        is, so that an item is found that suits some item of the history, not all; see `item2vec.vectors.mixture`.

    Raises
    ------
    ConfigError
        If a value cannot work.
    """

    score: Score = "next"
    pool: Pool = "mean"
    decay: float = 0.8
    popularity: float = 0.0
    reverse: float = 0.0
    softmax: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.score not in ("next", "similar"):
            raise ConfigError(f"score is {self.score!r}; it must be next or similar")
        if self.pool not in ("mean", "last", "decay"):
            raise ConfigError(f"pool is {self.pool!r}; it must be mean, last or decay")
        if not 0 < self.decay <= 1:
            raise ConfigError(f"decay is {self.decay!r}; it must be above 0 and at most 1")
        if not math.isfinite(self.popularity):
            raise ConfigError(f"popularity is {self.popularity!r}; it must be a number")
        if not 0 <= self.reverse < math.inf:
            raise ConfigError(f"reverse is {self.reverse!r}; it must be a number of at least 0")
        check_softmax(self.softmax)


def model_scorer(model: KeyedVectors, histories: Sequences, scoring: Scoring) -> Scorer:
    """Make the scorer of a model for some histories.

    A history without an item that the model knows scores 0 everywhere (and so gets the commonest items).

    Raises
    ------
    ModelError
        If the model has no output table and the score needs one, or has numbers that are not finite.
    """
    inputs = model.input
    targets = model.output_rows("`next` needs", "use --score similar") if scoring.score == "next" else None
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
