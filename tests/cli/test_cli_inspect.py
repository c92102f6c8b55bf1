"""``item2vec inspect``, and what `train` says of a corpus: report, warnings, `--strict`, pictures on a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from train_command import ENVIRONMENT, enter, run

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
TEXT = "user item\n" + "a b c d\nb a e f g g\n" * 6 + "h\n" * 2


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter(tmp_path, monkeypatch)
    Path("c.txt").write_text(TEXT)
    return tmp_path


HEADER = (
    "Warning: The first sequence, 'user item', looks like a header line; remove it; a table is read with --format csv "
    "or tsv, and --user and --item.\n"
)


def test_the_report_is_lines_and_warnings_go_to_standard_error() -> None:
    done = run("inspect", "c.txt", "--window", "3")
    assert done.exit_code == 0
    assert done.stdout == (
        "sequences   15\n"
        "tokens      64\n"
        "items       10, of which 2 occur once\n"
        "rare        3 items occur fewer than 5 times (--min-count), 6.2% of the tokens\n"
        "lengths     1 to 6 items, mean 4.3\n"
        "            1% up to 1, 25% up to 4, 50% up to 4, 75% up to 6, 99% up to 6\n"
        "repeated    9.4% of the tokens repeat the one before\n"
        "duplicates  11 sequences are exact copies of earlier ones: 73.3%\n"
        "commonest   a     12  18.8%\n"
        "            b     12  18.8%\n"
        "            g     12  18.8%\n"
        "            c      6   9.4%\n"
        "            d      6   9.4%\n"
        "            e      6   9.4%\n"
        "            f      6   9.4%\n"
        "            h      2   3.1%\n"
        "            user   1   1.6%\n"
        "            item   1   1.6%\n"
    )
    assert done.stderr == HEADER


def test_strict_makes_warnings_errors() -> None:
    done = run("inspect", "c.txt", "--strict")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "sequences   15")
    assert done.stderr == HEADER + (
        "Error: 1 warning about the corpus, and --strict is given; fix it, or leave out --strict\n"
    )
    Path("c.txt").write_text(TEXT.partition("\n")[2])
    assert (run("inspect", "c.txt", "--strict").exit_code, run("inspect", "c.txt").stderr) == (0, "")


def test_json_is_one_document() -> None:
    done = run("inspect", "c.txt", "--json", "--min-count", "3")
    document = json.loads(done.stdout)
    assert done.stderr == HEADER
    assert document["warnings"] == [HEADER.removeprefix("Warning: ").removesuffix(".\n")]
    assert document["hint"] is None
    assert document["rare"] == {"items": 3, "tokens": 4}
    assert document["lengths"] | {"mean": 0} == {
        "shortest": 1, "1%": 1, "25%": 4, "50%": 4, "75%": 6, "99%": 6, "longest": 6, "mean": 0
    }  # fmt: skip
    assert document["histogram"] == [
        {"from": 1, "to": 1, "sequences": 2},
        {"from": 2, "to": 2, "sequences": 1},
        {"from": 3, "to": 4, "sequences": 6},
        {"from": 5, "to": 8, "sequences": 6},
    ]
    assert document["commonest"][0] == {"item": "a", "count": 12}
    assert document["frequencies"][-1] == {"rank": 10, "count": 1}
    assert (document["duplicates"], document["repeated"]["consecutive"]) == (11, 6)


def test_tables_with_names_and_left_out_events() -> None:
    rows = "".join(f"u{i % 5},i{i % 7},Thing {i % 7}\n" for i in range(60))
    Path("e.csv").write_text("user,item,title\n" + rows + ",i1,Thing 1\n")
    done = run("inspect", "e.csv", "--user", "user", "--item", "item", "--name-column", "title")
    assert done.exit_code == 0
    assert "commonest   i0  Thing 0  9  15.0%\n" in done.stdout
    assert done.stderr == (
        "Hint: This looks like baskets: items repeat within a sequence less often than by chance; `item2vec train` "
        "takes --preset baskets.\nWarning: 1 of 61 events have no 'user' and were left out.\n"
    )
    assert run("inspect", "e.csv", "--user", "user", "--item", "item", "--strict").exit_code == 1
    done = run("inspect", "e.csv", "--user", "usr", "--item", "item")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: 'e.csv' has no column 'usr'; did you mean 'user'?")


def test_the_commonest_stand_in_columns_as_wide_as_they_look() -> None:
    Path("e.csv").write_text("u,i,n\n1,a,One\n1,a,One\n1,牛乳,\n1,b,Three and more\n")
    done = run("inspect", "e.csv", "--user", "u", "--item", "i", "--name-column", "n", "--min-count", "1")
    assert done.stdout.endswith(
        "commonest   a     One             2  50.0%\n"
        "            牛乳                  1  25.0%\n"
        "            b     Three and more  1  25.0%\n"
    )


def test_escapes_in_items_do_not_reach_the_terminal() -> None:
    Path("c.txt").write_text("\x1b[31mred b\n" * 9)
    assert "\x1b" not in run("inspect", "c.txt").output


@pytest.mark.jit
def test_train_tells_the_same_in_short() -> None:
    options = ("--dim", "4", "--epochs", "1", "--threads", "1", "--min-count", "1", "--sample", "0")
    done = run("train", "c.txt", *options)
    assert done.exit_code == 0
    assert (
        "\nSequences have 1 to 6 of these, median 4; 9.4% of the tokens repeat the one before, 73.3% of the sequences "
        "are duplicates.\nThis looks like text: items are words, and repeat within a sequence about as often as by "
        "chance. Training with word2vec's own defaults.\n" + HEADER
    ) in done.stderr
    done = run("train", "c.txt", *options, "--quiet", "--json")
    assert done.stderr == HEADER
    assert len(json.loads(done.stdout)["warnings"]) == 1
    Path("item2vec.safetensors").unlink()
    done = run("train", "c.txt", *options, "--strict")
    assert done.exit_code == 1
    assert done.stderr.endswith("and --strict is given; fix it, or leave out --strict\n")
    assert not Path("item2vec.safetensors").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_pictures_on_a_terminal() -> None:
    import pty

    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "item2vec", "inspect", "c.txt"]
    environment = ENVIRONMENT | {"TERM": "xterm", "COLUMNS": "60"}
    process = subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, env=environment)
    os.close(follower)
    shown = b""
    while True:
        try:
            block = os.read(leader, 4096)
        except OSError:  # how Linux says that the other side has closed
            break
        if not block:
            break
        shown += block
    os.close(leader)
    assert process.wait() == 0
    assert "█" in shown.decode()
    assert "5 to 8" in shown.decode()
