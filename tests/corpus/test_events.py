"""read_corpus on event tables against its plain-Python twin, on nasty items, in every format."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from event_twin import Event, csv_text, json_lines, layers, sequences_of_events, twin_of, write_all, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_read_text import agree

from item2vec.config.source import SourceConfig
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.reading import read_corpus
from item2vec.errors import CorpusError

COLUMNS = SourceConfig(user="user", item="item")


def read(path: Path | list[Path], *, min_count: int = 1, threads: int = 2, **options: Any) -> Corpus:
    paths = path if isinstance(path, list) else [path]
    return read_corpus(paths, replace(COLUMNS, **options), min_count=min_count, threads=threads)


def items_of(corpus: Corpus) -> list[list[str]]:
    """The sequences, as items."""
    names = corpus.vocabulary.index_to_key()
    ids, ends = corpus.items.tolist(), corpus.offsets.tolist()
    return [[names[id_] for id_ in ids[start:stop]] for start, stop in itertools.pairwise(ends)]


def same(one: Corpus, other: Corpus) -> bool:
    return (
        one.vocabulary == other.vocabulary
        and one.items.tobytes() == other.items.tobytes()
        and one.offsets.tobytes() == other.offsets.tobytes()
        and (one.raw_tokens, one.raw_sequences) == (other.raw_tokens, other.raw_sequences)
    )


def test_every_format_and_text_give_the_same_bits(tmp_path: Path) -> None:
    rng = random.Random(7)
    events = [Event(f"u{rng.randrange(300)}", f"{rng.randrange(400):03}", rng.randrange(10**9)) for _ in range(4000)]
    text = tmp_path / "e.txt"
    text.write_text("".join(" ".join(items) + "\n" for items in sequences_of_events(events, timed=True)))
    expected = read_corpus([text], SourceConfig(), min_count=3)
    assert len(expected.vocabulary) > 300
    for path in write_all(events, tmp_path):
        for threads in (1, 2):
            assert same(read(path, time="time", min_count=3, threads=threads), expected), path.name


def test_files_follow_one_another_whatever_their_format_and_types(tmp_path: Path) -> None:
    rng = random.Random(3)
    events = [Event(f"u{rng.randrange(20)}", f"{rng.randrange(30):02}") for _ in range(600)]
    parts = [events[start : start + 150] for start in range(0, 600, 150)]
    (tmp_path / "1.csv").write_bytes(csv_text(parts[0]))
    write_parquet(parts[1], tmp_path / "2.parquet")
    (tmp_path / "3.jsonl").write_bytes(json_lines(parts[2]))
    (tmp_path / "4.csv").write_bytes(csv_text(parts[3], ";"))
    files = [tmp_path / name for name in ("1.csv", "2.parquet", "3.jsonl", "4.csv")]
    agree(read(files), twin_of(sequences_of_events(events)))
    for name, part in zip(("a", "b", "c", "d"), parts, strict=True):
        (tmp_path / f"g-{name}.csv").write_bytes(csv_text(part))
    agree(read(tmp_path / "g-*.csv"), twin_of(sequences_of_events(events)))


NASTY = [
    "a", "b", 'qu"ote', '"', "'", "''", "tab\there", "a,b;c|d", " lead", "trail ", "007", "7", "1e3", "NULL", "nan",
    "😀", "👩\u200d🍳", "שלום", "مرحبا", "\u202eabc", "\ufeff", "e\u0301", "é", "\u3000", "\xa0", "x" * 10_000,
    "x" * 9_999 + "y", "\\", "\x01", "\x7f", "a\0b", "\0", "{}", "#", "--", "%s", "$1",
]  # fmt: skip
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=12)
some_item = st.sampled_from(NASTY) | any_text
some_events = st.lists(
    st.builds(
        Event,
        user=st.sampled_from(["u1", "u2", "ü 3", '4"', "05", None]),
        item=st.none() | some_item,
        time=st.sampled_from([None, *range(12), 1000, 1001]),
        weight=st.sampled_from([None, -1, 0, 1, 1, 2, 3, 7]),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=some_events,
    kind=st.sampled_from(["e.csv", "e.tsv", "e.jsonl", "e.parquet"]),
    timed=st.booleans(),
    gap=st.none() | st.sampled_from([1, 3.5, 100]),
    dedupe=st.sampled_from(["none", "consecutive", "basket"]),
    weighted=st.booleans(),
    min_count=st.integers(1, 2),
    threads=st.integers(1, 3),
)
def test_any_events_become_what_the_twin_says(
    tmp_path: Path,
    events: list[Event],
    kind: str,
    timed: bool,
    gap: float | None,
    dedupe: str,
    weighted: bool,
    min_count: int,
    threads: int,
) -> None:
    # Sequences that every reading keeps, so that there is something to train on, whatever else comes.
    events = [*events, *(Event(user, item, time, 1) for user in "!?" for item, time in (("aa", 5), ("bb", 6)))]
    path = tmp_path / kind
    if kind == "e.parquet":
        write_parquet(events, path)
    else:
        path.write_bytes(
            json_lines(events) if kind == "e.jsonl" else csv_text(events, "\t" if kind == "e.tsv" else ",")
        )
    gap = gap if timed else None
    options = {
        "time": "time" if timed else None,
        "session_gap": gap,
        "dedupe": dedupe,
        "weight": "weight" if weighted else None,
        "min_count": min_count,
        "threads": threads,
    }
    twin = twin_of(sequences_of_events(events, timed=timed, gap=gap, dedupe=dedupe, weighted=weighted), min_count)
    if not twin.trainable:
        with pytest.raises(CorpusError):
            read(path, **options)
        return
    corpus = read(path, **options)
    agree(corpus, twin)
    lacking = [event for event in events if not event.user]
    assert any("no 'user'" in note for note in corpus.notes) == bool(lacking)


@pytest.mark.parametrize(("gap", "ends"), [("30m", 2), ("1800", 2), (1799.5, 4), ("29m", 4), ("2h", 1), (".5h", 2)])
def test_sessions_end_at_gaps_longer_than_the_gap(tmp_path: Path, gap: Any, ends: int) -> None:
    # 0, then exactly 30 minutes twice, then two hours less a second
    times = [0, 1800, 3600, 10_799]
    (tmp_path / "e.csv").write_text("user,item,time\n" + "".join(f"u,i{t % 7},{t}\n" for t in [*times, *times]))
    corpus = read(tmp_path / "e.csv", time="time", session_gap=gap, dedupe="none")
    # every time comes twice, so that no session is a single event
    assert len(corpus) == ends


TIMES = {
    "timestamps": ["2024-01-31 10:00:00", "2024-01-31 10:29:59.5", "2024-01-31 11:00:00"],
    "zones": ["2024-01-31T10:00:00Z", "2024-01-31T12:29:59+02:00", "2024-01-31T06:00:00-05:00"],
    "seconds": ["1706695200", "1706696999", "1706698800"],
    "halves": ["1706695200.0", "1706696999.5", "1706698800.25"],
    "milliseconds": ["1706695200000", "1706696999999", "1706698800000"],
    "microseconds": ["1706695200000000", "1706696999999999", "1706698800000000"],
    "nanoseconds": ["1706695200000000000", "1706697000000000000", "1706698800000000001"],
}


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_times_of_all_kinds(tmp_path: Path, name: str, ending: str) -> None:
    first, second, third = TIMES[name]
    rows = [("c", third), ("d", third), ("b", second), ("a", first)]
    path = tmp_path / f"e.{ending}"
    if ending == "csv":
        path.write_text("user,item,time\n" + "".join(f"u,{item},{time}\n" for item, time in rows))
    else:
        number = "::DOUBLE" if name == "halves" else "::BIGINT"
        kind = {"timestamps": "::TIMESTAMP", "zones": "::TIMESTAMPTZ"}.get(name, number)
        values = ", ".join(f"('u', '{item}', '{time}'{kind})" for item, time in rows)
        with duckdb.connect() as connection:
            select = f'SELECT * FROM (VALUES {values}) AS t("user", item, time)'
            connection.execute(f"COPY ({select}) TO '{path}' (FORMAT {'json' if ending == 'jsonl' else 'parquet'})")
    gap = 1800  # the second comes at most that after the first, the third a little more after the second
    assert items_of(read(path, time="time", session_gap=gap)) == [["a", "b"], ["c", "d"]]
    assert items_of(read(path, time="time")) == [["a", "b", "c", "d"]]


def test_dates_and_nanoseconds(tmp_path: Path) -> None:
    path = tmp_path / "e.parquet"
    rows = "('u', 'b', 2), ('u', 'a', 1), ('u', 'c', 3)"
    with duckdb.connect() as connection:
        for expression in ("DATE '2024-01-01' + time", "make_timestamp_ns(1706695200000000000 + time)"):
            select = f'SELECT "user", item, {expression} AS time FROM (VALUES {rows}) AS t("user", item, time)'
            connection.execute(f"COPY ({select}) TO '{path}'")
            assert items_of(read(path, time="time")) == [["a", "b", "c"]]


def test_ties_keep_the_order_of_the_files_over_many_row_groups(tmp_path: Path) -> None:
    rng = random.Random(11)
    events = [Event(f"u{rng.randrange(3)}", f"i{number}", rng.randrange(2)) for number in range(30_000)]
    write_parquet(events, tmp_path / "e.parquet")
    corpus = read(tmp_path / "e.parquet", time="time", threads=4)
    assert items_of(corpus) == sequences_of_events(events, timed=True)


def test_a_list_a_row_needs_no_user(tmp_path: Path) -> None:
    (tmp_path / "1.jsonl").write_text('{"items": ["a", "b"]}\n{"items": []}\n{"items": ["c", null, "a"], "x": 1}\n')
    (tmp_path / "2.jsonl").write_text('{"items": [7, "a"]}\n')
    corpus = read([tmp_path / "1.jsonl", tmp_path / "2.jsonl"], user=None, item="items")
    assert items_of(corpus) == [["a", "b"], ["c", "a"], ["7", "a"]]
    assert corpus.notes == ("1 of 7 events have no 'items' and were left out",)


def test_files_whose_names_look_like_patterns(tmp_path: Path) -> None:
    (tmp_path / "e[1]*.csv").write_text("user,item\n1,a\n1,b\n")
    (tmp_path / "e1x.csv").write_text("user,item\n1,c\n1,d\n")
    assert items_of(read(tmp_path / "e[1]*.csv")) == [["a", "b"]]


def test_columns_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text('"der ""Käufer""",select,Item,item\nu,1,a,x\nu,2,b,y\n', encoding="utf-8")
    assert items_of(read(tmp_path / "e.csv", user='der "Käufer"', item="Item", time="select")) == [["a", "b"]]
    # SQL overlooks case, so the second of two such names gets a number
    assert items_of(read(tmp_path / "e.csv", user='der "Käufer"', item="item_1")) == [["x", "y"]]


