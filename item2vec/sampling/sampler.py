"""Sampler: from a stretch of the corpus to a window batch. Which items are a centre's contexts is decided here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from item2vec.config.train import Context, WindowMode
from item2vec.kernels import kernel
from item2vec.sampling.draws import HALF, LOW, STEP, alias_table, keep_thresholds, mix, noise_distribution
from item2vec.sampling.window_batch import WindowBatch

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus


# Windows: which items of a sequence are a centre's contexts. Kernels from a stretch of the corpus to starts and stops.
#
# Each takes one 64-bit random number an occurrence of the corpus: the upper half decides whether it is kept, the lower
# half draws its radius, or its place in a long basket.


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

    def slots(self, longest: int, offsets: NDArray[np.int64]) -> int:
        """Most items of a batch that spans ``longest`` tokens of a corpus."""
        if self.mode == "basket":
            return longest + int(np.diff(offsets).max(initial=0))
        return longest + 2 * self.size


class Worker(NamedTuple):
    """One worker's random state and the arrays that its batches are views of; the next batch overwrites the last.

    Attributes
    ----------
    state : uint64 [1]
    items : int32 [M+1]
    start, stop : int64 [M+1]
    tiles : int64 [T+1]
    negatives : int32 [T·N]
        As in `WindowBatch`, for the most items and tiles of a batch.
    """

    state: NDArray[np.uint64]
    items: NDArray[np.int32]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    tiles: NDArray[np.int64]
    negatives: NDArray[np.int32]


class Radius(NamedTuple):
    """`Window` as `sample_windows` takes it: the largest radius, whether it shrinks, and the sides with contexts."""

    largest: int
    shrink: bool
    left: bool
    right: bool


@kernel
def sample_windows(
    corpus: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    radius: Radius,
    keep: NDArray[np.uint64],
    worker: Worker,
) -> tuple[int, int, int]:
    """Fill the worker's items, start and stop.

    A sequence that goes on beyond first or last gives up to ``window`` more kept items there, contexts only.
    A sequence with one item left is dropped: it has no pairs.

    Parameters
    ----------
    corpus : int32 [n]
        The items of all sequences.
    offsets : int64 [sequences + 1]
        Where each sequence begins, and the last ends.
    first, last : int
        Tokens of the corpus.
    radius : Radius
    keep : uint64 [V]
        See `item2vec.sampling.draws.keep_thresholds`.
    worker : Worker

    Returns
    -------
    (int, int, int)
        How many items, the first centre, and the end of the centres.
    """
    items, start, stop = worker.items, worker.start, worker.stop
    window, shrink, left, right = radius
    random = worker.state[0]
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
            reach = start[i]
            start[i] = max(low, i - reach) if left else i + 1
            stop[i] = min(size, i + reach + 1) if right else i
        position = end
        sequence += 1
        last_centre = centres_end
    worker.state[0] = random
    if position == first:
        last_centre = 0
    return size, begin, last_centre


@kernel
def sample_baskets(
    corpus: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    window: int,
    keep: NDArray[np.uint64],
    worker: Worker,
) -> tuple[int, int, int]:
    """Like `sample_windows`, for the whole sequences that begin in first:last, in which order means nothing.

    A basket of at most 2·window + 1 kept items is one window. A longer one is shuffled, and a centre's contexts are the
    2·window others nearest to it, at the ends of the basket too: so each centre has as many, and each pair of the
    basket's occurrences is as likely as any other.

    Parameters
    ----------
    corpus, offsets, first, last, keep, worker
        As for `sample_windows`.
    window : int
        The largest radius.
    """
    items, start, stop = worker.items, worker.start, worker.stop
    random = worker.state[0]
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
    worker.state[0] = random
    return size, 0, size


# Sampler: from a stretch of the corpus to a window batch.

Scalar = TypeVar("Scalar", bound=np.generic)


class Sampler:
    """Draws window batches from a corpus.

    Parameters
    ----------
    corpus : Corpus
    window : Window
    sample : float
        Subsampling threshold, 0 for none.
    ns_exponent : float
        The noise distribution is count**ns_exponent.
    tile : (int, int)
        Centres and negatives of a tile.
    """

    def __init__(
        self, corpus: Corpus, *, window: Window, sample: float, ns_exponent: float, tile: tuple[int, int]
    ) -> None:
        counts = corpus.vocabulary.counts
        self.corpus = corpus
        # as a mapped corpus is: one compiled form for both
        self._items, self._offsets = _read_only(corpus.items), _read_only(corpus.offsets)
        self.window = window
        self._radius = Radius(window.size, window.mode == "shrink", window.context != "right", window.context != "left")
        self.tile = tile
        self.keep = keep_thresholds(counts, sample)
        self.noise = alias_table(noise_distribution(counts, ns_exponent))

    def worker(self, seed: np.random.SeedSequence, longest: int) -> Worker:
        """Make the state and the buffers of a worker whose batches span at most ``longest`` tokens of the corpus."""
        size = self.window.slots(longest, self.corpus.offsets)
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

        Windows reach into the same sequence beyond both ends, so that where a batch ends makes no difference. In basket
        mode they are those of the sequences that begin there, whole.
        The arrays are views of the worker's, valid until its next batch.
        """
        centres, negatives = self.tile
        window, sequences = self.window, (self._items, self._offsets)
        if window.mode == "basket":
            size, begin, end = sample_baskets(*sequences, first, last, window.size, self.keep, worker)
        else:
            size, begin, end = sample_windows(*sequences, first, last, self._radius, self.keep, worker)
        tiles = _draw_negatives(begin, end, centres, negatives, self.noise, worker)
        self.corpus.tokens_read(last - first)
        return WindowBatch(
            items=worker.items[:size],
            start=worker.start[:size],
            stop=worker.stop[:size],
            tiles=worker.tiles[: tiles + 1],
            negatives=worker.negatives[: tiles * negatives].reshape(tiles, negatives),
        )


def _read_only(array: NDArray[Scalar]) -> NDArray[Scalar]:
    view = array.view()
    view.flags.writeable = False
    return view


@kernel
def _draw_negatives(begin: int, end: int, centres: int, count: int, noise: NDArray[np.uint64], worker: Worker) -> int:
    """Cut the centres begin:end into tiles and draw each tile's negatives; returns how many tiles."""
    tiles, negatives = worker.tiles, worker.negatives
    total = -(-(end - begin) // centres)
    for t in range(total):
        tiles[t] = begin + t * centres
    tiles[total] = end
    random = worker.state[0]
    size = uint64(len(noise))
    for n in range(total * count):
        random += STEP
        z = mix(random)
        column = ((z >> HALF) * size) >> HALF
        entry = noise[np.int64(column)]
        other = (entry & LOW) ^ column
        chosen = column ^ (other * uint64((z & LOW) >= (entry >> HALF)))  # no branch: it would wait for the entry
        negatives[n] = np.int32(chosen)
    worker.state[0] = random
    return total
