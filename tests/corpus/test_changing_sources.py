"""Sources that change while they are read: an error that says so, never the end of the process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.tables import events
from item2vec.corpus.text import part_reader
from item2vec.corpus.text.text import read_text
from item2vec.errors import CorpusError
from item2vec.files.source import TextSource, as_text, lines_of, read_range

TEXT = "".join(f"a{number % 7} b{number % 5} c\n" for number in range(40_000))


def truncate(path: Path) -> None:
    os.truncate(path, 100)


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("one more\n")


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x" * 100)
    os.utime(path, ns=(0, 10**18))


def remove(path: Path) -> None:
    path.unlink()


CHANGES = (truncate, append, overwrite, remove)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text(TEXT)
    return path


@pytest.mark.jit
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("threads", [1, 2])
def test_text(text: Path, change: Callable[[Path], None], threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_text([text], threads=threads, min_count=1, cache=False)
    assert whole.raw_sequences == 40_000
    done: list[bool] = []

    def meanwhile(source: TextSource, start: int, stop: int, size: int) -> Iterator[bytes]:
        for block in read_range(source, start, stop, size):
            yield block
            if len(block) == size and not done:
                done.append(True)
                change(source.path)

    sizes = part_reader.Sizes(chunk=4096, part=1000)
    monkeypatch.setattr(part_reader, "read_range", meanwhile)
    with pytest.raises(
        CorpusError, match=r"corpus\.txt'(: No such file .*; it was there| changed while it was read; train on a copy)"
    ):
        read_text([text], threads=threads, min_count=1, cache=False, sizes=sizes)
    assert done


@pytest.mark.parametrize("change", CHANGES)
def test_lines(text: Path, change: Callable[[Path], None]) -> None:
    lines = lines_of(as_text(text))
    assert next(lines) == b"a0 b0 c"
    change(text)
    with pytest.raises(CorpusError, match="changed while it was read"):
        list(lines)


@pytest.mark.parametrize("change", CHANGES)
def test_event_tables(tmp_path: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.csv"
    path.write_text("user,item\n" + "".join(f"u{number % 9},i{number % 4}\n" for number in range(500)))
    config = SourceConfig(user="user", item="item", cache=False)
    assert len(read_corpus([path], config, min_count=1).vocabulary) == 4
    load = events.load_events

    def meanwhile(*arguments: Any) -> Any:
        loaded = load(*arguments)
        change(path)
        return loaded

    monkeypatch.setattr(events, "load_events", meanwhile)
    with pytest.raises(CorpusError, match=r"events\.csv' changed while it was read"):
        read_corpus([path], config, min_count=1)


@pytest.mark.jit
@pytest.mark.parametrize("chunk", [1, 7, 64, 4096])
def test_blocks_do_not_matter(text: Path, chunk: int) -> None:
    text.write_text(TEXT[:3000].removesuffix("\n"))
    wanted = read_text([text], min_count=1, cache=False)
    found = read_text([text], min_count=1, cache=False, sizes=part_reader.Sizes(chunk=chunk, scan=64, stream=64))
    assert list(found.vocabulary) == list(wanted.vocabulary)
    assert np.array_equal(found.items, wanted.items)
    assert np.array_equal(found.offsets, wanted.offsets)
