"""What a model has to beat: popularity, co-occurrence, and the last item's most frequent successor.

They learn from sequences of item codes by counting, in seconds, and break ties by popularity.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.evaluation.ranking import Scorer, sparse_rows
from item2vec.evaluation.sequences import Sequences
from item2vec.files.machine import cores

NEIGHBOURS = 200
_LONGEST = 2_000  # of a sequence's distinct items, those that co-occurrence looks at: their pairs are a square
_BLOCK = 1 << 11  # rows of similarities computed at a time

# Training sequences, histories, items there are -> scorer.
Baseline = Callable[[Sequences, Sequences, int], Scorer]


def popularity(training: Sequences, histories: Sequences, size: int) -> Scorer:
    """Return the commonest items, the same for everybody."""
    order = _descending(training, size)

    def score(first: int, stop: int) -> NDArray[np.float32]:
        """Scores of all items for the users first:stop, float32 [stop - first, size]."""
        return np.broadcast_to(order, (stop - first, size)).copy()

    return score


def item_knn(training: Sequences, histories: Sequences, size: int, neighbours: int = NEIGHBOURS) -> Scorer:
    """Item-based nearest neighbours: the sum of the cosines of an item with those of the history.

    The cosine is that of the columns of the binary matrix sequences by items, co-occurrences over the root of the
    product of the counts; each item keeps its ``neighbours`` most similar ones (Sarwar et al. 2001; Deshpande and
    Karypis 2004, section 4). Of a sequence with more than 2,000 distinct items, 2,000 are looked at, evenly spaced.
    """
    similarity = _cosines(_thinned(training.distinct()), size, neighbours)
    rows = sparse_rows(histories.distinct(), size)
    ties = 1e-6 * _descending(training, size)

    def score(first: int, stop: int) -> NDArray[np.float32]:
        """Scores of all items for the users first:stop, float32 [stop - first, size]."""
        scores: NDArray[np.float32] = (rows[first:stop] @ similarity).toarray()
        scores += ties
        return scores

    return score


def successor(training: Sequences, histories: Sequences, size: int) -> Scorer:
    """Return what most often came right after the history's last item (a Markov chain of order 1)."""
    from scipy.sparse import csr_array

    inner = np.ones(len(training.items), bool)
    inner[training.offsets[1:][training.lengths > 0] - 1] = False
    place = np.flatnonzero(inner)
    ones = np.ones(len(place), np.float32)
    follows = csr_array((ones, (training.items[place], training.items[place + 1])), (size, size))
    last = histories.items[histories.offsets[1:] - 1]
    ties = 0.5 * _descending(training, size)

    def score(first: int, stop: int) -> NDArray[np.float32]:
        """Scores of all items for the users first:stop, float32 [stop - first, size]."""
        scores: NDArray[np.float32] = follows[last[first:stop]].toarray()
        scores += ties
        return scores

    return score


def _descending(training: Sequences, size: int) -> NDArray[np.float32]:
    """Return a number from 0 to 1 for each item, higher for the commoner, different for all."""
    counts = np.bincount(training.items, minlength=size)
    number = np.empty(size)
    number[np.argsort(-counts, kind="stable")] = np.linspace(1, 0, size)
    return number.astype(np.float32)


def _thinned(distinct: Sequences) -> Sequences:
    """At most `_LONGEST` items of each sequence, evenly spaced."""
    lengths = np.repeat(distinct.lengths, distinct.lengths)
    place = np.arange(len(distinct.items)) - np.repeat(distinct.offsets[:-1], distinct.lengths)
    chosen = (place * _LONGEST // lengths) != ((place - 1) * _LONGEST // lengths)
    return distinct.keep((lengths <= _LONGEST) | chosen)


def _cosines(training: Sequences, size: int, neighbours: int) -> Any:
    """Return the highest cosines of each item with others: a sparse matrix, float32 [size, size], a row an item."""
    from scipy.sparse import diags_array, vstack

    counts = np.bincount(training.items, minlength=size)
    scale = diags_array(1 / np.sqrt(np.maximum(counts, 1)).astype(np.float32))
    normalised = (sparse_rows(training, size) @ scale).tocsr()
    transposed = normalised.T.tocsr()

    def strongest(first: int) -> Any:
        """Return the highest cosines of a block of items, which starts at ``first``."""
        return _strongest(transposed[first : first + _BLOCK] @ normalised, first, neighbours)

    with ThreadPoolExecutor(cores()) as pool:
        return vstack(list(pool.map(strongest, range(0, size, _BLOCK))), format="csr")


def _strongest(block: Any, first: int, count: int) -> Any:
    """Return the ``count`` highest values of each row, without the diagonal, which starts at column ``first``."""
    from scipy.sparse import csr_array

    indices, data, ends = [], [], [0]
    for row in range(block.shape[0]):
        begin, end = block.indptr[row], block.indptr[row + 1]
        column, value = block.indices[begin:end], block.data[begin:end]
        if len(value) > count + 1:
            best = np.argpartition(value, len(value) - count - 1)[-count - 1 :]
            column, value = column[best], value[best]
        other = column != first + row
        indices.append(column[other][:count])
        data.append(value[other][:count])
        ends.append(ends[-1] + len(indices[-1]))
    return csr_array((np.concatenate(data), np.concatenate(indices), ends), block.shape)
