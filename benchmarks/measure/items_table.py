"""The table of held-out items: data sets × methods, with 95% intervals.

    python benchmarks/measure/items_table.py FOLDER --gowalla train.txt test.txt --retail online_retail.csv
    python benchmarks/measure/items_table.py FOLDER --gowalla train.txt test.txt --only gowalla/gensim --budget 10m

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
import random
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import item2vec
from item2vec.config.presets import PRESETS, preset_scoring
from item2vec.config.scoring import Scoring
from item2vec.evaluation.baselines import item_knn, popularity, successor
from item2vec.evaluation.metrics import find_hits, mean_intervals, target_metrics
from item2vec.evaluation.ranking import Scorer, model_scorer, rank_items, sparse_rows
from item2vec.evaluation.sequences import Catalogue, HeldOut, Sequences, read_sequences, with_targets
from item2vec.evaluation.split import divide, write_parts
from item2vec.items.vocabulary import Vocabulary

K = 20
METRICS = ("recall", "ndcg", "hit", "mrr")
EASE_ITEMS = 6_000  # a float64 matrix of these is 288 MB, and its inverse takes half a minute
EASE_PENALTY = 250.0
GENSIM = {"vector_size": "dim", "window": "window", "negative": "negative", "sample": "sample", "epochs": "epochs",
          "ns_exponent": "ns_exponent", "min_count": "min_count"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class DataSet:
    """Sequences, and what is held out of them.

    Attributes
    ----------
    name, about : str
    ordered : bool
        Whether the last items are held out, not any.
    preset : str
    train, heldout : Path
    """

    name: str
    about: str
    ordered: bool
    preset: str
    train: Path
    heldout: Path


def gowalla(folder: Path, train: Path, heldout: Path) -> DataSet:
    """LightGCN's parts without their ids, shuffled within a line, as its items are in the order of their numbers."""
    parts = [dict(_numbered(path)) for path in (train, heldout)]
    shuffle = random.Random(1).shuffle

    def lines() -> Iterator[tuple[list[bytes], list[bytes]]]:
        for user, items in parts[0].items():
            shuffle(items)
            yield items, parts[1].get(user, [])

    about = "Gowalla, some of each user's places"
    return _written(folder, "gowalla", about, False, "baskets", lines)


def retail(folder: Path, events: Path) -> list[DataSet]:
    """Online Retail without cancellations and postage: a fifth of each invoice, and each customer's last item."""
    import duckdb

    where = "InvoiceNo NOT LIKE 'C%' AND CAST(Quantity AS INT) > 0 AND StockCode SIMILAR TO '[0-9]{5}.*'"
    table = f"(SELECT *, row_number() OVER () AS place FROM read_csv('{events}', all_varchar = true))"

    def sequences(user: str, order: str) -> list[list[bytes]]:
        rows = duckdb.sql(
            f"SELECT list(StockCode ORDER BY {order}) FROM {table} WHERE {where} AND {user} IS NOT NULL "
            f"GROUP BY {user} ORDER BY min(place)"
        ).fetchall()
        return [[item.encode() for item in dict.fromkeys(items)] for (items,) in rows]

    return [
        _written(folder, "retail-baskets", "Online Retail, a fifth of each invoice's items", False, "baskets",
                 lambda: divide(sequences("InvoiceNo", "place"), "random", 0.2, 1)),
        _written(folder, "retail-next", "Online Retail, the last new item of each customer", True, "sessions",
                 lambda: divide(sequences("CustomerID", "InvoiceDate, place"), "last", 1, 1)),
    ]  # fmt: skip


def sessions(folder: Path) -> DataSet:
    """Made sessions: the next item is mostly one of the few that follow this one, else of its topic, else any."""
    return _written(
        folder, "sessions", "made sessions, their last item", True, "sessions",
        lambda: divide(made_sessions(), "last", 1, 1),
    )  # fmt: skip


