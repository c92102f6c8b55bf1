"""Splits: nothing is lost, nothing held out is trained on, nothing later leaks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from item2vec.cli.main import cli
from item2vec.config.source import SourceConfig
from item2vec.corpus.tables.database import Database
from item2vec.errors import ConfigError, CorpusError
from item2vec.evaluation.split import Events, divide, parse_holdout, write_parts
from item2vec.files.source import look

SEQUENCES = st.lists(st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e"]), max_size=9), max_size=9)
AMOUNTS = st.one_of(st.integers(1, 4).map(float), st.floats(0.01, 0.99))
EVENTS = """\
who,what,at
ann,milk,2024-01-01 08:00:00
bob,bread,2024-01-02 09:00:00
ann,"rye bread",2024-01-05 10:00:00
ann,butter,2024-01-03 10:00:00
,milk,2024-01-03 10:00:00
bob,milk,2024-01-05 10:00:00
eve,butter,2024-01-06 23:00:00
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("events.csv").write_text(EVENTS)
    Path("s.txt").write_text("a b c d\n\ne\nf g\n")
    return tmp_path


@contextmanager
def events_of(path: str, user: str, item: str, time: str | None) -> Iterator[Events]:
    with Database(1, None) as database:
        yield Events(database, [look(Path(path))], SourceConfig(user=user, item=item, time=time))


def ask(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["split", *arguments])


@given(SEQUENCES, AMOUNTS)
def test_last_items_are_held_out(sequences: list[list[bytes]], amount: float) -> None:
    for sequence, (kept, held) in zip(sequences, divide(sequences, "last", amount, 0), strict=True):
        assert kept + held == sequence
        check_amount(len(sequence), len(held), amount)


@given(SEQUENCES, AMOUNTS, st.integers(0, 3))
def test_random_items_are_held_out_wholly(sequences: list[list[bytes]], amount: float, seed: int) -> None:
    for sequence, (kept, held) in zip(sequences, divide(sequences, "random", amount, seed), strict=True):
        assert not set(kept) & set(held)
        assert kept == [item for item in sequence if item in kept]
        assert set(kept) | set(held) == set(sequence)
        check_amount(len(set(sequence)), len(held), amount)


def check_amount(there: int, held: int, amount: float) -> None:
    """As many as asked for, but one item stays."""
    wanted = amount if amount >= 1 else max(1, round(amount * there))
    assert held == max(0, min(wanted, there - 1))


def test_a_seed_decides_what_is_drawn() -> None:
    sequence = [[bytes([65 + letter]) for letter in range(26)]]
    draws = [next(divide(sequence, "random", 5, seed))[1] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    firsts = [next(divide(sequence, "random", 1, seed))[1][0] for seed in range(300)]
    assert len(set(firsts)) == 26  # every item has its chance


def test_text() -> None:
    done = ask("s.txt", "--by", "last")
    assert (done.exit_code, done.stdout) == (0, "")
    assert Path("s.train.txt").read_text() == "a b c\n\ne\nf\n"
    assert Path("s.heldout.txt").read_text() == "d\n\n\ng\n"
    assert "item2vec evaluate items s.train.txt --targets s.heldout.txt" in done.stderr
    assert ask("s.txt", "--id-column", "--holdout", "2", "-o", "t", "--json").exit_code == 0
    assert Path("t.train.txt").read_text() == "b\n\n\ng\n"
    warning = "Warning: each sequence is left with a single item, so there is nothing to learn from; lower --holdout.\n"
    assert ask("s.txt", "--holdout", "9", "-o", "u").stderr.startswith(warning)
    assert "Warning" not in done.stderr
    assert Path("t.heldout.txt").read_text() == "c d\n\n\n\n"


COLUMNS = ("--user", "who", "--item", "what", "--time", "at", "--delimiter", ";")


@pytest.mark.parametrize("holdout", ["2024-01-05 10:00:00", "37h", "2d", "0.5"])
def test_events_in_time(holdout: str) -> None:
    """All from the fifth of January on is held out, equal times included; ann's events are put in order."""
    done = ask("events.csv", *COLUMNS, "--by", "time", "--holdout", holdout)
    assert done.exit_code == 0, done.stderr
    assert Path("events.train.txt").read_text() == "milk;butter\nbread\n\n"
    assert Path("events.heldout.txt").read_text() == "rye bread\nmilk\nbutter\n"
    assert "Note: 1 of 7 events have no 'who' and were left out.\n" in done.stderr
    assert "they are those from 2024-01-0" in done.stderr


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "tsv"])
def test_other_tables(ending: str, folder: Path) -> None:
    import duckdb

    options = {"parquet": "FORMAT parquet", "jsonl": "FORMAT json", "tsv": "DELIMITER '\t', HEADER"}[ending]
    duckdb.sql(f"COPY (SELECT * FROM 'events.csv') TO 'other.{ending}' ({options})")
    with events_of(f"other.{ending}", "who", "what", "at") as events:
        divided = list(events.divided_at(events.cut("2d")))
        assert divided == [([b"milk", b"butter"], [b"rye bread"]), ([b"bread"], [b"milk"]), ([], [b"butter"])]
        assert len(events.notes) == 1


