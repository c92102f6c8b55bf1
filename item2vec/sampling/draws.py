"""What is drawn: random numbers, which tokens stay (subsampling), and negatives from the noise distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from item2vec.kernels import kernel

# SplitMix64 (Steele, Lea and Flood 2014, figure 16): a state goes on by `STEP`, `mix` makes a number of it.
#
# Its steps do not wait for each other, its state is one 64-bit number, and it leaps ahead at no cost: each shard of a
# training has a `stretch` of the one sequence to itself, so that what is drawn does not depend on who draws it,
# or when.

STEP = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
HALF = np.uint64(32)
_STRETCH = 36  # log2 of the numbers that a shard may draw: 2**28 shards have different ones
_MASK = (1 << 64) - 1


def stretch(seed: int, number: int) -> np.uint64:
    """Return the state from which stretch ``number`` of the sequence that starts at ``seed`` goes on."""
    return np.uint64((seed + (number << _STRETCH) * int(STEP)) & _MASK)


@kernel(inline="always")
def mix(state: np.uint64) -> np.uint64:
    """SplitMix64's output for a state."""
    z = (state ^ (state >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


# Subsampling of frequent items (Mikolov et al. 2013b, section 2.3, in word2vec.c's form).


def keep_probability(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """Probability that an occurrence of each item is kept.

    Parameters
    ----------
    counts : int64 [V]
        Occurrences of each item of the vocabulary.
    sample : float
        Threshold t; 0 keeps everything.

    Returns
    -------
    float64 [V]
        min(1, sqrt(t/f) + t/f), f an item's share of all kept occurrences (word2vec.c, ``TrainModelThread``).
    """
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / np.maximum(counts, 1)
    return np.asarray(np.minimum(1.0, np.sqrt(ratio) + ratio))


def keep_thresholds(counts: NDArray[np.int64], sample: float) -> NDArray[np.uint64]:
    """`keep_probability` as thresholds for a uniform 32-bit number: kept where the number is below; uint64 [V]."""
    return np.rint(keep_probability(counts, sample) * 2.0**32).astype(np.uint64)


# The noise distribution, count**ns_exponent, as an alias table (Walker 1977; Vose 1991).


def noise_distribution(counts: NDArray[np.int64], ns_exponent: float) -> NDArray[np.float64]:
    """Return count**ns_exponent, normalised; float64 [V] (Mikolov et al. 2013b, section 2.2; Caselles-Dupré 2018)."""
    weights = np.maximum(counts, 1).astype(np.float64) ** ns_exponent
    return np.asarray(weights / weights.sum())


def alias_table(probabilities: NDArray[np.float64]) -> NDArray[np.uint64]:
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


@kernel
def _fill(probabilities: NDArray[np.float64], threshold: NDArray[np.float64], alias: NDArray[np.uint64]) -> None:
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
