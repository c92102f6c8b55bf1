"""A map, whatever it is drawn as: which items, where, in what colours, with which neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.plot.colouring import Colouring
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.topk import top_k

NEIGHBOURS = 10


@dataclass(frozen=True)
class MapData:
    """N items on a map.

    Attributes
    ----------
    title : str
    about : str
        A line on what is seen.
    ids : ndarray of int64 [N]
        Rows of the model, in order of descending count.
    items : list of N str
    names : list of N str or None
        Display names, if the model has any.
    counts : ndarray of int64 [N]
        All zero where they are not known.
    places : ndarray of float32 [N, 2]
    colouring : Colouring
    """

    title: str
    about: str
    ids: NDArray[np.int64]
    items: list[str]
    names: list[str | None] | None
    counts: NDArray[np.int64]
    places: NDArray[np.float32]
    colouring: Colouring

    @property
    def shown(self) -> list[str]:
        """What the items are called: their display names, or else the items."""
        if self.names is None:
            return self.items
        return [name or item for name, item in zip(self.names, self.items, strict=True)]


def neighbours(model: KeyedVectors, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The nearest of all items of the model to each of some, by cosine.

    Returns
    -------
    rows : ndarray of int64 [N, min(10, V)]
        -1 where there are no more.
    cosines : ndarray of float64 [N, min(10, V)]
    """
    own = list(ids[:, None])
    return top_k(model.input, model.input[ids], min(NEIGHBOURS, len(model)), cosine=True, exclude=own)
