"""Which items are on the map."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError
from item2vec.vectors.keyed_vectors import KeyedVectors

MOST = 100_000  # a page of more would take the browser minutes


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
        raise ConfigError(f"top is {top!r}; a map has from 3 to {MOST:,} items")
    return _directed(model, np.arange(min(top, len(model))))


def listed(model: KeyedVectors, path: str | os.PathLike[str]) -> tuple[NDArray[np.int64], int]:
    """Ids of the items, or display names, that a text file lists one a line; and how many lines are none.

    Raises
    ------
    ModelError
        If the file cannot be read, is not UTF-8, or lists fewer than three items of the model or too many.
    """
    shown = os.fspath(path)
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = dict.fromkeys(line.strip("\r\n") for line in file)
    except UnicodeDecodeError as error:
        raise ModelError(f"cannot read {shown}: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is no file name"
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
        raise ModelError("fewer than three of the items have vectors with a direction; a map needs more")
    return ids
