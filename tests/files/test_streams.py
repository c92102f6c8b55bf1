"""One text, however it comes: plain, compressed, transcoded, by a pipe, in memory or in a file."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from corpus_twin import read_twin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packed import PACKERS, in_members
from test_read_text import agree, nasty_text, zipf_text

from item2vec.corpus.corpus import Corpus
from item2vec.corpus.text.text import read_text
from item2vec.corpus.text.tokeniser import Sizes
from item2vec.errors import CorpusError

some_sizes = st.builds(
    Sizes,
    scan=st.sampled_from([64, 128, 2048]),
    block=st.integers(1, 40),
    slots=st.sampled_from([2, 64]),
    part=st.just(1),
    stream=st.integers(1, 90) | st.just(1 << 16),
)
ways = ["plain", "replace", "stdin", "utf-16", "utf-16-file", *PACKERS]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def pipe_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def same(first: Corpus, second: Corpus) -> bool:
    return (
        np.array_equal(first.items, second.items)
        and np.array_equal(first.offsets, second.offsets)
        and first.vocabulary == second.vocabulary
        and (first.raw_tokens, first.raw_sequences) == (second.raw_tokens, second.raw_sequences)
        and (first.items.dtype, first.offsets.dtype) == (np.int32, np.int64)
    )


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=nasty_text,
    way=st.sampled_from(ways),
    delimiter=st.sampled_from([None, None, ",", ", ", "::", "→", "é", "\r"]),
    min_count=st.integers(1, 2),
    cuts=st.lists(st.integers(0, 300), max_size=3),
    memory=st.sampled_from([None, 0, 40]),
    sizes=some_sizes,
)
def test_any_text_in_any_way_and_any_block_size(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    way: str,
    delimiter: str | None,
    min_count: int,
    cuts: list[int],
    memory: int | None,
    sizes: Sizes,
) -> None:
    content = text.encode()
    source, options = tmp_path / "corpus", {}
    if way in PACKERS:
        source.write_bytes(in_members(content, way, cuts))
    elif way == "stdin":
        pipe_in(monkeypatch, content)
        source = Path("-")
    elif way == "utf-16-file":
        source.write_bytes(text.encode("utf-16"))
    elif way == "utf-16":
        source.write_bytes(text.encode("utf-16-be"))
        options = {"encoding": "utf-16-be"}
    else:
        source.write_bytes(content)
        options = {"errors": "replace"} if way == "replace" else {}
    # The twin takes one mark away, as the byte order mark of the file's own encoding is taken away here.
    twin = read_twin([b"\xef\xbb\xbf" + content if way == "utf-16-file" else content], delimiter, min_count)

    def read() -> Corpus:
        return read_text(
            [source], delimiter=delimiter, min_count=min_count, memory=memory, cache=False, sizes=sizes, **options
        )

    if twin.trainable:
        corpus = read()
        agree(corpus, twin)
        assert (corpus.file is not None) == (memory is not None and 4 * corpus.raw_tokens > memory)
        assert corpus.replaced == 0
    else:
        with pytest.raises(CorpusError, match=r"^[^\n]+$"):
            read()


def test_many_sources_of_all_kinds_are_as_their_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [zipf_text(seed, 150, 60) for seed in range(6)]
    plain = [tmp_path / f"{i}.txt" for i in range(6)]
    for path, text in zip(plain, texts, strict=True):
        path.write_bytes(text)
    mixed: list[Path] = []
    for i, ending in enumerate(["", ".gz", "-", ".bz2", ".xz", ".zst"]):
        if ending == "-":
            pipe_in(monkeypatch, texts[i])
            mixed.append(Path("-"))
            continue
        mixed.append(tmp_path / f"mixed{i}{ending}")
        mixed[i].write_bytes(in_members(texts[i], ending, [100, 1000]) if ending else texts[i])
    expected = read_text(plain, min_count=2)
    agree(expected, read_twin(texts, min_count=2))
    for threads in (1, 2, 5):
        for memory in (None, 0, 2000):
            pipe_in(monkeypatch, texts[2])
            sizes = Sizes(scan=128, block=64, slots=4, part=1, stream=500)
            corpus = read_text(mixed, min_count=2, threads=threads, memory=memory, sizes=sizes)
            assert same(corpus, expected)
            assert (corpus.file is None) == (memory is None)


@pytest.mark.parametrize("stream", [1, 2, 3, 64, 65])
@pytest.mark.parametrize("way", ["plain", "stdin"])
def test_returns_and_characters_across_borders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, stream: int
) -> None:
    for pad in range(58, 68):
        for delimiter in (None, "::"):
            between = delimiter or " "
            line = "x" * pad + between + "é😀" + between + "b\r\n"
            content = ("\ufeff" + line * 3).encode()
            (tmp_path / "corpus.gz").write_bytes(PACKERS[".gz"](content))
            pipe_in(monkeypatch, content)
            source = "-" if way == "stdin" else tmp_path / "corpus.gz"
            corpus = read_text([source], delimiter=delimiter, min_count=1, sizes=Sizes(scan=64, block=1, stream=stream))
            assert corpus.vocabulary.index_to_key() == ["x" * pad, "é😀", "b"]
            assert corpus.items.tolist() == [0, 1, 2] * 3
            assert corpus.offsets.tolist() == [0, 3, 6, 9]


def test_an_item_longer_than_any_block(tmp_path: Path) -> None:
    text = (b"a b " + b"z" * 5000 + b" " + b"z" * 4999 + b"y a\n") * 2
    (tmp_path / "corpus.xz").write_bytes(PACKERS[".xz"](text))
    corpus = read_text([tmp_path / "corpus.xz"], min_count=1, sizes=Sizes(scan=64, stream=16))
    agree(corpus, read_twin([text], min_count=1))


def test_a_named_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = PACKERS[".zst"](b"a b\nb a\n" * 50_000)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    corpus = read_text([pipe])
    writer.join()
    assert corpus.raw_tokens == 200_000


def test_standard_input_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def message(*names: str) -> str:
        with pytest.raises(CorpusError) as error:
            read_text(names)
        return str(error.value)

    monkeypatch.setattr(sys, "stdin", None)
    assert message("-") == "'-' is standard input, but that is closed; pipe text into it"
    pipe_in(monkeypatch, b"")
    assert message("-") == "there is nothing in standard input; a corpus needs one sequence of items per line"
    assert message("-", "-") == "'-', standard input, is given twice, but can be read only once"
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert message("-") == "'-' is standard input, but that is a terminal; pipe text into it"
    pipe_in(monkeypatch, b"milk,bread\nmilk,eggs\n")
    assert message("-") == (
        "there is nothing to learn in standard input: each of its 2 lines is a single item; "
        "if ',' stands between the items, give `delimiter=','`; if each line is an event, `format=csv`, "
        "`delimiter=','`, `user` and `item`"
    )


def test_a_file_that_is_called_like_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("./-").write_bytes(b"a b\n" * 5)
    assert read_text(["./-"]).raw_tokens == 10
