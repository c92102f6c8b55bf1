"""What the items' colours mean: clusters, categories, or numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, CorpusError

CATEGORIES = 12  # colours that can be told from each other
OTHER = "other"


@dataclass(frozen=True)
class Colouring:
    """A colour for each item on the map.

    Attributes
    ----------
    kind : {"none", "category", "number"}
    title : str
        Of the legend.
    values : ndarray of float32 [N]
        The category's number, or the number; NaN where an item has none.
    labels : tuple of str
        The categories' names, commonest first.
    rest : bool
        Whether the last category is all that got no colour of their own.
    """

    kind: Literal["none", "category", "number"]
    title: str
    values: NDArray[np.float32]
    labels: tuple[str, ...] = ()
    rest: bool = False


def plain(items: int) -> Colouring:
    """All alike."""
    return Colouring("none", "", np.zeros(items, np.float32))


def by_cluster(units: NDArray[np.float64], items: Sequence[str], clusters: int, seed: int) -> Colouring:
    """Clusters of directions, named by three common items each: k-means, from k-means++, by scipy.

    Raises
    ------
    ConfigError
        If there cannot be so many.
    """
    if not 2 <= clusters <= CATEGORIES:
        raise ConfigError(f"`clusters` is {clusters!r}; it must be 0, for no clusters, or from 2 to {CATEGORIES}")
    import warnings

    from scipy.cluster.vq import kmeans2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty cluster is no matter here
        centres, label = kmeans2(units, min(clusters, len(units)), iter=25, minit="++", seed=seed, missing="warn")
    present = [number for number, _ in Counter(label.tolist()).most_common()]
    renumbered = np.full(len(centres), -1)
    renumbered[present] = np.arange(len(present))
    names = []
    for number in present:
        members = np.flatnonzero(label == number)
        common = members[: max(3, len(members) // 10)]  # items are in order of count
        nearest = common[np.argsort(-(units[common] @ centres[number]), kind="stable")[:3]]
        names.append(", ".join(items[member] for member in nearest))
    return Colouring("category", "clusters, by k-means", renumbered[label].astype(np.float32), tuple(names))


def by_attribute(title: str, texts: Sequence[str | None]) -> Colouring:
    """Categories, or numbers where all values are numbers and there are more than there are colours.

    Raises
    ------
    CorpusError
        If no item has a value.
    """
    given = Counter(text for text in texts if text)
    if not given:
        raise CorpusError(f"{title} has no value for any item on the map; its first column must have the items")
    if len(given) > CATEGORIES:
        try:
            numbers = np.array([float(text) if text else np.nan for text in texts])
        except ValueError:
            pass
        else:
            numbers[~np.isfinite(numbers)] = np.nan
            return Colouring("number", title, numbers.astype(np.float32))
    order = [text for text, _ in given.most_common()]
    rest = len(order) > CATEGORIES
    kept = order[: CATEGORIES - 1] if rest else order
    place = {text: number for number, text in enumerate(kept)}
    values = [np.nan if not text else place.get(text, len(kept)) for text in texts]
    labels = (*kept, f"{OTHER} ({len(order) - len(kept):,})") if rest else tuple(kept)
    return Colouring("category", title, np.array(values, np.float32), labels, rest)
