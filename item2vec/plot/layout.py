"""Where the items lie on the map: d numbers become two."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError

Method = Literal["pca", "umap"]
METHODS = get_args(Method)
_WIDE = 98  # per cent of the items lie within -1 to 1


def layout(
    units: NDArray[np.float64],
    counts: NDArray[np.int64],
    method: Method,
    seed: int,
) -> tuple[NDArray[np.float32], str]:
    """Return places in the plane, and a line on how they were found.

    Parameters
    ----------
    units : ndarray of float64 [N, d]
        Directions of the items.
    counts : ndarray of int64 [N]
        How often they came; all zero where that is not known.
    method : {"pca", "umap"}
    seed : int
        Of UMAP's random numbers.

    Returns
    -------
    places : ndarray of float32 [N, 2]
        Centred; the middle of the items within -1 to 1, a few outside.
    about : str

    Raises
    ------
    ConfigError
        If there is no such method.
    ModelError
        If UMAP is not installed.
    """
    if method not in METHODS:
        raise ConfigError(f"`method` is {method!r}; it must be one of {', '.join(METHODS)}")
    if method == "pca":
        places, share = pca(without_frequency(units, counts))
        about = f"two principal components, {share:.0%} of the variance"
    else:
        places = umap(units, seed)
        about = "UMAP of cosines"
    places -= (np.percentile(places, 100 - _WIDE, axis=0) + np.percentile(places, _WIDE, axis=0)) / 2
    reach = np.percentile(np.abs(places), _WIDE)
    return (places / (reach or 1.0)).astype(np.float32), about


def without_frequency(units: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Centre the directions, and take out the one along which they follow the logarithm of the count.

    The first component of word and item vectors is mostly how common an item is (Mu and Viswanath 2018,
    "All-but-the-top: simple and effective postprocessing for word representations"), which a map need not show.
    """
    centred: NDArray[np.float64] = units - units.mean(axis=0)
    logs = np.log(np.maximum(counts, 1).astype(np.float64))
    logs -= logs.mean()
    direction = logs @ centred
    length = np.sqrt(direction @ direction)
    if length < 1e-9:
        return centred
    direction /= length
    rest: NDArray[np.float64] = centred - (centred @ direction)[:, None] * direction
    return rest


def pca(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the two principal components of centred rows, [N, 2], and their share of the variance.

    Signs are such that the component's largest weight is positive, so that the map does not flip between machines.
    """
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    if axes.shape[1] < 2:
        axes = np.column_stack([axes, np.zeros(len(axes))])
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), np.arange(2)] < 0, -1.0, 1.0)
    return centred @ axes, float(values[-2:].sum() / max(values.sum(), 1e-30))


def umap(units: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """UMAP's places (McInnes, Healy and Melville 2018), [N, 2], by umap-learn.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    try:
        from umap import UMAP
    except ImportError as error:
        raise ModelError("`method=umap` needs umap-learn; install it with: pip install 'item2vec[umap]'") from error
    import warnings

    neighbours = min(15, len(units) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and its sparse start for small maps
        reducer = UMAP(
            n_neighbors=neighbours,
            min_dist=0.1,
            metric="cosine",
            random_state=seed,
            init="random" if len(units) < 20 else "spectral",
        )
        places: NDArray[np.float64] = np.asarray(reducer.fit_transform(units.astype(np.float32)), np.float64)
    return places
