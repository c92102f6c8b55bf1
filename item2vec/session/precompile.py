"""Kernels compiled ahead: by another process while a first run reads its corpus, and by ``item2vec warmup``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

from item2vec.config.train import Arch, Loss, TrainConfig
from item2vec.errors import TrainingError
from item2vec.files.machine import cores

MODES = tuple((arch, loss) for arch in get_args(Arch) for loss in get_args(Loss))
_LOOK = 0.1  # seconds between two looks at processes that compile
_OF_ARCH = {"skipgram": ("skipgram", "train_tiles"), "cbow": ("cbow", "train_cbow")}


def step_kernel(arch: str, loss: str) -> Callable[..., Any]:
    """Return the kernel that trains; it takes longest to compile by far."""
    module, name = _OF_ARCH[arch] if loss == "ns" else ("paths", "train_paths")
    kernel: Callable[..., Any] = getattr(import_module(f"item2vec.model.cpu.{module}"), name)
    return kernel


def compile_step(arch: str, loss: str) -> None:
    """Compile what a training of this kind steps by, and keep it, by a step on nothing."""
    from item2vec.model.huffman import huffman_tree
    from item2vec.model.tables import EmbeddingTables
    from item2vec.sampling.window_batch import WindowBatch
    from item2vec.training.steps import make_step

    config = TrainConfig(arch=arch, loss=loss, dim=8, threads=1)  # type: ignore[arg-type]  # strings of a command line
    step = make_step(config, huffman_tree(np.array([2, 1])) if loss == "hs" else None)
    ends, none = np.empty(0, np.int64), np.empty(0, np.int32)
    nothing = WindowBatch(none, ends, ends, np.zeros(1, np.int64), np.empty((0, config.negative), np.int32))
    step(EmbeddingTables(2, config.dim), nothing, 0.0)


def compile_rest() -> None:
    """Compile what reads, samples and writes, by doing each once on a few items."""
    from tempfile import TemporaryDirectory

    from item2vec.session.train import train
    from item2vec.vectors.formats.registry import export_vectors, read_vectors

    with TemporaryDirectory() as folder:
        path = Path(folder)
        lines = [" ".join(f"i{(first + step) % 9}" for step in range(5)) for first in range(40)]
        text, events, vectors = path / "text.txt", path / "events.csv", path / "vectors.txt"
        text.write_text("\n".join(lines))
        rows = [f"{number},{item}" for number, line in enumerate(lines) for item in line.split()]
        events.write_text("user,item\n" + "\n".join(rows))
        quick: dict[str, Any] = {"dim": 8, "epochs": 1, "threads": 1, "min_count": 1, "cache": False}
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = train(text, preset="words", memory="64MB", **quick)
            train(text, preset="baskets", delimiter=" ", **quick)
            train(events, user="user", item="item", preset="sessions", **quick)
        export_vectors(model, str(vectors))
        read_vectors(str(vectors))


def start_compiling(*task: str) -> subprocess.Popen[bytes] | None:
    """Begin to compile in a process of its own: a training step of a mode, or the rest. None if there can be none.

    Parameters
    ----------
    *task : str
        An arch and a loss, or nothing.
    """
    if not sys.executable:
        return None
    # -P: nothing is imported from the folder that the caller stands in.
    command = [sys.executable, "-P", "-m", "item2vec.session.precompile", *task]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def compile_all() -> None:
    """Compile all kernels, as many processes at a time as there are cores.

    Raises
    ------
    TrainingError
        If a process fails.
    """
    left: list[tuple[str, ...]] = [(), *MODES]
    running: dict[tuple[str, ...], subprocess.Popen[bytes]] = {}
    try:
        while left or running:
            while left and len(running) < cores():
                task = left.pop(0)
                process = start_compiling(*task)
                if process is None:
                    raise TrainingError("cannot start another process of this Python; run a small training instead")
                running[task] = process
            task, process = next(iter(running.items()))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
            for task in [task for task, process in running.items() if process.poll() is not None]:
                if status := running.pop(task).returncode:
                    what = " and ".join(task) or "reading and sampling"
                    raise TrainingError(
                        f"compiling for {what} failed with status {status}; run a small training to see why"
                    )
    finally:
        for process in running.values():
            process.kill()
            process.wait()


@contextmanager
def compiling(config: TrainConfig) -> Iterator[Callable[[], None]]:
    """Have the training step compiled by another process meanwhile, if that was not done before.

    Yields
    ------
    callable
        Waits until it is compiled. If the other process failed, this one compiles when it comes to it.
    """
    from item2vec.kernels import is_compiled, keeps_code

    kernel = step_kernel(config.arch, config.loss)
    aside = None
    if config.backend != "torch" and cores() > 1 and keeps_code(kernel) and not is_compiled(kernel):
        aside = start_compiling(config.arch, config.loss)

    def wait() -> None:
        """Wait for the other process."""
        if aside is not None:
            aside.wait()

    try:
        yield wait
    finally:
        if aside is not None and aside.poll() is None:
            aside.kill()
            aside.wait()


if __name__ == "__main__":
    if sys.argv[1:]:
        compile_step(*sys.argv[1:3])
    else:
        compile_rest()
