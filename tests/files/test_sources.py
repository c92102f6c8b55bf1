"""Names to files, and files to stretches of whole lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.text.part_reader import split_at_lines
from item2vec.errors import CorpusError
from item2vec.files.source import TextSource, as_text, find_texts, look


def names(sources: list[TextSource]) -> list[str]:
    return [str(source.path) for source in sources]


def test_globs_are_sorted_and_names_keep_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.txt", "z.txt", "deep/x.log", "deep/er/y.log"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("a b\n")
    Path("folder.txt").mkdir()  # a glob leaves directories out
    assert names(find_texts(["z.txt", "[ab].txt", Path("a.txt")])) == ["z.txt", "a.txt", "b.txt", "a.txt"]
    assert names(find_texts(["*.txt"])) == ["a.txt", "b.txt", "z.txt"]
    assert names(find_texts(["**/*.log"])) == ["deep/er/y.log", "deep/x.log"]


def test_a_file_named_like_a_pattern_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("part[1].txt", "part1.txt"):
        Path(name).write_text("a b\n")
    assert names(find_texts(["part[1].txt"])) == ["part[1].txt"]


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "corpus.txt").write_text("a b\n")
    assert names(find_texts(["~/corpus.txt"])) == [str(tmp_path / "corpus.txt")]
    assert names(find_texts(["~/*.txt"])) == [str(tmp_path / "corpus.txt")]


def test_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"\xef\xbb\xbfa b\n")
    assert as_text(tmp_path / "corpus.txt").start == 3


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(
        st.lists(st.sampled_from([b"a", b"bb ", b"\n", b"c" * 30])).map(b"".join), min_size=1, max_size=4
    ),
    parts=st.integers(1, 6),
    least=st.integers(1, 50),
)
def test_shares_are_whole_lines_in_order_and_cover_everything(
    tmp_path: Path, contents: list[bytes], parts: int, least: int
) -> None:
    sources = []
    for i, content in enumerate(contents):
        (tmp_path / str(i)).write_bytes(content)
        sources.append(as_text(tmp_path / str(i)))
    shares = split_at_lines(sources, parts, least)
    assert 1 <= len(shares) <= parts
    covered = [b""] * len(contents)
    order = []
    for share in shares:
        for segment in share:
            which = int(segment.source.path.name)
            order.append(which)
            content = contents[which]
            assert segment.start == len(covered[which])
            assert segment.start < segment.stop
            assert segment.stop == len(content) or content[segment.stop - 1 : segment.stop] == b"\n"
            covered[which] += content[segment.start : segment.stop]
    assert covered == contents
    assert order == sorted(order)


def test_shares_are_about_equal(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345 789\n" * 1000)
    (tmp_path / "b").write_bytes(b"12345 789\n" * 500)
    shares = split_at_lines([as_text(tmp_path / name) for name in "ab"], 3, 1)
    assert [sum(segment.stop - segment.start for segment in share) for share in shares] == [5000, 5000, 5000]
    assert len(split_at_lines([as_text(tmp_path / "a")], 8, 4000)) == 2


@pytest.mark.parametrize(
    ("files", "pattern"),
    [
        (["a.parquet", "b.parquet", "_SUCCESS", ".hidden.crc"], "*.parquet"),
        (["a.csv.gz", "b.csv.gz", "c.md"], "*.csv.gz"),
        (["part-0"], "*.txt"),
    ],
)
def test_a_folder_is_told_its_own_endings(tmp_path: Path, files: list[str], pattern: str) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(CorpusError, match=re.escape(f"is a directory; name its files, such as '{tmp_path}/{pattern}'")):
        look(tmp_path)


@pytest.mark.parametrize("name", ["events.csv", "corpus.txt"])
def test_a_source_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    path.write_text("user,item\n" + "1,a\n1,b\n" * 9)
    looked = []

    def count(block: bytes) -> None:
        looked.append(block)

    monkeypatch.setattr("item2vec.files.source.recognise", count)
    table = {"user": "user", "item": "item"} if name.endswith("csv") else {}
    read_corpus([path], SourceConfig(cache=False, delimiter=",", **table), min_count=1)
    assert looked == [path.read_bytes()]
