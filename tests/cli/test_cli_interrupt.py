"""Ctrl-C in ``item2vec train``: it stops within a second, says what it did, and keeps what was learnt."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from train_command import ENVIRONMENT, enter, files, run

import item2vec


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


@pytest.mark.jit
def test_an_interrupt_stops_training_and_keeps_what_was_learnt() -> None:
    Path("m.safetensors").write_bytes(b"the old model")
    options = ["--dim", "32", "--epochs", "20000", "--sample", "0", "--json", "-o", "m.safetensors"]
    process = subprocess.Popen(
        [sys.executable, "-c", ANNOUNCING, "train", "corpus.txt", *options],
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
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        seconds = time.perf_counter() - began
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, errors
    assert seconds < 10  # a second on a quiet machine; here only that it does not go on
    assert output == ""
    message = errors.splitlines()[-1]
    assert message.startswith("Interrupted in epoch ")
    assert " of 20000, " in message
    assert message.endswith(
        "of the training done. The vectors as they were are in m.partial.safetensors; m.safetensors was not touched."
    )
    assert "Traceback" not in errors
    assert Path("m.safetensors").read_bytes() == b"the old model"
    assert files() == {"corpus.txt", "m.safetensors", "m.partial.safetensors"}
    model = item2vec.load("m.partial.safetensors")
    assert np.isfinite(model.input).all()
    assert model.output is not None
    assert model.output.any()
    assert 0 < model.metadata["training"]["done"] < 1