def test_a_csv_without_a_header_line(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("u,a,3\nu,b,1\n")
    assert items_of(read(tmp_path / "e.csv", user="column0", item="column1", time="column2")) == [["b", "a"]]


def test_where_sees_numbers_and_items_stay_text(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item,price\n" + "".join(f"1,{i}.50,{i}.5\n" for i in range(20)))
    where = "price > 9 AND item < 12 AND user = 1 -- and so on"
    corpus = read(tmp_path / "e.csv", where=where)
    assert items_of(corpus) == [["9.50", "10.50", "11.50"]]
    lines = [f'{{"user": 1, "item": "{i:03}", "time": {i}, "at": "2024-01-{i:02}", "w": 1.50}}\n' for i in range(1, 20)]
    (tmp_path / "e.jsonl").write_text("".join(lines))
    where = "\"at\" >= DATE '2024-01-07' AND time < 10 AND w > 1 AND item <> '008'"
    for time in ("time", "at"):
        assert items_of(read(tmp_path / "e.jsonl", where=where, time=time, weight="w")) == [
            ["007", "009"],
            ["007", "009"],
        ]


def test_the_kind_of_times_is_that_of_the_rows_that_count(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("user,item,time\nu,c,NA\nu,b,1700000500\nu,a,1700000001\n")
    corpus = read(tmp_path / "e.csv", time="time", session_gap="10m", where="time <> 'NA'")
    assert items_of(corpus) == [["a", "b"]]


def test_sql_reads_files_and_databases(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE sale AS SELECT i // 3 AS buyer, 'p' || i % 2 AS product FROM range(6) t(i)")
    query = "SELECT * FROM sale ORDER BY buyer DESC, product;"
    corpus = read(tmp_path / "shop.duckdb", sql=query, user="buyer", item="product")
    assert items_of(corpus) == [["p0", "p1", "p1"], ["p0", "p0", "p1"]]
    (tmp_path / "e.csv").write_text("who,what\n1,a\n1,b\n")
    corpus = read([], sql=f"SELECT * FROM '{tmp_path}/e.csv' -- all", user="who", item="what")
    assert items_of(corpus) == [["a", "b"]]


def test_weights_are_layers() -> None:
    events = [Event("u", "a", None, 3), Event("u", "b", None, 1), Event("u", "c", None, 9), Event("u", "d", None, 2)]
    assert layers(events) == [["a", "b", "c", "d"], ["a", "c", "d"], ["a", "c"]]
    assert layers(events[:1]) == [["a"]]


@pytest.mark.parametrize("value", [25, -3, 17_850.5, True])
def test_parquet_numbers_are_items(tmp_path: Path, value: Any) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT 1 AS \"user\", unnest([{value}, {value}, NULL]) AS item) TO '{tmp_path}/e.parquet'"
        )
        connection.execute(f"COPY (SELECT 1 AS \"user\", 'x' AS item) TO '{tmp_path}/f.parquet'")
    corpus = read([tmp_path / "e.parquet", tmp_path / "f.parquet"])
    assert corpus.vocabulary.index_to_key() == [str(value).lower(), "x"]
    assert len(corpus.notes) == 1


def test_a_table_larger_than_memory_is_sorted_on_disk(tmp_path: Path) -> None:
    select = "SELECT hash(i) % 50000 AS \"user\", 'item ' || hash(i * 7) % 20000 AS item, hash(i * 3) % 1000 AS time"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select} FROM range(600000) t(i)) TO '{tmp_path}/e.parquet'")
    free = read(tmp_path / "e.parquet", time="time")
    assert same(read(tmp_path / "e.parquet", time="time", memory="64MB"), free)


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "e.csv").write_text("user,item\n1,a\n1,b\n")
    read(tmp_path / "e.csv")
    assert list((tmp_path / "tmp").iterdir()) == []
