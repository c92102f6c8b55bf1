"""What the sampler draws follows the distributions that it promises: by hand, exactly, and by chi-square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from made_data import make_corpus, zipf_corpus
from scipy import stats

from item2vec.sampling.draws import alias_table, keep_probability, keep_thresholds, noise_distribution
from item2vec.sampling.sampler import Sampler, Window
from item2vec.sampling.window_batch import WindowBatch

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")

UNLIKELY = 1e-3  # the seeds are fixed: a test that passes does so for ever


def implied(table: np.ndarray) -> np.ndarray:
    """The probabilities that a table stands for: each column is as likely, and splits at its threshold."""
    assert table.dtype == np.uint64
    share = np.zeros(len(table))
    for column, entry in enumerate(table.tolist()):
        threshold, alias = entry >> 32, entry & (2**32 - 1)
        share[column] += threshold / 2**32
        share[alias] += 1 - threshold / 2**32
    return share / len(share)


def draw(sampler: Sampler, tokens: int, seed: int = 11) -> WindowBatch:
    return sampler.batch(sampler.worker(np.random.SeedSequence(seed), tokens), 0, tokens)


def test_noise_distribution_by_hand() -> None:
    counts = np.array([81, 16, 1], np.int64)
    assert noise_distribution(counts, 0.75) == pytest.approx([27 / 36, 8 / 36, 1 / 36])
    assert noise_distribution(counts, 0.0) == pytest.approx([1 / 3] * 3)
    assert noise_distribution(counts, 1.0) == pytest.approx([81 / 98, 16 / 98, 1 / 98])
    assert noise_distribution(counts, -0.5) == pytest.approx([4 / 49, 9 / 49, 36 / 49])


def test_keep_probability_by_hand() -> None:
    # f = 0.9, 0.09, 0.01 and t = 0.01: sqrt(1/90) + 1/90, sqrt(1/9) + 1/9, 1 + 1
    kept = keep_probability(np.array([900, 90, 10], np.int64), 0.01)
    assert kept == pytest.approx([0.10540926 + 0.01111111, 1 / 3 + 1 / 9, 1.0])
    assert keep_probability(np.array([900, 90, 10], np.int64), 0.0).tolist() == [1.0, 1.0, 1.0]
    thresholds = keep_thresholds(np.array([900, 90, 10], np.int64), 0.01)
    assert thresholds.dtype == np.uint64
    assert thresholds.tolist()[1:] == [round(4 / 9 * 2**32), 2**32]


@settings(deadline=None, max_examples=60)
@given(arrays.arrays(np.int64, st.integers(1, 60), elements=st.integers(1, 10**9)), st.floats(-1, 1))
def test_the_alias_table_stands_for_the_distribution(counts: np.ndarray, exponent: float) -> None:
    probabilities = noise_distribution(counts, exponent)
    assert implied(alias_table(probabilities)) == pytest.approx(probabilities, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    "counts",
    [[1], [7] * 12, [10**12, *[1] * 500], list(range(1000, 0, -1)), [10**9 // (i + 1) for i in range(20_000)]],
)
def test_alias_tables_of_extreme_counts(counts: list[int]) -> None:
    probabilities = noise_distribution(np.array(counts, np.int64), 0.75)
    share = implied(alias_table(probabilities))
    assert share == pytest.approx(probabilities, rel=1e-6, abs=1e-9)
    assert share.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("exponent", [0.75, 0.25, -0.5])
def test_negatives_follow_the_noise_distribution(exponent: float) -> None:
    corpus = zipf_corpus(4000, 40, 25)
    batch = draw(Sampler(corpus, window=Window(3), sample=0, ns_exponent=exponent, tile=(4, 20)), 4000)
    counts = corpus.vocabulary.counts
    expected = noise_distribution(counts, exponent) * batch.negatives.size
    seen = np.bincount(batch.negatives.ravel(), minlength=40)
    assert batch.negatives.size > 15_000
    assert stats.chisquare(seen, expected).pvalue > UNLIKELY


def test_negatives_of_one_tile_are_independent() -> None:
    corpus = make_corpus([[0, 1, 2, 3] * 1000])
    batch = draw(Sampler(corpus, window=Window(1), sample=0, ns_exponent=0.75, tile=(1, 5)), 4000)
    for a, b in ((0, 1), (1, 2), (0, 4)):
        table = np.zeros((4, 4))
        np.add.at(table, (batch.negatives[:, a], batch.negatives[:, b]), 1)
        assert stats.chi2_contingency(table).pvalue > UNLIKELY


@pytest.mark.parametrize("window", [2, 5, 7, 20])
def test_radii_are_uniform(window: int) -> None:
    corpus = make_corpus([[0, 1] * 6000])
    batch = draw(Sampler(corpus, window=Window(window), sample=0, ns_exponent=0.75, tile=(32, 1)), 12_000)
    inner = np.arange(window, 12_000 - window)
    radius = inner - batch.start[inner]
    assert (batch.stop[inner] - 1 - inner).tolist() == radius.tolist()
    seen = np.bincount(radius, minlength=window + 1)
    assert seen[0] == 0
    assert len(seen) == window + 1
    assert stats.chisquare(seen[1:]).pvalue > UNLIKELY


def test_occurrences_are_kept_at_their_rates_and_whatever_the_radius() -> None:
    """Each of 40 kinds is kept with its probability; the other half of the random number is the radius."""
    tokens = 20_000
    items = np.random.default_rng(2).choice(40, tokens, p=(p := 1 / np.arange(1, 41)) / p.sum())
    corpus = make_corpus([items.tolist()], 40)
    sampler = Sampler(corpus, window=Window(4), sample=0.01, ns_exponent=0.75, tile=(32, 1))
    batch = draw(sampler, tokens)
    probability = keep_probability(corpus.vocabulary.counts, 0.01)
    assert (probability < 1).sum() > 5
    kept, counts = np.bincount(batch.items, minlength=40), corpus.vocabulary.counts
    assert kept[probability == 1].tolist() == counts[probability == 1].tolist()
    some = probability < 1
    expected = counts[some] * probability[some]
    score = (kept[some] - expected) / np.sqrt(expected * (1 - probability[some]))
    assert stats.chi2.sf((score**2).sum(), some.sum()) > UNLIKELY
    inner = np.arange(4, len(batch.items) - 4)
    radius = inner - batch.start[inner]
    table = np.zeros((2, 4))
    np.add.at(table, ((batch.items[inner] > 2).astype(int), radius - 1), 1)
    assert stats.chi2_contingency(table).pvalue > UNLIKELY
    assert stats.chisquare(table.sum(0)).pvalue > UNLIKELY


def test_a_threshold_that_drops_everything_leaves_an_empty_batch() -> None:
    corpus = make_corpus([[0, 1, 2, 3] * 50])
    batch = draw(Sampler(corpus, window=Window(4), sample=1e-300, ns_exponent=0.75, tile=(32, 1)), 200)
    assert (len(batch.items), batch.tiles.tolist(), len(batch.negatives)) == (0, [0], 0)
