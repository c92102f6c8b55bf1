"""The table of held-out items: data sets × methods, with 95% intervals.

    python benchmarks/items_table.py FOLDER --gowalla train.txt test.txt --retail online_retail.csv
    python benchmarks/items_table.py FOLDER --gowalla train.txt test.txt --only gowalla/gensim --budget 10m

FOLDER keeps the data sets, the studies and a file for each finished part; a call does what is missing and prints the
table of all there is, so that it may be stopped at any time. Methods: what only counts (popularity, ItemKNN, the last
item's successor), EASE where the items are few enough to invert their matrix, item2vec with its defaults, with the
preset (for baskets with `--softmax 1` too) and with what `item2vec tune` finds in --budget on the training part alone,
gensim with its defaults and with the preset's settings, each scored as people score it (cosine) and by input times
output vectors.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the ranking runs threads of its own

import argparse
import dataclasses
import json
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from items_data import DataSet, gowalla, retail, sessions

import item2vec
from item2vec.config.presets import PRESETS, preset_scoring
from item2vec.config.scoring import Scoring
from item2vec.evaluation.baselines import item_knn, popularity, successor
from item2vec.evaluation.metrics import find_hits, mean_intervals, target_metrics
from item2vec.evaluation.ranking import Scorer, model_scorer, rank_items, sparse_rows
from item2vec.evaluation.sequences import Catalogue, HeldOut, Sequences, read_sequences, with_targets
from item2vec.items.vocabulary import Vocabulary

K = 20
METRICS = ("recall", "ndcg", "hit", "mrr")
EASE_ITEMS = 6_000  # a float64 matrix of these is 288 MB, and its inverse takes half a minute
EASE_PENALTY = 250.0
GENSIM = {"vector_size": "dim", "window": "window", "negative": "negative", "sample": "sample", "epochs": "epochs",
          "ns_exponent": "ns_exponent", "min_count": "min_count"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Job:
    """What every method is given."""

    data: DataSet
    folder: Path
    budget: str
    threads: int
    dims: str = ""


def held_out(data: DataSet, vocabulary: Vocabulary) -> tuple[HeldOut, int]:
    """The histories and targets in a vocabulary's codes, and how many codes there are."""
    catalogue = Catalogue(vocabulary)
    held = with_targets(read_sequences(data.train, catalogue), read_sequences(data.heldout, catalogue))
    return held, len(catalogue)


def measure(scorer: Scorer, size: int, held: HeldOut) -> dict[str, Any]:
    """Each metric with its interval."""
    hits = find_hits(rank_items(scorer, size, held.histories, K), held.targets)
    values = target_metrics(hits, held.targets.lengths, (K,))
    return {name: dataclasses.asdict(found) for name, found in mean_intervals(values).items()}


def counting(baseline: Callable[[Sequences, Sequences, int], Scorer]) -> Callable[[Job], dict[str, Any] | None]:
    """A method that only counts."""

    def run(job: Job) -> dict[str, Any] | None:
        if baseline is successor and not job.data.ordered:
            return None
        held, size = held_out(job.data, Vocabulary.from_items([], []))
        return {"metrics": measure(baseline(held.training, held.histories, size), size, held)}

    return run


def ease(job: Job) -> dict[str, Any] | None:
    """Steck 2019: the linear model of items from items, in closed form; its one penalty is not tuned."""
    held, size = held_out(job.data, Vocabulary.from_items([], []))
    if size > EASE_ITEMS:
        return None
    rows = sparse_rows(held.training.distinct(), size)
    gram = (rows.T @ rows).toarray().astype(np.float64)
    gram[np.diag_indices(size)] += EASE_PENALTY
    inverse = np.linalg.inv(gram)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    weights[np.diag_indices(size)] = 0
    users = sparse_rows(held.histories.distinct(), size)
    return {"metrics": measure(lambda first, stop: users[first:stop] @ weights, size, held)}


def scored(model: item2vec.KeyedVectors, data: DataSet, scoring: Scoring) -> dict[str, Any]:
    """A model's metrics by one scoring."""
    held, _ = held_out(data, model.vocabulary)
    return measure(model_scorer(model, held.histories, scoring), len(model), held)


def trained(job: Job, options: dict[str, Any], scoring: Scoring) -> dict[str, Any]:
    """Train item2vec and measure."""
    model = item2vec.train(job.data.train, threads=job.threads, **options)
    training, config = model.metadata["training"], model.metadata["config"]
    return {
        "metrics": scored(model, job.data, scoring),
        "scoring": dataclasses.asdict(scoring),
        "seconds": training["seconds"],
        "config": config,
    }


def with_defaults(job: Job) -> dict[str, Any]:
    """item2vec as it comes."""
    return trained(job, {}, dataclasses.replace(standard_scoring(job.data), reverse=0.0))


def with_preset(job: Job) -> dict[str, Any]:
    """item2vec with the preset for such data."""
    return trained(job, {"preset": job.data.preset, "min_count": 1}, standard_scoring(job.data))


def with_softmax(job: Job) -> dict[str, Any] | None:
    """The preset asked with averaged probabilities, which want both directions and popularity; for baskets."""
    if job.data.ordered:
        return None
    return trained(job, {"preset": job.data.preset, "min_count": 1}, Scoring(popularity=0.4, reverse=1.0, softmax=1.0))


