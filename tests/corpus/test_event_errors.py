# ruff: noqa: E501 - whole messages on a line
"""Event tables that are wrong: one line that names what, where and what to do; nothing is trained on by mistake."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from event_twin import Event, csv_text, write_parquet

from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus
from item2vec.errors import ConfigError, CorpusError, Item2VecError

HEAD = b"user,item,time\n"
GOOD = HEAD + b"u,a,1\nu,b,2\n"


def line(name: str, content: bytes, folder: Path, **options: Any) -> str:
    """The error's line, with the file's folder left out."""
    (folder / name).write_bytes(content)
    with pytest.raises(Item2VecError) as caught:
        read_corpus([folder / name], SourceConfig(**({"user": "user", "item": "item"} | options)), min_count=1)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


WRONG: list[tuple[bytes, dict[str, Any], str]] = [
    (GOOD, {"user": "usr"}, "'e.csv' has no column 'usr'; did you mean 'user'? Its columns are 'user', 'item', 'time'; if "
     "there is no header line, they are column0, column1 ..."),
    (b"u,a,1\nu,b,2\n", {}, "'e.csv' has no column 'user'. Its columns are 'u', 'a', '1'; if there is no header line, they "
     "are column0, column1 ..."),
    (GOOD, {"user": None, "item": None}, "'e.csv' is an event table; name its columns with `user` and `item`: it has 'user', "
     "'item', 'time'; or read it as text with `format=text`"),
    (GOOD, {"user": None}, "'e.csv' is an event table; name its columns with `user`: it has 'user', 'item', 'time'; or read "
     "it as text with `format=text`"),
    (b"", {}, "'e.csv' is empty; an event table needs a header line and one event per line"),
    (HEAD, {}, "'e.csv' has columns but no events"),
    (GOOD, {"where": "time > 5"}, "no row of 'e.csv' meets the condition `where='time > 5'`"),
    (GOOD, {"where": "time >"}, "where is 'time >': syntax error at or near \")\"; a column that is called as a word of "
     "SQL needs quotes: \"time\""),
    (b"user,item,at\nu,a,1\nu,b,2\n", {"where": "at > 1"}, "where is 'at > 1': syntax error at or near \">\"; a column that is "
     "called as a word of SQL needs quotes: \"at\""),
    (GOOD, {"where": "tme > 5"}, "where is 'tme > 5': Referenced column \"tme\" is not there; the columns are 'user', "
     "'item', 'time'"),
    (GOOD, {"where": "item = 7"}, "where is 'item = 7': cannot read 'e.csv': Could not convert string 'a' to INT32 when "
     "casting from source column item; text stands in quotes there: \"item = '7'\""),
    (HEAD + b"u,,1\n,b,2\nu,\"\",2\n", {}, "'e.csv' has no complete event: 1 of 3 events have no 'user' and were left out; "
     "2 of 3 events have no 'item' and were left out"),
    (HEAD + b"u,a,1\n,b,2\n", {"nulls": "error"}, "1 of 2 events have no 'user' in 'e.csv'; give `nulls=skip` to leave "
     "them out"),
    (HEAD + b"u,a,1\nu,b,\n", {"nulls": "error", "time": "time"}, "1 of 2 events have no 'time' in 'e.csv'; give `nulls=skip` "
     "to leave them out"),
    (HEAD + b"u,a,1\nu,b,soon\n", {"time": "time"}, "column 'time' has 'soon', which is not a time, or is written in another "
     "way than the first ones; times are 2024-01-31 12:30:00, dates, or seconds or milliseconds since 1970"),
    (HEAD + b"u,a,12/31/2024\nu,b,12/30/2024\n", {"time": "time"}, "column 'time' has '12/31/2024', which is not a time, or "
     "is written in another way than the first ones; times are 2024-01-31 12:30:00, dates, or seconds or milliseconds since 1970"),
    (HEAD + b"u,a,20240131\nu,b,20240201\n", {"time": "time", "session_gap": "1d"}, "the times in column 'time', 20240131 "
     "to 20240201, look like dates written as numbers; give them as 2024-01-31, with `sql` \"SELECT ..., "
     "strptime(column::VARCHAR, '%Y%m%d') AS ...\" say"),
    (HEAD + b"u,a,0\nu,b,1706695200000\n", {"time": "time", "session_gap": "1d"}, "the times in column 'time' go from 0, "
     "which would be seconds, to 1706695200000, which would be milliseconds since 1970; leave one kind out with `where`, "
     "or session-gap has no meaning"),
    (HEAD + b"u,a,1\nu,\"b,2\nu,c,3\n", {}, "cannot read 'e.csv': line 3, 'u,\"b,2 u,c,3 ', has a quote that is not closed; fix "
     "it, or leave it out"),
    (HEAD + b"u,a,1\nu,b\nu,c,3\n", {}, "line 3, 'u,b', has 2 of 3 columns; fix it, or leave it out"),
    (HEAD + b"u,a,1\nu,\xff,3\n", {}, "'e.csv' is not UTF-8 text: line 3 has the byte 0xff, at byte 23 of the file; give its "
     "encoding, perhaps `encoding=windows-1252`, or `errors=replace`"),
    (b"user,item\xff\nu,a\n", {}, "'e.csv' is not UTF-8 text: line 1 has the byte 0xff, at byte 9 of the file"),
    (gzip.compress(HEAD + b"u,a,1\nu,\xff,3\n"), {}, "'e.csv' is not UTF-8 text: line 3 has the byte 0xff, at byte 23 of its "
     "unpacked text; give its"),
    (GOOD + b"u,\x81,3\n", {"encoding": "cp1252"}, "'e.csv' is not cp1252 text: line 4 has the byte 0x81, at byte 29 of "
     "the file"),
    (HEAD + b"u,a,many\nu,b,2\n", {"weight": "time"}, "column 'time' has 'many', which is not a number, as a weight must "
     "be; leave such rows out"),
    (HEAD + b"u,a,90000\nu,b,90000\nv,a,1\n", {"weight": "time"}, "the weights lay 3 events out as 180,001, more than 100 "
     "times as many; give smaller weights, their logarithm say, by `sql`"),
    (HEAD + b"u,a,1\nv,b,2\n", {}, "there is nothing to learn in 'e.csv': each of its 2 sequences is a single event; is "
     "'user' the column that says which events belong together?"),
    (HEAD + b"u,a,1\nu,b,9\n", {"time": "time", "session_gap": 2}, "there is nothing to learn in 'e.csv': each of its 2 "
     "sequences is a single event; give a longer `session_gap` than 2"),
    (HEAD + b"u,\"a\nb\",1\nu,c,9\n", {}, "the item 'a\\nb' has a newline, which no model file carries; replace it, by `sql` "
     "with replace(column, chr(10), ' ') say"),
    (gzip.compress(HEAD + b"u,a,1,2\n"), {}, "cannot read 'e.csv': line 2, 'u,a,1,2', has 4 of 3 columns; fix it, or leave "
     "it out"),
    (b"PK\x03\x04abc", {}, "'e.csv' is a zip archive, not text; unpack it first: unzip -p "),
    (gzip.compress(b"x" * 257 + b"ustar\0" + b"00"), {}, "'e.csv' is a tar archive inside, not text; unpack it first: tar"),
    (gzip.compress(GOOD)[:-4], {}, "'e.csv' is cut off: its gzip data ends at byte"),
    (b"PAR1" + bytes(20), {}, "'e.csv' is a Parquet file; give `format=parquet`"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "options", "expected"), WRONG)
def test_one_line_says_what_is_wrong(tmp_path: Path, content: bytes, options: dict[str, Any], expected: str) -> None:
    assert expected in line("e.csv", content, tmp_path, **options)


def test_damage_is_never_trained_on(tmp_path: Path) -> None:
    # DuckDB alone reads on: it does not compare the checksum of a compressed file, nor miss a Zstandard frame's end.
    from backports import zstd

    text = csv_text([Event(f"u{i % 50}", f"i{i * i % 977}", i) for i in range(3000)])
    for name, packed in {"e.csv.gz": gzip.compress(text), "e.csv.zst": zstd.compress(text, 3)}.items():
        assert "is cut off: its" in line(name, packed[: len(packed) // 2], tmp_path)
    flipped = bytearray(gzip.compress(text))
    flipped[-6] ^= 1  # the checksum
    assert "is damaged: its gzip data" in line("e.csv.gz", bytes(flipped), tmp_path)


def test_truncated_and_nested_parquet(tmp_path: Path) -> None:
    write_parquet([Event("u", f"i{i}") for i in range(1000)], tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    assert line("e.parquet", content[:-50], tmp_path) == (
        "'e.parquet' is cut off: the end that every Parquet file has is missing; get the whole file"
    )
    assert line("e.parquet", content[:4], tmp_path).startswith("cannot read 'e.parquet': ")
    assert line("e.parquet", GOOD, tmp_path) == "'e.parquet' is not a Parquet file; check the file, or get it again"
    assert line("e.parquet", b"", tmp_path) == "'e.parquet' is empty; check the file, or get it again"
    damaged = bytearray(content)
    damaged[len(damaged) // 2 : -60] = bytes(len(damaged[len(damaged) // 2 : -60]))
    assert line("e.parquet", bytes(damaged), tmp_path).startswith("cannot read 'e.parquet': ")
    assert "UTF-8 always" in line("e.parquet", content, tmp_path, encoding="cp1252")
    nested = b'{"user": 1, "item": {"id": 5}}\n'
    expected = "column 'item' of 'e.jsonl' is STRUCT(id BIGINT); it must be text or numbers, a value a row"
    assert line("e.jsonl", nested, tmp_path) == expected
    lists = b'{"basket": ["a", "b"]}\n'
    assert line("e.jsonl", lists, tmp_path, user=None, item=None).startswith(
        "'e.jsonl' is an event table; name its columns with `user` and `item`, or `item=basket` alone, which has a list "
    )
    broken = b'{"user": 1, "item": "a"}\n{"user": 1, "item":\n'
    expected = "cannot read 'e.jsonl': line 2 is not a JSON object: unexpected end of data; fix it, or leave it out"
    assert line("e.jsonl", broken, tmp_path) == expected
    assert line("e.jsonl", gzip.compress(broken), tmp_path) == expected
    assert line("e.jsonl", b'[{"user": 1, "item": 2}]', tmp_path).endswith("e.jsonl > events.jsonl")
    assert line("e.jsonl.gz", broken, tmp_path).startswith("'e.jsonl.gz' ends in .gz but is not compressed; rename")
    assert "is not JSON lines" in line("e.jsonl", b"5\n6\n", tmp_path)


def test_kinds_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "e.txt").write_text("a b\n")
    (tmp_path / "e.csv").write_bytes(GOOD)
    config = SourceConfig(user="user", item="item")
    with pytest.raises(ConfigError, match=r"e.csv' is an event table and .*e.txt' is text; read one kind at a time"):
        read_corpus([tmp_path / "e.txt", tmp_path / "e.csv"], config)
    with pytest.raises(ConfigError, match=r"^`user` is an option of event tables, and .*e.txt' is read as text; give"):
        read_corpus([tmp_path / "e.txt"], config)
    with pytest.raises(CorpusError, match=r"is a directory; name its files"):
        read_corpus([tmp_path], config)
    (tmp_path / "e.json").write_text('{"user": 1, "item": 2}\n')
    with pytest.raises(CorpusError, match=r"e.json' is JSON, not text; if each line is an event, give `format=jsonl`"):
        read_corpus([tmp_path / "e.json"], config)
    with pytest.raises(
        ConfigError, match=r"^with `sql` a source is a DuckDB database, and .*e.csv' is not one; name other"
    ):
        read_corpus([tmp_path / "e.csv"], SourceConfig(user="user", item="item", sql="SELECT 1"))
    with pytest.raises(CorpusError, match=r"^no file .*f.duckdb"):
        read_corpus([tmp_path / "f.duckdb"], SourceConfig(user="user", item="item", sql="SELECT 1"))
    with pytest.raises(CorpusError, match=r"^no file "):
        read_corpus([tmp_path / "f.csv"], config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xml"}, "`format` is 'xml'; it must be one of auto, text, csv, tsv, parquet, jsonl"),
        ({"session_gap": "30y", "time": "t"}, "`session_gap` is '30y'; it must be a time above 0 such as 30m, 2h, 1d, or seconds"),
        ({"session_gap": 0, "time": "t"}, "`session_gap` is 0; it must be a time above 0 such as 30m, 2h, 1d, or seconds"),
        ({"session_gap": "30m"}, "`session_gap` is '30m' but there is no `time`; add `time=COLUMN`"),
        ({"memory": "2 pounds"}, "`memory` is '2 pounds'; it must be a size such as 500MB or 4GB"),
        ({"user": "u", "item": "u"}, "user and item are both 'u'; `item` must be another column, or each sequence would have one item"),
        ({"user": ""}, "`user` is ''; it must be text, and not empty"),
        ({"dedupe": "all"}, "`dedupe` is 'all'; it must be one of none, consecutive, basket"),
    ],
)  # fmt: skip
def test_options_are_checked_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SourceConfig(**options)
    assert str(caught.value) == message
