"""Kill writers at random instants, and look at what they leave: the old files or the new ones, never a mix.

    python benchmarks/stress/kills.py [--kills 200] [--seed 1]

A process writes two versions of a model, an export or a split in turn, over and over, and is killed (SIGKILL) after a
random time of a few writes. Then what lies there is read: it must be one version, whole; or, where two files belong
together, the one without which the other is not read may be missing, and a version must lie set aside. Between two
kills the files stay, as they would for a user.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from item2vec.errors import ModelError
from item2vec.evaluation.split import write_parts
from item2vec.vectors.formats.registry import export_vectors, read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = 3000


def model(version: int) -> KeyedVectors:
    return KeyedVectors.from_items([f"v{version}.{i}" for i in range(ITEMS)], np.full((ITEMS, 20), version, np.float32))


def write_split(folder: Path, version: int) -> None:
    write_parts((([b"t%d" % version] * 9, [b"h%d" % version]) for _ in range(ITEMS)), str(folder / "parts"), None)


def version_of_vectors(name: str, folder: Path) -> int | None:
    """Return the version that a file of vectors holds, all of it; None if it is not read."""
    try:
        found = read_vectors(folder / name)
    except ModelError:
        return None
    (version,) = set(found.input.ravel().tolist())
    assert list(found) == [f"v{int(version)}.{i}" for i in range(ITEMS)], "a mix"
    return int(version)


def version_of_split(folder: Path) -> int | None:
    train, held_out = folder / "parts.train.txt", folder / "parts.heldout.txt"
    if not train.exists() or not held_out.exists():
        return None
    (first,) = set(train.read_text().split())
    (second,) = set(held_out.read_text().split())
    assert first[1:] == second[1:], "a mix"
    assert len(train.read_text()) == ITEMS * 27, "half of it"
    return int(first[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description="Kill writers at random instants.")
    parser.add_argument("--kills", type=int, default=200, help="of each writer")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print("| what | kills | while writing | first version | second | set aside | temporaries left |", flush=True)
    print(f"|{'---|' * 7}", flush=True)
    models = {version: model(version) for version in (1, 2)}

    def write_vectors(name: str, folder: Path, version: int) -> None:
        if name.startswith("m"):
            models[version].save(folder / name)
        else:
            export_vectors(models[version], folder / name)

    for name in ("m.safetensors", "v.txt", "v.bin", "v.npy", "v.tsv"):
        look = partial(version_of_vectors, name)
        print(kill(name, partial(write_vectors, name), look, rng, options.kills), flush=True)
    print(kill("split", write_split, version_of_split, rng, options.kills), flush=True)


def kill(
    name: str, write: Callable[[Path, int], object], look: Callable[[Path], int | None], rng: random.Random, kills: int
) -> str:
    """Kill so often; a line of the table."""
    seen: Counter[int | None] = Counter()
    writing = left = 0
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        write(folder, 2)  # compiled before the fork
        began = time.perf_counter()
        write(folder, 1)
        took = time.perf_counter() - began
        for _ in range(kills):
            child = os.fork()
            if child == 0:
                try:
                    while True:
                        write(folder, 2)
                        write(folder, 1)
                finally:
                    os._exit(1)
            time.sleep(rng.uniform(0.2, 3.2) * took)
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
            if status != signal.SIGKILL:
                sys.exit(f"{name}: the writer ended by itself with {status}")
            temporaries = list(folder.glob(".item2vec-*.tmp"))
            writing += bool(temporaries)
            left += len(temporaries)
            for path in temporaries:
                path.unlink()
            version = look(folder)
            seen[version] += 1
            aside = list(folder.glob("*.old-*"))
            if version is None:
                assert aside, "neither version is there"
                for path in aside:  # as a user would
                    path.rename(path.with_name(path.name.split(".old-")[0]))
                assert look(folder) in (1, 2), "what was set aside is not whole"
            else:
                for path in aside:  # killed between the last rename and the removal
                    path.unlink()
    return f"| {name} | {kills} | {writing} | {seen[1]} | {seen[2]} | {seen[None]} | {left} |"


if __name__ == "__main__":
    main()
