"""``item2vec train`` on streams and through the cache, and ``item2vec cache``: what is printed, exactly."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from train_command import ENVIRONMENT, SEQUENCES, TOKENS, enter, files, run

from item2vec.cli.main import cli
from item2vec.files.safetensors import map_tensors

sys.path.append(str(Path(__file__).parents[1] / "corpus"))
from packed import PACKERS

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
jit = pytest.mark.jit
QUICK = ("--dim", "4", "--epochs", "1", "--lr", "0.5", "--threads", "1", "--preset", "words")
TEXT = "".join(" ".join(sequence) + "\n" for sequence in SEQUENCES).encode()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    return enter(tmp_path, monkeypatch)


def report(done: Result) -> list[str]:
    """What was said between the first lines of reading and training, times left out."""
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    left_out = ("The first run compiles", "Needs about")
    lines = [line for line in done.stderr.splitlines() if not line.startswith(left_out)]
    assert lines[0].startswith("Read ")
    assert lines[-2].startswith("Trained 1 epoch in ")
    assert lines[1].startswith("Sequences have ")
    return lines[2:-2]


def vectors(model: str = "item2vec.safetensors") -> bytes:
    return map_tensors(model)[0]["input"].tobytes()


@jit
def test_the_same_vectors_however_the_text_comes() -> None:
    assert report(run("train", "corpus.txt", *QUICK)) == []
    expected = vectors()
    for ending, pack in PACKERS.items():
        Path("corpus" + ending).write_bytes(pack(TEXT))
        assert report(run("train", "corpus" + ending, *QUICK)) == []
        assert vectors() == expected
    done = CliRunner().invoke(cli, ["train", "-", *QUICK], input=TEXT)
    assert report(done) == []
    assert vectors() == expected
    Path("corpus.txt").write_bytes(TEXT.decode().encode("utf-16"))
    assert report(run("train", "corpus.txt", *QUICK)) == []
    assert vectors() == expected


@jit
def test_standard_input_of_a_process() -> None:
    command = [sys.executable, "-m", "item2vec", "train", "-", *QUICK, "--json", "--quiet"]
    packed = PACKERS[".zst"](TEXT)
    done = subprocess.run(command, input=packed, capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["tokens"] == TOKENS
    assert files() == {"corpus.txt", "item2vec.safetensors"}
    done = subprocess.run(command, input=packed[:-9], capture_output=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == (
        f"Error: standard input is cut off: its zstd data ends at byte {len(packed) - 9:,}, after 0 bytes of text; "
        "get the whole file\n"
    )


@jit
def test_the_cache_says_what_it_does(folder: Path) -> None:
    expected = None
    for memory, lines in [
        ("1G", []),
        ("1K", [r"The encoded corpus, [0-9.]+kB, is kept for the next run: (.*/cache/[0-9a-f]{32}\.corpus)"]),
        ("1K", [r"It was encoded before, [0-9.]+kB: (.*/cache/[0-9a-f]{32}\.corpus)"]),
    ]:
        found = report(run("train", "corpus.txt", *QUICK, "--memory", memory))
        assert [bool(re.fullmatch(*pair)) for pair in zip(lines, found, strict=True)] == [True] * len(lines)
        assert expected in (None, vectors())
        expected = vectors()
    (kept,) = Path("cache").iterdir()
    kept.write_bytes(kept.read_bytes()[:-1])
    found = report(run("train", "corpus.txt", *QUICK, "--memory", "1K"))
    assert re.fullmatch(r"The encoded corpus, [0-9.]+kB, was damaged, and has been made again: .*", found[0])
    found = report(run("train", "corpus.txt", *QUICK, "--memory", "1K", "--no-cache"))
    assert re.fullmatch(r"The encoded corpus, [0-9.]+kB, is in a temporary file\.", found[0])
    assert vectors() == expected
    size = kept.stat().st_size
    done = run("cache")
    assert done.exit_code == 0
    first, second = done.stdout.splitlines()
    assert first == f"{folder}/cache has 1 file, {size:,} bytes."
    assert re.fullmatch(rf"{kept.name}  \d{{4}}-\d\d-\d\d  {size:,}", second)
    document = json.loads(run("cache", "--json").stdout)
    assert document["kept"][0] | {"used": 0} == {"file": kept.name, "bytes": size, "used": 0}
    assert run("cache", "--clear").stdout == f"Removed 1 file, {size:,} bytes from {folder}/cache.\n"
    assert os.listdir("cache") == []
    assert run("cache").stdout == f"{folder}/cache has 0 files, 0 bytes.\n"


@jit
def test_what_is_replaced_is_reported() -> None:
    Path("corpus.txt").write_bytes(TEXT + b"caf\xe9 \xff\n")
    done = run("train", "corpus.txt", *QUICK)
    line = len(SEQUENCES) + 1
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        f"Error: 'corpus.txt' is not UTF-8 text: line {line:,} has the byte 0xe9, at byte {len(TEXT) + 3:,} of the "
        "file; give its encoding, perhaps --encoding windows-1252, or --errors replace",
    )
    done = run("train", "corpus.txt", *QUICK, "--errors", "replace")
    assert done.exit_code == 0
    assert "Warning: 2 places were not valid in this encoding and became U+FFFD.\n" in done.stderr
    assert json.loads(run("train", "corpus.txt", *QUICK, "--errors", "replace", "--json").stdout)["replaced"] == 2
    assert report(run("train", "corpus.txt", *QUICK, "--encoding", "windows-1252")) == []


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--memory", "much"], "--memory is 'much'; it must be a size such as 500MB or 4GB"),
        (["--memory", "-1"], "--memory is '-1'; it must be a size such as 500MB or 4GB"),
        (
            ["--encoding", "utf-9"],
            "--encoding is 'utf-9', which Python does not know; did you mean 'utf-8'?",
        ),
        (
            ["--errors", "ignore"],
            "Invalid value for '--errors': 'ignore' is not one of 'strict', 'replace'. See 'item2vec train --help'.",
        ),
    ],
)
def test_options_that_cannot_work(options: list[str], line: str) -> None:
    done = run("train", "corpus.txt", *options, "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"Error: {line}\n")


def test_archives_that_are_not_whole_are_one_line_and_leave_nothing() -> None:
    packed = PACKERS[".gz"](TEXT)
    Path("corpus.gz").write_bytes(packed[:1000])
    before = files()
    done = run("train", "corpus.gz", "--quiet")
    assert (done.exit_code, done.stdout) == (1, "")
    assert re.fullmatch(
        r"Error: 'corpus.gz' is cut off: its gzip data ends at byte 1,000, after [0-9,]+ bytes of text; "
        r"get the whole file\n",
        done.stderr,
    )
    assert files() == before
