"""The items that are dropped stay known, with their counts: from either reader, by the cache, to the model file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from event_twin import Event, csv_text, sequences_of_events
from test_read_text import zipf_text

import item2vec
from item2vec.config.source import SourceConfig
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.tables import events
from item2vec.items.vocabulary import Vocabulary

TABLE = SourceConfig(user="user", item="item")
EVENTS = [Event(f"u{i * i % 40}", f"i{i * i * i % 97 % (1 + i % 90)}") for i in range(900)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    Path("corpus.txt").write_bytes(zipf_text(1, 3000, 400))
    Path("events.csv").write_bytes(csv_text(EVENTS))
    return tmp_path


def pairs(vocabulary: Vocabulary | None) -> list[tuple[str, int]]:
    assert vocabulary is not None
    return list(zip(vocabulary.index_to_key(), vocabulary.counts.tolist(), strict=True))


def by_count(tokens: list[str]) -> list[tuple[str, int]]:
    return Counter(tokens).most_common()  # ties: first occurrence


def is_divided(corpus: Corpus, tokens: list[str], min_count: int, max_items: int | None) -> None:
    expected = by_count(tokens)
    kept = sum(count >= min_count for _, count in expected)
    kept = kept if max_items is None else min(kept, max_items)
    assert 0 < kept < len(expected)
    assert pairs(corpus.vocabulary) == expected[:kept]
    assert pairs(corpus.rare) == expected[kept:]


@pytest.mark.parametrize(("min_count", "max_items"), [(4, None), (1, 20), (3, 25)])
def test_both_readers_keep_what_they_drop(min_count: int, max_items: int | None) -> None:
    rules = {"min_count": min_count, "max_items": max_items}
    tokens = Path("corpus.txt").read_text(encoding="utf-8").split()
    for memory in (None, 0, 0):  # in memory, to a file, from that file
        corpus = read_corpus(["corpus.txt"], SourceConfig(memory=memory), threads=2, **rules)
        assert (corpus.file is None) == (memory is None)
        is_divided(corpus, tokens, min_count, max_items)
    assert corpus.file
    assert corpus.file.found
    bought = [item for items in sequences_of_events(EVENTS) for item in items]
    is_divided(read_corpus(["events.csv"], TABLE, **rules), bought, min_count, max_items)


def test_a_table_above_the_limit_lies_in_a_file_and_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_corpus(["events.csv"], TABLE, min_count=4)
    monkeypatch.setattr(events, "tokens_in_memory", lambda: 400)
    monkeypatch.setenv("ITEM2VEC_CACHE", "cache")
    for found in (False, True):
        corpus = read_corpus(["events.csv"], TABLE, min_count=4)
        assert corpus.file
        assert corpus.file.found == found
        assert corpus.items.tobytes() == expected.items.tobytes()
        assert corpus.offsets.tobytes() == expected.offsets.tobytes()
        assert (corpus.vocabulary, corpus.rare) == (expected.vocabulary, expected.rare)


def test_a_rare_item_with_a_newline_is_no_hindrance() -> None:
    Path("events.csv").write_bytes(csv_text([*EVENTS, Event("u1", "two\nlines")]))
    assert ("two\nlines", 1) in pairs(read_corpus(["events.csv"], TABLE, min_count=2).rare)


@pytest.mark.jit
@pytest.mark.parametrize("source", ["corpus.txt", "events.csv"])
def test_the_model_file_keeps_them(source: str) -> None:
    columns = {"user": "user", "item": "item"} if source == "events.csv" else {}
    expected = read_corpus([source], SourceConfig(**columns), min_count=4).rare
    model = item2vec.train(source, dim=4, epochs=1, threads=1, min_count=4, **columns)
    assert model.rare == expected
    model.save("m.safetensors")
    loaded = item2vec.load("m.safetensors")
    assert loaded.rare == expected
    grown = item2vec.train(source, init="m.safetensors", epochs=1, threads=1, min_count=4, **columns)
    twice = [item for item, count in pairs(expected) if 2 * count >= 4]
    assert twice
    assert set(twice) <= set(grown.vocabulary)
