"""Signals in ``item2vec train``: it stops within a second, keeps what was learnt, and says how to go on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import numpy as np
import pytest
from train_command import ENVIRONMENT, enter, files, run

import item2vec
from item2vec.cli.stop_signals import StopSignals


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def test_an_interrupt_while_reading_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("item2vec.api.read_corpus", interrupt)
    before = files()
    done = run("train", "corpus.txt", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
    assert files() == before


ANNOUNCING = """
import signal, sys
from item2vec.cli import main
from item2vec.cli.progress import ProgressShower
signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background, it may be ignored
show = ProgressShower.__call__
def announce(self, progress):
    if progress.done > 0:
        print("training", file=sys.stderr, flush=True)
    show(self, progress)
ProgressShower.__call__ = announce
main()
"""


OPTIONS = ("--dim", "32", "--epochs", "3000", "--sample", "0", "--threads", "1", "-o", "m.safetensors")


def signalled(number: int, *options: str) -> tuple[int, str, str, float]:
    """Train, and send a signal once training has begun; returns status, outputs and how long it took to stop."""
    process = subprocess.Popen(
        [sys.executable, "-c", ANNOUNCING, "train", "corpus.txt", *OPTIONS, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        assert process.stderr is not None
        while (line := process.stderr.readline()) != "training\n":
            assert line, "it ended by itself"
        began = time.perf_counter()
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
        return process.returncode, output, errors, time.perf_counter() - began
    finally:
        process.kill()
        process.wait()


@pytest.mark.jit
def test_signals_stop_training_and_it_goes_on_to_the_same_bits() -> None:
    """Ctrl-C, then a SIGTERM of the run that went on, then to the end: as a run without either."""
    Path("m.safetensors").write_bytes(b"the old model")
    done = []
    for number, options in ((signal.SIGINT, ()), (signal.SIGTERM, ("--resume",))):
        status, output, errors, seconds = signalled(number, *options, "--json")
        assert status == 128 + number, errors
        assert seconds < 10  # half a second on a quiet machine; here only that it does not go on
        assert output == ""
        assert "Traceback" not in errors
        message, command = errors.splitlines()[-2:]
        assert message.startswith("Stopped in epoch ")
        assert message.endswith(
            "of the training done and kept in m.checkpoint.safetensors, a model like any other. Go on with:"
        )
        assert command.split() == ["item2vec", "train", "corpus.txt", *OPTIONS, *options, "--json"] + [
            word for word in ("--resume",) if word not in options
        ]
        assert Path("m.safetensors").read_bytes() == b"the old model"
        assert files() == {"corpus.txt", "m.safetensors", "m.checkpoint.safetensors"}
        model = item2vec.load("m.checkpoint.safetensors")
        assert np.isfinite(model.input).all()
        done.append(model.metadata["training"]["done"])
    assert 0 < done[0] < done[1] < 1
    assert run("similar", "c3.2", "-m", "m.checkpoint.safetensors").exit_code == 0

    again = run("train", "corpus.txt", *OPTIONS, "--quiet")
    assert again.stderr.startswith("Note: m.checkpoint.safetensors has ")
    assert again.exit_code == 0
    assert files() == {"corpus.txt", "m.safetensors"}
    whole = item2vec.load("m.safetensors")
    model.save("m.checkpoint.safetensors")
    other = run("train", "corpus.txt", *OPTIONS, "--resume", "--dim", "33")
    assert other.exit_code == 2
    assert other.stderr.splitlines()[-1] == (
        "Error: m.checkpoint.safetensors is a checkpoint of another training: dim is 33 and was 32; "
        "--resume needs the same corpus and options"
    )
    finished = run("train", "corpus.txt", *OPTIONS, "--resume")
    assert finished.exit_code == 0, finished.stderr
    assert f"{done[1]:.0%} of the training done." in finished.stderr
    resumed = item2vec.load("m.safetensors")
    assert np.array_equal(resumed.input, whole.input)
    assert np.array_equal(resumed.output, whole.output)
    assert resumed.metadata["training"]["losses"] == whole.metadata["training"]["losses"]
    assert files() == {"corpus.txt", "m.safetensors"}


def test_resume_without_a_checkpoint_is_an_error_before_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("item2vec.api.read_corpus", lambda *_, **__: pytest.fail("the source was read"))
    done = run("train", "corpus.txt", "--resume")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: there is no checkpoint item2vec.checkpoint.safetensors to go on from; leave --resume out to start\n",
    )


def test_a_checkpoint_never_replaces_what_is_read() -> None:
    Path("m.checkpoint.safetensors").write_text("a b\n" * 9)
    done = run("train", "m.checkpoint.safetensors", "-o", "m.safetensors")
    assert done.exit_code == 2
    assert "is where the checkpoints of m.safetensors are written; name another output with -o" in done.stderr


def test_the_second_signal_interrupts_at_once_and_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    stopped: list[int] = []

    def two_signals() -> None:
        with StopSignals(lambda: stopped.append(1)) as signals:
            signal.raise_signal(signal.SIGTERM)
            stopped.append(signals.status)
            signal.raise_signal(signal.SIGTERM)
            stopped.append(0)  # not reached

    with pytest.raises(click.exceptions.Exit) as caught:
        two_signals()
    assert stopped == [1, 143]
    assert caught.value.exit_code == 143
    assert signal.getsignal(signal.SIGTERM) is before
