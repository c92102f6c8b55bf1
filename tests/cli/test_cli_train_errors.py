"""``item2vec train``: one line, the right status and no new file for everything that a user can get wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from train_command import ENTRIES, enter, files, run, start

from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import WindowBatch
from item2vec.training.steps import KernelStep

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this is a machine's first run is no matter here."""
    monkeypatch.setattr("item2vec.kernels.is_compiled", lambda _: True)


WHOLE = "it must be a whole number from"
WRONG_USAGE = [
    (["--window", "0"], f"--window is 0; {WHOLE} 1 to 10,000"),
    (["--dim", "0"], f"--dim is 0; {WHOLE} 1 to 65,536"),
    (["--dim", "-3"], f"--dim is -3; {WHOLE} 1 to 65,536"),
    (["--dim", "100000"], f"--dim is 100000; {WHOLE} 1 to 65,536"),
    (["--negative", "0"], f"--negative is 0; {WHOLE} 1 to 4,096"),
    (["--epochs", "0"], f"--epochs is 0; {WHOLE} 1 to 1,000,000"),
    (["--threads", "-1"], f"--threads is -1; {WHOLE} 0 to 1,024"),
    (["--seed", "-1"], f"--seed is -1; {WHOLE} 0 to 9,223,372,036,854,775,807"),
    (["--min-count", "0"], f"--min-count is 0; {WHOLE} 1 to 4,611,686,018,427,387,904"),
    (["--max-items", "0"], f"--max-items is 0; {WHOLE} 1 to 2,147,483,647"),
    (["--lr", "nan"], "--lr is nan; it must be a number above 0 and at most 10"),
    (["--lr", "0"], "--lr is 0.0; it must be a number above 0 and at most 10"),
    (["--lr", "inf"], "--lr is inf; it must be a number above 0 and at most 10"),
    (["--min-lr", "-1"], "--min-lr is -1.0; it must be a number from 0 to 10"),
    (["--min-lr", "1"], "--min-lr is 1, above --lr, 0.025; the learning rate falls from --lr to --min-lr"),
    (["--sample", "-0.001"], "--sample is -0.001; it must be a number from 0 to 1"),
    (["--sample", "nan"], "--sample is nan; it must be a number from 0 to 1"),
    (
        ["--window-mode", "basket", "--context", "left"],
        "--context is 'left', but with --window-mode basket order means nothing; "
        "use --window-mode fixed, or --context both",
    ),
    (["--ns-exponent", "2"], "--ns-exponent is 2.0; it must be a number from -1 to 1"),
    (["--tile", "0,5"], "--tile is (0, 5); it must be CENTRES,NEGATIVES, whole numbers from 1 to 4,096, such as 32,16"),
    (["--tile", "5"], "--tile is (5,); it must be CENTRES,NEGATIVES, whole numbers from 1 to 4,096, such as 32,16"),
    (["--tile", "a,b"], "--tile is 'a,b'; it must be whole numbers with commas between them, such as 32,16"),
    (["--tile", "²,3"], "--tile is '²,3'; it must be whole numbers with commas between them, such as 32,16"),
    (["--delimiter", ""], "--delimiter is ''; it must be one or more characters, without a newline or NUL"),
    (
        ["--device", "cuda", "--backend", "kernel"],
        "--backend kernel runs on the CPU only; with --device cuda use --backend torch",
    ),
    (["--dim", "many"], "Invalid value for '--dim': 'many' is not a valid integer. See 'item2vec train --help'."),
]  # fmt: skip


@pytest.mark.parametrize(("options", "line"), WRONG_USAGE)
def test_absurd_options_are_one_line_and_exit_2(options: list[str], line: str) -> None:
    before = files()
    done = run("train", "corpus.txt", *options)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"Error: {line}\n")
    assert files() == before


def test_no_source_is_wrong_usage() -> None:
    done = run("train")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "Error: Missing argument 'SOURCE...'. See 'item2vec train --help'.\n"


def test_an_output_without_its_option() -> None:
    done = run("train", "corpus.txt", "out.safetensors")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: There is no file 'out.safetensors'; to write the model there, put -o before it. "
        "See 'item2vec train --help'.\n"
    )


