"""Sampler: from a stretch of the corpus to a window batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from item2vec.sampling.draws import HALF, LOW, STEP, alias_table, keep_thresholds, mix, noise_distribution
from item2vec.sampling.window_batch import WindowBatch
from item2vec.sampling.windows import Window, sample_baskets, sample_windows

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus


Scalar = TypeVar("Scalar", bound=np.generic)


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
        self.tile = tile
        self.keep = keep_thresholds(counts, sample)
        self.noise = alias_table(noise_distribution(counts, ns_exponent))

    def worker(self, seed: np.random.SeedSequence, longest: int) -> Worker:
        """Make the state and the buffers of a worker whose batches span at most ``longest`` tokens of the corpus."""
        size = self.window.room(longest, self.corpus.offsets)
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
        filled = worker.state, worker.items, worker.start, worker.stop
        if window.mode == "basket":
            size, begin, end = sample_baskets(*sequences, first, last, window.size, self.keep, *filled)
        else:
            size, begin, end = sample_windows(
                *sequences, first, last, window.size, window.mode == "shrink",
                window.context != "right", window.context != "left", self.keep, *filled
            )  # fmt: skip
        tiles = _draw_negatives(
            begin, end, centres, negatives, self.noise, worker.state, worker.tiles, worker.negatives
        )
        self.corpus.let_go(last - first)
        return WindowBatch(
            items=worker.items[:size],
            start=worker.start[:size],
            stop=worker.stop[:size],
            tiles=worker.tiles[: tiles + 1],
            negatives=worker.negatives[: tiles * negatives].reshape(tiles, negatives),
        )


def _read_only(array: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    view = array.view()
    view.flags.writeable = False
    return view


@njit(nogil=True, cache=True, error_model="numpy")
def _draw_negatives(begin, end, centres, count, noise, state, tiles, negatives):  # type: ignore[no-untyped-def]
    """Cut the centres begin:end into tiles and draw each tile's negatives; returns how many tiles."""
    total = -(-(end - begin) // centres)
    for t in range(total):
        tiles[t] = begin + t * centres
    tiles[total] = end
    random = state[0]
    size = uint64(len(noise))
    for n in range(total * count):
        random += STEP
        z = mix(random)
        column = ((z >> HALF) * size) >> HALF
        entry = noise[np.int64(column)]
        other = (entry & LOW) ^ column
        chosen = column ^ (other * uint64((z & LOW) >= (entry >> HALF)))  # no branch: it would wait for the entry
        negatives[n] = np.int32(chosen)
    state[0] = random
    return total
