"""Sampler and expand: equal to their plain-Python twins, bit for bit, and right whatever the shards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_data import WINDOW_KINDS, make_corpus, random_batch, zipf_corpus
from naive_sampler import NaivePair, SplitMix64, sample_batch
from naive_sampler import expand as naive_expand

from item2vec.config.train import Context, WindowMode
from item2vec.corpus.corpus import Corpus
from item2vec.sampling.sampler import Sampler, Window, Worker
from item2vec.sampling.window_batch import WindowBatch, expand

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")  # uncompiled, numpy says that uint64 wraps

KINDS = [*((mode, side) for mode in ("shrink", "fixed") for side in ("both", "left", "right")), ("basket", "both")]
WINDOW = st.builds(lambda size, kind: Window(size, *kind), st.integers(1, 15), st.sampled_from(KINDS))
SEQUENCES = st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=8).filter(any)


def sequences_of(corpus: Corpus) -> list[list[int]]:
    return [part.tolist() for part in np.split(corpus.items, corpus.offsets[1:-1])]


def make_sampler(corpus: Corpus, window: int | Window, sample: float = 0.0, tile: tuple[int, int] = (4, 3)) -> Sampler:
    window = Window(window) if isinstance(window, int) else window
    return Sampler(corpus, window=window, sample=sample, ns_exponent=0.75, tile=tile)


def make_worker(sampler: Sampler, longest: int, seed: int = 7) -> Worker:
    return sampler.worker(np.random.SeedSequence(seed), longest)


def copied(batch: WindowBatch) -> WindowBatch:
    """A batch that stays when the worker's next one overwrites it."""
    return WindowBatch(*(part.copy() for part in (batch.items, batch.start, batch.stop, batch.tiles, batch.negatives)))


def shard_batches(sampler: Sampler, shard: int, seed: int = 7) -> list[WindowBatch]:
    worker, tokens = make_worker(sampler, shard, seed), len(sampler.corpus.items)
    return [copied(sampler.batch(worker, first, min(first + shard, tokens))) for first in range(0, tokens, shard)]


def centres_of(batch: WindowBatch) -> list[int]:
    return list(range(int(batch.tiles[0]), int(batch.tiles[-1])))


def assert_twins(sampler: Sampler, spans: list[tuple[int, int]], seed: int = 3) -> None:
    """The sampler and its twin make the same batches of consecutive spans, and end in the same state."""
    worker = make_worker(sampler, max(last - first for first, last in spans), seed)
    random = SplitMix64(int(worker.state[0]))
    for first, last in spans:
        batch = sampler.batch(worker, first, last)
        naive = sample_batch(
            random,
            sequences_of(sampler.corpus),
            first,
            last,
            window=sampler.window,
            keep=sampler.keep.tolist(),
            noise=sampler.noise.tolist(),
            tile=sampler.tile,
        )
        assert batch.items.tolist() == naive.items
        assert batch.tiles.tolist() == naive.tiles
        assert batch.negatives.tolist() == naive.negatives
        centres = slice(naive.begin, naive.end)
        assert list(zip(batch.start[centres], batch.stop[centres], strict=True)) == naive.windows
        assert int(worker.state[0]) == random.state
    assert [part.dtype for part in (batch.items, batch.start, batch.stop, batch.tiles, batch.negatives)] == [
        np.int32, np.int64, np.int64, np.int64, np.int32
    ]  # fmt: skip
    assert batch.negatives.shape == (len(batch.tiles) - 1, sampler.tile[1])


@settings(deadline=None, max_examples=250)
@given(SEQUENCES, WINDOW, st.sampled_from([0.0, 0.02, 0.3]), st.integers(1, 6), st.integers(1, 5), st.data())
def test_batches_equal_the_twin_s(
    sequences: list[list[int]], window: Window, sample: float, centres: int, negatives: int, data: st.DataObject
) -> None:
    corpus = make_corpus([sequence for sequence in sequences if sequence], 6)
    sampler = make_sampler(corpus, window, sample, (centres, negatives))
    bound = st.integers(0, len(corpus.items))
    spans = [tuple(sorted(span)) for span in data.draw(st.lists(st.tuples(bound, bound), min_size=1, max_size=3))]
    assert_twins(sampler, [(int(first), int(last)) for first, last in spans])


@pytest.mark.parametrize("sample", [0.0, 1e-3])
@pytest.mark.parametrize("kind", KINDS)
def test_consecutive_shards_of_a_larger_corpus_equal_the_twin_s(
    sample: float, kind: tuple[WindowMode, Context]
) -> None:
    corpus = zipf_corpus(3000, 200, 60)
    spans = [(first, min(first + 700, 3000)) for first in range(0, 3000, 700)]
    assert_twins(make_sampler(corpus, Window(8, *kind), sample, (32, 16)), spans)


def test_a_batch_within_one_sequence_reaches_beyond_both_ends() -> None:
    corpus = make_corpus([[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]])
    batch = shard_batches(make_sampler(corpus, 3), 4)[1]  # centres 4, 5, 6, 7
    assert batch.items.tolist() == list(range(1, 10))  # three before, and what there is after
    assert batch.items[centres_of(batch)].tolist() == [4, 5, 6, 7]


def test_single_items_are_dropped_and_an_all_dropped_batch_is_empty() -> None:
    batch = shard_batches(make_sampler(make_corpus([[3], [0, 1], [2], [1, 0], [4]]), 2), 100)[0]
    assert batch.items.tolist() == [0, 1, 1, 0]
    assert batch.tiles.tolist() == [0, 4]
    sampler = make_sampler(make_corpus([[3], [0], [1]]), 2)
    batch = shard_batches(sampler, 100)[0]
    assert (len(batch.items), batch.tiles.tolist(), batch.negatives.shape) == (0, [0], (0, 3))
    batch = sampler.batch(make_worker(sampler, 1), 1, 1)
    assert (len(batch.items), batch.tiles.tolist()) == (0, [0])


