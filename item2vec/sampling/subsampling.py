"""Subsampling of frequent items (Mikolov et al. 2013b, section 2.3, in word2vec.c's form)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def keep_probability(counts: npt.NDArray[np.int64], sample: float) -> npt.NDArray[np.float64]:
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


def keep_thresholds(counts: npt.NDArray[np.int64], sample: float) -> npt.NDArray[np.uint64]:
    """`keep_probability` as thresholds for a uniform 32-bit number: kept where the number is below; uint64 [V]."""
    return np.rint(keep_probability(counts, sample) * 2.0**32).astype(np.uint64)
