"""Signals in ``item2vec train``: it stops within a second, keeps what was learnt, and says how to go on."""

from __future__ import annotations

import os
import pty
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
from item2vec.cli.main import StopSignals


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter(tmp_path, monkeypatch)


def test_an_interrupt_while_reading_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("item2vec.corpus.reading.read_corpus", interrupt)
    before = files()
    done = run("train", "corpus.txt", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
    assert files() == before


SIGNALLING = """
import signal, sys, threading
from item2vec.cli import main
from item2vec.training.trainer import Trainer
number, main_thread, work, done = int(sys.argv.pop(1)), threading.get_ident(), Trainer._work, []
signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background, it may be ignored
def work_and_send(self, index, shard):
    work(self, index, shard)
    done.append(shard)
    if len(done) == self.shards // 5:
        signal.pthread_kill(main_thread, number)
Trainer._work = work_and_send
main()
"""
OPTIONS = ("--dim", "16", "--epochs", "60", "--sample", "0", "--threads", "1", "-o", "m.safetensors")


def signalled(number: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Train, and send a signal when a fifth of the training has been done in this process."""
    command = [sys.executable, "-c", SIGNALLING, str(number), "train", "corpus.txt", *OPTIONS, *options]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)


@pytest.mark.jit
def test_signals_stop_training_and_it_goes_on_to_the_same_bits() -> None:
    """Ctrl-C, then a SIGTERM of the run that went on, then to the end: as a run without either."""
    Path("m.safetensors").write_bytes(b"the old model")
    done = []
    for number, options in ((signal.SIGINT, ()), (signal.SIGTERM, ("--resume",))):
        stopped = signalled(number, *options, "--json")
        assert stopped.returncode == 128 + number, stopped.stderr
        assert stopped.stdout == ""
        assert "Traceback" not in stopped.stderr
        message, command = stopped.stderr.splitlines()[-2:]
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
    assert "checkpoint  yes\n" in run("info", "-m", "m.checkpoint.safetensors").stdout

    kept = Path("m.checkpoint.safetensors").read_bytes()
    again = run("train", "corpus.txt", *OPTIONS, "--quiet")
    assert again.stderr.startswith("Note: m.checkpoint.safetensors has ")
    assert again.exit_code == 0
    assert files() == {"corpus.txt", "m.safetensors"}
    whole = item2vec.load("m.safetensors")
    Path("m.checkpoint.safetensors").write_bytes(kept)
    other = run("train", "corpus.txt", *OPTIONS, "--resume", "--dim", "17")
    assert other.exit_code == 2
    assert other.stderr == (  # before the corpus is read
        "Error: m.checkpoint.safetensors is a checkpoint of a different training: --dim is 17 and was 16; "
        "--resume needs the same corpus and options\n"
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
    monkeypatch.setattr("item2vec.corpus.reading.read_corpus", lambda *_, **__: pytest.fail("the source was read"))
    done = run("train", "corpus.txt", "--resume")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: there is no checkpoint item2vec.checkpoint.safetensors to continue from; leave out --resume to "
        "start anew\n",
    )


def test_a_checkpoint_never_replaces_what_is_read() -> None:
    Path("m.checkpoint.safetensors").write_text("a b\n" * 9)
    done = run("train", "m.checkpoint.safetensors", "-o", "m.safetensors")
    assert done.exit_code == 2
    assert (
        "m.checkpoint.safetensors is read, and checkpoints would be written there; name another --output" in done.stderr
    )


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


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_command_that_is_ended_leaves_no_temporary_file(tmp_path: Path, number: int, status: int) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "item2vec", "inspect", "-", "--format", "csv", "--user", "u", "--item", "i"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    before = signal.signal(number, signal.SIG_DFL)  # where tests run under nohup, it is ignored
    with subprocess.Popen(command, **pipes, env=ENVIRONMENT | {"TMPDIR": str(temporary)}) as process:  # type: ignore[call-overload]
        signal.signal(number, before)
        process.stdin.write(b"u,i\n" + b"1,a\n" * 20_000)  # more than is looked at to see what it is
        process.stdin.flush()
        while not list(temporary.glob("*/plain*")):  # it copies what comes by the pipe, and waits for more
            assert process.poll() is None
        process.send_signal(number)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (status, b"", b"Interrupted.\n")
    assert list(temporary.iterdir()) == []


LOSING = """
import ctypes, hashlib, importlib, signal, sys, time
from item2vec.cli import ask, main
number, place = int(sys.argv.pop(1)), sys.argv.pop(1)
signal.signal(signal.SIGINT, signal.default_int_handler)
for other in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(other, signal.SIG_DFL)
class Dying:
    def __del__(self):
        signal.raise_signal(number)
        time.sleep(0)
def send():
    signal.raise_signal(number)
    time.sleep(0)
def work(path):
    if place == "callback":
        ctypes.CFUNCTYPE(None)(send)()
    elif place == "destructor":
        Dying()
    else:
        importlib.import_module("greedy")
    time.sleep(60)
ask.open_model = work
main()
"""
GREEDY = """
import signal, sys, time
try:
    signal.raise_signal({number})
    time.sleep(0)
except:
    pass
"""


@pytest.mark.parametrize("place", ["callback", "destructor", "import"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_no_signal_is_swallowed(number: int, place: str) -> None:
    """Where an exception is lost, it comes again."""
    Path("greedy.py").write_text(GREEDY.format(number=number))
    command = [sys.executable, "-c", LOSING, str(int(number)), place, "similar", "milk"]
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", "Interrupted.\n")


BUSY = """
import hashlib, signal, sys, threading
from item2vec.cli import ask, main
signal.signal(signal.SIGINT, signal.default_int_handler)
def work(path):
    threading.Timer(1, print, ["busy"], {"flush": True}).start()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000_000)  # compiled code that asks for no signals
ask.open_model = work
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_second_signal_ends_compiled_code_at_once(number: int) -> None:
    command = [sys.executable, "-c", BUSY, "similar", "milk"]
    before = signal.signal(number, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        signal.signal(number, before)
        assert process.stdout is not None
        assert process.stdout.readline() == b"busy\n"
        process.send_signal(number)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number


def on_a_terminal(*options: str, ignored: bool) -> tuple[int, int]:
    """Start a training as a terminal's only process; give its number, and the terminal's other end."""
    process, master = pty.fork()
    if not process:  # pragma: no cover, another process
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        command = [sys.executable, "-m", "item2vec", "train", "corpus.txt", *OPTIONS, *options]
        os.execvpe(command[0], command, ENVIRONMENT | {"TERM": "xterm"})
    return process, master


@pytest.mark.jit
@pytest.mark.parametrize("ignored", [False, True])
def test_a_terminal_that_closes_costs_no_training(ignored: bool) -> None:
    """The hangup leaves a checkpoint; who ignores it trains to the end, though nobody sees it."""
    process, master = on_a_terminal("--epochs", "300", ignored=ignored)
    shown = b""
    while b"lr 0.0" not in shown:  # the bar
        shown += os.read(master, 4096)
    os.close(master)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if ignored:
        assert status == 0
        assert files() == {"corpus.txt", "m.safetensors"}
    else:
        assert status == 128 + signal.SIGHUP
        assert files() == {"corpus.txt", "m.checkpoint.safetensors"}


@pytest.mark.jit
@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", ">&- 2>&- <&-"])
def test_training_without_streams(redirection: str) -> None:
    command = f"exec {sys.executable} -m item2vec train corpus.txt --dim 8 --epochs 2 --threads 1 {redirection}"
    assert subprocess.run(["bash", "-c", command], env=ENVIRONMENT).returncode == 0
    assert files() == {"corpus.txt", "item2vec.safetensors"}


@pytest.mark.jit
def test_the_reader_of_progress_leaves_in_the_middle() -> None:
    command = [sys.executable, "-m", "item2vec", "train", "corpus.txt", *OPTIONS]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        assert process.wait() == 0
    assert files() == {"corpus.txt", "m.safetensors"}