def test_a_window_wider_than_the_sequence_ends_with_it() -> None:
    batch = shard_batches(make_sampler(make_corpus([[0, 1, 2], [3, 4, 5, 6]] * 20), 1000), 140)[0]
    wide = 0
    for s, (low, high) in enumerate([(7 * i + a, 7 * i + b) for i in range(20) for a, b in ((0, 3), (3, 7))]):
        assert (batch.start[low:high] >= low).all(), s
        assert (batch.stop[low:high] <= high).all(), s
        wide += int(((batch.start[low:high] == low) & (batch.stop[low:high] == high)).sum())
    assert wide > 130  # a radius below 3 has a chance of 0.2 %


def test_the_same_seed_gives_the_same_bits_and_another_does_not() -> None:
    corpus = zipf_corpus(2000, 100, 30)

    def bits(seed: int) -> bytes:
        parts = [
            part.tobytes()
            for batch in shard_batches(make_sampler(corpus, 5, 1e-2), 600, seed)
            for part in (batch.items, batch.tiles, batch.negatives, batch.start[centres_of(batch)])
        ]
        return b"".join(parts)

    assert bits(1) == bits(1)
    assert bits(1) != bits(2)


@settings(deadline=None, max_examples=60)
@given(SEQUENCES, st.integers(1, 6), st.integers(1, 60))
def test_every_centre_is_in_exactly_one_shard_with_its_own_neighbours(
    sequences: list[list[int]], window: int, shard: int
) -> None:
    """Without subsampling, cutting anywhere loses nothing: each window is the one of the whole sequence."""
    sequences = [sequence for sequence in sequences if sequence]
    # an item says where it stands, so that neighbours are told apart
    numbered, count = [], 0
    for sequence in sequences:
        numbered.append(list(range(count, count + len(sequence))))
        count += len(sequence)
    batches = shard_batches(make_sampler(make_corpus(numbered), window), shard)
    seen = [int(batch.items[c]) for batch in batches for c in centres_of(batch)]
    assert seen == [item for sequence in numbered if len(sequence) > 1 for item in sequence]
    home = {item: sequence for sequence in numbered for item in sequence}
    for batch in batches:
        for c in centres_of(batch):
            centre = int(batch.items[c])
            sequence = home[centre]
            at, contexts = centre - sequence[0], batch.items[batch.start[c] : batch.stop[c]].tolist()
            possible = [sequence[max(0, at - r) : at + r + 1] for r in range(1, window + 1)]
            assert contexts in possible


@settings(deadline=None, max_examples=40)
@given(SEQUENCES, st.integers(1, 40))
def test_shards_hold_the_pairs_of_one_batch(sequences: list[list[int]], shard: int) -> None:
    """Window 1 leaves no radius to draw, so that the pairs do not depend on how the corpus is cut."""
    corpus = make_corpus([sequence for sequence in sequences if sequence], 6)
    sampler = make_sampler(corpus, 1)

    def positives(batches: list[WindowBatch]) -> list[tuple[int, int]]:
        pairs = [expand(batch, 3) for batch in batches]
        return sorted(
            (int(c), int(t))
            for p in pairs
            for c, t in zip(p.context[p.label == 1], p.target[p.label == 1], strict=True)
        )

    whole = positives(shard_batches(sampler, len(corpus.items)))
    assert positives(shard_batches(sampler, shard)) == whole
    expected = [(s[i], s[j]) for s in sequences for i in range(len(s)) for j in (i - 1, i + 1) if 0 <= j < len(s)]
    assert whole == sorted(expected)


def test_a_worker_s_buffers_suffice_for_the_longest_batch() -> None:
    """The largest batch: a shard in the middle of one sequence, everything kept, a context at every place."""
    corpus = make_corpus([[0, 1] * 500])
    sampler = make_sampler(corpus, 100, tile=(7, 2))
    worker = make_worker(sampler, 300)
    batch = sampler.batch(worker, 350, 650)
    assert len(batch.items) == 500
    assert batch.tiles[[0, -1]].tolist() == [100, 400]


@pytest.mark.parametrize("kind", WINDOW_KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_expand_equals_a_loop(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tile = (int(rng.integers(1, 9)), int(rng.integers(1, 7)))
    batch = random_batch(rng, length=int(rng.integers(2, 50)), size=5, tile=tile, window=4, kind=kind)
    pairs = expand(batch, 5)
    rows = [
        NaivePair(*row)
        for row in zip(
            *(getattr(pairs, name).tolist() for name in ("context", "target", "label", "weight", "tile")),
            strict=True,
        )
    ]
    expected = naive_expand(batch, 5)
    assert [row.weight for row in rows] == pytest.approx([pair.weight for pair in expected])
    assert [(r.context, r.target, r.label, r.tile) for r in rows] == [
        (p.context, p.target, p.label, p.tile) for p in expected
    ]


def test_expand_of_batches_without_pairs() -> None:
    no_items = np.empty(0, np.int32)
    no_places = np.empty(0, np.int64)
    for tiles in (np.zeros(1, np.int64), np.zeros(0, np.int64)):
        pairs = expand(WindowBatch(no_items, no_places, no_places, tiles, np.empty((0, 4), np.int32)), 5)
        assert {len(part) for name, part in vars(pairs).items() if name != "members"} == {0}
