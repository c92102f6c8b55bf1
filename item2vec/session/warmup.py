"""All kernels compiled at once: ``item2vec warmup``."""

from __future__ import annotations

import subprocess
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from item2vec.errors import TrainingError
from item2vec.files.machine import cores
from item2vec.session.precompile import MODES, STEP, start_compiling

REST = "item2vec.session.warmup"  # the module whose process compiles all but the training steps
_LOOK = 0.1  # seconds between two looks at processes that compile


def compile_rest() -> None:
    """Compile what reads, samples and writes, by doing each once on a few items."""
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = train(text, preset="words", memory="64MB", **quick)
            train(text, preset="baskets", delimiter=" ", **quick)
            train(events, user="user", item="item", preset="sessions", **quick)
        export_vectors(model, str(vectors))
        read_vectors(str(vectors))


def compile_all() -> None:
    """Compile all kernels, as many processes at a time as there are cores.

    Raises
    ------
    TrainingError
        If a process fails.
    """
    left: list[tuple[str, ...]] = [(REST,), *((STEP, *mode) for mode in MODES)]
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
                    what = " and ".join(task[1:]) or "reading and sampling"
                    raise TrainingError(
                        f"compiling for {what} failed with status {status}; run a small training to see why"
                    )
    finally:
        for process in running.values():
            process.kill()
            process.wait()


if __name__ == "__main__":
    compile_rest()
