"""Windows: which items of a sequence are a centre's contexts. Kernels from a stretch of the corpus to starts and stops.

Each takes one 64-bit random number an occurrence of the corpus: the upper half decides whether it is kept, the lower
half draws its radius, or its place in a long basket.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from item2vec.config.train import Context, WindowMode
from item2vec.sampling.draws import HALF, LOW, STEP, mix


@dataclass(frozen=True)
class Window:
    """The window of a centre, as `TrainConfig` describes it.

    Parameters
    ----------
    size : int
        Largest radius.
    mode : {"shrink", "fixed", "basket"}
    context : {"both", "left", "right"}
    """

    size: int
    mode: WindowMode = "shrink"
    context: Context = "both"

    def contexts(self, mean_length: float) -> float:
        """Contexts of a centre on average, in sequences of a mean length; at least 1."""
        sides = 2 if self.context == "both" else 1
        radius = (self.size + 1) / 2 if self.mode == "shrink" else self.size
        return max(1.0, min(sides * radius, mean_length - 1))

    def room(self, longest: int, offsets: npt.NDArray[np.int64]) -> int:
        """Most items of a batch that spans ``longest`` tokens of a corpus."""
        if self.mode == "basket":
            return longest + int(np.diff(offsets).max(initial=0))
        return longest + 2 * self.size


@njit(nogil=True, cache=True, error_model="numpy")
def sample_windows(corpus, offsets, first, last, window, shrink, left, right, keep, state, items, start, stop):  # type: ignore[no-untyped-def]
    """Fill items, start and stop; returns how many items, the first centre and the end of the centres.

    A sequence that goes on beyond first or last gives up to ``window`` more kept items there, contexts only.
    A sequence with one item left is dropped: it has no pairs.
    """
    random = state[0]
    radii = uint64(window)
    size = 0
    begin = 0
    sequence = np.searchsorted(offsets, first, side="right") - 1
    position = first
    while position < last:
        low = size
        if position > offsets[sequence]:  # only the first: contexts before the batch, found backwards
            i = position - 1
            while i >= offsets[sequence] and size - low < window:
                random += STEP
                items[size] = corpus[i]
                size += (mix(random) >> HALF) < keep[corpus[i]]
                i -= 1
            items[low:size] = items[low:size][::-1].copy()
            begin = size
        centre = size
        end = min(last, offsets[sequence + 1])
        for i in range(position, end):
            random += STEP
            z = mix(random)
            item = corpus[i]
            items[size] = item
            start[size] = np.int64(((z & LOW) * radii) >> HALF) + 1 if shrink else window  # the radius, for now
            size += (z >> HALF) < keep[item]
        centres_end = size
        if end < offsets[sequence + 1]:  # only the last: contexts after the batch
            i = end
            while i < offsets[sequence + 1] and size - centres_end < window:
                random += STEP
                items[size] = corpus[i]
                size += (mix(random) >> HALF) < keep[corpus[i]]
                i += 1
        if size - low < 2:
            size = low
            centres_end = low
            begin = min(begin, size)
        for i in range(centre, centres_end):
            radius = start[i]
            start[i] = max(low, i - radius) if left else i + 1
            stop[i] = min(size, i + radius + 1) if right else i
        position = end
        sequence += 1
        last_centre = centres_end
    state[0] = random
    if position == first:
        last_centre = 0
    return size, begin, last_centre


@njit(nogil=True, cache=True, error_model="numpy")
def sample_baskets(corpus, offsets, first, last, window, keep, state, items, start, stop):  # type: ignore[no-untyped-def]
    """Like `sample_windows`, for the whole sequences that begin in first:last, in which order means nothing.

    A basket of at most 2·window + 1 kept items is one window. A longer one is shuffled, and a centre's contexts are the
    2·window others nearest to it, at the ends of the basket too: so each centre has as many, and each pair of the
    basket's occurrences is as likely as any other.
    """
    random = state[0]
    span = 2 * window + 1
    size = 0
    sequence = np.searchsorted(offsets, first)
    while sequence < len(offsets) - 1 and offsets[sequence] < last:
        low = size
        for i in range(offsets[sequence], offsets[sequence + 1]):
            random += STEP
            z = mix(random)
            item = corpus[i]
            other = low + np.int64(((z & LOW) * uint64(size - low + 1)) >> HALF)  # Durstenfeld's shuffle, inside out
            if (z >> HALF) < keep[item]:
                items[size] = items[other]
                items[other] = item
                size += 1
        if size - low < 2:
            size = low
        for i in range(low, size):
            start[i] = max(low, min(i - window, size - span))
            stop[i] = min(size, start[i] + span)
        sequence += 1
    state[0] = random
    return size, 0, size