def made_sessions(count: int = 30_000, items: int = 3_000, topics: int = 60, seed: int = 1) -> Iterator[list[bytes]]:
    """Yield walks over items of Zipf's popularity.

    With probability .55 the next item is one of eight that this one leads to, the k-th with a weight of 1/k; with .3
    one of the same topic, by popularity; else any, by popularity. Lengths are 3 and more, 8 on average.
    """
    draw = np.random.default_rng(seed)
    share = 1 / np.arange(1, items + 1)
    share /= share.sum()
    topic = draw.permutation(items) % topics
    members = [np.flatnonzero(topic == number) for number in range(topics)]
    follows = np.stack([draw.choice(members[topic[item]], 8, replace=False) for item in range(items)])
    weights = np.cumsum(1 / np.arange(1, 9))
    weights /= weights[-1]
    popular = np.cumsum(share)
    within = [np.cumsum(share[group]) / share[group].sum() for group in members]
    for _ in range(count):
        walk = [int(np.searchsorted(popular, draw.random()))]
        for _ in range(2 + int(draw.geometric(1 / 6))):
            here, kind, place = walk[-1], draw.random(), draw.random()
            if kind < 0.55:
                walk.append(int(follows[here, np.searchsorted(weights, place)]))
            elif kind < 0.85:
                group = members[topic[here]]
                walk.append(int(group[min(np.searchsorted(within[topic[here]], place), len(group) - 1)]))
            else:
                walk.append(min(int(np.searchsorted(popular, place)), items - 1))
        yield [b"i%d" % item for item in walk]


def _numbered(path: Path) -> Iterator[tuple[bytes, list[bytes]]]:
    for line in path.read_bytes().splitlines():
        user, *items = line.split()
        yield user, items


def _written(
    folder: Path, name: str, about: str, ordered: bool, preset: str,
    parts: Callable[[], Iterable[tuple[list[bytes], list[bytes]]]],
) -> DataSet:  # fmt: skip
    """Return the data set, whose files are made unless they are there."""
    train, heldout = folder / f"{name}.train.txt", folder / f"{name}.heldout.txt"
    if not train.exists():
        write_parts(parts(), str(folder / name), None)
    return DataSet(name, about, ordered, preset, train, heldout)


@dataclasses.dataclass(frozen=True)
class Job:
    """What every method is given."""

    data: DataSet
    folder: Path
    budget: str
    threads: int
    dims: str = ""


def held_out(data: DataSet, vocabulary: Vocabulary) -> tuple[HeldOut, int]:
    """Return the histories and targets in a vocabulary's codes, and how many codes there are."""
    catalogue = Catalogue(vocabulary)
    held = with_targets(read_sequences(data.train, catalogue), read_sequences(data.heldout, catalogue))
    return held, len(catalogue)


def measure(scorer: Scorer, size: int, held: HeldOut) -> dict[str, Any]:
    """Each metric with its interval."""
    hits = find_hits(rank_items(scorer, size, held.histories, K), held.targets)
    values = target_metrics(hits, held.targets.lengths, (K,))
    return {name: dataclasses.asdict(found) for name, found in mean_intervals(values).items()}


def counting(baseline: Callable[[Sequences, Sequences, int], Scorer]) -> Callable[[Job], dict[str, Any] | None]:
    """Return a method that only counts."""

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
    """Return a model's metrics by one scoring."""
    held, _ = held_out(data, model.vocabulary)
    return measure(model_scorer(model, held.histories, scoring), len(model), held)


def trained(job: Job, options: dict[str, Any], scoring: Scoring) -> dict[str, Any]:
    """Train item2vec and measure."""
    model = item2vec.train(job.data.train, threads=job.threads, **({"preset": "words"} | options))
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
    """Return the preset asked with averaged probabilities, which want both directions and popularity; for baskets."""
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
    """Return gensim's skip-gram with its own defaults or a preset's settings."""

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
    """Return what goes with a preset: pairs count both ways, recent items more where order means something."""
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
    """Return the data set's part of the table, in Markdown."""
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
