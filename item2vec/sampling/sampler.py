"""Sampler: from a stretch of the corpus to a window batch.

Subsampling and radii take one 64-bit random number an occurrence, negatives one each, all from SplitMix64 (Steele, Lea
and Flood 2014), whose state is one number a worker and whose steps do not wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from item2vec.sampling.noise import alias_table, noise_distribution
from item2vec.sampling.subsampling import keep_thresholds
from item2vec.sampling.window_batch import WindowBatch

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW = np.uint64(0xFFFFFFFF)
_27, _30, _31, _32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)


@dataclass(frozen=True)
class Worker:
    """One worker's random state and the arrays that its batches are views of; the next batch overwrites the last."""

    state: npt.NDArray[np.uint64]
    items: npt.NDArray[np.int32]
    start: npt.NDArray[np.int64]
    stop: npt.NDArray[np.int64]
    tiles: npt.NDArray[np.int64]
    negatives: npt.NDArray[np.int32]


class Sampler:
    """Draws window batches from a corpus.

    Parameters
    ----------
    corpus : Corpus
    window : int
        Largest radius; a centre's own is uniform on 1..window.
    sample : float
        Subsampling threshold, 0 for none.
    ns_exponent : float
        The noise distribution is count**ns_exponent.
    tile : (int, int)
        Centres and negatives of a tile.
    """

    def __init__(
        self, corpus: Corpus, *, window: int, sample: float, ns_exponent: float, tile: tuple[int, int]
    ) -> None:
        counts = corpus.vocabulary.counts
        self.corpus = corpus
        self.window = window
        self.tile = tile
        self.keep = keep_thresholds(counts, sample)
        self.noise = alias_table(noise_distribution(counts, ns_exponent))

    def worker(self, seed: np.random.SeedSequence, longest: int) -> Worker:
        """Make the state and the buffers of a worker whose batches span at most ``longest`` tokens of the corpus."""
        size = longest + 2 * self.window
        centres, negatives = self.tile
        tiles = -(-size // centres)
        return Worker(
            state=seed.generate_state(1, np.uint64).astype(np.uint64),
            items=np.empty(size + 1, np.int32),
            start=np.empty(size + 1, np.int64),
            stop=np.empty(size + 1, np.int64),
            tiles=np.empty(tiles + 1, np.int64),
            negatives=np.empty(tiles * negatives, np.int32),
        )

    def batch(self, worker: Worker, first: int, last: int) -> WindowBatch:
        """Sample a batch whose centres are kept occurrences of ``corpus.items[first:last]``.

        Windows reach into the same sequence beyond both ends, so that where a batch ends makes no difference.
        The arrays are views of the worker's, valid until its next batch.
        """
        centres, negatives = self.tile
        size, begin, end = _sample_windows(
            self.corpus.items, self.corpus.offsets, first, last, self.window, self.keep,
            worker.state, worker.items, worker.start, worker.stop,
        )  # fmt: skip
        tiles = _draw_negatives(
            begin, end, centres, negatives, self.noise.threshold, self.noise.alias,
            worker.state, worker.tiles, worker.negatives,
        )  # fmt: skip
        return WindowBatch(
            items=worker.items[:size],
            start=worker.start[:size],
            stop=worker.stop[:size],
            tiles=worker.tiles[: tiles + 1],
            negatives=worker.negatives[: tiles * negatives].reshape(tiles, negatives),
        )


@njit(inline="always")
def _mix(state):  # type: ignore[no-untyped-def]
    """SplitMix64's output for a state."""
    z = (state ^ (state >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@njit(nogil=True, cache=True, error_model="numpy")
def _sample_windows(corpus, offsets, first, last, window, keep, state, items, start, stop):  # type: ignore[no-untyped-def]
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
        left = size
        if position > offsets[sequence]:  # only the first: contexts before the batch, found backwards
            i = position - 1
            while i >= offsets[sequence] and size - left < window:
                random += _STEP
                items[size] = corpus[i]
                size += (_mix(random) >> _32) < keep[corpus[i]]
                i -= 1
            items[left:size] = items[left:size][::-1].copy()
            begin = size
        centre = size
        end = min(last, offsets[sequence + 1])
        for i in range(position, end):
            random += _STEP
            z = _mix(random)
            item = corpus[i]
            items[size] = item
            start[size] = np.int64(((z & _LOW) * radii) >> _32) + 1  # the radius, for now
            size += (z >> _32) < keep[item]
        centres_end = size
        if end < offsets[sequence + 1]:  # only the last: contexts after the batch
            i = end
            while i < offsets[sequence + 1] and size - centres_end < window:
                random += _STEP
                items[size] = corpus[i]
                size += (_mix(random) >> _32) < keep[corpus[i]]
                i += 1
        if size - left < 2:
            size = left
            centres_end = left
            begin = min(begin, size)
        for i in range(centre, centres_end):
            radius = start[i]
            start[i] = max(left, i - radius)
            stop[i] = min(size, i + radius + 1)
        position = end
        sequence += 1
        last_centre = centres_end
    state[0] = random
    if position == first:
        last_centre = 0
    return size, begin, last_centre


@njit(nogil=True, cache=True, error_model="numpy")
def _draw_negatives(begin, end, centres, count, threshold, alias, state, tiles, negatives):  # type: ignore[no-untyped-def]
    """Cut the centres begin:end into tiles and draw each tile's negatives; returns how many tiles."""
    random = state[0]
    size = uint64(len(threshold))
    t = 0
    tiles[0] = begin
    while tiles[t] < end:
        for n in range(t * count, (t + 1) * count):
            random += _STEP
            z = _mix(random)
            column = np.int64(((z >> _32) * size) >> _32)
            if (z & _LOW) >= threshold[column]:
                column = np.int64(alias[column])
            negatives[n] = column
        tiles[t + 1] = min(end, tiles[t] + centres)
        t += 1
    state[0] = random
    return t
