"""Checkpoints: a run that goes on from one ends as if nothing had happened, and one of another run is refused."""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_data import clusters, zipf_corpus

import item2vec
from item2vec.config.train import TrainConfig
from item2vec.config.units import Interval
from item2vec.config.validation import ValidationConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import ConfigError, DivergenceError, ModelError
from item2vec.files.safetensors import map_tensors
from item2vec.model.tables import Initial
from item2vec.session.checkpoints import Checkpoints
from item2vec.session.run import Run, start
from item2vec.training.progress import Progress
from item2vec.training.trainer import Trainer

jit = pytest.mark.jit
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")
NEVER = Interval()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.checkpoint.safetensors"


def corpus_of(tokens: int = 12_000) -> Corpus:
    return zipf_corpus(tokens, 60, 20)


def make_run(corpus: Corpus | None = None, held_out: Path | None = None, **options: Any) -> Run:
    config = TrainConfig(**({"dim": 8, "threads": 1, "sample": 1e-2, "epochs": 3} | options))
    validation = None if held_out is None else ValidationConfig(held_out, patience=0)
    return start(corpus_of() if corpus is None else corpus, config, validation=validation)


def stop_at(run: Run, path: Path, shards: int, checkpoints: Checkpoints | None = None) -> None:
    """Train until a shard is begun, and write a checkpoint after it."""
    step = run.trainer.step

    def counted(*batch: Any) -> Any:
        if run.trainer.shards_done > shards:
            run.trainer.stop()
        return step(*batch)

    run.trainer.step = counted
    run.train()
    assert not run.trainer.ended
    assert shards < run.trainer.shards_done <= shards + run.trainer.threads
    (checkpoints or Checkpoints(path, run, NEVER)).save()


def tables(run: Run) -> tuple[bytes, ...]:
    return tuple(table.tobytes() for table in run.trainer.tables.views())


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=jit),
        pytest.param({"arch": "cbow", "window_mode": "basket"}, marks=jit),
        pytest.param({"loss": "hs"}, marks=jit),
        {"backend": "torch"},
    ],
    ids=["skipgram", "cbow", "hs", "torch"],
)
def test_one_thread_goes_on_to_the_same_bits(path: Path, options: dict[str, str]) -> None:
    whole = make_run(**options)
    wanted = whole.train()
    for part in (0.01, 0.5, 0.9):  # one process after the other, each from where the last one stopped
        run = make_run(**options)
        if path.exists():
            Checkpoints(path, run, NEVER).resume()
        stop_at(run, path, int(run.trainer.shards * part))
    run = make_run(**options)
    Checkpoints(path, run, NEVER).resume()
    result = run.train()
    assert tables(run) == tables(whole)
    assert (result.losses, result.pairs, result.limited) == (wanted.losses, wanted.pairs, wanted.limited)
    assert result.done == 1


@jit
@pytest.mark.parametrize("threads", [2, 4])
def test_several_threads_train_every_shard_once(path: Path, threads: int) -> None:
    """Window 1 without subsampling has a known number of pairs: two for each two neighbours."""
    corpus = corpus_of(60_000)
    options: dict[str, Any] = {"threads": threads, "window": 1, "sample": 0.0}
    for part in (0.2, 0.7):
        run = make_run(corpus, **options)
        if path.exists():
            Checkpoints(path, run, NEVER).resume()
        stop_at(run, path, int(run.trainer.shards * part))
    run = make_run(corpus, **options)
    Checkpoints(path, run, NEVER).resume()
    assert run.train().pairs == 3 * 2 * int((np.diff(corpus.offsets) - 1).sum())


def test_validation_goes_on_with_its_values_and_its_best_tables(path: Path, tmp_path: Path) -> None:
    held_out = tmp_path / "held_out.txt"
    corpus = corpus_of(4000)
    lines = [" ".join(corpus.vocabulary[i] for i in part) for part in np.split(corpus.items, corpus.offsets[1:-1])]
    held_out.write_text("\n".join(lines[:50]) + "\n")
    options: dict[str, Any] = {"backend": "torch", "epochs": 4, "lr": 0.5}  # so large that the last is not the best
    whole = make_run(corpus, held_out, **options)
    whole.train()
    for part in (0.3, 0.75):  # within an epoch, and just at the end of one
        run = make_run(corpus, held_out, **options)
        if path.exists():
            Checkpoints(path, run, NEVER).resume()
        stop_at(run, path, int(run.trainer.shards * part))
    run = make_run(corpus, held_out, **options)
    Checkpoints(path, run, NEVER).resume()
    run.train()
    assert run.validation is not None
    assert whole.validation is not None
    assert len(run.validation.values) == 4
    assert run.validation.values == whole.validation.values
    assert all(map(np.array_equal, run.validation.best or (), whole.validation.best or ()))
    with pytest.raises(ConfigError, match="the validation is different"):
        Checkpoints(path, make_run(corpus, **options), NEVER).resume()


