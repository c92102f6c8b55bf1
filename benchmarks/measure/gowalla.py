"""Settings of item2vec compared on held-out items: Gowalla's split, or any other in the same shape.

    python benchmarks/measure/gowalla.py TRAIN HELD_OUT --setting "" --setting "tile=1,20" --seeds 1,2,3 --baselines

TRAIN and HELD_OUT are text, a user a line: an id, then items (so are train.txt and test.txt of Gowalla as LightGCN has
it). Items are shuffled within each line by the seed, as their order means nothing. A setting is options of
`item2vec train`, laid over BASE; "" is BASE itself, its tile by the rule. Settings take turns within each seed, so that
a busy hour hits all alike. Printed: recall and NDCG, mean and by seed, and the median of the seconds of training.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the ranking runs threads of its own

import argparse
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import item2vec
from item2vec.config.scoring import Scoring
from item2vec.evaluation.items import evaluate_items, standard_baselines
from item2vec.evaluation.sequences import Catalogue, read_sequences, with_targets

BASE: dict[str, Any] = {
    "preset": "words",
    "dim": 128,
    "window": 5,
    "negative": 20,
    "sample": 0.0,
    "ns_exponent": 0.25,
    "epochs": 30,
    "min_count": 1,
}
MEASURES = ("recall@20", "ndcg@20")


def parse_setting(text: str) -> dict[str, Any]:
    """Options of ``name=value name=value``, over BASE."""
    options = dict(BASE)
    for part in text.split():
        name, _, value = part.partition("=")
        name = name.removeprefix("--").replace("-", "_")
        if name == "tile":
            options[name] = tuple(map(int, value.split(",")))
        elif value.isalpha():
            options[name] = value
        else:
            number = float(value)
            options[name] = int(number) if number.is_integer() and name not in ("sample", "ns_exponent") else number
    return options


def write_baskets(source: Path, target: Path, seed: int) -> None:
    """Write the lines without their ids, each one's items shuffled."""
    shuffle = random.Random(seed).shuffle
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as out:
        for line in lines:
            _, *items = line.split()
            shuffle(items)
            out.write(" ".join(items) + "\n")


def run(options: dict[str, Any], seed: int, files: tuple[Path, Path], baskets: Path, baselines: bool) -> dict[str, Any]:
    """Train once and score; what was measured."""
    model = item2vec.train(baskets, seed=seed, **options)
    catalogue = Catalogue(model.vocabulary)
    histories, targets = (read_sequences(path, catalogue, id_column=True) for path in files)
    held = with_targets(histories, targets)
    against = standard_baselines(next_item=False) if baselines else {}
    result = evaluate_items(model, held, len(catalogue), cutoffs=(20,), scoring=Scoring(), baselines=against)
    training = model.metadata["training"]
    methods = {name: {metric: metrics[metric].value for metric in MEASURES} for name, metrics in result.methods.items()}
    return {"seed": seed, "seconds": training["seconds"], "tile": training["tile"], **methods.pop("model")} | {
        "loss": training["losses"][-1],
        "baselines": methods,
    }


def describe(setting: str, runs: list[dict[str, Any]]) -> str:
    """One line: means, then each seed's."""
    cells = []
    for measure in MEASURES:
        values = [found[measure] for found in runs]
        cells.append(f"{measure} {statistics.mean(values):.4f} ({' '.join(f'{value:.4f}' for value in values)})")
    seconds = statistics.median(found["seconds"] for found in runs)
    tile = ",".join(map(str, runs[0]["tile"]))
    return f"{setting or 'base':<40} tile {tile:<8} {'  '.join(cells)}  {seconds:6.1f} s"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(description="Settings of item2vec on held-out items of users.")
    parser.add_argument("train", type=Path, metavar="TRAIN")
    parser.add_argument("held_out", type=Path, metavar="HELD_OUT")
    parser.add_argument("--setting", action="append", metavar="OPTIONS", help='such as "tile=1,20 lr=0.05"; repeat')
    parser.add_argument("--seeds", default="1", metavar="N,N")
    parser.add_argument("--baselines", action="store_true", help="also popularity and ItemKNN, once")
    parser.add_argument("--json", type=Path, metavar="OUT")
    chosen = parser.parse_args(arguments)
    settings = chosen.setting or [""]
    seeds = [int(seed) for seed in chosen.seeds.split(",")]
    print("base: " + " ".join(f"{name}={value}" for name, value in BASE.items()), flush=True)
    runs: dict[str, list[dict[str, Any]]] = {setting: [] for setting in settings}
    with tempfile.TemporaryDirectory() as folder:
        baskets = Path(folder) / "baskets.txt"
        for seed in seeds:
            write_baskets(chosen.train, baskets, seed)
            for setting in settings:
                first = chosen.baselines and not any(runs.values())
                found = run(parse_setting(setting), seed, (chosen.train, chosen.held_out), baskets, first)
                runs[setting].append(found)
                print(f"seed {seed}: {describe(setting, [found])}", file=sys.stderr, flush=True)
                for name, values in found["baselines"].items():
                    print(f"{name:<40} {' '.join(f'{measure} {value:.4f}' for measure, value in values.items())}")
    for setting in settings:
        print(describe(setting, runs[setting]))
    if chosen.json:
        chosen.json.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
