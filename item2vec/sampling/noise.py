"""The noise distribution, count**ns_exponent, as an alias table (Walker 1977; Vose 1991)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from item2vec.sampling.splitmix import HALF


def noise_distribution(counts: npt.NDArray[np.int64], ns_exponent: float) -> npt.NDArray[np.float64]:
    """Return count**ns_exponent, normalised; float64 [V] (Mikolov et al. 2013b, section 2.2; Caselles-Dupré 2018)."""
    weights = np.maximum(counts, 1).astype(np.float64) ** ns_exponent
    return np.asarray(weights / weights.sum())


def alias_table(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Make the alias table of a distribution, float64 [V] with sum 1: draws in constant time.

    One of V columns is drawn, each as likely. A uniform 32-bit number below the upper half of column k gives k, any
    other the lower half. Both stand in one word, since a draw costs what it waits for memory.

    Returns
    -------
    uint64 [V]
    """
    threshold = np.empty(len(probabilities), np.float64)
    alias = np.empty(len(probabilities), np.uint64)
    _fill(probabilities, threshold, alias)
    whole = np.rint(threshold * 2.0**32)
    full = whole >= 2.0**32  # which 32 bits cannot say: such a column is its own alias
    alias[full] = np.flatnonzero(full)
    return np.minimum(whole, 2.0**32 - 1).astype(np.uint64) << HALF | alias


@njit(nogil=True, cache=True)
def _fill(probabilities, threshold, alias):  # type: ignore[no-untyped-def]
    """Vose's method: pair each column that is short with one that has too much."""
    n = len(probabilities)
    short = np.empty(n, np.int64)
    long = np.empty(n, np.int64)
    shorts = 0
    longs = 0
    for i in range(n):
        threshold[i] = probabilities[i] * n
        alias[i] = i
        if threshold[i] < 1.0:
            short[shorts] = i
            shorts += 1
        else:
            long[longs] = i
            longs += 1
    while shorts > 0 and longs > 0:
        shorts -= 1
        s, g = short[shorts], long[longs - 1]
        alias[s] = g
        threshold[g] -= 1.0 - threshold[s]
        if threshold[g] < 1.0:
            longs -= 1
            short[shorts] = g
            shorts += 1
    for i in range(longs):
        threshold[long[i]] = 1.0
    for i in range(shorts):  # only by rounding: these are 1 but for the last bits
        threshold[short[i]] = 1.0
