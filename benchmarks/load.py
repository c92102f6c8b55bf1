"""Many runs in one process, and one large model: does anything pile up, and how far does it reach?

    python benchmarks/load.py runs [--runs 200]
    python benchmarks/load.py large [--items 5000000] [--dim 64] [--tokens 20000000] [--folder DIR]

``runs`` trains a small corpus, saves, loads, asks and exports again and again, and prints every 20 runs what the
process holds: resident memory, open files, threads. ``large`` makes a corpus of so many items, of which each comes at
least once, trains one epoch with min-count 1, and asks; each step is a process of its own, whose time and peak are
printed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from needs import make_corpus
from runs import measure

STEP = 20


def main() -> int:
    parser = argparse.ArgumentParser(description="Many runs in one process, and one large model.")
    parser.add_argument("what", choices=["runs", "large"])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--items", type=int, default=5_000_000)
    parser.add_argument("--tokens", type=int, default=20_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--folder", help="where files go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        if options.what == "runs":
            return many_runs(Path(name), options.runs)
        large_model(Path(name), options.items, options.tokens, options.dim)
    return 0


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
    """A run as a service might have it: each fourth time with a mapped corpus or another architecture."""
    import item2vec
    from item2vec.vectors.formats.registry import export_vectors, read_vectors

    options = ({}, {"memory": 1000}, {"arch": "cbow"}, {"loss": "hs"})[run % 4]
    model = item2vec.train([corpus], dim=32, epochs=1, threads=2, seed=run, **options)
    path = folder / "model.safetensors"
    model.save(path)
    found = item2vec.load(path)
    found.similar("7", k=5)
    found.similar_many([["1"], ["2"]], k=5)
    for name in ("v.txt", "v.bin", "v.npy", "v.parquet"):
        export_vectors(found, folder / name)
        read_vectors(folder / name).similar("7", k=5)


def large_model(folder: Path, items: int, tokens: int, dim: int) -> None:
    """One large model, step by step."""
    corpus, model = folder / "corpus.txt", folder / "model.safetensors"
    began = time.perf_counter()
    make_corpus(corpus, items, tokens)
    print(f"corpus of {items:,} items, {tokens:,} tokens: {corpus.stat().st_size / 1e6:,.0f} MB, made in "
          f"{time.perf_counter() - began:.0f} s")  # fmt: skip
    print("| step | s | peak, MB | |\n|---|---|---|---|", flush=True)
    cli = [sys.executable, "-m", "item2vec"]
    train = [*cli, "train", str(corpus), "-o", str(model), "--min-count", "1", "--epochs", "1", "--dim", str(dim)]
    report = step("train", [*train, "--no-cache", "--json"])
    print(f"|  | | | {json.dumps(report['seconds'])}, {report['tokens_per_second']:,.0f} tokens/s |")
    print(f"| the model file | | | {model.stat().st_size / 1e6:,.0f} MB |")
    step("info", [*cli, "info", "-m", str(model), "--json"])
    step("similar", [*cli, "similar", "-m", str(model), "item7", "--json"])
    step("similar, the item unknown", [*cli, "similar", "-m", str(model), "itm7"], expected=1)
    step("recommend", [*cli, "recommend", "-m", str(model), "item7", "item8", "--json"])
    many = folder / "many.txt"
    many.write_text("".join(f"item{n}\n" for n in range(100)))
    step("similar --batch, 100", [*cli, "similar", "-m", str(model), "--batch", str(many)])
    step("export, word2vec binary", [*cli, "export", str(folder / "v.bin"), "-m", str(model), "--json"])
    step("import it", [*cli, "import", str(folder / "v.bin"), "-o", str(folder / "again.safetensors"), "--json"])


def step(name: str, command: list[str], expected: int = 0) -> dict:
    """Run a command; print its time and peak, and give the JSON that it printed, if it is one document."""
    began = time.perf_counter()
    script = "import json,os,subprocess,sys;p=subprocess.run(sys.argv[1:],capture_output=True,text=True);" \
        "import resource;print(json.dumps([p.returncode,p.stdout[:5000],p.stderr[-300:]," \
        "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))"  # fmt: skip
    (status, output, errors, peak), _, _ = measure([sys.executable, "-c", script, *command])
    if status != expected:
        raise SystemExit(f"{name}: {status}, {errors}")
    shown = (output if status == 0 else errors).strip().splitlines()[0][:60] if (output + errors).strip() else ""
    print(f"| {name} | {time.perf_counter() - began:.1f} | {peak * 1024 / 1e6:,.0f} | `{shown}` |", flush=True)
    try:
        return json.loads(output)
    except ValueError:
        return {}


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    sys.exit(main())
