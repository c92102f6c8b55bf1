"""How a training run shows where it stands: in words, line by line, and as a bar on a terminal."""

from __future__ import annotations

import io
import sys
import threading

import pytest

from item2vec.cli import output as progress_module
from item2vec.cli.output import ProgressShower, count, describe, duration, working
from item2vec.training.progress import Progress


def at(done: float, **parts: float) -> Progress:
    known = {"loss": 2.34567, "lr": 0.0187525, "tokens_per_second": 5_432_100, "seconds": 3.0, "seconds_left": 97.4}
    return Progress(epoch=2, epochs=5, done=done, tokens=0, **(known | parts))


def test_progress_in_words() -> None:
    assert describe(at(0.25)) == "epoch 2/5   25%  5.43M tokens/s  loss 2.3457  lr 0.01875  1:37 left"
    assert describe(at(0.0, seconds_left=float("inf"))).endswith("  ? left")
    shown = [count(number) for number in (0, 7.4, 941, 999.6, 1234, 12_345, 123_456, 999_499, 999_999, 6.91e6, 2.5e9)]
    assert shown == ["0", "7", "941", "1.00k", "1.23k", "12.3k", "123k", "999k", "1.00M", "6.91M", "2.5G"]
    shown = [duration(seconds) for seconds in (0, 7.4, 59.6, 751, 3909, 360_000, float("inf"), float("nan"))]
    assert shown == ["0:00", "0:07", "1:00", "12:31", "1:05:09", "100:00:00", "?", "?"]


def test_away_from_a_terminal_a_line_every_so_often(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    for quiet in (False, True):
        with ProgressShower(quiet=quiet) as show:
            for second in range(1, 26):
                now[0] += 1
                show(at(second / 100))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [describe(at(0.1)), describe(at(0.2))]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "150")
    for quiet in (False, True):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with ProgressShower(quiet=quiet) as show:
            show(at(0.25))
        assert ("5.43M tokens/s  loss 2.3457  lr 0.01875" in terminal.getvalue()) is not quiet
        assert quiet or terminal.getvalue().endswith("\x1b[2K")  # the line is erased


def test_long_work_is_said_once_it_is_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with working("Building [it]"):
        pass
    assert capsys.readouterr() == ("", "")
    said = threading.Event()
    monkeypatch.setattr(progress_module, "_EVERY", 0.0)
    monkeypatch.setattr(progress_module, "say", lambda line: (print(line, file=sys.stderr), said.set()))
    with working("Building [it]"):
        assert said.wait(60)
    assert capsys.readouterr() == ("", "Building [it] ...\n")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with working("Building [it]"):
        pass
    assert "Building [it]" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
