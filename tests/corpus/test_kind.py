"""Which preset suits a corpus: planted text, baskets and sessions, and a plain twin of what is counted."""

from __future__ import annotations

import random
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from item2vec.config.presets import PRESETS
from item2vec.config.source import SourceConfig
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.in_memory import Sequences
from item2vec.corpus.inspection import inspect_corpus
from item2vec.corpus.kind import Suitable, same_direction, suitable_preset
from item2vec.corpus.reading import read_corpus

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
ROOT = Path(__file__).parents[2]


def corpus_of(sequences: list[list[str]]) -> Corpus:
    return read_corpus(Sequences(sequences), SourceConfig(), min_count=1)


def suits(sequences: list[list[str]], *, table: bool = False, timed: bool = False) -> Suitable:
    corpus = corpus_of(sequences)
    return suitable_preset(corpus, inspect_corpus(corpus, 1), table=table, timed=timed)


def text(letter: str = "w") -> list[list[str]]:
    """Sentences of a few common words and many rare ones, which come again as chance has it."""
    rng = random.Random(1)
    words = [letter + "".join(rng.choices("aeioulmn", k=6)) for _ in range(400)]
    weights = [1 / rank for rank in range(1, 401)]
    return [rng.choices(words, weights, k=rng.randint(5, 30)) for _ in range(400)]


def baskets(items: int = 60) -> list[list[str]]:
    rng = random.Random(2)
    return [[f"i{n}" for n in rng.sample(range(items), rng.randint(2, 9))] for _ in range(600)]


def sessions() -> list[list[str]]:
    """Clicks on a few items, again and again."""
    rng = random.Random(3)
    return [[f"i{n}" for n in rng.choices(rng.sample(range(500), 3), k=6)] for _ in range(400)]


def chains() -> list[list[str]]:
    """Each item once, and mostly the next one after it."""
    rng = random.Random(4)
    starts = [rng.randrange(50) for _ in range(600)]
    return [[f"i{(start + step + (rng.random() < 0.2)) % 60}" for step in range(0, 10, 2)] for start in starts]


def test_planted_corpora() -> None:
    assert suits(text()).preset == "words"
    assert suits(baskets()).preset == "baskets"
    assert suits(sessions()).preset == "sessions"
    assert suits(chains()).preset == "sessions"
    assert "in the same order" in suits(chains()).reason


def test_one_long_line_is_text() -> None:
    assert suits([[word for sentence in text() for word in sentence]]).preset == "words"


def test_text_is_told_by_its_words() -> None:
    """The same repetitions by numbers, or in an event table, are no text."""
    assert suits(text("7")).preset != "words"
    assert suits(text(), table=True).preset != "words"


def test_fewer_repetitions_than_by_chance_are_baskets() -> None:
    rng = random.Random(5)
    some = [[*basket, rng.choice(basket)] if rng.random() < 0.15 else basket for basket in baskets()]
    found = inspect_corpus(corpus_of(some), 1)
    assert 0.05 < found.equal_pairs / found.expected_pairs < 1
    assert suits(some).preset == "baskets"


def test_distinct_items_in_order_of_time_are_sessions() -> None:
    assert suits(baskets(), table=True).preset == "baskets"
    assert suits(baskets(), table=True, timed=True).preset == "sessions"


def test_too_little_to_tell() -> None:
    few = suits([["milk", "bread"], ["tea", "milk"], ["bread", "butter"]] * 10)
    assert (few.preset, few.options) == ("words", {})
    assert "too small" in few.reason


def test_recipes_are_baskets() -> None:
    corpus = read_corpus([ROOT / "corpora" / "recipes.txt"], SourceConfig(), min_count=5)
    found = suitable_preset(corpus, inspect_corpus(corpus, 5), table=False)
    assert (found.preset, found.options) == ("baskets", dict(PRESETS["baskets"]))


@pytest.mark.parametrize(("work", "epochs"), [(1 << 40, 30), (30_000, 10), (1, 5)])
def test_large_corpora_take_fewer_epochs(monkeypatch: pytest.MonkeyPatch, work: int, epochs: int) -> None:
    some = baskets()[:540]
    tokens = sum(map(len, some))
    monkeypatch.setattr("item2vec.corpus.kind._WORK", work if work != 30_000 else 10 * tokens)
    assert suits(some).options["epochs"] == epochs


def test_direction_as_a_plain_twin_counts_it() -> None:
    for sequences in (chains(), baskets(20), [["a", "b", "a"], ["b", "a"], ["a"], ["a", "a"]]):
        seen = defaultdict(list)
        for sequence in sequences:
            for before, after in pairwise(sequence):
                if before != after:
                    seen[min(before, after), max(before, after)].append(before < after)
        same = total = again = 0
        for ways in seen.values():
            again += len(ways) > 1
            total += len(ways) * (len(ways) - 1)
            same += sum(one == other for one in ways for other in ways) - len(ways)
        found, share = same_direction(corpus_of(sequences))
        assert found == again
        assert share == pytest.approx(same / total)


def test_only_the_beginning_of_a_large_corpus_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("item2vec.corpus.kind._LOOKED_AT", 20)
    assert same_direction(corpus_of(chains())) == same_direction(corpus_of(chains()[:4]))