def tuned(job: Job) -> dict[str, Any]:
    """item2vec with what `tune` finds on the training part; what is held out here is not looked at."""
    best = job.folder / f"{job.data.name}.best.toml"
    if not best.exists():
        command = [sys.executable, "-m", "item2vec", "tune", str(job.data.train), "-o", str(best), "--min-count", "1"]
        command += ["--by", "last" if job.data.ordered else "random", "--threads", str(job.threads)]
        command += ["--budget", job.budget, "--study", str(job.folder / f"{job.data.name}.study"), "--max-tokens", "0"]
        command += ["--dims", job.dims] if job.dims else []
        subprocess.run(command, check=True)
    score = tomllib.loads(best.read_text(encoding="utf-8"))["score"]
    return trained(job, {"config": best}, Scoring(**score))


def gensim_like(settings: str, score: str) -> Callable[[Job], dict[str, Any]]:
    """gensim's skip-gram with its own defaults or a preset's settings."""

    def run(job: Job) -> dict[str, Any]:
        from gensim.models import Word2Vec

        options: dict[str, Any] = {}
        if settings == "preset":
            config = item2vec.TrainConfig(**PRESETS[job.data.preset], min_count=1)
            options = {theirs: getattr(config, ours) for theirs, ours in GENSIM.items()}
            options |= {"sg": 1, "alpha": config.lr, "shrink_windows": config.window_mode == "shrink"}
        kept = job.folder / f"{job.data.name}.gensim.{settings}"
        began = time.perf_counter()
        if not kept.exists():
            model = Word2Vec(corpus_file=str(job.data.train), workers=job.threads, seed=1, **options)
            model.save(str(kept))
        model = Word2Vec.load(str(kept))
        seconds = time.perf_counter() - began
        counts = [model.wv.get_vecattr(name, "count") for name in model.wv.index_to_key]
        vocabulary = Vocabulary.from_items(model.wv.index_to_key, counts)
        vectors = item2vec.KeyedVectors(model.wv.vectors, model.syn1neg, vocabulary)
        scoring = dataclasses.replace(standard_scoring(job.data), score=score)
        return {"metrics": scored(vectors, job.data, scoring), "seconds": seconds, "options": options}

    return run


def standard_scoring(data: DataSet) -> Scoring:
    """What goes with a preset: a pair counts both ways, and recent items count more where order means something."""
    return preset_scoring(data.preset) or Scoring()


METHODS: dict[str, Callable[[Job], dict[str, Any] | None]] = {
    "popularity": counting(popularity),
    "item-knn": counting(item_knn),
    "successor": counting(successor),
    "ease": ease,
    "gensim, its defaults, cosine": gensim_like("defaults", "similar"),
    "gensim, as the preset, cosine": gensim_like("preset", "similar"),
    "gensim, as the preset, in-out": gensim_like("preset", "next"),
    "item2vec, defaults": with_defaults,
    "item2vec, preset": with_preset,
    "item2vec, tuned": tuned,
    "item2vec, preset, softmax": with_softmax,
}


def table(data: DataSet, found: dict[str, dict[str, Any]]) -> list[str]:
    """The data set's part of the table, in Markdown."""
    lines = [f"**{data.about}**", "", f"| @{K} | " + " | ".join(METRICS) + " |", "|---|" + "---|" * len(METRICS)]
    for name, part in found.items():
        cells = [_cell(part["metrics"][f"{metric}@{K}"]) for metric in METRICS]
        lines.append(f"| {name.replace('preset', f'preset {data.preset}', 1)} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _cell(found: dict[str, float]) -> str:
    return f"{found['value']:.4f} ±{(found['high'] - found['low']) / 2:.4f}".replace("0.", ".")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is returned."""
    parser = argparse.ArgumentParser(description="Held-out items: data sets by methods.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--gowalla", type=Path, nargs=2, metavar=("TRAIN", "TEST"))
    parser.add_argument("--retail", type=Path, metavar="CSV")
    parser.add_argument("--only", action="append", metavar="DATA/METHOD", help="beginnings of both; repeat")
    parser.add_argument("--skip", action="append", default=[], metavar="DATA/METHOD", help="likewise")
    parser.add_argument("--budget", default="4m", help="of tune, for each data set")
    parser.add_argument("--dims", default="", metavar="N,N...", help="of tune; without, 100 as elsewhere")
    parser.add_argument("--threads", type=int, default=0)
    chosen = parser.parse_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    sets = [gowalla(chosen.folder, *chosen.gowalla)] if chosen.gowalla else []
    sets += [*(retail(chosen.folder, chosen.retail) if chosen.retail else []), sessions(chosen.folder)]
    threads = chosen.threads or len(os.sched_getaffinity(0))
    lines: list[str] = []
    for data in sets:
        found = {}
        for number, (name, method) in enumerate(METHODS.items()):
            kept = chosen.folder / f"{data.name}.{number}.json"
            if not kept.exists() and _wanted(data.name, name, chosen.only, chosen.skip):
                print(f"{data.name}: {name}", file=sys.stderr, flush=True)
                job = Job(data, chosen.folder, chosen.budget, threads, chosen.dims)
                kept.write_text(json.dumps(method(job)), encoding="utf-8")
            part = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None
            if part is not None:
                found[name] = part
        lines += table(data, found) if found else []
    print("\n".join(lines))
    return 0


def _wanted(data: str, method: str, only: list[str] | None, skip: list[str]) -> bool:
    """Whether a part is asked for."""

    def matches(pattern: str) -> bool:
        first, _, second = pattern.partition("/")
        return data.startswith(first) and method.startswith(second)

    return (not only or any(map(matches, only))) and not any(map(matches, skip))


if __name__ == "__main__":
    sys.exit(main())
