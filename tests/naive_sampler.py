"""Plain-Python twins of the sampler: the same random numbers, the same batches, no numpy and no numba."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from item2vec.sampling.sampler import Window
from item2vec.sampling.window_batch import WindowBatch

WORD = 2**64 - 1
HALF = 2**32 - 1


class SplitMix64:
    """Steele, Lea and Flood 2014, figure 16, on Python's whole numbers."""

    def __init__(self, state: int) -> None:
        self.state = state

    def draw(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & WORD
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
        return z ^ (z >> 31)


@dataclass(frozen=True)
class NaiveBatch:
    """A window batch in lists; ``windows`` holds (start, stop) of the centres ``begin:end`` only."""

    items: list[int]
    begin: int
    end: int
    windows: list[tuple[int, int]]
    tiles: list[int]
    negatives: list[list[int]]


def sample_batch(
    random: SplitMix64,
    sequences: Sequence[Sequence[int]],
    first: int,
    last: int,
    *,
    window: Window,
    keep: Sequence[int],
    noise: Sequence[int],
    tile: tuple[int, int],
) -> NaiveBatch:
    """Sample the tokens first:last of the sequences laid end to end, as `Sampler.batch` promises to."""
    if window.mode == "basket":
        return sample_baskets(random, sequences, first, last, window=window.size, keep=keep, noise=noise, tile=tile)
    items: list[int] = []
    windows: list[tuple[int, int]] = []
    begin = end = high = 0
    for sequence in sequences:
        low, high = high, high + len(sequence)
        if first >= last or high <= first or low >= last:
            continue
        before, radii, after = [], [], []
        for item in reversed(sequence[: max(0, first - low)]):
            if len(before) == window.size:
                break
            if random.draw() >> 32 < keep[item]:
                before.insert(0, item)
        centres = []
        for item in sequence[max(0, first - low) : last - low]:
            z = random.draw()
            if z >> 32 < keep[item]:
                centres.append(item)
                radii.append(1 + ((z & HALF) * window.size >> 32) if window.mode == "shrink" else window.size)
        for item in sequence[last - low :] if last < high else []:
            if len(after) == window.size:
                break
            if random.draw() >> 32 < keep[item]:
                after.append(item)
        left = len(items)
        if len(before) + len(centres) + len(after) < 2:
            if left == 0:
                begin = 0
            end = left
            continue
        items += before + centres + after
        if low < first:
            begin = len(before)
        end = left + len(before) + len(centres)
        for i, radius in enumerate(radii, left + len(before)):
            before_it, behind_it = max(left, i - radius), min(len(items), i + radius + 1)
            windows.append(
                (i + 1 if window.context == "right" else before_it, i if window.context == "left" else behind_it)
            )
    tiles, negatives = draw_negatives(random, begin, end, noise, tile)
    return NaiveBatch(items, begin, end, windows, tiles, negatives)


def sample_baskets(
    random: SplitMix64,
    sequences: Sequence[Sequence[int]],
    first: int,
    last: int,
    *,
    window: int,
    keep: Sequence[int],
    noise: Sequence[int],
    tile: tuple[int, int],
) -> NaiveBatch:
    """Sample the sequences that begin in first:last, each shuffled, each centre with its 2·window nearest."""
    items: list[int] = []
    windows: list[tuple[int, int]] = []
    high = 0
    for sequence in sequences:
        low, high = high, high + len(sequence)
        if not first <= low < last:
            continue
        basket: list[int] = []
        for item in sequence:
            z = random.draw()
            if z >> 32 < keep[item]:
                place = (z & HALF) * (len(basket) + 1) >> 32
                basket.append(item)
                basket[place], basket[-1] = basket[-1], basket[place]
        if len(basket) < 2:
            continue
        for i in range(len(basket)):
            nearest = min(max(0, i - window), max(0, len(basket) - 2 * window - 1))
            windows.append((len(items) + nearest, len(items) + min(len(basket), nearest + 2 * window + 1)))
        items += basket
    tiles, negatives = draw_negatives(random, 0, len(items), noise, tile)
    return NaiveBatch(items, 0, len(items), windows, tiles, negatives)


def draw_negatives(
    random: SplitMix64, begin: int, end: int, noise: Sequence[int], tile: tuple[int, int]
) -> tuple[list[int], list[list[int]]]:
    """Cut begin:end into tiles, each with its negatives."""
    tiles, negatives = [begin], []
    while tiles[-1] < end:
        drawn = []
        for _ in range(tile[1]):
            z = random.draw()
            column = (z >> 32) * len(noise) >> 32
            threshold, alias = noise[column] >> 32, noise[column] & HALF
            drawn.append(column if z & HALF < threshold else alias)
        negatives.append(drawn)
        tiles.append(min(end, tiles[-1] + tile[0]))
    return tiles, negatives


@dataclass(frozen=True)
class NaivePair:
    """One pair of `expand`."""

    context: int
    target: int
    label: float
    weight: float
    tile: int


def expand(batch: WindowBatch, negative: int) -> list[NaivePair]:
    """Every pair of a batch: first each centre's with its contexts, then each of those with the tile's negatives."""
    items = [int(item) for item in batch.items]
    positives = []
    for t in range(len(batch.tiles) - 1):
        for c in range(int(batch.tiles[t]), int(batch.tiles[t + 1])):
            for i in range(int(batch.start[c]), int(batch.stop[c])):
                if i != c:
                    positives.append(NaivePair(items[i], items[c], 1.0, 1.0, t))
    count = batch.negatives.shape[1]
    negatives = []
    for pair in positives:
        for n in range(count):
            drawn = int(batch.negatives[pair.tile, n])
            if drawn != pair.target:
                negatives.append(NaivePair(pair.context, drawn, 0.0, negative / count, pair.tile))
    return positives + negatives
