"""What training needs is said before it begins, rightly, and refused where it is not there."""

from __future__ import annotations

import resource
import shutil
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_data import clusters, zipf_corpus

import item2vec
from item2vec.cli.train import train as train_command
from item2vec.config.train import TrainConfig
from item2vec.errors import TrainingError
from item2vec.files import machine as memory
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.model.cpu.simd import padded
from item2vec.session import estimate as module
from item2vec.session.estimate import Part, estimate, size_text

CORPUS = zipf_corpus(20_000, 300, 20)


def sizes(**options: object) -> dict[str, int]:
    validated = bool(options.pop("validated", False))
    return {part.name: part.size for part in estimate(CORPUS, TrainConfig(**options), validated=validated).parts}  # type: ignore[arg-type]


def test_tables_and_ids_by_hand() -> None:
    found = sizes(dim=100, validated=True)
    assert found["tables"] == 2 * 300 * padded(100) * 4  # rows are whole registers
    assert found["best epoch"] == 2 * 300 * 100 * 4
    assert found["ids of tokens"] == 20_000 * 4 + 8 * (len(CORPUS) + 1)
    assert "best epoch" not in sizes()


def test_a_worker_more_is_a_worker_more() -> None:
    one, three = sizes(threads=1)["threads"], sizes(threads=3)["threads"]
    assert three == 3 * one
    assert sizes(threads=1, dim=400)["threads"] > one
    assert sizes(threads=1, window=100)["threads"] > one


def test_the_work_space_is_no_larger_than_said() -> None:
    """By the arrays themselves: those of a batch and of a tile, at several shapes."""
    from item2vec.model.cpu.scratch import make_scratch, make_target_scratch
    from item2vec.sampling.sampler import Sampler, Window

    for dim, window, tile in ((100, 5, (64, 32)), (16, 40, (8, 32)), (300, 10, (1, 5))):
        sampler = Sampler(CORPUS, window=Window(window), sample=0, ns_exponent=0.75, tile=tile)
        batch = sampler.worker(np.random.SeedSequence(1), min(1 << 15, len(CORPUS.items)))
        rows, centres = tile[0] + 2 * window, tile[0]
        for arch, space in (
            ("skipgram", make_scratch(rows, centres, window, tile[1], dim)),
            ("cbow", make_target_scratch(2 * window + 1, tile[1], dim)),
        ):
            taken = sum(array.nbytes for array in (*batch, *space) if isinstance(array, np.ndarray))
            said = sizes(dim=dim, window=window, tile=tile, threads=1, window_mode="fixed", arch=arch)["threads"]
            assert 0.8 * taken < said < 1.25 * taken


@pytest.mark.jit
def test_the_file_is_as_large_as_said(tmp_path: Path) -> None:
    from dataclasses import replace

    from item2vec.session.run import start

    rare = Vocabulary.from_items(["r1", "r2"], [1, 1])
    names = Names(np.frombuffer(b"n" * 300, np.uint8), np.arange(301))
    corpus = replace(CORPUS, rare=rare, names=names)
    config = TrainConfig(dim=20, epochs=1, threads=1)
    run = start(corpus, config)
    run.model(run.train()).save(tmp_path / "m")
    said = estimate(corpus, config).disk
    assert said - 4096 < (tmp_path / "m").stat().st_size <= said
    kept = estimate(corpus, config, checkpoints=True)
    assert kept.disk == kept.checkpoint == said
    assert str(kept).endswith(f"of disk, {size_text(2 * said)} with checkpoints.")
    kept = estimate(corpus, config, checkpoints=True, validated=True)
    assert kept.checkpoint == said + 2 * 4 * 300 * 20


def test_the_line() -> None:
    parts = (Part("tables", 2 * 10**9, False, "--dim"), Part("ids", 10**8, True, ""), Part("threads", 10, False, ""))
    said = str(module.Estimate(parts, 1_234_000))
    assert said == "Needs about 2.1 GB of memory (tables 2.0 GB, ids 100 MB), and 1 MB of disk."
    assert [size_text(n) for n in (999, 999_999_999, 1e9)] == ["1 kB", "1,000 MB", "1.0 GB"]


def test_memory_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = module.Estimate(
        (
            Part("tables", 3 * 10**9, False, "--dim"),
            Part("the program", 10**9, True, ""),
            Part("kernels", 10**6, False, ""),
        ),
        0,
    )
    monkeypatch.setattr(module, "available_memory", lambda: needs.missing)
    needs.check()
    monkeypatch.setattr(module, "available_memory", lambda: needs.missing - 1)
    with pytest.raises(
        TrainingError,
        match=r"^training needs 3\.0 GB more memory, and only 3\.0 GB is left: "
        r"tables 3\.0 GB \(less with --dim\), kernels 1 MB$",
    ):
        needs.check()


def test_disk_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    asked = []

    def disk_usage(folder: Path) -> tuple[int, int, int]:
        asked.append(folder)
        return usage(0, 0, 999_999)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "m")
    module.Estimate((), 999_999).check(str(tmp_path / "m"))
    with pytest.raises(TrainingError, match=r"the model will have 1 MB, and 1,000 kB are free in .*far; make room"):
        module.Estimate((), 1_000_000).check(str(tmp_path / "link"))
    assert asked == [tmp_path, tmp_path / "far"]


@pytest.fixture
def corpus_file(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(line) + "\n" for line in clusters(sequences=200)))
    return path


@pytest.mark.jit
def test_nothing_is_begun_that_cannot_end(corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "m.safetensors"
    output.write_text("old")
    arguments = [str(corpus_file), "-o", str(output), "--epochs", "1", "--dim", "8"]
    result = CliRunner().invoke(train_command, arguments)
    assert "Needs about " in result.stderr
    assert output.read_bytes() != b"old"
    output.write_text("old")
    monkeypatch.setattr(module, "available_memory", lambda: 1000)
    result = CliRunner().invoke(train_command, arguments)
    assert isinstance(result.exception, TrainingError)
    assert output.read_text() == "old"
    with pytest.raises(TrainingError, match="more memory, and only 1 kB is left"):
        item2vec.train(corpus_file, dim=8, epochs=1)


def test_groups_of_processes_have_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 2: own group or any above it; what is cached of files does not count. Then version 1."""
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    groups = tmp_path / "groups"
    (groups / "a" / "b").mkdir(parents=True)
    for folder, limit, used in ((groups / "a", "5000000", "3000000"), (groups / "a" / "b", "max", "1")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text(used)
        (folder / "memory.stat").write_text("anon 5\ninactive_file 1000000\nactive_file 7\n")
    monkeypatch.setattr(memory, "_GROUPS", groups)
    monkeypatch.setattr(memory, "_OWN_GROUP", own)
    assert memory.machine_memory() == 5_000_000
    assert memory.available_memory() == 3_000_000
    shutil.rmtree(groups / "a")
    (groups / "memory").mkdir()
    (groups / "memory" / "memory.limit_in_bytes").write_text("4000000")
    (groups / "memory" / "memory.usage_in_bytes").write_text("3500000")
    assert memory.machine_memory() == 4_000_000
    assert memory.available_memory() == 500_000
    shutil.rmtree(groups)
    assert memory.available_memory() <= memory.machine_memory() > 10**8


@pytest.mark.skipif(sys.platform != "linux", reason="the address space in use is read from /proc")
def test_a_limit_of_the_address_space() -> None:
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000, limits[1]))
        assert 250_000_000 < memory.available_memory() <= 300_000_000
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
