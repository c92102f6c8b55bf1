"""A map, whatever it is drawn as: which items, where, in what colours, with which neighbours."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError
from item2vec.plot.colouring import Colouring
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.search import top_k

# Which items are on the map.

MOST = 100_000  # a page of more would take the browser minutes
_MOST_BYTES = 1 << 26  # characters of a list of items


def commonest(model: KeyedVectors, top: int) -> NDArray[np.int64]:
    """Ids of the commonest items whose vectors have a direction; models keep them by descending count.

    Raises
    ------
    ConfigError
        If `top` cannot be.
    ModelError
        If fewer than three have a direction: a map needs as many.
    """
    if isinstance(top, bool) or not 3 <= top <= MOST:
        raise ConfigError(f"`top` is {top!r}; a map has from 3 to {MOST:,} items")
    return _directed(model, np.arange(min(top, len(model))))


def listed(model: KeyedVectors, path: str | os.PathLike[str], most: int = _MOST_BYTES) -> tuple[NDArray[np.int64], int]:
    """Ids of the items, or display names, that a text file lists one a line; and how many lines are none.

    Parameters
    ----------
    model : KeyedVectors
    path : str or path-like
    most : int
        Characters that the file may have.

    Raises
    ------
    ModelError
        If the file cannot be read, is not UTF-8 or too large, or lists fewer than three items of the model or too many.
    """
    shown = os.fspath(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(most + 1)
        if len(text) > most:
            raise ModelError(f"{shown} has over {most:,} characters; a map has at most {MOST:,} items, one a line")
        lines = dict.fromkeys(line.strip("\r") for line in text.split("\n"))
    except UnicodeDecodeError as error:
        raise ModelError(f"cannot read {shown}: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not a file name"
        raise ModelError(f"cannot read {shown}: {reason}") from error
    lines.pop("", None)
    found = np.array([model.find_any(line) for line in lines], np.int64)
    ids = np.unique(found[found >= 0])
    if not 3 <= len(ids) <= MOST:
        raise ModelError(f"{shown} lists {len(ids):,} items of the model, one a line; a map has from 3 to {MOST:,}")
    return _directed(model, ids), int((found < 0).sum())


def _directed(model: KeyedVectors, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those whose vectors are not zero, nor without end."""
    with np.errstate(all="ignore"):
        squares = np.einsum("ij,ij->i", model.input[ids], model.input[ids], dtype=np.float64)
    ids = ids[(squares > 0) & np.isfinite(squares)]
    if len(ids) < 3:
        raise ModelError("fewer than three of the items have vectors other than zero; a map needs three")
    return ids


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
        """The display names of the items, or where there are none the items."""
        if self.names is None:
            return self.items
        return [name or item for name, item in zip(self.names, self.items, strict=True)]


def neighbours(model: KeyedVectors, ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest of all items of the model to each of some, by cosine.

    Returns
    -------
    rows : ndarray of int64 [N, min(10, V)]
        -1 where there are no more.
    cosines : ndarray of float64 [N, min(10, V)]
    """
    own = list(ids[:, None])
    return top_k(model.input, model.input[ids], min(NEIGHBOURS, len(model)), cosine=True, exclude=own)
