"""Running ``item2vec train`` in a folder of its own, on a corpus of planted clusters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_data import clusters

import item2vec
from item2vec.cli.main import cli

ROOT = Path(item2vec.__file__).parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
ENTRIES = {"module": [sys.executable, "-m", "item2vec"], "checkout": [sys.executable, str(ROOT / "cli.py")]}
SEQUENCES = clusters(sequences=1500)
TOKENS = sum(map(len, SEQUENCES))
QUICK = ("--dim", "16", "--sample", "0", "--epochs", "10", "--threads", "1")


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with corpus.txt in it."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    Path("corpus.txt").write_text("".join(" ".join(sequence) + "\n" for sequence in SEQUENCES))
    return folder


def run(*arguments: str) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(cli, list(arguments))


def start(entry: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, from one of the `ENTRIES`."""
    return subprocess.run([*ENTRIES[entry], *arguments], capture_output=True, text=True, env=ENVIRONMENT)


def files() -> set[str]:
    """What lies in the working folder, hidden files included."""
    return set(os.listdir())
