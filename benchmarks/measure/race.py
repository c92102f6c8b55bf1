"""item2vec against gensim and fastText on one corpus: speed, memory and quality.

    python benchmarks/measure/race.py CORPUS [--pairs 5] [--words DIR] [--json OUT]

Every trainer runs in a process of its own with the same hyperparameters and threads, in turn (A B A B ...),
so that a machine that slows down slows all of them; what counts is the ratio of neighbouring runs and the
median of the ratios.

- read: item2vec's vocabulary and ids, gensim's ``build_vocab(corpus_file=...)``, fastText's dictionary;
- train: item2vec's training, gensim's ``train(corpus_file=...)``, fastText's from the end of reading;
- whole: the process from its start to its end: ``item2vec train``, or a script of the peer's few calls.

Speeds are raw tokens of all epochs over the seconds of training. A first, unmeasured run of each on a few
lines lets numba compile. gensim comes with the ``dev`` group; ``pip install fasttext`` needs a C++ compiler.
item2vec-one-thread and item2vec-torch are further peers: the same tool on one thread, and with ``--backend
torch``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import mean, median
from typing import Any

from runs import (
    GENSIM_LONGEST_LINE,
    ITEM2VEC,
    MOST_COPIES,
    PEERS,
    VARIANTS,
    CorpusFacts,
    Run,
    RunFailedError,
    facts_of,
    missing_peers,
    model_path,
    quality_of,
    run_trainer,
    write_copies,
    write_head,
)

WARM_UP_TOKENS = 20_000


PACKAGES = ("item2vec", "torch", "numba", "numpy")
MEGABYTE = 1e6


def machine() -> dict[str, Any]:
    """Processor, cores and the versions of what runs here."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def run_line(run: Run) -> str:
    """One run on one line."""
    parts = [f"{name} {value:.2f} s" for name, value in run.seconds.items()]
    if run.tokens_per_second:
        parts.append(f"{run.tokens_per_second:,.0f} tokens/s")
    parts.append(f"peak {run.peak_bytes / MEGABYTE:,.0f} MB")
    return f"{run.trainer} seed {run.seed}: " + ", ".join(parts)


def ratios(rounds: list[dict[str, Run]], peer: str, stage: str) -> list[float]:
    """How many times as long ``peer`` took as item2vec, one figure for each round in which both ran."""
    return [
        both[peer].seconds[stage] / both[ITEM2VEC].seconds[stage]
        for both in rounds
        if peer in both and stage in both[peer].seconds and stage in both[ITEM2VEC].seconds
    ]


def summary(rounds: list[dict[str, Run]], trainers: list[str]) -> dict[str, Any]:
    """Medians of each trainer, and of item2vec's ratios to each peer."""
    runs = {name: [both[name] for both in rounds if name in both] for name in trainers}
    stages = list(runs[ITEM2VEC][0].seconds)
    result: dict[str, Any] = {
        "seconds": {},
        "tokens_per_second": {},
        "peak_bytes": {},
        "ratios": {},
        "quality": {},
    }
    for name, own in runs.items():
        result["seconds"][name] = {
            stage: median(run.seconds[stage] for run in own) for stage in stages if stage in own[0].seconds
        }
        speeds = [run.tokens_per_second for run in own if run.tokens_per_second]
        result["tokens_per_second"][name] = median(speeds) if speeds else None
        result["peak_bytes"][name] = max(run.peak_bytes for run in own)
        scored = [run.quality for run in own if run.quality]
        if scored:
            result["quality"][name] = {
                measure: {
                    "mean": mean(scores[measure] for scores in scored),
                    "all": [s[measure] for s in scored],
                }
                for measure in scored[0]
            }
    for peer in trainers[1:]:
        found = {stage: ratios(rounds, peer, stage) for stage in stages}
        result["ratios"][peer] = {
            stage: {"median": median(values), "low": min(values), "high": max(values)}
            for stage, values in found.items()
            if values
        }
    return result


