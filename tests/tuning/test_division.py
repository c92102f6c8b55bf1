"""The division of a corpus: nothing held out is trained on, and no sequence is both chosen and judged by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_data import make_corpus, zipf_corpus

from item2vec.config.tune import TuneConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import ConfigError, CorpusError
from item2vec.evaluation.sequences import Sequences
from item2vec.tuning.division import divide

CORPUS = zipf_corpus(3_000, 60, 12, seed=3)


def named(corpus: Corpus, sequences: Sequences, names: list[str]) -> list[list[str]]:
    return [
        [names[code] for code in sequences.items[begin:end]]
        for begin, end in zip(sequences.offsets[:-1], sequences.offsets[1:], strict=True)
    ]


def lines(corpus: Corpus) -> list[list[str]]:
    whole = Sequences(corpus.items, corpus.offsets)
    return named(corpus, whole, corpus.vocabulary.index_to_key())


@pytest.mark.parametrize("ordered", [True, False])
def test_every_token_is_either_trained_on_or_held_out(ordered: bool) -> None:
    division = divide(CORPUS, TuneConfig(), 1, ordered=ordered)
    assert division.size == len(CORPUS.vocabulary)
    held = sum(len(part.targets.items) for part in (division.validation, division.test))
    if ordered:
        assert len(division.training.items) + held == len(CORPUS.items)
        eligible = sum(len(line) > 1 for line in lines(CORPUS))
        assert held == eligible == len(division.validation) + len(division.test)
    assert abs(len(division.validation) - len(division.test)) <= 1
    for part in (division.validation, division.test):
        for history, targets in zip(
            np.split(part.histories.items, part.histories.offsets[1:-1]),
            np.split(part.targets.items, part.targets.offsets[1:-1]),
            strict=True,
        ):
            assert len(history) > 0
            assert len(targets) > 0
            if not ordered:
                assert not set(history.tolist()) & set(targets.tolist())


def test_last_items_by_hand() -> None:
    sequences = [[0, 1, 2], [3], [2, 2, 0]] * 20
    division = divide(make_corpus(sequences), TuneConfig(), 1, ordered=True)
    names = division.training.vocabulary.index_to_key()
    trained = named(division.training, Sequences(division.training.items, division.training.offsets), names)
    assert sorted(map(tuple, trained)) == sorted([("i0", "i1"), ("i3",), ("i2", "i2")] * 20)
    assert division.training.vocabulary.counts.tolist() == [40, 20, 20, 20]
    found = []
    for part in (division.validation, division.test):
        pairs = zip(named(CORPUS, part.histories, names), named(CORPUS, part.targets, names), strict=True)
        found += [(*history, "->", *targets) for history, targets in pairs]
    assert sorted(found) == sorted([("i0", "i1", "->", "i2"), ("i2", "i2", "->", "i0")] * 20)


def test_share_of_random_items() -> None:
    corpus = make_corpus([list(range(10))] * 50)
    division = divide(corpus, TuneConfig(holdout=0.3), 1, ordered=False)
    assert {int(length) for length in division.test.targets.lengths} == {3}
    again = divide(corpus, TuneConfig(holdout=0.3), 1, ordered=False)
    other = divide(corpus, TuneConfig(holdout=0.3), 2, ordered=False)
    assert np.array_equal(division.test.targets.items, again.test.targets.items)
    assert not np.array_equal(division.test.targets.items, other.test.targets.items)


def test_items_that_are_only_held_out_are_unknown() -> None:
    """They are targets that nobody can find, with codes behind those of the training."""
    sequences = [[0, 1, 2 + number] for number in range(40)]
    division = divide(make_corpus(sequences), TuneConfig(), 1, ordered=True)
    assert len(division.training.vocabulary) == 2
    assert division.size == 42
    assert min(division.test.targets.items) >= 2


def test_sample_has_whole_sequences() -> None:
    division = divide(CORPUS, TuneConfig(max_tokens=500), 1, ordered=True)
    tokens = len(division.training.items) + len(division.validation) + len(division.test)
    assert 480 <= tokens <= 500
    there = {tuple(line) for line in lines(CORPUS)}
    names = division.training.vocabulary.index_to_key()
    codes = [*names, *("?" * (division.size - len(names)))]
    for part in (division.validation, division.test):
        rows = zip(named(CORPUS, part.histories, codes), named(CORPUS, part.targets, codes), strict=True)
        whole = [(*history, *targets) for history, targets in rows]
        assert {line for line in whole if "?" not in line} <= there


def test_files(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("u1 i0 i1\nu2 i1\n" + "".join(f"x{n} i0\n" for n in range(30)))
    (tmp_path / "t.txt").write_text("u2 i0 new\n" + "".join(f"x{n} i1\n" for n in range(30)))
    config = TuneConfig(validate=tmp_path / "v.txt", validate_targets=tmp_path / "t.txt", id_column=True)
    division = divide(make_corpus([[0, 1], [1, 0]] * 4), config, 1, ordered=False)
    assert len(division.training.items) == 16  # all
    assert len(division.validation) + len(division.test) == 31
    assert division.size == 3


def test_too_little_to_hold_out() -> None:
    with pytest.raises(CorpusError, match=r"the corpus has 3 sequences long enough to hold an item out"):
        divide(make_corpus([[0, 1]] * 3 + [[1]] * 50), TuneConfig(), 1, ordered=True)
    # by random what comes twice cannot be divided
    with pytest.raises(CorpusError, match=r"the corpus has 0 sequences"):
        divide(make_corpus([[0, 0]] * 50), TuneConfig(), 1, ordered=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": "soon"}, "`budget` is 'soon'; it must be a time above 0 such as 90s, 10m, 2h, or seconds"),
        ({"budget": "0m"}, "`budget` is '0m'; it must be a time above 0"),
        ({"trials": 0}, "`trials` is 0; it must be a whole number from 1"),
        ({"metric": "auc@5"}, "`metric` is 'auc@5'"),
        ({"by": "first"}, "`by` is 'first'; it must be one of auto, last, random"),
        ({"holdout": 1.0}, "`holdout` is 1.0; it must be a share above 0 and below 1"),
        ({"validate_targets": "x"}, "`validate_targets` only works together with `validate`"),
        ({"id_column": True}, "`id_column` only works together with `validate`"),
        ({"max_tokens": -1}, "`max_tokens` is -1"),
    ],
)
def test_options_that_cannot_work(options: dict, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        TuneConfig(**options)
    assert str(error.value).startswith(message)


def test_budgets() -> None:
    assert [TuneConfig(budget=text).seconds for text in ("90s", "1.5m", "2h", 7)] == [90, 90, 7200, 7]
    assert TuneConfig().seconds == 600
    assert TuneConfig(trials=3).seconds == float("inf")
