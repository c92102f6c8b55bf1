"""Fuzz one reader guided by coverage: what reaches new lines of item2vec is damaged further.

    python benchmarks/stress/fuzz_coverage.py READER [--inputs 100000] [--corpus FOLDER]

Readers, good files and half of the damage are those of fuzz.py, the other half is libFuzzer's. It stops at the first
exception that is no Item2VecError, at the first input of over ten seconds, and above two gigabytes of resident memory.
Needs ``pip install atheris``, which is no dependency of the project.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["item2vec"]):
    # What is imported later, with numba's kernels, is fed but not followed: numba cannot compile what is instrumented.
    from fuzz_readers import DamagedError, Reader, readers

    from item2vec.errors import Item2VecError


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz one reader guided by coverage.")
    parser.add_argument("reader")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--corpus", type=Path, help="where inputs that reach new lines are kept")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    reader = readers(folder)[options.reader]
    corpus = options.corpus or folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    path = folder / f"input{reader.ending}"
    for number, (data, beside) in enumerate(reader.files):
        (corpus / f"good{number}").write_bytes(data)
        if beside is not None:
            path.with_name(path.stem + reader.beside).write_bytes(beside)
    limits = [f"-runs={options.inputs}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=20000", "-len_control=0"]
    atheris.Setup(
        [sys.argv[0], *limits, str(corpus)], lambda data: feed(reader, path, data), custom_mutator=damage(reader)
    )
    atheris.Fuzz()


def feed(reader: Reader, path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with suppress(Item2VecError, DamagedError):
        reader.read(path)


def damage(reader: Reader):
    """Return the mutator that libFuzzer calls with an input, its largest size and a seed."""

    def mutate(data: bytes, largest: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            try:
                return reader.damage(rng, data)[:largest]
            except (ValueError, IndexError):  # what needs a whole header does not find one any more
                pass
        return atheris.Mutate(data, largest)

    return mutate


if __name__ == "__main__":
    main()