def tables(result: dict[str, Any], pairs: int, facts: CorpusFacts, settings: dict[str, Any], items: int) -> str:
    """Return the summary for a reader."""
    lines = [f"median of {pairs} interleaved rounds; in brackets the lowest and highest ratio of one round"]
    names = list(result["seconds"])
    width = max(map(len, names)) + 2
    stages = list(result["seconds"][ITEM2VEC])
    lines.append(" " * width + "".join(f"{stage + ' s':>10}" for stage in stages) + f"{'tokens/s':>14}{'peak MB':>10}")
    for name in names:
        speed = result["tokens_per_second"][name]
        cells = [_cell(result["seconds"][name].get(stage)) for stage in stages]
        lines.append(
            f"{name:<{width}}{''.join(cells)}"
            f"{f'{speed:,.0f}' if speed else '-':>14}{result['peak_bytes'][name] / MEGABYTE:>10,.0f}"
        )
    for peer, found in result["ratios"].items():
        cells = [
            f"{stage} {ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
            for stage, ratio in found.items()
            if stage != "write"  # they do not write the same: item2vec keeps both tables, gensim one
        ]
        lines.append(f"item2vec against {peer}, times as fast: " + ", ".join(cells))
    floor = 8 * items * settings["dim"] + 4 * facts.tokens
    lines.append(
        f"{items:,} items, {facts.tokens:,} tokens: "
        f"both tables and 4 bytes a token are {floor / MEGABYTE:,.0f} MB; "
        f"item2vec peaks {(result['peak_bytes'][ITEM2VEC] - floor) / MEGABYTE:,.0f} MB above"
    )
    return "\n".join(lines + _quality_lines(result["quality"]))


def _cell(seconds: float | None) -> str:
    return f"{'-' if seconds is None else f'{seconds:.2f}':>10}"


