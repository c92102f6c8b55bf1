"""Sequences and tables in memory: the same bits as a file of the same items, and errors that say what is wrong."""

from __future__ import annotations

import importlib.util
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_events import items_of, same

import item2vec
from item2vec.config.source import SourceConfig
from item2vec.corpus.in_memory import Sequences, Table, named_or_in_memory
from item2vec.corpus.reading import read_corpus
from item2vec.errors import ConfigError, CorpusError, Item2VecError

words = st.sampled_from(["a", "b", "é", "👩\u200d🍳", "x" * 70, "007", "-x", "\ufeffa", "\xa0"])


def read(sequences: Any, min_count: int = 1, **options: Any) -> Any:
    return read_corpus(Sequences(sequences), SourceConfig(**options), min_count=min_count)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sequences=st.lists(st.lists(words, max_size=6), max_size=8).map(lambda some: [["b", "a"], *some, ["a", "b"]]),
    memory=st.sampled_from([None, 0]),
    min_count=st.integers(1, 3),
)
def test_the_same_bits_as_a_text_file(
    tmp_path: Path, sequences: list[list[str]], memory: int | None, min_count: int
) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes("".join(" ".join(items) + "\n" for items in sequences).encode())
    expected: Any
    try:
        expected = read_corpus([path], SourceConfig(cache=False), min_count=min_count)
    except CorpusError:
        with pytest.raises(CorpusError):
            read(sequences, min_count, memory=memory)
        return
    found = read(sequences, min_count, memory=memory)
    assert same(found, expected)
    assert (found.file is not None) == (memory == 0)
    assert found.rare == expected.rare


def test_blocks_end_where_they_may(tmp_path: Path) -> None:
    rng = random.Random(5)
    sequences = [[f"i{rng.randrange(50)}" for _ in range(rng.randrange(9))] for _ in range(200)]
    whole = b"".join(Sequences(sequences).blocks(1 << 20))
    for size in (1, 7, 100):
        assert b"".join(Sequences(sequences).blocks(size)) == whole
    assert whole.count(b"\n") == 200


def test_items_keep_white_space_and_lose_nothing_at_a_line_s_end() -> None:
    sequences = [["olive oil", " b\t", "c\r"], ["c\r", "olive oil", ""], ["", ""], []]
    found = read(sequences)
    assert items_of(found) == [["olive oil", " b\t", "c\r"], ["c\r", "olive oil"]]
    assert found.raw_sequences == 2


def test_whole_numbers_are_their_digits() -> None:
    expected = read([["7", "12", "x"], ["12", "7"]])
    assert same(read([[7, np.int64(12), "x"], (12, 7)]), expected)
    assert items_of(read(np.array([[1, 2], [3, 1]]))) == [["1", "2"], ["3", "1"]]


def test_what_is_iterated_over_stays_on_the_caller_s_thread() -> None:
    connection = sqlite3.connect(":memory:")  # which refuses other threads
    connection.execute("CREATE TABLE basket (items TEXT)")
    connection.executemany("INSERT INTO basket VALUES (?)", [("a b",), ("b a c",)])
    rows = connection.execute("SELECT items FROM basket")
    found = read(text.split() for (text,) in rows)
    assert items_of(found) == [["a", "b"], ["b", "a", "c"]]


def test_an_error_of_the_iterable_itself_comes_through() -> None:
    def broken() -> Iterator[list[str]]:
        yield ["a", "b"]
        raise LookupError("the user's own")

    with pytest.raises(LookupError, match="the user's own"):
        read(broken())


