"""Vector files and exact top-k: item2vec against gensim and faiss, on random vectors.

    python benchmarks/measure/vector_speed.py files [--items 1000000] [--dim 100] [--rounds 3] [--folder DIR]
    python benchmarks/measure/vector_speed.py queries [--queries 1000] [-k 10] [--gensim-queries 50]

``files`` writes and reads word2vec text and binary with both tools in turn; what is read must equal what was
written. A round of gensim's text at the full size takes minutes, so ``--text-items`` limits text for both.
``queries`` asks for the neighbours of items: item2vec all at once, faiss (IndexFlatIP on vectors scaled to
length 1) the same, gensim's ``most_similar`` one by one, on fewer queries; the answers must be the same.
Peers that are not installed are left out. Seconds are wall time of one process; compilation is not timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from item2vec import KeyedVectors
from item2vec.vectors.formats.registry import export_vectors, read_vectors


def main() -> None:
    parser = argparse.ArgumentParser(description="Vector files and exact top-k against gensim and faiss.")
    parser.add_argument("what", choices=["files", "queries"])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--text-items", type=int, default=100_000, help="of the text files")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="where the files go; the system's temporary folder")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--gensim-queries", type=int, default=50)
    parser.add_argument("-k", type=int, default=10)
    options = parser.parse_args()
    (files if options.what == "files" else queries)(options)


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def make(items: int, dim: int) -> KeyedVectors:
    """Return normal numbers of the size that training gives, and names of six to ten letters."""
    table = np.random.default_rng(1).standard_normal((items, dim), dtype=np.float32) * np.float32(0.3)
    return KeyedVectors.from_items([f"item_{number}" for number in range(items)], table)


def report(name: str, rounds: list[tuple[float, float]], peer: str) -> None:
    """One line: medians of both, and of the rounds' ratios."""
    ours, theirs = (statistics.median(seconds) for seconds in zip(*rounds, strict=True))
    ratios = sorted(other / mine for mine, other in rounds)
    print(
        f"{name:14} item2vec {ours:8.3f} s  {peer} {theirs:8.3f} s  median ratio {statistics.median(ratios):6.2f}"
        f"  ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        flush=True,
    )


def files(options: argparse.Namespace) -> None:
    from gensim.models import KeyedVectors as Peer

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        warm = make(10, options.dim)
        export_vectors(warm, Path(folder, "warm.txt"))
        read_vectors(Path(folder, "warm.txt"))
        for kind, items in (("binary", options.items), ("text", options.text_items)):
            model = make(items, options.dim)
            peer = Peer(options.dim)
            peer.add_vectors(list(model), model.input)
            ending = ".bin" if kind == "binary" else ".txt"
            mine, other = Path(folder, "mine" + ending), Path(folder, "other" + ending)
            print(f"{kind}: {items:,} x {options.dim}")
            writes, reads = [], []
            for _ in range(options.rounds):
                ours, _ = timed(lambda: export_vectors(model, mine))  # noqa: B023  called at once
                theirs, _ = timed(lambda: peer.save_word2vec_format(str(other), binary=kind == "binary"))  # noqa: B023
                writes.append((ours, theirs))
                ours, read = timed(lambda: read_vectors(mine))  # noqa: B023
                theirs, peer_read = timed(lambda: Peer.load_word2vec_format(str(mine), binary=kind == "binary"))  # noqa: B023
                if not np.array_equal(read.input, model.input) or not np.array_equal(peer_read.vectors, model.input):
                    raise SystemExit("what was read is not what was written")
                reads.append((ours, theirs))
            report(f"{kind} write", writes, "gensim")
            report(f"{kind} read", reads, "gensim")


def queries(options: argparse.Namespace) -> None:
    model = make(options.items, options.dim)
    names = list(model)
    asked = np.random.default_rng(2).choice(options.items, options.queries, replace=False).tolist()
    print(f"{options.items:,} x {options.dim}, {options.queries:,} queries, k {options.k}, {os.cpu_count()} cores")
    try:
        import faiss
    except ImportError:
        faiss = None
        print("faiss is not installed; pip install faiss-cpu")
    unit = model.input / np.linalg.norm(model.input, axis=1, keepdims=True)
    if faiss is not None:
        index = faiss.IndexFlatIP(options.dim)
        index.add(unit)
        index.search(unit[:4], options.k + 1)
    model.similar_many(names[:4], options.k)
    rounds = []
    for _ in range(options.rounds):
        ours, answers = timed(lambda: model.similar_many([names[row] for row in asked], options.k))
        if faiss is None:
            rounds.append((ours, float("nan")))
            continue
        theirs, (_, rows) = timed(lambda: index.search(unit[asked], options.k + 1))
        rounds.append((ours, theirs))
        same = sum(
            {item for item, _ in answer} == {names[row] for row in found if row != own}
            for answer, found, own in zip(answers, rows.tolist(), asked, strict=True)
        )
    report("all at once", rounds, "faiss")
    if faiss is not None:
        print(f"the same items in {same:,} of {options.queries:,} answers")
    from gensim.models import KeyedVectors as Peer

    peer = Peer(options.dim)
    peer.add_vectors(names, model.input)
    peer.fill_norms()
    few = asked[: options.gensim_queries]
    seconds, found = timed(lambda: [peer.most_similar(names[row], topn=options.k) for row in few])
    same = sum(
        {item for item, _ in answer} == {item for item, _ in other}
        for answer, other in zip(answers, found, strict=False)
    )
    rates = options.queries / statistics.median(ours for ours, _ in rounds), len(few) / seconds
    print(f"item2vec {rates[0]:,.0f} queries/s, gensim {rates[1]:,.1f} queries/s, ratio {rates[0] / rates[1]:.1f}")
    print(f"the same items in {same:,} of {len(few):,} answers")


if __name__ == "__main__":
    main()
