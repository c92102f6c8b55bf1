"""SIGKILL at random instants, over and over: what a training that goes on from its checkpoints ends with.

    python benchmarks/stress/kill_loop.py CORPUS [--kills 50] [--threads 1,2] [--epochs 60] [--dim 64]
    python benchmarks/stress/kill_loop.py CORPUS --command 4     # the same of the real command, --threads 1
    python benchmarks/stress/kill_loop.py --cost                 # what a checkpoint costs, by size of the model

A training is killed some times, each time goes on from its checkpoint in a new process, and ends; then the next one
begins. It writes checkpoints without a break between them, so that many kills fall into the writing. Each ending is
compared with that of a training that nobody killed: with one thread bit for bit, with more threads by pairs, which are
the same only if every shard was trained once. Processes are forked from one that has read the corpus and compiled.
With --command the model files of `item2vec train` are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

import item2vec
from item2vec.config.train import TrainConfig
from item2vec.config.units import DEFAULT_INTERVAL, Interval
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.text.text import read_text
from item2vec.items.vocabulary import Vocabulary
from item2vec.session.checkpoints import Checkpoints
from item2vec.session.run import start

COMMAND = [sys.executable, "-m", "item2vec", "train"]
KILLS_A_TRAINING = 5


@dataclass
class Tally:
    """What became of the trainings of one kind."""

    kills: int = 0
    before_the_first: int = 0  # kills that found no checkpoint
    in_writing: int = 0  # kills that left a half-written file beside it
    trainings: int = 0
    equal: int = 0
    shares: list[float] = field(default_factory=list)  # of the training, at each kill


def main() -> None:
    parser = argparse.ArgumentParser(description="SIGKILL at random instants, and going on from checkpoints.")
    parser.add_argument("corpus", nargs="?", type=Path)
    parser.add_argument("--kills", type=int, default=50, help="of each number of threads")
    parser.add_argument("--threads", default="1,2", help="numbers of threads")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1, help="of the instants")
    parser.add_argument("--command", type=int, metavar="KILLS", help="kill the real command so many times instead")
    parser.add_argument("--cost", action="store_true", help="time a checkpoint instead")
    options = parser.parse_args()
    if options.cost:
        measure_cost()
        return
    if options.corpus is None:
        parser.error("name a corpus")
    instants = random.Random(options.seed)
    print("kind       kills  in writing  too early  at (median)  trainings  the same")
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        if options.command:
            wrong += show("command", kill_commands(options, Path(folder), instants))
        else:
            torch.set_num_threads(1)  # a forked process has none of its parent's threads
            corpus = read_text([options.corpus], min_count=5)
            for threads in map(int, options.threads.split(",")):
                config = TrainConfig(dim=options.dim, epochs=options.epochs, sample=0, threads=threads)
                start(corpus, config)  # compiles
                tally = kill_trainings(corpus, config, Path(folder), instants, options.kills)
                wrong += show(f"{threads} thread{'s' if threads > 1 else ''}", tally)
    raise SystemExit(1 if wrong else 0)


def show(kind: str, tally: Tally) -> int:
    """Print a row; returns how many trainings ended otherwise."""
    at = f"{statistics.median(tally.shares):.0%}" if tally.shares else "-"
    print(
        f"{kind:9} {tally.kills:6d} {tally.in_writing:11d} {tally.before_the_first:10d} {at:>12} {tally.trainings:10d} "
        f"{tally.equal:9d}",
        flush=True,
    )
    return tally.trainings - tally.equal


def kill_trainings(corpus: Corpus, config: TrainConfig, folder: Path, instants: random.Random, kills: int) -> Tally:
    """Train in forked processes, killed so many times altogether."""
    folder = folder / str(config.threads)
    folder.mkdir()
    model, checkpoint = folder / "m.safetensors", folder / "m.checkpoint.safetensors"

    def life() -> None:
        run = start(corpus, config)
        checkpoints = Checkpoints(checkpoint, run, Interval(seconds=0), share=1e9)
        if checkpoint.exists():
            checkpoints.resume()
        result = run.train(pause=checkpoints, every=0.002)
        run.model(result).save(model)
        checkpoints.remove()

    seconds = wait(fork(life))
    wanted = ending(model, bits=config.threads == 1)
    model.unlink()
    tally = Tally()
    while tally.kills < kills or checkpoint.exists():
        for _ in range(KILLS_A_TRAINING):
            process = fork(life)
            time.sleep(instants.uniform(0, seconds / 2))
            os.kill(process, signal.SIGKILL)
            wait(process)
            note_kill(tally, folder, checkpoint)
        wait(fork(life))
        compare(tally, model, wanted, bits=config.threads == 1)
    return tally


def kill_commands(options: argparse.Namespace, folder: Path, instants: random.Random) -> Tally:
    """Run the real command, killed so many times, once a checkpoint is there."""
    model, checkpoint = folder / "m.safetensors", folder / "m.checkpoint.safetensors"
    arguments = [str(options.corpus), "--sample", "0", "--threads", "1", "-o", str(model), "--quiet"]
    arguments += ["--dim", str(options.dim), "--epochs", str(options.epochs)]
    subprocess.run([*COMMAND, *arguments], check=True)
    wanted = ending(model, bits=True)
    model.unlink()
    tally, resume = Tally(), []
    while tally.kills < options.command:
        process = subprocess.Popen([*COMMAND, *arguments, "--checkpoint-every", "0.05s", *resume])
        before = modified(checkpoint)
        while process.poll() is None and modified(checkpoint) == before:
            time.sleep(0.01)
        time.sleep(instants.uniform(0, 0.5))
        process.kill()
        process.wait()
        if model.exists():
            raise SystemExit("the training ended before it was killed; ask for more --epochs")
        note_kill(tally, folder, checkpoint)
        resume = ["--resume"]
    subprocess.run([*COMMAND, *arguments, "--resume"], check=True)
    compare(tally, model, wanted, bits=True)
    return tally


def note_kill(tally: Tally, folder: Path, checkpoint: Path) -> None:
    """Look at what a killed process left."""
    tally.kills += 1
    half = list(folder.glob(".item2vec-*.tmp"))
    tally.in_writing += bool(half)
    for path in half:
        path.unlink()
    if checkpoint.exists():
        tally.shares.append(item2vec.load(checkpoint).metadata["training"]["done"])
    else:
        tally.before_the_first += 1


def compare(tally: Tally, model: Path, wanted: tuple[str, ...], *, bits: bool) -> None:
    """Count a training that ended, and whether it did as it should."""
    tally.trainings += 1
    tally.equal += ending(model, bits=bits) == wanted
    model.unlink()


def ending(path: Path, *, bits: bool) -> tuple[str, ...]:
    """Return what a training ended with: share and pairs, and with one thread losses and the bits of both tables."""
    model = item2vec.load(path)
    training = model.metadata["training"]
    assert model.output is not None
    numbers = hashlib.sha256(model.input.tobytes() + model.output.tobytes()).hexdigest()
    return (str(training["done"]), str(training["pairs"]), *((str(training["losses"]), numbers) if bits else ()))


def fork(work: Callable[[], None]) -> int:
    """Do something in a process of its own; returns the process's number."""
    process = os.fork()
    if process:
        return process
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def wait(process: int) -> float:
    """Wait for a process; returns the seconds that took. An error of its own ends the program."""
    began = time.perf_counter()
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise SystemExit("a training failed")
    return time.perf_counter() - began


