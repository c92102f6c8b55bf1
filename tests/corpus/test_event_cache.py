"""Encoded event tables: found again while nothing changed, with their names and notes; never where that is unsure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from event_twin import Event, csv_text
from test_streams import same

from item2vec.config.source import SourceConfig
from item2vec.corpus import encoded as corpus_file
from item2vec.corpus.codes import TokenBudget
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.tables import events

COLUMNS = {"user": "user", "item": "item", "time": "time"}
EVENTS = [Event(f"u{i % 7}" if i % 10 else None, f"i{i * i % 23}", 100 + i // 3) for i in range(300)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(events, "TokenBudget", lambda limit, folder: TokenBudget(0, folder))  # all tokens go to a file
    Path("e.csv").write_bytes(csv_text(EVENTS))
    return tmp_path / "cache"


def read(*sources: str, **options: Any) -> Corpus:
    return read_corpus(sources or ["e.csv"], SourceConfig(**(COLUMNS | options)), min_count=2)


def found(*sources: str, **options: Any) -> bool:
    corpus = read(*sources, **options)
    assert corpus.file
    return corpus.file.found


def test_the_same_table_is_found_again_with_names_and_notes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = read(name_column="user"), read(name_column="user", memory="1GB")
    assert first.file
    assert second.file
    assert (first.file.found, second.file.found) == (False, True)
    assert same(first, second)
    assert first.names is not None
    assert second.names is not None
    names = [first.names[i] for i in range(len(first.names))]
    assert [second.names[i] for i in range(len(second.names))] == names
    assert None not in names
    assert second.notes == first.notes == ("30 of 300 events have no 'user' and were left out",)
    monkeypatch.undo()  # in memory, as by default
    monkeypatch.chdir(folder.parent)
    assert same(read(cache=False), second)
    assert len(list(folder.iterdir())) == 1


def test_options_and_changes_are_another_corpus() -> None:
    others: list[dict[str, Any]] = [
        {}, {"time": None}, {"session_gap": 5}, {"where": "time > 110"}, {"dedupe": "basket"}, {"weight": "weight"},
        {"name_column": "user"}, {"item": "user", "user": "item"},
    ]  # fmt: skip
    for options in others:
        assert not found(**options)
        assert found(**options)
    read_corpus(["e.csv"], SourceConfig(**COLUMNS), min_count=3)
    assert not found(cache=False)
    Path("f.csv").write_bytes(csv_text(EVENTS))
    assert not found("e.csv", "f.csv")
    assert not found("f.csv", "e.csv")
    os.utime("e.csv", ns=(1, 1))
    assert not found()


def test_what_depends_on_more_than_the_files_is_not_kept(folder: Path) -> None:
    for options in ({"where": "time < epoch(now()) AND user <> 'x'"}, {"where": "item IN (SELECT item FROM 'e.csv')"}):
        assert not found(**options)
        assert not found(**options)
    read_corpus([], SourceConfig(sql="SELECT * FROM 'e.csv'", **COLUMNS), min_count=2)
    assert not list(folder.iterdir())


def test_names_of_a_file_are_read_anew() -> None:
    Path("names.txt").write_text("i0\tzero\n")
    assert not found(names="names.txt")
    Path("names.txt").write_text("i0\tnull\n")
    corpus = read(names="names.txt")
    assert corpus.file
    assert corpus.file.found
    assert corpus.names is not None
    assert corpus.names.given == 1
    assert list(corpus.names.find("null")) == [corpus.vocabulary.key_to_index["i0"]]


def test_names_that_are_damaged_are_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(name_column="user")
    (kept,) = folder.iterdir()
    monkeypatch.setattr(corpus_file.zlib, "crc32", lambda *_: 0)  # so that not the sum notices
    content = bytearray(kept.read_bytes())
    sum_at = content.index(b"\n") + 1
    content[sum_at : sum_at + 8] = b"00000000"
    place = content.rindex(b"u", 0, content.rindex(b"["))  # the last name
    content[place] = 0xFF
    kept.write_bytes(content)
    corpus = read(name_column="user")
    assert corpus.file
    assert corpus.file.remade


def test_a_table_that_cannot_be_trained_on_leaves_nothing(folder: Path) -> None:
    with pytest.raises(Exception, match="is a single event"):
        read(user="time", item="user", time=None, where="time % 3 = 0 AND weight = 7 OR user = 'u1' AND time < 102")
    assert not list(folder.glob("*"))
