"""Kernels compiled ahead: in the same forms as a training, by another process where that helps, which is not left."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

import item2vec
from item2vec.cli.main import cli
from item2vec.config.train import TrainConfig
from item2vec.errors import TrainingError
from item2vec.session import precompile, warmup

pytest.importorskip("torch")
BASKETS = [["milk", "bread", "tea"], ["tea", "milk", "jam"], ["bread", "butter"]] * 9


class Process:
    """What `subprocess.Popen` is to its caller."""

    def __init__(self, status: int = 0, *, ends: bool = True) -> None:
        self.returncode: int | None = status if ends else None
        self.done: list[str] = []

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self.done.append("wait")
        return self.returncode

    def kill(self) -> None:
        self.done.append("kill")


@pytest.mark.jit
@pytest.mark.parametrize(("arch", "loss"), precompile.MODES)
def test_a_training_finds_the_form_that_was_compiled(arch: Any, loss: Any) -> None:
    precompile.compile_step(arch, loss)
    kernel: Any = precompile.step_kernel(arch, loss)
    forms = len(kernel.signatures)
    options: dict[str, Any] = {"dim": 4, "epochs": 1, "threads": 1, "sample": 0, "min_count": 1, "preset": "words"}
    item2vec.train(BASKETS, arch=arch, loss=loss, **options)
    assert len(kernel.signatures) == forms


@pytest.mark.parametrize(
    ("compiled", "keeps", "cores", "backend", "starts"),
    [
        (False, True, 2, "auto", True),
        (True, True, 2, "auto", False),
        (False, False, 2, "auto", False),
        (False, True, 1, "auto", False),
        (False, True, 2, "torch", False),
    ],
)
def test_another_process_compiles_where_it_helps(
    monkeypatch: pytest.MonkeyPatch, compiled: bool, keeps: bool, cores: int, backend: Any, starts: bool
) -> None:
    started = []

    def start(*task: str) -> Process:
        started.append(task)
        return Process()

    monkeypatch.setattr(precompile, "start_compiling", start)
    monkeypatch.setattr(precompile, "cores", lambda: cores)
    monkeypatch.setattr("item2vec.kernels.is_compiled", lambda kernel: compiled)
    monkeypatch.setattr("item2vec.kernels.keeps_code", lambda kernel: keeps)
    with precompile.compiling(TrainConfig(arch="cbow", backend=backend)) as wait:
        wait()
    assert started == ([(precompile.STEP, "cbow", "ns")] if starts else [])


def test_the_other_process_ends_with_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(ends=False)
    monkeypatch.setattr(precompile, "start_compiling", lambda *task: process)
    monkeypatch.setattr(precompile, "cores", lambda: 2)
    monkeypatch.setattr("item2vec.kernels.is_compiled", lambda kernel: False)
    monkeypatch.setattr("item2vec.kernels.keeps_code", lambda kernel: True)
    with pytest.raises(KeyboardInterrupt), precompile.compiling(TrainConfig()):
        raise KeyboardInterrupt
    assert process.done == ["kill", "wait"]


def test_all_are_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = []

    def start(*task: str) -> Process:
        tasks.append(task)
        return Process()

    monkeypatch.setattr(warmup, "start_compiling", start)
    done = CliRunner().invoke(cli, ["warmup"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith("Compiled the kernels in 0:00; they are kept in ")
    assert sorted(tasks) == sorted([(warmup.REST,), *((precompile.STEP, *mode) for mode in precompile.MODES)])


def test_a_process_that_fails_is_named_and_the_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = {(): Process(ends=False), ("skipgram", "ns"): Process(status=3)}
    monkeypatch.setattr(warmup, "start_compiling", lambda module, *task: processes[task])
    monkeypatch.setattr(warmup, "cores", lambda: 2)
    with pytest.raises(TrainingError, match=r"^compiling for skipgram and ns failed with status 3"):
        warmup.compile_all()
    assert processes[()].done[-2:] == ["kill", "wait"]


def test_where_no_code_can_be_kept_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("item2vec.kernels.code_folder", lambda: None)
    done = CliRunner().invoke(cli, ["warmup"])
    assert done.exit_code == 2
    assert done.stderr == "Error: no folder can be written to keep the kernels in; name one with NUMBA_CACHE_DIR\n"
