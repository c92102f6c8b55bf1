"""Peak memory of training on a corpus that is larger than what may lie in memory.

    python benchmarks/measure/large_corpus.py TEXT [--size 4] [--seconds 20] [--folder DIR] [-- TRAIN OPTIONS]

Makes a corpus of ``--size`` by repeating TEXT, each time with another letter behind every item, so that the items are
others; then runs ``item2vec train`` on it and looks at the process ten times a second. After ``--seconds`` of training
it is interrupted, as one epoch takes minutes. Then the same again, now from the cache. All files go at the end.

Linux counts resident pages by kind: anonymous ones are the process's own, those of files are copies of what lies on
the disk, which the system takes back when it needs them; the peak of all (VmHWM) is what most tools show. Tables are
items times padded dim times 4 bytes times two.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from runs import MOST_COPIES, write_copies

from item2vec.model.cpu.simd import padded

KINDS = ("RssAnon", "RssFile", "RssShmem", "VmHWM")


def main() -> None:
    parser = argparse.ArgumentParser(description="Peak memory of training on a large corpus.")
    parser.add_argument("text", type=Path, help="real text, a sequence a line, items separated by one space")
    parser.add_argument("--size", type=float, default=4.0, help="of the corpus, in GB (1e9 bytes)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of training")
    parser.add_argument("--folder", help="where the corpus, the cache and the model go")
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("options", nargs="*", help="of item2vec train, behind --")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        need, free = int(options.size * 4e9), shutil.disk_usage(folder).free
        if free < need:
            raise SystemExit(f"{folder} has {free:,} bytes free, and this needs {need:,}")
        corpus = folder / "corpus.txt"
        size = int(options.size * 1e9)
        if size > options.text.stat().st_size * MOST_COPIES:
            raise SystemExit(f"{options.text} is too short: it can be renamed {MOST_COPIES} times")
        copies = write_copies(options.text, corpus, size=size)
        print(f"corpus: {corpus.stat().st_size:,} bytes, {copies:.1f} copies of {options.text.name}", flush=True)
        for name in ("encoding", "from the cache"):
            print(name)
            measure(corpus, folder, options.dim, options.seconds, options.options)


def measure(corpus: Path, folder: Path, dim: int, seconds: float, options: list[str]) -> None:
    """Train for so long, and print what was resident at most, in the reading and in all."""
    command = [sys.executable, "-m", "item2vec", "train", str(corpus), "-o", str(folder / "model.safetensors")]
    command += ["--preset", "words"]
    environment = os.environ | {"ITEM2VEC_CACHE": str(folder / "cache")}
    errors = folder / "errors"
    with errors.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--dim", str(dim), *options], env=environment, stderr=file)
    peaks = dict.fromkeys(KINDS, 0)
    own = read_at = 0.0
    items = 0
    while process.poll() is None:
        time.sleep(0.1)
        resident = resident_pages(process.pid)
        own = max(own, resident["RssAnon"] + resident["RssShmem"])
        peaks = {kind: max(peaks[kind], resident[kind]) for kind in KINDS}
        found = re.search(r"tokens in ([0-9.]+) s: ([0-9,]+) items", errors.read_text()) if not items else None
        if found:
            items, read_at = int(found[2].replace(",", "")), time.perf_counter()
            print(f"  read in {found[1]} s, {items:,} items: own {own / 1e6:,.0f} MB, {shown(peaks)}", flush=True)
        if items and time.perf_counter() - read_at > seconds:
            process.send_signal(signal.SIGINT)
            seconds = float("inf")
    if not items:
        raise SystemExit(errors.read_text())
    tables = 2 * 4 * items * padded(dim)
    print(f"  whole, {time.perf_counter() - start:.0f} s: own {own / 1e6:,.0f} MB, {shown(peaks)}")
    print(f"  tables {tables / 1e6:,.0f} MB; above them: own {(own - tables) / 1e6:,.0f} MB, "
          f"VmHWM {(peaks['VmHWM'] - tables) / 1e6:,.0f} MB")  # fmt: skip
    print("  " + errors.read_text().strip().replace("\n", "\n  "), flush=True)


def resident_pages(process: int) -> dict[str, int]:
    """Bytes by kind, 0 once the process has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        text = ""
    return {kind: int((re.search(rf"{kind}:\s+(\d+) kB", text) or [0, 0])[1]) * 1024 for kind in KINDS}


def shown(peaks: dict[str, int]) -> str:
    return ", ".join(f"{kind} {size / 1e6:,.0f}" for kind, size in peaks.items()) + " MB at most"


if __name__ == "__main__":
    main()
