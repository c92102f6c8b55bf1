"""The kernel that trains, compiled by another process while a first run reads its corpus."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, get_args

import numpy as np

from item2vec.config.train import Arch, Loss, TrainConfig
from item2vec.files.machine import cores

STEP = "item2vec.session.precompile"  # the module whose process compiles a training step
MODES = tuple((arch, loss) for arch in get_args(Arch) for loss in get_args(Loss))
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


def start_compiling(*task: str) -> subprocess.Popen[bytes] | None:
    """Begin to compile in a process of its own; None if there can be none.

    Parameters
    ----------
    *task : str
        A module, and what it is to be given: this one takes an arch and a loss.
    """
    if not sys.executable:
        return None
    # -P: nothing is imported from the folder that the caller stands in.
    command = [sys.executable, "-P", "-m", *task]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


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
        aside = start_compiling(STEP, config.arch, config.loss)

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
    compile_step(*sys.argv[1:3])