def test_users_and_items_of_a_csv_stay_the_text_that_they_are() -> None:
    """As `train` reads them, or the parts would have other items than the whole."""
    Path("n.csv").write_text("u,i\n1.0,1.50\n1.0,TRUE\n1.00,7\n1.00,007\n1.00,2024-1-1\n")
    with events_of("n.csv", "u", "i", None) as events:
        assert list(events.sequences()) == [[b"1.50", b"TRUE"], [b"7", b"007", b"2024-1-1"]]


def test_compressed_tables_conditions_and_formats() -> None:
    """What `train` reads, `split` divides."""
    Path("table").write_text(EVENTS)
    assert ask("table", *COLUMNS, "--format", "csv").exit_code == 0
    assert Path("table.train.txt").read_text() == "milk;butter\nbread\nbutter\n"
    assert ask("events.csv", "--format", "text", "--delimiter", ",", "-o", "t").exit_code == 0
    assert Path("t.heldout.txt").read_text().startswith("at\n")
    Path("events.csv.gz").write_bytes(gzip.compress(EVENTS.encode()))
    done = ask("events.csv.gz", *COLUMNS, "--where", "who <> 'eve'")
    assert done.exit_code == 0, done.stderr
    assert Path("events.train.txt").read_text() == "milk;butter\nbread\n"
    assert Path("events.heldout.txt").read_text() == "rye bread\nmilk\n"


def test_times_that_are_numbers() -> None:
    """Seconds, or milliseconds: a minute is one in both."""
    Path("n.csv").write_text("u,i,t\n1,a,100\n1,b,200\n2,c,150\n2,d,260\n")
    Path("m.csv").write_text("u,i,t\n1,a,1700000100000\n1,b,1700000200000\n2,c,1700000150000.5\n2,d,1700000260000\n")
    for name, time in (("n.csv", "200"), ("m.csv", "1700000200000")):
        for holdout in (time, "1m", "0.5"):
            with events_of(name, "u", "i", "t") as events:
                assert list(events.divided_at(events.cut(holdout))) == [([b"a"], [b"b"]), ([b"c"], [b"d"])], holdout


def test_events_by_last_item() -> None:
    assert ask("events.csv", *COLUMNS, "--by", "last").exit_code == 0
    assert Path("events.train.txt").read_text() == "milk;butter\nbread\nbutter\n"
    assert Path("events.heldout.txt").read_text() == "rye bread\nmilk\n\n"


@pytest.mark.parametrize(
    ("arguments", "message", "status"),
    [
        (["s.txt", "--by", "time"], "s.txt has no times to split by", 2),
        (["events.csv", "--user", "who", "--item", "what", "--by", "time"], "Error: --by time needs --time COLUMN", 2),
        (
            ["s.txt", "--user", "u", "--item", "i"],
            "s.txt is read as text, which has no use for --user, --item, --time and --where",
            2,
        ),
        (["s.txt", "--holdout", "x"], "holdout is 'x'; it must be a number of items", 2),
        (["s.txt", "--holdout", "1.5"], "holdout is '1.5'", 2),
        (["s.txt", "-o", "no/s"], "cannot write no/s.train.txt", 1),
        (["none.txt"], "no file 'none.txt'", 1),
        (["events.csv", "--by", "last"], "name its columns with --user and --item: it has 'who', 'what', 'at'", 2),
        (["events.csv", "--user", "w", "--item", "what"], "no column 'w'. Its columns are 'who', 'what', 'at'", 1),
        (["events.csv", "--user", "who", "--item", "what", "--time", "what"], "'milk', which is not a time", 1),
        (["events.csv", "--user", "who", "--item", "what", "--time", "at"], "the item 'rye bread' would be several", 1),
        (["events.csv", *COLUMNS, "--by", "time", "--holdout", "soon"], "holdout is 'soon'; it must be a share", 2),
        (["events.csv", *COLUMNS, "--by", "time", "--holdout", "2025-01-01"], "the events reach from 2024-01-01", 2),
    ],
)
def test_what_cannot_be(arguments: list[str], message: str, status: int) -> None:
    done = ask(*arguments)
    assert (done.exit_code, done.stdout) == (status, "")
    assert message in done.stderr.splitlines()[-1]
    assert sorted(path.name for path in Path().iterdir()) == ["events.csv", "s.txt"]


def test_a_pattern_that_one_file_matches() -> None:
    assert ask("s*.txt", "-o", "found").exit_code == 0
    assert ask("s.txt", "-o", "named").exit_code == 0
    assert Path("found.train.txt").read_text() == Path("named.train.txt").read_text()
    done = ask("*.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "*.txt is 5 files of text; split one at a time" in done.stderr


def test_json() -> None:
    found = json.loads(ask("events.csv", *COLUMNS, "--by", "time", "--holdout", "2d", "--json").stdout)
    assert found == {
        "by": "time", "holdout": "2d", "cut": "2024-01-04 23:00:00",
        "train": "events.train.txt", "held_out": "events.heldout.txt",
        "sequences": 2, "items": 3, "held_out_sequences": 3, "held_out_items": 3,
    }  # fmt: skip


def test_amounts_and_items_that_cannot_be() -> None:
    assert (parse_holdout("3"), parse_holdout("0.25")) == (3, 0.25)
    for text in ("0", "-1", "nan", "inf", ""):
        with pytest.raises(ConfigError, match="holdout"):
            parse_holdout(text)
    with pytest.raises(CorpusError, match="items may have no newline"):
        write_parts([([b"a\nb"], [b"c"])], "p", ";")
    with pytest.raises(CorpusError, match="nothing would be held out"):
        write_parts([([b"a"], [])], "p", None)
