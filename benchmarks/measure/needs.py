"""Is what train says it needs what it takes? Its estimate beside the peak that the system saw, for several sizes.

    python benchmarks/measure/needs.py TEXT [--items 1000000] [-- TRAIN OPTIONS]

Trains an epoch on TEXT at two dimensions and with the best epoch kept, and on a made corpus of ``--items`` items at two
dimensions. Peaks are those of all resident pages, of libraries too; the estimate of the disk is compared with the file.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

UNITS = {"GB": 1e9, "MB": 1e6, "kB": 1e3}


def main() -> None:
    parser = argparse.ArgumentParser(description="What train says it needs, and what it takes.")
    parser.add_argument("text", type=Path)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where corpora and models go")
    parser.add_argument("options", nargs="*", help="of item2vec train, behind --")
    options = parser.parse_args()
    print("| corpus, options | estimate, MB | peak, MB | ratio | disk, estimate | file |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        many = folder / "many.txt"
        make_corpus(many, options.items, 3 * options.items)
        few = folder / "few.txt"
        with options.text.open("rb") as source:
            few.write_bytes(b"".join(source.readlines(1 << 20)))
        for corpus, extra in (
            (few, ["--dim", "100"]),
            (options.text, ["--dim", "100"]),
            (options.text, ["--dim", "300"]),
            (options.text, ["--dim", "300", "--validate", str(few)]),
            (many, ["--dim", "64", "--min-count", "1"]),
            (many, ["--dim", "200", "--min-count", "1"]),
            (many, ["--dim", "64", "--min-count", "1", "--loss", "hs"]),
        ):
            line = measure(corpus, folder / "model.safetensors", [*extra, *options.options])
            shown = " ".join(extra).replace(str(few), "FILE")
            print(f"| {corpus.name} {shown} | {line} |", flush=True)


def make_corpus(path: Path, items: int, tokens: int) -> None:
    """Sequences of ten items, each item of which comes at least once, in a shuffled order."""
    random = np.random.default_rng(1)
    ids = np.concatenate([random.permutation(items), random.integers(items, size=tokens - items)])
    with path.open("w") as file:
        for first in range(0, tokens, 100_000):
            block = ids[first : first + 100_000]
            file.write("".join(f"item{n}{' ' if i % 10 < 9 else chr(10)}" for i, n in enumerate(block.tolist())))


def measure(corpus: Path, model: Path, options: list[str]) -> str:
    """Train once; estimate, peak, ratio, estimate of the disk and the file's size, as cells of a table."""
    command = [sys.executable, "-m", "item2vec", "train", str(corpus), "-o", str(model), "--epochs", "1", "--no-cache"]
    command += ["--preset", "words"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = re.search(r"Needs about ([\d,.]+) (\wB) of memory .* and ([\d,.]+) (\wB) of disk", told)
    if process.returncode or not found:
        raise SystemExit(told)
    memory, disk = (float(found[i].replace(",", "")) * UNITS[found[i + 1]] for i in (1, 3))
    peak = usage.ru_maxrss * 1024
    return (
        f"{memory / 1e6:,.0f} | {peak / 1e6:,.0f} | {memory / peak:.2f} | {disk / 1e6:,.1f} "
        f"| {model.stat().st_size / 1e6:,.1f}"
    )


if __name__ == "__main__":
    main()