def test_a_checkpoint_is_a_model(path: Path) -> None:
    run = make_run(backend="torch")
    stop_at(run, path, run.trainer.shards // 2)
    model = item2vec.load(path)
    assert np.array_equal(model.input, run.trainer.tables.views()[0])
    assert len(model.similar(model.vocabulary[0], k=3)) == 3
    assert 0.4 < model.metadata["training"]["done"] < 0.7
    model.save(path)  # the vectors alone, perhaps changed: nothing to go on from
    with pytest.raises(ModelError, match="is a model, not a checkpoint; name another output, or move that file"):
        Checkpoints(path, make_run(backend="torch"), NEVER).resume()


@pytest.mark.jit
def test_another_corpus_or_configuration_is_refused(path: Path) -> None:
    run = make_run(backend="torch")
    stop_at(run, path, run.trainer.shards // 2)

    def refused(corpus: Corpus | None = None, **options: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            Checkpoints(path, make_run(corpus, **({"backend": "torch"} | options)), NEVER).resume()
        return str(caught.value).removeprefix(f"{path} is a checkpoint of a different training: ").partition(";")[0]

    assert refused(dim=9) == "`dim` is 9 and was 8"
    assert refused(epochs=4) == "`epochs` is 4 and was 3"
    assert refused(seed=2, lr=0.5) == "`lr` is 0.5 and was 0.025"
    assert refused(backend="kernel") == "`backend` is kernel and was torch"
    corpus = corpus_of()
    assert (
        refused(dataclasses.replace(corpus, raw_tokens=11)) == f"the corpus has 11 tokens and had {corpus.raw_tokens:,}"
    )
    turned = dataclasses.replace(corpus, items=np.ascontiguousarray(corpus.items[::-1]))
    assert (
        refused(turned) == "the corpus has the same number of sequences, tokens and items, but its content is different"
    )
    Checkpoints(path, make_run(backend="torch", threads=3, device="cpu"), NEVER).resume()


def test_the_rows_of_init_count_and_frozen_ones_stay(path: Path) -> None:
    ids = np.arange(5)

    def run_with(value: float) -> Run:
        rows = np.full((5, 8), value, np.float32)
        config = TrainConfig(dim=8, epochs=3, backend="torch", init="x.txt", freeze=True)
        return start(corpus_of(), config, Initial(ids, ids, rows, rows, frozen=True))

    stop_at(run_with(0.25), path, 20)
    with pytest.raises(ConfigError, match="the vectors of `init` are different"):
        Checkpoints(path, run_with(0.5), NEVER).resume()
    run = run_with(0.25)
    Checkpoints(path, run, NEVER).resume()
    run.train()
    assert (run.trainer.tables.views()[0][:5] == 0.25).all()


def test_a_checkpoint_that_is_further_on_is_not_replaced(path: Path) -> None:
    first = make_run(backend="torch")
    stop_at(first, path, first.trainer.shards // 2)
    before = path.read_bytes()
    again = make_run(backend="torch")
    checkpoints = Checkpoints(path, again, Interval(seconds=0), share=1e9)
    left = checkpoints.leftover()
    assert left is not None
    assert "51% of this training already; `resume` goes on from there" in left
    stop_at(again, path, 5, checkpoints)
    assert path.read_bytes() == before
    assert not checkpoints.save()
    later = make_run(backend="torch")
    checkpoints = Checkpoints(path, later, NEVER)
    checkpoints.leftover()
    stop_at(later, path, int(later.trainer.shards * 0.8), checkpoints)
    assert path.read_bytes() != before
    other = Checkpoints(path, make_run(backend="torch", dim=5), NEVER).leftover()
    assert other is not None
    assert "is a checkpoint of a different training (`dim` is 5 and was 8)" in other


@pytest.mark.parametrize("room", [0, 3000])
def test_a_full_disk_leaves_the_earlier_checkpoint_and_training_goes_on(
    path: Path, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_run(backend="torch")
    stop_at(first, path, first.trainer.shards // 3)
    before = path.read_bytes()
    told: list[str] = []
    run = make_run(backend="torch")
    checkpoints = Checkpoints(path, run, Interval(seconds=0), told.append, share=1e9)
    checkpoints.resume()
    full_disk(monkeypatch, room)
    run.train(pause=checkpoints, every=0.001)
    assert run.trainer.ended
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    assert told[0].startswith(f"no checkpoint was written, but training continues: cannot write {path}: no space left")
    assert checkpoints.written == 0
    with pytest.raises(ModelError, match="no space left"):
        Checkpoints(path, run, NEVER).save()


def full_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """No file opened for writing takes more than ``room`` bytes."""
    opened = open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.room = file, room

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: Any) -> int:
            size = memoryview(data).nbytes
            if size > self.room:
                self.file.write(memoryview(data).cast("B")[: self.room])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.room -= size
            return int(self.file.write(data))

    monkeypatch.setattr("item2vec.files.safetensors.open", lambda *p: Full(opened(*p)), raising=False)


def test_numbers_that_are_not_finite_are_never_written(path: Path) -> None:
    run = make_run(backend="torch")
    stop_at(run, path, run.trainer.shards // 2)
    before = path.read_bytes()
    broken = make_run(backend="torch")
    Checkpoints(path, broken, NEVER).resume()
    broken.trainer.tables.input.weight[7, 3] = torch.nan
    with pytest.raises(DivergenceError, match=f"the vector of '{broken.corpus.vocabulary[7]}'"):
        Checkpoints(path, broken, NEVER).save()
    assert path.read_bytes() == before
    with pytest.raises(DivergenceError):
        broken.model(broken.trainer.result())


def test_the_interval_is_kept_and_so_is_the_share_of_the_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("item2vec.session.checkpoints.time.monotonic", lambda: clock[0])
    run = make_run(backend="torch")
    shards = [0]
    monkeypatch.setattr(Trainer, "shards_done", property(lambda _: shards[0]))
    checkpoints = Checkpoints(path, run, Interval.parse("10m"))
    monkeypatch.setattr("item2vec.session.checkpoints.save_model", lambda *_, **__: clock.__setitem__(0, clock[0] + 9))

    def due(seconds: float, done: int) -> bool:
        clock[0], shards[0] = seconds, done
        return checkpoints.due(run.trainer)

    assert not due(599, 5)
    assert not due(600, 0)  # nothing done that could be lost
    assert due(600, 5)
    checkpoints.save()  # costs 9 seconds: so 900 until the next
    assert clock[0] == 609
    assert not due(609 + 899, 9)
    assert due(609 + 900, 9)
    half = Checkpoints(path, run, Interval.parse("50%"))
    epoch = run.trainer.shards_of_epoch
    assert [half.due(run.trainer) for shards[0] in (1, epoch // 2 - 1, epoch // 2 + 1)] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("10m", Interval(seconds=600)),
        ("30s", Interval(seconds=30)),
        ("1.5h", Interval(seconds=5400)),
        ("90", Interval(seconds=90)),
        (90, Interval(seconds=90)),
        ("50%", Interval(epochs=0.5)),
        ("0.5epoch", Interval(epochs=0.5)),
        (" 2 epochs ", Interval(epochs=2)),
        ("0", Interval()),
    ],
)
def test_intervals(text: str | float, interval: Interval) -> None:
    assert Interval.parse(text) == interval


@pytest.mark.parametrize("text", ["", "m", "-5m", "10 minutes", "1e3", "nan", "5%%", True, "٣m"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"`checkpoint_every` is .*; it must be a time such as 30s"):
        Interval.parse(text)


def test_a_damaged_checkpoint_is_refused(path: Path) -> None:
    run = make_run(backend="torch")
    stop_at(run, path, run.trainer.shards // 2)
    whole = path.read_bytes().replace(b'"crc32"', b'"other"')  # as of an earlier version, without checksums
    _, texts = map_tensors(path)
    assert '"shards": ' in texts["item2vec"]

    def refused(old: bytes, new: bytes) -> str:
        assert whole.count(old) == 1
        path.write_bytes(whole.replace(old, new))
        with pytest.raises(ModelError) as caught:
            Checkpoints(path, run, NEVER).resume()
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "its training state cannot be read" in refused(b'\\"shards\\": ', b'\\"shards\\":-')
    assert "its training state cannot be read" in refused(b'\\"epochs_closed\\": 0', b'\\"epochs_closed\\": 9')
    assert "its training state cannot be read" in refused(b'\\"sums\\": ', b'\\"sumz\\": ')
    assert "is a model, not a checkpoint" in refused(b'\\"checkpoint\\": {', b'\\"check_point\\":{')
    assert "another version of item2vec" in refused(
        b'\\"checkpoint\\": {\\"format\\": 1', b'\\"checkpoint\\": {\\"format\\": 7'
    )
    path.write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="damaged"):
        Checkpoints(path, run, NEVER).resume()
    path.unlink()
    with pytest.raises(
        ConfigError, match=r"there is no checkpoint .* to continue from; leave out `resume` to start anew"
    ):
        Checkpoints(path, run, NEVER).resume()


@pytest.mark.parametrize("table", ["input", "output"])
def test_a_flipped_bit_in_a_table_is_found_at_resume(path: Path, table: str) -> None:
    run = make_run(backend="torch")
    stop_at(run, path, run.trainer.shards // 2)
    data = bytearray(path.read_bytes())
    place = bytes(data).index(map_tensors(path)[0][table].tobytes())
    data[place + 1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=f"tensor '{table}' does not match its checksum"):
        Checkpoints(path, make_run(backend="torch"), NEVER).resume()


def test_python_goes_on_after_ctrl_c(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("item2vec.session.run.EVERY", 0.001)
    corpus = corpus_of(3000)
    text = tmp_path / "corpus.txt"
    lines = [" ".join(corpus.vocabulary[i] for i in part) for part in np.split(corpus.items, corpus.offsets[1:-1])]
    text.write_text("\n".join(lines) + "\n")
    options: dict[str, Any] = {"dim": 8, "threads": 1, "backend": "torch", "sample": 0.0, "epochs": 20}
    whole = item2vec.train(text, **options)

    def interrupt(progress: Progress) -> None:
        if progress.done > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        item2vec.train(text, checkpoint=path, report=interrupt, **options)
    done = item2vec.load(path).metadata["training"]["done"]
    assert 0.1 < done < 1
    with (
        pytest.warns(UserWarning, match="of this training already; `resume` goes on"),
        pytest.raises(KeyboardInterrupt),
    ):
        item2vec.train(text, checkpoint=path, report=lambda _: (_ for _ in ()).throw(KeyboardInterrupt), **options)
    assert done <= item2vec.load(path).metadata["training"]["done"] < 1
    resumed = item2vec.train(text, checkpoint=path, resume=True, **options)
    assert np.array_equal(resumed.input, whole.input)
    assert np.array_equal(resumed.output, whole.output)
    assert resumed.metadata["training"]["losses"] == whole.metadata["training"]["losses"]
    assert not path.exists()
    with pytest.raises(ConfigError, match="there is no checkpoint"):
        item2vec.train(text, checkpoint=path, resume=True, **options)
    with pytest.raises(ConfigError, match="`resume` continues from a checkpoint; name its file"):
        item2vec.train(text, resume=True, **options)
    with pytest.raises(ModelError, match="does not exist"):
        item2vec.train(text, checkpoint=tmp_path / "none" / "m.safetensors", **options)
    with pytest.raises(ConfigError, match="`checkpoint_every` is 'now'"):
        item2vec.train(text, checkpoint=path, checkpoint_every="now", **options)


@jit
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_killed_at_random_instants_it_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """The program that the figures in the log are of, with a few kills."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(" ".join(sequence) for sequence in clusters(sequences=600)) + "\n")
    program = Path(__file__).parents[2] / "benchmarks" / "stress" / "kill_loop.py"
    done = subprocess.run(
        [sys.executable, str(program), str(corpus), "--kills", "5", "--epochs", "40", "--dim", "8"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(program.parents[2])},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[:3] for row in rows] == [["1", "thread", "5"], ["2", "threads", "5"]]
    assert [row[-2:] for row in rows] == [["1", "1"]] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on the size of files is needed")
def test_a_real_limit_of_the_system_leaves_the_earlier_files(tmp_path: Path) -> None:
    """Checkpoints fail and training goes on; the model fails with one line; nothing is half written."""
    (tmp_path / "corpus.txt").write_text("\n".join(" ".join(sequence) for sequence in clusters(300)) + "\n")
    (tmp_path / "item2vec.safetensors").write_bytes(b"the old model")
    warm = "import item2vec; item2vec.train('corpus.txt', backend='torch', dim=16, epochs=1, min_count=1, cache=False)"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))"
    program = f"{warm}; {limit}; from item2vec.cli import main; main()"  # what is compiled is kept in files too
    options = ["--backend", "torch", "--dim", "16", "--epochs", "40", "--min-count", "1", "--no-cache"]
    done = subprocess.run(
        [sys.executable, "-c", program, "train", "corpus.txt", *options, "--checkpoint-every", "0.001s"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 1, done.stderr
    *told, error = done.stderr.splitlines()
    assert error == "Error: cannot write ./item2vec.safetensors: file too large"
    assert any(
        line.startswith("Warning: no checkpoint was written, but training continues: cannot write ") for line in told
    )
    assert {name: (tmp_path / name).stat().st_size for name in os.listdir(tmp_path)} == {
        "corpus.txt": (tmp_path / "corpus.txt").stat().st_size,
        "item2vec.safetensors": len(b"the old model"),
    }