UNTRAINABLE = {
    "empty": (b"", [], "there is nothing in 'bad.txt'; a corpus needs one sequence of items per line"),
    "blank": (
        b"\n \n\t\n",
        [],
        "'bad.txt' has only white space; a corpus needs one sequence of items per line",
    ),
    "one word": (
        b"milk\n",
        [],
        "there is nothing to learn in 'bad.txt': its only line is a single item; "
        "put the items that belong together on one line, with white space between them",
    ),
    "one-word lines": (
        b"milk\nbread\nmilk\n" * 10,
        ["--min-count", "1"],
        "there is nothing to learn in 'bad.txt': each of its 30 lines is a single item; "
        "put the items that belong together on one line, with white space between them",
    ),
    "one item": (
        b"milk milk milk\nmilk milk\n",
        [],
        "'bad.txt' has only one distinct item, 'milk'; learning needs items that differ",
    ),
    "one item kept": (
        b"milk bread milk\nmilk milk eggs milk\n",
        [],
        "only one item of 'bad.txt', 'milk', occurs 5 times or more; lower --min-count",
    ),
    "one item wanted": (
        b"milk bread milk\n" * 5,
        ["--max-items", "1"],
        "--max-items 1 leaves only 'milk', and one item has no neighbours; raise --max-items",
    ),
    "below min-count": (
        b"milk bread milk\neggs bread\n",
        [],
        "no item of 'bad.txt' occurs 5 times or more, the most frequent one 2; lower --min-count",
    ),
    "alone after min-count": (
        b"milk a\nb milk\nbread c\nd bread\nmilk e\nbread f\n",
        ["--min-count", "3"],
        "every sequence of 'bad.txt' is left with a single item: 2 items occur 3 times or more, "
        "no two of them in one sequence; lower --min-count",
    ),
}


@pytest.mark.parametrize("what", UNTRAINABLE)
def test_what_cannot_be_trained_on_is_one_line_and_exit_1(what: str) -> None:
    content, options, line = UNTRAINABLE[what]
    Path("bad.txt").write_bytes(content)
    before = files()
    done = run("train", "bad.txt", *options)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {line}\n")
    assert files() == before


def test_unreadable_sources_are_one_line_and_exit_1(folder: Path) -> None:
    Path("noise.txt").write_bytes(np.random.default_rng(1).integers(0, 256, 4096, dtype=np.uint8).tobytes())
    Path("latin.txt").write_bytes("crème brûlée crème\n".encode("latin-1") * 10)
    before = files()
    for source, beginning in [
        ("nothing.txt", "Error: no file 'nothing.txt'"),
        ("*.csv", "Error: "),
        (".", "Error: '.' is a directory"),
        ("noise.txt", "Error: 'noise.txt' "),
        ("latin.txt", "Error: 'latin.txt' "),
        ("corpus.txt/x", "Error: no file 'corpus.txt/x'"),
    ]:
        done = run("train", source)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert done.stderr.startswith(beginning)
    assert files() == before


def test_an_output_that_cannot_be_written_fails_before_the_source_is_read(folder: Path) -> None:
    for output, line in [
        ("no/m", f"cannot write no/m: the folder {folder}/no does not exist; make it first"),
        (".", "cannot write .: it is a folder; name a file in it"),
        ("", "cannot write '': it is not a file name"),
        ("corpus.txt/m", "cannot write corpus.txt/m: not a directory"),
        ("/dev/null", "cannot write /dev/null: it is not a regular file"),
    ]:  # fmt: skip
        done = run("train", "missing.txt", "-o", output)
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {line}\n")
    assert files() == {"corpus.txt"}


def test_a_device_that_is_not_there_fails_before_the_source_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("item2vec.corpus.reading.read_corpus", lambda *_, **__: pytest.fail("the source was read"))
    done = run("train", "corpus.txt", "--device", "cuda")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: torch cannot use cuda on this machine; use --device cpu\n"


@pytest.mark.jit
def test_subsampling_that_leaves_nothing_is_one_line_and_keeps_the_old_model() -> None:
    Path("item2vec.safetensors").write_bytes(b"the old model")
    done = run("train", "corpus.txt", "--sample", "1e-300", "--dim", "4", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "sample" in done.stderr
    assert Path("item2vec.safetensors").read_bytes() == b"the old model"


def test_a_failure_in_training_is_one_line_and_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(step: KernelStep, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> np.ndarray:
        if len(batch.negatives):
            raise RuntimeError("out of luck\nand more")
        return np.zeros(3)

    monkeypatch.setattr(KernelStep, "__call__", fail)
    before = files()
    done = run("train", "corpus.txt", "--quiet")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: a worker failed: out of luck and more\n"
    assert files() == before


def test_both_entries_report_failures_alike() -> None:
    for entry in ENTRIES:
        done = start(entry, "train", "corpus.txt", "--window", "0")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "Error: --window is 0; it must be a whole number from 1 to 10,000\n"


def test_a_table_without_columns_is_one_line_in_a_process_of_its_own() -> None:
    """DuckDB's bindings look at the end of the process for what is left, and would list it."""
    Path("plays.csv").write_text("user,item\nu,a\n")
    done = start(next(iter(ENTRIES)), "train", "plays.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: 'plays.csv' is an event table;")
    assert done.stderr.count("\n") == 1
