"""Event tables: item2vec against pandas doing the same, in interleaved rounds.

    python benchmarks/measure/events.py [--events 10000000] [--rounds 3] [--formats parquet csv] [--memory 500MB]

Makes a table of events (user, item, time) with items of Zipf's law, and turns it into a corpus: users in order of
first appearance, each one's events in order of time, ids by count. pandas reads, factorises, sorts and counts, in
vectorised calls alone. Both corpora must be equal. Each run is a process of its own; its wall time and its processor
time without imports, and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from runs import measure

GAP = 1800


def main() -> None:
    parser = argparse.ArgumentParser(description="Event tables: item2vec against pandas.")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"])
    parser.add_argument("--threads", type=int, default=2, help="of item2vec")
    parser.add_argument("--memory", help="item2vec's --memory")
    parser.add_argument("--run", nargs=2, metavar=("READER", "FILE"), help="one run, as a JSON document")
    options = parser.parse_args()
    if options.run:
        reader, file = options.run
        print(json.dumps(READERS[reader](file, options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in options.formats:
            path = Path(folder) / f"events.{kind}"
            make_events(path, options.events)
            race(path, options)


def make_events(path: Path, count: int) -> None:
    """Events in order of time, as a log has them: a user for each 50 of them, 100,000 items."""
    import duckdb

    select = f"""
        SELECT 'user' || (hash(i) % {count // 50}) AS "user",
            'item' || CAST(floor(exp(ln(100000) * ((hash(i + {count}) % 1000003) / 1000003))) AS INTEGER) AS item,
            1700000000 + i // 10 AS time
        FROM range({count}) t(i) ORDER BY i"""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}'")
    print(f"{path.name}: {count:,} events, {path.stat().st_size / 1e6:,.0f} MB", flush=True)


def race(path: Path, options: argparse.Namespace) -> None:
    ratios = []
    print("round   item2vec   processor        peak     pandas   processor        peak    ratio")
    for round_ in range(1, options.rounds + 1):
        ours, our_peak = one_run("item2vec", path, options)
        theirs, their_peak = one_run("pandas", path, options)
        if ours["check"] != theirs["check"]:
            raise SystemExit("the two corpora differ")
        ratios.append(theirs["seconds"] / ours["seconds"])
        print(
            f"{round_:5d} {ours['seconds']:8.2f} s {ours['processor']:9.2f} s {our_peak / 1e6:8,.0f} MB "
            f"{theirs['seconds']:8.2f} s {theirs['processor']:9.2f} s {their_peak / 1e6:8,.0f} MB {ratios[-1]:7.2f}   "
            f"{options.events / ours['seconds'] / 1e6:.2f}M events/s",
            flush=True,
        )
    print(f"median ratio {statistics.median(ratios):.2f}\n")


def one_run(reader: str, path: Path, options: argparse.Namespace) -> tuple[dict[str, Any], int]:
    command = [sys.executable, __file__, "--run", reader, str(path), "--threads", str(options.threads)]
    answer, _, peak = measure(command + (["--memory", options.memory] if options.memory else []))
    return answer, peak


def read_item2vec(file: str, options: argparse.Namespace) -> dict[str, Any]:
    import duckdb  # noqa: F401

    import item2vec.corpus.tables.events  # noqa: F401
    from item2vec.config.source import SourceConfig
    from item2vec.corpus.reading import read_corpus

    with tempfile.NamedTemporaryFile("w", suffix=".csv") as small:  # the kernels are loaded, or compiled, untimed
        small.write("user,item,time\n1,a,1\n1,b,2\n1,a,3\n")
        small.flush()
        columns = {"user": "user", "item": "item", "time": "time", "session_gap": GAP}
        read_corpus([small.name], SourceConfig(**columns), min_count=1, threads=options.threads)
    start, used = time.perf_counter(), time.process_time()
    config = SourceConfig(**columns, memory=options.memory)
    corpus = read_corpus([file], config, min_count=5, threads=options.threads)
    return spent(start, used) | {"check": digest(corpus.items, corpus.offsets)}


def read_pandas(file: str, options: argparse.Namespace) -> dict[str, Any]:
    import numpy as np
    import pandas as pd
    import pyarrow.parquet  # noqa: F401

    start, used = time.perf_counter(), time.process_time()
    text = {"user": str, "item": str}
    events = pd.read_parquet(file) if file.endswith(".parquet") else pd.read_csv(file, dtype=text)
    user = pd.factorize(events["user"])[0]
    codes, items = pd.factorize(events["item"])
    times = events["time"].to_numpy()
    del events
    order = np.lexsort((times, user))
    user, codes, times = user[order], codes[order], times[order]
    begins = np.append(True, (user[1:] != user[:-1]) | (np.diff(times) > GAP))
    counts = np.bincount(codes, minlength=len(items))
    first = np.full(len(items), len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    ranked = np.lexsort((first, -counts))
    ranked = ranked[counts[ranked] >= 5]
    ranks = np.full(len(items), -1, np.int32)
    ranks[ranked] = np.arange(len(ranked))
    ids = ranks[codes]
    kept = ids >= 0
    offsets = np.unique(np.append(np.append(0, np.cumsum(kept))[np.flatnonzero(begins)], kept.sum()))
    ids = ids[kept]
    return spent(start, used) | {"check": digest(ids, offsets)}


def spent(start: float, used: float) -> dict[str, Any]:
    return {"seconds": time.perf_counter() - start, "processor": time.process_time() - used}


def digest(*arrays: Any) -> str:
    import hashlib

    sha = hashlib.sha256()
    for array in arrays:
        sha.update(array.tobytes())
    return sha.hexdigest()


READERS = {"item2vec": read_item2vec, "pandas": read_pandas}

if __name__ == "__main__":
    main()
