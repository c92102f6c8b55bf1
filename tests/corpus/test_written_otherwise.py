"""Items that are written as something else: lists as text, whole numbers as floats, quotes that are characters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import item2vec
from item2vec.config.source import SourceConfig
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.in_memory import Table
from item2vec.corpus.reading import read_corpus
from item2vec.errors import ConfigError, CorpusError

LISTS = [["milk", "bread, rye", 'a "b"'], ["tea", "café", "it's"], ["milk", "tea"], ["milk", "bread, rye"]]


def read(path: Path, text: str, **options: Any) -> Corpus:
    path.write_text(text, encoding="utf-8")
    return read_corpus([path], SourceConfig(cache=False, **options), min_count=1)


def sequences(corpus: Corpus) -> list[list[str]]:
    return [
        [corpus.vocabulary[item] for item in corpus.items[start:stop].tolist()]
        for start, stop in zip(corpus.offsets[:-1].tolist(), corpus.offsets[1:].tolist(), strict=True)
    ]


def quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


@pytest.mark.parametrize("write", [json.dumps, repr, lambda items: json.dumps(items, ensure_ascii=False)])
@pytest.mark.parametrize("user", [True, False])
def test_lists_written_as_text_are_lists(tmp_path: Path, write: Any, user: bool) -> None:
    text = "id,items\n" + "".join(f"{n},{quoted(write(items))}\n" for n, items in enumerate(LISTS))
    corpus = read(tmp_path / "e.csv", text, item="items", user="id" if user else None)
    assert sequences(corpus) == LISTS
    assert corpus.notes == ("'items' has lists written as text; their items were read",)


def test_lists_of_numbers(tmp_path: Path) -> None:
    corpus = read(tmp_path / "e.csv", 'id,items\n7,"[1, 2]"\n8,"[2, 3, 1]"\n', item="items")
    assert sequences(corpus) == [["1", "2"], ["2", "3", "1"]]


@pytest.mark.parametrize("mark", ["|", ", ", "::"])
def test_a_delimiter_within_cells(tmp_path: Path, mark: str) -> None:
    rows = [["a", "b c", "d"], ["b c"], ["d", "a"]]
    text = "id;items\n" + "".join(f"{n};{mark.join(row)}\n" for n, row in enumerate(rows))
    corpus = read(tmp_path / "e.csv", text + f"9;{mark}a{mark}{mark} b c {mark}\n", item="items", item_delimiter=mark)
    assert sequences(corpus) == [*rows, ["a", "b c"]]
    assert corpus.notes == ()


def test_a_delimiter_needs_text(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_text('{"items": ["a", "b"]}\n')
    with pytest.raises(
        CorpusError, match=r"^column 'items' of .* is VARCHAR\[\], not text; leave out `item_delimiter`$"
    ):
        read_corpus([tmp_path / "e.jsonl"], SourceConfig(item="items", item_delimiter="|", cache=False), min_count=1)
    with pytest.raises(
        ConfigError, match=r"^`item_delimiter` separates items in the item column; name that column with `item`$"
    ):
        SourceConfig(item_delimiter="|")
    with pytest.raises(ConfigError, match=r"^`item_delimiter` is ''; it must be one or more characters"):
        SourceConfig(item="a", item_delimiter="")


def test_a_list_that_has_no_end_is_named(tmp_path: Path) -> None:
    text = "id,items\n" + '1,"[a, b]"\n' * 1000 + '2,"[a, b"\n'
    with pytest.raises(CorpusError, match=r"\[a, b"):
        read(tmp_path / "e.csv", text, item="items")


def test_brackets_in_names_are_no_lists(tmp_path: Path) -> None:
    corpus = read(tmp_path / "e.csv", "u,i\n1,[a]\n1,[b]\n2,[b]\n2,[a]\n", user="u", item="i")
    assert sequences(corpus) == [["[a]", "[b]"], ["[b]", "[a]"]]
    assert corpus.notes == ()


def test_whole_floats_are_whole_numbers(tmp_path: Path) -> None:
    text = "u,i\n1,10.0\n1,2.0\n1,\n2,2.0\n2,10.0\n"
    corpus = read(tmp_path / "e.csv", text, user="u", item="i")
    assert sequences(corpus) == [["10", "2"], ["2", "10"]]
    assert corpus.notes[0] == "items in 'i' are whole floats: 10.0 was read as 10"
    same = read(tmp_path / "w.csv", text, user="u", item="i", where="i > 1")
    assert sequences(same) == sequences(corpus)


def test_floats_that_are_not_whole_stay(tmp_path: Path) -> None:
    corpus = read(tmp_path / "e.csv", "u,i\n1,10.0\n1,2.5\n2,2.5\n2,10.0\n", user="u", item="i")
    assert sequences(corpus) == [["10.0", "2.5"], ["2.5", "10.0"]]


def test_a_data_frame_with_a_hole() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"u": [1, 1, 1, 2, 2], "i": [10, 2, None, 2, 10]})
    assert frame.i.dtype == float
    corpus = read_corpus(Table(frame), SourceConfig(user="u", item="i"), min_count=1)
    assert sequences(corpus) == [["10", "2"], ["2", "10"]]
    assert corpus.notes[0] == "items in 'i' are whole floats: 10.0 was read as 10"
    frame.loc[0, "i"] = 10.5
    assert "10.5" in read_corpus(Table(frame), SourceConfig(user="u", item="i"), min_count=1).vocabulary


def test_quotes_in_a_tsv_are_characters_where_they_do_not_work_out(tmp_path: Path) -> None:
    text = 'u\ti\n1\t"Heroes" (live)\n1\t12" mix\n2\t12" mix\n2\t"Heroes" (live)\n'
    corpus = read(tmp_path / "e.tsv", text, user="u", item="i")
    assert sequences(corpus) == [['"Heroes" (live)', '12" mix'], ['12" mix', '"Heroes" (live)']]
    (note,) = corpus.notes
    assert note.endswith("are characters of its values: 2 lines have one that does not end a value")


def test_quotes_in_a_tsv_that_work_out_are_quotes(tmp_path: Path) -> None:
    text = 'u\ti\n1\t"a\tb"\n1\t"c ""d"""\n2\te"f\n2\t"a\tb"\n'
    expected = [["a\tb", 'c "d"'], ['e"f', "a\tb"]]
    assert sequences(read(tmp_path / "e.tsv", text, user="u", item="i")) == expected
    raw = read(tmp_path / "n.tsv", 'u\ti\n1\t"a"\n1\tb\n2\tb\n2\t"a"\n', user="u", item="i", quote="none")
    assert sequences(raw) == [['"a"', "b"], ["b", '"a"']]


def test_quotes_in_a_csv_stay_quotes(tmp_path: Path) -> None:
    assert sequences(read(tmp_path / "e.csv", 'u,i\n1,"a,b"\n1,c\n2,c\n', user="u", item="i")) == [["a,b", "c"], ["c"]]


def test_a_frame_of_lists_as_text_trains(tmp_path: Path) -> None:
    rows = "".join(f"{n},\"['a', 'b', 'c']\"\n" for n in range(30))
    (tmp_path / "e.csv").write_text("id,items\n" + rows)
    with pytest.warns(UserWarning, match="has lists written as text; their items were read"):
        model = item2vec.train(
            [tmp_path / "e.csv"], item="items", dim=4, epochs=1, backend="torch", preset="words", sample=0
        )
    assert sorted(model) == ["a", "b", "c"]