def test_names_sequences_and_tables_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for names in ("a", path, ["a", path], ("a",), iter(["a"])):
        assert all(isinstance(name, str | Path) for name in named_or_in_memory(names))
    assert named_or_in_memory(()) == []
    for sequences in ([["a"]], ({"a"},), np.zeros((2, 2), int), iter([["a"]]), iter([]), pd.Series([["a", "b"]])):
        assert isinstance(named_or_in_memory(sequences), Sequences)
    frame = pd.DataFrame({"u": [1], "i": ["a"]})
    for table in (frame, pa.Table.from_pandas(frame)):
        assert isinstance(named_or_in_memory(table), Table)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (None, "`sources` is 'None', of type NoneType; it must be the name of a file, several of them, sequences"),
        (3, "`sources` is '3', of type int"),
        (b"x", "of type bytes"),
        (["the cat sat", "on the mat"], r"'the cat sat' is text where the name of a file stands, and there is no such "
         r"file; sequences in memory are lists of items, so divide text first: \[line.split\(\) for line in lines\]"),
        ("the cat sat", "'the cat sat' is text where the name of a file stands"),
        ([["a", "b"], "c d"], "sequence 2 is str, 'c d', not a list of items; divide it first, by split"),
        ([3, 4], "sequence 1 is '3', not a list of items"),
        ([["a", None]], "sequence 1 has 'None', of type NoneType; items are text or whole numbers"),
        ([["a", True]], "sequence 1 has 'True', of type bool"),
        ([[1.5]], "sequence 1 has '1.5', of type float"),
        ([["a", "b\nc"]], r"sequence 1 has the item 'b\\nc', with a newline, which no item may have"),
        ([["a\0"]], "with a NUL"),
        ([["a"], ["a", "b\x1f"]], r"sequence 2 has the item 'b\\x1f', with the control character U\+001F"),
        ([["a\ud800", "b"]], "sequence 1 has an item with half a character"),
        ([[], [""]], "there are no items in the sequences"),
        ([["a"], ["b"]], "there is nothing to learn: each of the 2 sequences is a single item"),
        ([["a", "b"]], "no item of the sequences occurs 5 times or more, the most frequent one 1; lower `min_count`"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_on_is_named(sources: Any, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        item2vec.train(sources)


def test_options_of_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="delimiter is an option of files and tables, and the source is sequences"):
        item2vec.train([["a", "b"]], delimiter=";")
    with pytest.raises(ConfigError, match="sql is an option of files, and the source is a table"):
        item2vec.train(pd.DataFrame({"u": [1], "i": ["a"]}), sql="SELECT 1")


class Capsule:
    """A data frame of a library that DuckDB has never heard of: Arrow's PyCapsule interface, and columns."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self.columns = table.column_names

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def test_tables_in_memory_give_the_bits_of_their_csv(tmp_path: Path) -> None:
    rng = random.Random(2)
    frame = pd.DataFrame(
        {
            "who": [f"u{rng.randrange(300)}" for _ in range(5000)],
            "what": [f"{rng.randrange(200):03}" for _ in range(5000)],
            "at": pd.to_datetime([10**9 + rng.randrange(10**8) for _ in range(5000)], unit="s"),
            "title": "a name",
        }
    )
    frame.to_csv(tmp_path / "e.csv", index=False)
    config = SourceConfig(user="who", item="what", time="at", name_column="title", session_gap="300d")
    expected = read_corpus([tmp_path / "e.csv"], config, min_count=2)
    assert len(expected) > 300
    arrow = pa.Table.from_pandas(frame)
    tables = [frame, arrow, arrow.to_reader(700), Capsule(arrow)]
    if importlib.util.find_spec("polars"):
        polars = importlib.import_module("polars")
        tables += [polars.from_pandas(frame), polars.from_arrow(arrow)]
    for table in tables:
        found = read_corpus(named_or_in_memory(table), config, min_count=2)
        assert same(found, expected)
        assert found.names is not None


def test_a_table_without_columns_named_says_which_it_has() -> None:
    frame = pd.DataFrame({"who": [1], "what": ["a"]})
    with pytest.raises(Item2VecError, match="the table in memory is an event table; name its columns with `user` and"):
        item2vec.train(frame)
    with pytest.raises(CorpusError, match="the table in memory has no column 'wat'; did you mean 'what'"):
        item2vec.train(frame, user="who", item="wat")


@pytest.mark.jit
def test_train_on_a_list_of_lists_is_train_on_the_file(tmp_path: Path) -> None:
    rng = random.Random(1)
    sequences = [[f"i{rng.randrange(40)}" for _ in range(8)] for _ in range(200)]
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(items) + "\n" for items in sequences))
    options: dict[str, Any] = {"dim": 8, "epochs": 2, "threads": 1, "sample": 0}
    from_list = item2vec.train(sequences, **options)
    from_file = item2vec.train(path, **options)
    assert list(from_list) == list(from_file)
    np.testing.assert_array_equal(from_list.input, from_file.input)
    np.testing.assert_array_equal(from_list.output, from_file.output)
