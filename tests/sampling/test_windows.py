"""Windows: how many contexts a centre has, and that baskets know no order."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from made_data import make_corpus

from item2vec.sampling.sampler import Sampler, Window
from item2vec.sampling.window_batch import expand

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")  # uncompiled, numpy says that uint64 wraps


def positive_pairs(
    sequences: list[list[int]], window: Window, epochs: int, shard: int = 10_000
) -> Counter[tuple[int, int]]:
    """How often each (context, centre) came in so many epochs."""
    corpus = make_corpus(sequences)
    sampler = Sampler(corpus, window=window, sample=0, ns_exponent=0.75, tile=(8, 1))
    worker, pairs = sampler.worker(np.random.SeedSequence(11), shard), Counter[tuple[int, int]]()
    for _ in range(epochs):
        for first in range(0, len(corpus.items), shard):
            drawn = expand(sampler.batch(worker, first, min(first + shard, len(corpus.items))), 1)
            positive = drawn.label == 1
            pairs.update(zip(drawn.context[positive].tolist(), drawn.target[positive].tolist(), strict=True))
    return pairs


@pytest.mark.parametrize("length", [2, 5, 7])
def test_a_basket_that_fits_meets_each_of_its_pairs_once(length: int) -> None:
    pairs = positive_pairs([list(range(length))], Window(3, "basket"), 1)
    assert pairs == {(a, b): 1 for a in range(length) for b in range(length) if a != b}


def test_a_long_basket_costs_twice_the_window_a_centre_and_favours_no_pair() -> None:
    """Ordered pairs of 20 items: 6 contexts of 19 others each epoch; where an item stands makes no difference."""
    length, window, epochs = 20, 3, 3000
    pairs = positive_pairs([list(range(length))], Window(window, "basket"), epochs)
    table = np.zeros((length, length))
    for (context, centre), count in pairs.items():
        table[context, centre] = count
    assert (table.sum(0) == 2 * window * epochs).all()
    share = 2 * window / (length - 1)
    off_diagonal = ~np.eye(length, dtype=bool)
    # an epoch's count of a pair is a coin of that share, so the sums of many epochs lie within five deviations
    deviations = (table[off_diagonal] - share * epochs) / np.sqrt(epochs * share * (1 - share))
    assert np.abs(deviations).max() < 5
    assert deviations.std() == pytest.approx(1, abs=0.15)


def test_baskets_are_never_cut_by_a_shard() -> None:
    sequences = [[0, 1, 2], [3, 4], [5, 6, 7, 8], [9, 10]]
    whole = positive_pairs(sequences, Window(5, "basket"), 1)
    for shard in range(1, 12):
        assert positive_pairs(sequences, Window(5, "basket"), 1, shard) == whole


def test_one_side_and_fixed_windows_by_hand() -> None:
    line = [[0, 1, 2, 3]]
    assert positive_pairs(line, Window(2, "fixed", "left"), 1) == {
        (0, 1): 1,
        (0, 2): 1,
        (1, 2): 1,
        (1, 3): 1,
        (2, 3): 1,
    }
    assert positive_pairs(line, Window(2, "fixed", "right"), 1) == {
        (1, 0): 1, (2, 0): 1, (2, 1): 1, (3, 1): 1, (3, 2): 1
    }  # fmt: skip
    both = positive_pairs(line, Window(2, "fixed"), 1)
    assert both == {(a, b): 1 for a in range(4) for b in range(4) if a != b and abs(a - b) <= 2}


@pytest.mark.parametrize(
    ("window", "length", "expected"),
    [
        (Window(5), 1000, 6),
        (Window(5, "fixed"), 1000, 10),
        (Window(5, "shrink", "left"), 1000, 3),
        (Window(5, "fixed", "right"), 1000, 5),
        (Window(20, "basket"), 9, 8),
        (Window(2, "basket"), 9, 4),
        (Window(1, "shrink", "left"), 1.0, 1),
    ],
)
def test_mean_contexts_of_a_centre(window: Window, length: float, expected: float) -> None:
    assert window.contexts(length) == expected


@pytest.mark.parametrize("context", ["both", "left", "right"])
@pytest.mark.parametrize("mode", ["shrink", "fixed"])
def test_mean_contexts_are_those_that_are_drawn(mode: str, context: str) -> None:
    window = Window(4, mode, context)  # type: ignore[arg-type]
    tokens = 20_000
    pairs = positive_pairs([[0, 1] * (tokens // 2)], window, 1, tokens)
    assert sum(pairs.values()) / tokens == pytest.approx(window.contexts(tokens), rel=0.02)
