"""item2vec against gensim and fastText on one corpus: speed, memory and quality.

    python benchmarks/race.py CORPUS [--pairs 5] [--words DIR] [--json OUT]

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
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from corpus_facts import GENSIM_LONGEST_LINE, MOST_COPIES, CorpusFacts, facts_of, write_copies, write_head
from race_report import machine, run_line, summary, tables
from runs import (
    ITEM2VEC,
    PEERS,
    VARIANTS,
    Run,
    RunFailedError,
    missing_peers,
    model_path,
    quality_of,
    run_trainer,
)

WARM_UP_TOKENS = 20_000


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line; hyperparameters have the defaults of ``item2vec train``."""
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
    """What every run gets, less its seed."""
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
