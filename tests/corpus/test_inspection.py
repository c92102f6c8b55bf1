"""inspect_corpus against a plain-Python twin; each warning with its shape planted, and silence on good data."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from item2vec.config.source import SourceConfig
from item2vec.corpus import shape_warnings
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.inspection import LONG, Inspection, inspect_corpus
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.shape_warnings import warnings_of
from item2vec.items.vocabulary import Vocabulary

ROOT = Path(__file__).parents[2]
TABLE = SourceConfig(user="user", item="item")


def corpus_of(sequences: Iterable[Iterable[str]]) -> Corpus:
    """A corpus of all items, as a reader makes it."""
    lists = [list(sequence) for sequence in sequences]
    counts = Counter(item for items in lists for item in items).most_common()
    ids = {item: index for index, (item, _) in enumerate(counts)}
    tokens = [ids[item] for items in lists for item in items]
    return Corpus(
        np.array(tokens, np.int32),
        np.cumsum([0, *map(len, lists)]),
        Vocabulary.from_items(ids, [count for _, count in counts]),
        raw_tokens=len(tokens),
        raw_sequences=len(lists),
    )


def shape_of(sequences: Iterable[Iterable[str]], min_count: int = 5) -> Inspection:
    return inspect_corpus(corpus_of(sequences), min_count)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=12), min_size=1, max_size=30), st.integers(1, 4)
)
def test_the_numbers_are_those_of_plain_python(sequences: list[list[str]], min_count: int) -> None:
    found = shape_of(sequences, min_count)
    tokens = [item for items in sequences for item in items]
    counts = Counter(tokens)
    earlier = [items for place, items in enumerate(sequences) if items in sequences[:place]]
    assert (found.sequences, found.tokens, found.items) == (len(sequences), len(tokens), len(counts))
    assert found.rare_items == sum(count < min_count for count in counts.values())
    assert found.rare_tokens == sum(count for count in counts.values() if count < min_count)
    assert found.once == sum(count == 1 for count in counts.values())
    assert found.lengths.tolist() == sorted(map(len, sequences))
    assert list(found.commonest) == counts.most_common(10)
    assert found.ranks[0] == (1, max(counts.values()))
    assert found.ranks[-1] == (len(counts), min(counts.values()))
    assert found.consecutive == sum(a == b for items in sequences for a, b in pairwise(items))
    assert found.equal_pairs == sum(a == b for items in sequences for a, b in combinations(items, 2))
    chance = sum((count / len(tokens)) ** 2 for count in counts.values())
    assert found.expected_pairs == pytest.approx(chance * sum(len(s) * (len(s) - 1) / 2 for s in sequences))
    assert found.duplicates == len(earlier)
    assert found.long_duplicates == sum(len(items) >= LONG for items in earlier)
    assert found.own_beginnings == (len({items[0] for items in sequences}) == len(sequences))
    assert found.head == (tuple(sequences[0]) if all(counts[item] == 1 for item in sequences[0]) else ())
    histogram = found.histogram()
    assert sum(many for _, _, many in histogram) == len(sequences)
    assert all(many == sum(start <= len(s) <= end for s in sequences) for start, end, many in histogram)
    for share in (0.01, 0.25, 0.5, 0.75, 0.99, 1.0):
        assert sum(len(s) <= found.length_at(share) for s in sequences) >= share * len(sequences) - 1e-9


def test_dropped_items_count_as_rare(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a b\na b\na b c\nd a b\n")
    found = inspect_corpus(read_corpus([tmp_path / "c.txt"], SourceConfig(), min_count=2), 2)
    assert (found.items, found.rare_items, found.rare_tokens, found.once) == (4, 2, 2, 2)
    assert found.lengths.tolist() == [2, 2, 2, 2]


rng = random.Random(1)
WORDS = [f"w{i}" for i in range(300) for _ in range(1 + 600 // (1 + i))]
GOOD = [rng.choices(WORDS, k=rng.randint(8, 40)) for _ in range(400)]  # Zipf's law, all kinds of lengths
# What is planted, a table or text, and how the warning begins and ends.
SHAPES = {
    "one_giant_sequence": (
        [[item for items in GOOD for item in items]],
        ("The only sequence has 100% of all tokens", "put each sequence on a line of its own"),
        ("The only sequence has 100% of all tokens", "and at `session_gap`"),
    ),
    "single_items": (
        [*GOOD, *([item] for item in WORDS[:800])],
        ("67% of the sequences have a single item", "are on one line"),
        ("67% of the sequences have a single item", "`session_gap` is long enough"),
    ),
    "unique_items": (
        [[f"row{i}.{j}" for j in range(8)] for i in range(50)],
        ("100% of the tokens are items that occur only once", "row ids or times"),
        ("100% of the tokens are items that occur only once", "`item` is the right column"),
    ),
    "long_outlier": (
        [*GOOD, rng.choices(WORDS, k=3000)],
        ("The longest sequence has 3,000 items, 75 times", "leave its line out"),
        ("The longest sequence has 3,000 items, 75 times", "leave it out with `where`"),
    ),
    "header": (
        [["UserId", "ItemId", "Timestamp"], *GOOD],
        ("The first sequence, 'UserId ItemId Timestamp', looks like a header line", "`user` and `item`"),
        ("The first sequence, 'UserId ItemId Timestamp', looks like a header line", "not column0"),
    ),
    "rows": (
        [[f"{column}{rng.choice(WORDS)}" for column in "abcdefgh"] for _ in range(300)],
        (
            "Each of the 300 sequences has 8 items, with different items in each position",
            "`user=column0` `item=column1`, say",
        ),
        None,
    ),
    "own_beginnings": (
        [[f"line{i}", *items] for i, items in enumerate(GOOD)],
        ("Each of the 400 sequences begins with a different item", "cut -d' ' -f2-"),
        None,
    ),
    "lookalikes": (
        [[item.upper() if rng.random() < 0.2 else item for item in items] for items in GOOD],
        ("items differ from more frequent ones only in case", "in lower case, say"),
        ("items differ from more frequent ones only in case", "lower(trim(column))"),
    ),
    "duplicates": (
        [*GOOD, *GOOD],
        ("50% of the sequences of 5 items or more are exact copies of earlier ones", "sort -u"),
        ("50% of the sequences of 5 items or more are exact copies of earlier ones", "check whether sources overlap"),
    ),
    "repetitions": (
        [[item for item in items for _ in (0, 1)] for items in GOOD],
        ("of the tokens repeat the one before", "keep one item of each such run"),
        ("of the tokens repeat the one before", "`dedupe=consecutive`"),
    ),
    "other_delimiter": (
        [[item + "," for item in items] for items in GOOD],
        ("100% of the tokens have ',' in them, but white space is the separator", "give `delimiter=','`"),
        None,
    ),
    "wide_window": (
        [items[:4] for items in GOOD],
        ("The window of 5 covers the whole of 100% of the sequences", "else a smaller `window`"),
        ("The window of 5 covers the whole of 100% of the sequences", "else a smaller `window`"),
    ),
}  # fmt: skip


def warned(found: Inspection, source: SourceConfig, window: int = 5, mode: str = "shrink") -> tuple[str, ...]:
    return warnings_of(found, source, window=window, window_mode=mode)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("name", SHAPES)
def test_a_planted_shape_is_told_once_and_with_what_to_do(name: str) -> None:
    sequences, *expected = SHAPES[name]
    found = shape_of(sequences)
    for source, said in zip((SourceConfig(), TABLE), expected, strict=True):
        told = [sentence for sentence in warned(found, source) if said and said[0] in sentence]
        assert len(told) == (said is not None)
        assert all(said and sentence.endswith(said[1]) and "\n" not in sentence for sentence in told)
        # Other warnings are consequences of the same shape.
        assert len(warned(found, source)) <= len(told) + (name == "own_beginnings")


def test_every_shape_is_planted() -> None:
    functions = {
        name
        for name, value in vars(shape_warnings).items()
        if callable(value) and getattr(value, "__module__", "") == shape_warnings.__name__ and name[0] != "_"
    }
    assert functions - {"warnings_of"} == set(SHAPES)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_good_data_pass_in_silence(tmp_path: Path) -> None:
    for source in (SourceConfig(), TABLE):
        assert warned(shape_of(GOOD), source) == ()
        assert warned(shape_of(GOOD[:1]), source) == ()
    recipes = read_corpus([ROOT / "corpora" / "recipes.txt"], SourceConfig(), min_count=1)
    assert warned(inspect_corpus(recipes, 5), SourceConfig()) == ()
    sentences = [["The", *items, "."] for items in GOOD]  # as text has them, the and The
    sentences[::2] = [["the", *items[1:]] for items in sentences[::2]]
    assert warned(shape_of(sentences), SourceConfig()) == ()


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_headers_over_numbers_are_seen_and_first_lines_of_text_are_not() -> None:
    numbers = [[str(rng.randrange(90)) for _ in range(2)] for _ in range(300)]
    assert any("header" in sentence for sentence in warned(shape_of([["wer", "was"], *numbers]), SourceConfig()))
    assert not any("header" in sentence for sentence in warned(shape_of([["1001", "2002"], *numbers]), SourceConfig()))
    for first in (["anarchism", "originated", "as", "a", "term"], ["title", *GOOD[0]], ["w1"]):
        assert warned(shape_of([first, *GOOD]), SourceConfig()) == ()


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_rows_of_a_table_are_known_without_their_times_too(tmp_path: Path) -> None:
    # As MovieLens has them: user, item, rating and time, numbers all; min-count drops the times.
    lines = [(rng.randrange(90), rng.choice(range(1, 200)), rng.randrange(1, 6), 880_000_000 + i) for i in range(900)]
    (tmp_path / "u.data").write_text("".join("{}\t{}\t{}\t{}\n".format(*line) for line in lines))
    for min_count in (1, 5):
        found = inspect_corpus(read_corpus([tmp_path / "u.data"], SourceConfig(), min_count=min_count), 5)
        assert found.columns == 4
        (told,) = warned(found, SourceConfig())
        assert told.startswith(
            "Each of the 900 sequences has 4 items, with different items in each position, like the rows of a table"
        )
    # Walks on a graph have one length as well, but the same items everywhere.
    walks = [rng.choices(WORDS, k=8) for _ in range(900)]
    assert warned(shape_of(walks), SourceConfig()) == ()
    assert shape_of(walks).columns_alike > 0.5


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_wide_window_is_told_unless_order_means_nothing() -> None:
    recipes = inspect_corpus(read_corpus([ROOT / "corpora" / "recipes.txt"], SourceConfig(), min_count=1), 5)
    assert warned(recipes, SourceConfig(), window=20, mode="basket") == ()
    assert len(warned(recipes, SourceConfig(), window=20)) == 1