def _quality_lines(quality: dict[str, dict[str, Any]]) -> list[str]:
    """Mean scores, and item2vec's mean less each peer's."""
    if not quality:
        return []
    measures = list(next(iter(quality.values())))
    width = max(map(len, quality)) + len("item2vec less ") + 2
    count = len(next(iter(quality.values()))[measures[0]]["all"])
    lines = [f"quality, mean of {count} seed{'s' if count > 1 else ''}"]
    lines.append(" " * width + "".join(f"{measure:>12}" for measure in measures))
    for name, scores in quality.items():
        lines.append(f"{name:<{width}}" + "".join(f"{scores[measure]['mean']:>12.4f}" for measure in measures))
    for name in quality:
        if name != ITEM2VEC and ITEM2VEC in quality:
            less = [quality[ITEM2VEC][measure]["mean"] - quality[name][measure]["mean"] for measure in measures]
            lines.append(f"{'item2vec less ' + name:<{width}}" + "".join(f"{value:>+12.4f}" for value in less))
    return lines


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Return the command line; hyperparameters have the defaults of ``item2vec train``."""
    parser = argparse.ArgumentParser(
        description="Race item2vec against gensim and fastText.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("corpus", type=Path, help="text, a sequence a line")
    parser.add_argument("--arch", choices=("skipgram", "cbow"), default="skipgram")
    parser.add_argument("--loss", choices=("ns", "hs"), default="ns")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--sample", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--lr", type=float, default=0.025)
    parser.add_argument("--min-lr", type=float, default=1e-4)
    parser.add_argument("--tile", default="", metavar="P,N", help="item2vec's expert option")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--pairs", type=int, default=5, help="measured rounds, one run of each trainer")
    parser.add_argument("--seeds", default="1,2,3", type=_seeds, help="taken in turn, a round each")
    parser.add_argument("--tokens", type=int, metavar="N", help="only the first lines with N tokens")
    parser.add_argument(
        "--copies", type=int, default=1, metavar="N", help="so often, with other items: a large vocabulary"
    )
    parser.add_argument("--peers", default="gensim,fasttext", type=_peers, help=", ".join((*PEERS, *VARIANTS)))
    parser.add_argument("--stage", choices=("read", "train", "whole"), default="whole", help="how far each run goes")
    parser.add_argument("--words", type=Path, metavar="DIR", help="also quality: the test files of word_quality.py")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PATH", help="a Python that has the peers")
    parser.add_argument("--json", type=Path, metavar="OUT", help="every run and the summary")
    options = parser.parse_args(arguments)
    if options.pairs < 1:
        parser.error(f"--pairs {options.pairs}: at least 1")
    if not 1 <= options.copies <= MOST_COPIES:
        parser.error(f"--copies {options.copies}: from 1 to {MOST_COPIES}")
    for path in (options.corpus, options.words):
        if path is not None and not path.exists():
            parser.error(f"not found: {path}")
    if options.loss == "hs" and options.tile:
        parser.error("--tile is for negative sampling; leave it out with --loss hs")
    if options.words and options.stage != "whole":
        parser.error(f"--words needs the models, which --stage {options.stage} does not write; leave --stage out")
    return options


def _seeds(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _peers(text: str) -> list[str]:
    names = [name for name in text.split(",") if name]
    unknown = [name for name in names if name not in PEERS and name not in VARIANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown {unknown[0]!r}; known are {', '.join((*PEERS, *VARIANTS))}")
    return names


def settings_of(options: argparse.Namespace, corpus: Path, folder: Path) -> dict[str, Any]:
    """Return what every run gets, less its seed."""
    names = (
        "arch",
        "loss",
        "dim",
        "window",
        "negative",
        "sample",
        "epochs",
        "min_count",
        "lr",
        "min_lr",
        "threads",
        "tile",
        "stage",
    )
    settings = {name: getattr(options, name) for name in names}
    return settings | {"corpus": str(corpus.resolve()), "output": str(folder / "model")}


def warm_up(trainers: list[str], settings: dict[str, Any], folder: Path, peer_python: str) -> None:
    """Run each trainer on a few lines: compiled code into its cache, libraries into memory."""
    head = write_head(Path(settings["corpus"]), WARM_UP_TOKENS, folder / "warm.txt")
    small = settings | {"corpus": str(head), "epochs": 1, "min_count": 1, "seed": 1}
    for trainer in trainers:
        start = time.perf_counter()
        run_trainer(trainer, small, WARM_UP_TOKENS, peer_python)
        say(f"warm-up, {trainer}: {time.perf_counter() - start:.1f} s")


def race(
    options: argparse.Namespace, trainers: list[str], settings: dict[str, Any], facts: CorpusFacts
) -> list[dict[str, Run]]:
    """Run the rounds and return the runs of each, by trainer."""
    count = max(options.pairs, len(options.seeds)) if options.words else options.pairs
    rounds: list[dict[str, Run]] = []
    for number in range(count):
        seed = options.seeds[number % len(options.seeds)]
        runs = {}
        for trainer in trainers:
            run = run_trainer(trainer, settings | {"seed": seed}, facts.tokens, options.peer_python)
            if options.words and number < len(options.seeds):
                run.quality = quality_of(model_path(trainer, settings["output"]), options.words)
            say(f"round {number + 1} of {count}, {run_line(run)}")
            runs[trainer] = run
        rounds.append(runs)
    return rounds


def say(text: str) -> None:
    """Progress; the answer alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is returned."""
    options = parse(arguments)
    for peer in missing_peers(options.peers, options.peer_python):
        say(
            f"{peer} is left out: {options.peer_python} cannot import it; "
            f"pip install {peer}, or name a Python that has it by --peer-python"
        )
        options.peers.remove(peer)
    trainers = [ITEM2VEC, *options.peers]
    with tempfile.TemporaryDirectory(prefix="item2vec-race-") as name:
        folder = Path(name)
        corpus = options.corpus
        if options.tokens:
            corpus = write_head(corpus, options.tokens, folder / "head.txt")
        if options.copies > 1:
            write_copies(corpus, folder / "copies.txt", options.copies)
            corpus = folder / "copies.txt"
        facts = facts_of(corpus)
        if facts.longest_line > GENSIM_LONGEST_LINE:
            say(f"a line has {facts.longest_line:,} tokens; gensim takes the first {GENSIM_LONGEST_LINE:,}")
        settings = settings_of(options, corpus, folder)
        try:
            warm_up(trainers, settings, folder, options.peer_python)
            rounds = race(options, trainers, settings, facts)
        except RunFailedError as error:
            say(f"race.py: {error}")
            return 1
    result = summary(rounds, trainers)
    here = machine() | {peer: rounds[0][peer].version for peer in options.peers if peer in PEERS}
    shown = {key: value for key, value in settings.items() if key not in ("corpus", "output") and value != ""}
    if options.copies > 1:
        shown["copies"] = options.copies
    print(f"{options.corpus.name}: {facts.tokens:,} tokens, {facts.lines:,} lines, sha256 {facts.sha256[:16]}")
    print(", ".join(f"{key} {value}" for key, value in here.items()))
    print(", ".join(f"{key.replace('_', '-')} {value}" for key, value in shown.items()))
    print(tables(result, len(rounds), facts, settings, rounds[0][ITEM2VEC].items))
    if options.json:
        document = {
            "corpus": {"name": options.corpus.name, **dataclasses.asdict(facts)},
            "machine": here,
            "settings": shown,
            "seeds": options.seeds,
            "summary": result,
            "rounds": [{name: dataclasses.asdict(run) for name, run in runs.items()} for runs in rounds],
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
