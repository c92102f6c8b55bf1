"""The training kernel against the machine's own limit: multiply-adds a second beside sgemm's, and where the rest goes.

    python benchmarks/measure/floor.py [--dim 100] [--window 5] [--negative 5] [--rounds 9] [--arch skipgram|cbow]

Tables and batches are random but shaped as text is: a Zipf vocabulary of 60,000 items, sequences of 60. One thread.
Kernel and sgemm run in turn; each figure is the median over the rounds. Multiply-adds are those that the method needs
(scores, both updates, for the negatives and for the pairs of the band), without padding or what is thrown away.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from item2vec.corpus.corpus import Corpus
from item2vec.items.vocabulary import Vocabulary
from item2vec.model.step import kernel_step
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.sampler import Sampler, Window
from item2vec.sampling.tiles import choose_tile
from item2vec.sampling.window_batch import WindowBatch

ITEMS = 60_000
LENGTH = 60
TOKENS = 32_768
BATCHES = 8


def made_corpus(random: np.random.Generator) -> Corpus:
    """Sequences of items whose counts fall as Zipf's law."""
    share = 1 / np.arange(1, ITEMS + 1)
    share /= share.sum()
    items = random.choice(ITEMS, TOKENS * BATCHES, p=share).astype(np.int32)
    counts = np.maximum(1, np.rint(share * 17e6)).astype(np.int64)
    names = Vocabulary.from_items([str(i) for i in range(ITEMS)], counts)
    offsets = np.arange(0, len(items) + 1, LENGTH, dtype=np.int64)
    return Corpus(items, np.append(offsets[:-1], len(items)), names, raw_tokens=len(items), raw_sequences=len(offsets))


def multiply_adds(batch: WindowBatch, dim: int, cbow: bool) -> int:
    """Multiply-adds that the method needs for a batch: three products for the negatives, three for the pairs.

    In CBOW a hidden vector is a row and a pair, and the sums over the windows count for nothing.
    """
    total = 0
    for t in range(len(batch.tiles) - 1):
        centres = slice(batch.tiles[t], batch.tiles[t + 1])
        rows = batch.stop[centres].max() - batch.start[centres].min()
        pairs = (batch.stop[centres] - batch.start[centres] - 1).sum()
        if cbow:
            rows = pairs = batch.tiles[t + 1] - batch.tiles[t]
        total += 3 * dim * (rows * batch.negatives.shape[1] + pairs)
    return int(total)


def sgemm_rate() -> float:
    """Multiply-adds a second of torch's float32 matrix product on one thread."""
    a = torch.rand(768, 768)
    began = time.perf_counter()
    for _ in range(10):
        a @ a
    return float(10 * 768**3 / (time.perf_counter() - began))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--arch", choices=("skipgram", "cbow"), default="skipgram")
    options = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    corpus = made_corpus(random)
    cbow = options.arch == "cbow"
    tile = choose_tile(Window(options.window), options.negative, LENGTH, options.dim, cbow=cbow)
    sampler = Sampler(corpus, window=Window(options.window), sample=1e-3, ns_exponent=0.75, tile=tile)
    tables = EmbeddingTables(ITEMS, options.dim, np.random.SeedSequence(1))
    tables.input.weight.normal_(0, 0.2)
    tables.output.weight.normal_(0, 0.2)
    workers = [sampler.worker(seed, TOKENS) for seed in np.random.SeedSequence(2).spawn(BATCHES)]

    def sample() -> list[WindowBatch]:
        return [sampler.batch(worker, i * TOKENS, (i + 1) * TOKENS) for i, worker in enumerate(workers)]

    def train(batches: list[WindowBatch]) -> None:
        for batch in batches:
            kernel_step(tables.input.weight, tables.output.weight, batch, options.negative, 1e-6, cbow)

    train(sample())
    rates, sgemm, sampling, kept = [], [], [], []
    for _ in range(options.rounds):
        began = time.perf_counter()
        batches = sample()
        sampled = time.perf_counter()
        train(batches)
        trained = time.perf_counter()
        rates.append(sum(multiply_adds(batch, options.dim, cbow) for batch in batches) / (trained - sampled))
        sampling.append((sampled - began) / (TOKENS * BATCHES))
        kept.append((trained - sampled) / sum(len(batch.items) for batch in batches))
        sgemm.append(sgemm_rate())
    shares = [rate / peak for rate, peak in zip(rates, sgemm, strict=True)]
    shape = f"window {options.window}, {options.negative} negatives, tile {tile[0]},{tile[1]}"
    print(f"{options.arch}, dim {options.dim}, {shape}, one thread")
    print(f"sampler      {statistics.median(sampling) * 1e9:7.1f} ns a token of the corpus")
    print(f"kernel       {statistics.median(kept) * 1e9:7.1f} ns a centre")
    print(f"kernel       {statistics.median(rates) / 1e9:7.1f} G multiply-adds a second")
    print(f"sgemm        {statistics.median(sgemm) / 1e9:7.1f} G multiply-adds a second")
    print(f"kernel/sgemm {statistics.median(shares):7.2f}")


if __name__ == "__main__":
    main()
