"""What races share: a trainer started as a process and measured, and what is to be known of a corpus."""

from __future__ import annotations

import hashlib
import json
import os
import string
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ITEM2VEC = "item2vec"
PEERS = ("gensim", "fasttext")
# The same tool with other options: how much the threads bring, and what the kernel brings over plain torch.
VARIANTS = {"item2vec-one-thread": ["--threads", "1"], "item2vec-torch": ["--backend", "torch"]}
MODEL_ENDINGS = {"gensim": ".kv", "fasttext": ".bin"}


class RunFailedError(Exception):
    """A trainer's process ended with an error; the message carries its last line."""


@dataclass
class Run:
    """One run of one trainer.

    Attributes
    ----------
    seconds : dict
        read, train and write as the trainer's process measured them, whole as seen from outside.
    tokens_per_second : float or None
        Raw tokens of all epochs over the seconds of training.
    peak_bytes : int
        Peak resident size of the process.
    quality : dict
        Score of each measure, where it was asked for.
    """

    trainer: str
    seed: int
    version: str
    items: int
    seconds: dict[str, float]
    tokens_per_second: float | None
    peak_bytes: int
    quality: dict[str, float] = field(default_factory=dict)


def run_trainer(trainer: str, settings: dict[str, Any], tokens: int, peer_python: str) -> Run:
    """Run ``trainer`` once and return what was measured.

    Parameters
    ----------
    trainer : str
        item2vec, one of PEERS or one of VARIANTS.
    settings : dict
        corpus, output (without an ending), stage, seed and the hyperparameters.
    tokens : int
        Raw tokens of the corpus, so that the speeds of all trainers have one denominator.
    peer_python : str
        The Python that has the peers.

    Raises
    ------
    RunFailedError
        If the process ends with another status than 0.
    """
    answer, whole, peak_bytes = measure(command_of(trainer, settings, peer_python))
    seconds = {name: float(value) for name, value in answer["seconds"].items()}
    if settings["stage"] == "whole":
        seconds["whole"] = whole
    speed = tokens * settings["epochs"] / seconds["train"] if "train" in seconds else None
    return Run(
        trainer=trainer,
        seed=settings["seed"],
        version=str(answer.get("version", "")),
        items=int(answer["items"]),
        seconds=seconds,
        tokens_per_second=speed,
        peak_bytes=peak_bytes,
    )


def command_of(trainer: str, settings: dict[str, Any], peer_python: str) -> list[str]:
    """Return the command line of one run."""
    if trainer in PEERS:
        settings = settings | {"output": model_path(trainer, settings["output"])}
        return [peer_python, str(HERE / "trainers.py"), trainer, json.dumps(settings)]
    if settings["stage"] == "read":
        return [sys.executable, str(HERE / "trainers.py"), ITEM2VEC, json.dumps(settings)]
    options = (
        "arch",
        "loss",
        "dim",
        "window",
        "negative",
        "sample",
        "epochs",
        "min_count",
        "threads",
        "seed",
        "lr",
        "min_lr",
    )
    command = [sys.executable, "-m", "item2vec", "train", settings["corpus"], "--json", "--quiet", "--preset", "words"]
    command += ["-o", model_path(trainer, settings["output"])]
    for name in options:
        command += ["--" + name.replace("_", "-"), str(settings[name])]
    if settings["tile"]:
        command += ["--tile", settings["tile"]]
    return command + VARIANTS.get(trainer, [])  # of two values for one option, click takes the last


def model_path(trainer: str, output: str) -> str:
    """Where a trainer writes its model: ``output`` and the ending that `read_vectors` goes by."""
    return output + MODEL_ENDINGS.get(trainer, ".safetensors")


def measure(command: list[str]) -> tuple[dict[str, Any], float, int]:
    """Run a command that prints one JSON document: the document, wall seconds, peak resident bytes.

    Linux hands a parent's peak to the child that it forks, so the caller must stay small; race.py does.
    """
    with tempfile.TemporaryFile() as standard_error:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=standard_error, cwd=HERE.parents[1])
        assert process.stdout is not None
        with process.stdout as pipe:
            output = pipe.read()
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        standard_error.seek(0)
        errors = standard_error.read().decode(errors="replace").strip()
    if process.returncode != 0:
        last = errors.splitlines()[-1] if errors else "it said nothing"
        raise RunFailedError(f"{' '.join(command[:4])} ... ended with {process.returncode}: {last}")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2): kilobytes on Linux, bytes on macOS
    return json.loads(output), whole, usage.ru_maxrss * unit


def missing_peers(peers: list[str], python: str) -> list[str]:
    """Those of the peers that ``python`` cannot import."""
    return [
        peer
        for peer in peers
        if peer in PEERS
        and subprocess.run([python, "-c", f"import {peer}"], capture_output=True, check=False).returncode != 0
    ]


def quality_of(model: str, words: Path) -> dict[str, float]:
    """Return the scores of word_quality.py for one model, computed in a process of its own (see `measure`)."""
    command = [sys.executable, str(HERE / "word_quality.py"), model, "--words", str(words), "--json", "-"]
    answer, _, _ = measure(command)
    return {name: result["score"] for name, result in answer[model].items()}


# The corpus of a race: its counts; its first part where it is too much, copies where it is too little.

GENSIM_LONGEST_LINE = 10_000  # gensim.models.word2vec.MAX_WORDS_IN_BATCH: the rest of a line is dropped
LETTERS = string.digits + string.ascii_uppercase + "!#$%&*+.:<=>?@^_|~"
MOST_COPIES = len(LETTERS)
STEP = 16 << 20


@dataclass(frozen=True)
class CorpusFacts:
    """Counts of one text file, and the hash that a reported figure carries."""

    tokens: int
    lines: int
    longest_line: int
    sha256: str


def facts_of(path: Path) -> CorpusFacts:
    """Count ``path`` line by line, so that the racing process itself stays small."""
    tokens = lines = longest = 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for line in file:
            digest.update(line)
            length = len(line.split())
            tokens += length
            lines += 1
            longest = max(longest, length)
    return CorpusFacts(tokens, lines, longest, digest.hexdigest())


def write_head(path: Path, tokens: int, target: Path) -> Path:
    """Copy the first lines of ``path`` to ``target`` until they hold ``tokens`` tokens or the file ends."""
    copied = 0
    with path.open("rb") as source, target.open("wb") as copy:
        for line in source:
            if copied >= tokens:
                break
            copy.write(line)
            copied += len(line.split())
    return target


def write_copies(path: Path, target: Path, copies: int = MOST_COPIES, size: int | None = None) -> float:
    """Repeat ``path`` with another letter behind every item each time, so that the items are others.

    At most so many ``copies``, and until ``size`` bytes are written; returns how often. Items have one space between
    them, and no line is empty.
    """
    written = 0
    with target.open("wb") as file:
        for copy, letter in enumerate(LETTERS[:copies]):
            with path.open("rb") as source:
                while block := source.readlines(STEP):
                    lines = b"".join(block)
                    renamed = lines.replace(b" ", letter.encode() + b" ").replace(b"\n", letter.encode() + b"\n")
                    written += file.write(renamed)
                    if size is not None and written >= size:
                        return copy + source.tell() / path.stat().st_size
    return copies
