"""Which preset is best for a corpus, and whether ``auto`` takes it: NDCG@20 on items that are held out of it.

    python benchmarks/measure/presets.py sessions.txt:last baskets.txt:random:0.2 --seeds 1,2,3

A corpus is text, a sequence a line; behind it how `item2vec split` holds items out, and how many. All items are kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from item2vec.config.presets import AUTO, PRESETS


def run(*arguments: str) -> str:
    """Run item2vec; return what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "item2vec", *arguments], check=True, capture_output=True, text=True
    ).stdout


def measured(preset: str, parts: str, seed: str) -> tuple[float, str]:
    """Train with a preset; return NDCG@20 on what was held out, and which preset it was."""
    model = f"{parts}.safetensors"
    train = f"{parts}.train.txt"
    trained = run(
        "train", train, "-o", model, "--preset", preset, "--min-count", "1", "--seed", seed, "--quiet", "--json"
    )
    found: dict[str, Any] = json.loads(
        run("evaluate", "items", train, "-m", model, "--targets", f"{parts}.heldout.txt", "-k", "20", "--json")
    )
    return found["metrics"]["ndcg@20"]["value"], json.loads(trained)["preset"] or preset


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", metavar="SOURCE:BY[:HOLDOUT]")
    parser.add_argument("--seeds", default="1")
    options = parser.parse_args()
    print(f"| corpus | {' | '.join((*PRESETS, AUTO))} |\n|---|{'---|' * (len(PRESETS) + 1)}")
    for corpus in options.corpora:
        source, by, *holdout = corpus.split(":")
        with TemporaryDirectory() as folder:
            parts = str(Path(folder) / "parts")
            run("split", source, "--by", by, *(["--holdout", holdout[0]] if holdout else []), "-o", parts)
            cells = []
            for preset in (*PRESETS, AUTO):
                found = [measured(preset, parts, seed) for seed in options.seeds.split(",")]
                value = f"{mean(value for value, _ in found):.4f}"
                cells.append(value if preset != AUTO else f"{value} ({found[0][1]})")
        print(f"| {Path(source).name}, {by} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
