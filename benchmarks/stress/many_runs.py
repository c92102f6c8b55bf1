"""Run often in one process, and look whether anything piles up.

    python benchmarks/stress/many_runs.py [--runs 200]

Trains a small corpus, saves, loads, asks and exports again and again, and prints every 20 runs what the process holds:
resident memory, open files, threads. The exit status is 1 if any of these grew.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

STEP = 20


def main() -> int:
    parser = argparse.ArgumentParser(description="Many runs in one process: does anything pile up?")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--folder", help="where files go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        return many_runs(Path(name), options.runs)


def many_runs(folder: Path, runs: int) -> int:
    """Train and ask so often; 1 if files, threads or memory grew after the first tenth."""
    os.environ["ITEM2VEC_CACHE"] = str(folder / "cache")
    corpus = folder / "corpus.txt"
    letters = random.Random(1)
    corpus.write_text("".join(" ".join(map(str, letters.choices(range(500), k=12))) + "\n" for _ in range(4000)))
    print("| runs | resident, MB | open files | threads | s |\n|---|---|---|---|---|")
    began = time.perf_counter()
    held = []
    for run in range(1, runs + 1):
        once(corpus, folder, run)
        if run % STEP == 0 or run == 1:
            gc.collect()
            held.append((resident(), len(os.listdir("/proc/self/fd")), threading.active_count()))
            shown = f"{held[-1][0] / 1e6:,.1f} | {held[-1][1]} | {held[-1][2]}"
            print(f"| {run} | {shown} | {time.perf_counter() - began:.0f} |", flush=True)
    growth = held[-1][0] - held[1][0]
    print(f"Between run {STEP} and run {runs}: {growth / 1e6:+,.1f} MB, {growth / (runs - STEP) / 1e3:+,.1f} kB a run.")
    return int(growth > 10e6 or held[-1][1:] != held[1][1:])


def once(corpus: Path, folder: Path, run: int) -> None:
    """Run as a service might have it: each fourth time with a mapped corpus or another architecture."""
    import item2vec
    from item2vec.vectors.formats.registry import export_vectors, read_vectors

    options = ({}, {"memory": 1000}, {"arch": "cbow"}, {"loss": "hs"})[run % 4]
    model = item2vec.train([corpus], dim=32, epochs=1, threads=2, seed=run, **({"preset": "words"} | options))
    path = folder / "model.safetensors"
    model.save(path)
    found = item2vec.load(path)
    found.similar("7", k=5)
    found.similar_many([["1"], ["2"]], k=5)
    for name in ("v.txt", "v.bin", "v.npy", "v.parquet"):
        export_vectors(found, folder / name)
        read_vectors(folder / name).similar("7", k=5)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