def modified(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def measure_cost() -> None:
    """Time checkpoints of vocabularies of some sizes, and say what share of the default interval that is."""
    interval = Interval.parse(DEFAULT_INTERVAL).seconds
    print(f"{'items':>10} {'dim':>5} {'MB':>8} {'seconds':>8}  share of {DEFAULT_INTERVAL}  next one after")
    for items, dim in ((10_000, 100), (100_000, 100), (1_000_000, 100)):
        folder = Path(tempfile.mkdtemp())
        try:
            names = Vocabulary.from_items([f"item{i}" for i in range(items)], np.full(items, 5))
            ids = np.arange(items, dtype=np.int32)
            corpus = Corpus(ids, np.array([0, items], np.int64), names, items, 1)
            run = start(corpus, TrainConfig(dim=dim, threads=1, epochs=1))
            path = folder / "m.checkpoint.safetensors"
            costs = []
            for _ in range(5):
                checkpoints = Checkpoints(path, run, Interval())
                checkpoints.save()
                costs.append(checkpoints.seconds)
            cost = statistics.median(costs)
            size = path.stat().st_size / 1e6
            after = max(interval, 100 * cost)
            print(f"{items:10,} {dim:5} {size:8.1f} {cost:8.3f} {cost / after:14.3%}  {after:10.0f} s", flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
