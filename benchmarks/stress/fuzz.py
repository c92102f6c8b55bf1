"""Feed damaged files to every reader, and count what comes of it.

    python benchmarks/stress/fuzz.py [--inputs 20000] [--reader NAME]... [--seed 1] [--room 1.0] [--keep FOLDER]

Good files are damaged at random (see fuzz_inputs.py): bits, bytes, numbers, lengths, lines, whole stretches; where a
file has a sum or a length that would give all of it away, that is put right again. A reader runs in a process of its
own, whose address space may grow by ``--room`` GB, and asks questions of what it could read. What may come is an answer
or an Item2VecError of one line. Anything else, a warning of numpy's too, more than five seconds of the processor, or
the process's end is a finding, which is printed, and with ``--keep`` its files are kept. Readers that start DuckDB get
a twentieth of the inputs, and no bound on the address space, only the peak of what was resident.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import mmap
import os
import random
import resource
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from fuzz_readers import DamagedError, Reader, readers, write_input

from item2vec.errors import Item2VecError

LONGEST = 5.0  # seconds of the processor
UNBOUNDED = 20  # a reader as slow as this is DuckDB's


def main() -> int:
    parser = argparse.ArgumentParser(description="Feed damaged files to every reader.")
    parser.add_argument("--inputs", type=int, default=20_000, help="for each reader")
    parser.add_argument("--reader", action="append", help="only this one; may come several times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--room", type=float, default=1.0, help="GB that a reader may take")
    parser.add_argument("--keep", type=Path, help="where findings go")
    options = parser.parse_args()
    print(
        f"| reader | inputs | read | refused | other errors | ended | slowest, ms | grown, MB | s |\n|{'---|' * 9}",
        flush=True,
    )
    findings = 0
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        folder = Path(name)
        known = readers(folder)
        for reader in options.reader or known:
            result = run_apart(reader, known[reader], folder, options)
            findings += result["other"] + result["ended"]
            print(
                f"| {reader} | {result['inputs']:,} | {result['read']:,} | {result['refused']:,} | {result['other']} "
                f"| {result['ended']} | {1000 * result['slowest']:.0f} | {result['grown'] / 1e6:.0f} "
                f"| {result['seconds']:.0f} |",
                flush=True,
            )
            for text, count in result["errors"].items():
                print(f"  {count} times: {text}", flush=True)
    return 1 if findings else 0


def run_apart(name: str, reader: Reader, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run a reader on all its inputs in a child process; if it ends early, another goes on at the next input."""
    total = dict.fromkeys(("inputs", "read", "refused", "other", "ended", "slowest", "grown", "seconds"), 0) | {
        "errors": Counter()
    }
    wanted, first = max(1, options.inputs // reader.slow), 0
    place = mmap.mmap(-1, 8)  # shared: the input that the child works on
    while first < wanted:
        results = folder / "results"
        results.unlink(missing_ok=True)
        began = time.perf_counter()
        child = os.fork()
        if child == 0:
            status = 70
            try:
                faulthandler.enable()
                results.write_text(json.dumps(run(name, reader, folder, first, wanted, place, options)))
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        total["seconds"] += time.perf_counter() - began
        reached = struct.unpack("<q", place[:8])[0]
        if status == 0:
            part = json.loads(results.read_text())
            for key in ("read", "refused", "other"):
                total[key] += part[key]
            total["errors"] += Counter(part["errors"])
            total["slowest"], total["grown"] = (
                max(total["slowest"], part["slowest"]),
                max(total["grown"], part["grown"]),
            )
            reached = wanted - 1
        else:
            total["ended"] += 1
            total["errors"][f"input {reached} ended the process with {os.waitstatus_to_exitcode(status)}"] += 1
            keep(options, name, reached, folder / f"input{reader.ending}")
        total["inputs"] += reached + 1 - first
        first = reached + 1
    return total


def run(
    name: str, reader: Reader, folder: Path, first: int, wanted: int, place: mmap.mmap, options: argparse.Namespace
) -> dict[str, Any]:
    """Read inputs first to wanted in this process."""
    path = folder / f"input{reader.ending}"
    write_input(path, reader, random.Random(0), damaged=False)
    warnings.simplefilter("error", RuntimeWarning)
    reader.read(path)  # compiles and imports, and shows that good files are read
    if reader.slow < UNBOUNDED:
        bound = virtual_size() + int(options.room * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    slowest = 0.0
    for number in range(first, wanted):
        place[:8] = struct.pack("<q", number)
        write_input(path, reader, random.Random(f"{options.seed} {name} {number}"))
        began = time.process_time()
        problem = ""
        try:
            reader.read(path)
            counts["read"] += 1
        except DamagedError:
            counts["refused"] += 1
        except Item2VecError as error:
            counts["refused"] += 1
            if "\n" in str(error) or len(str(error)) > 2000:
                problem = f"{len(str(error)):,} letters in a message: {str(error)[:100]!r}"
        except BaseException as error:
            frame = next(
                (f for f in traceback.extract_tb(error.__traceback__)[::-1] if "item2vec/" in f.filename), None
            )
            where = f" at {Path(frame.filename).name}:{frame.lineno}" if frame else ""
            problem = f"{type(error).__name__}{where}: {str(error)[:120]!r}"
        took = time.process_time() - began
        slowest = max(slowest, took)
        if took > LONGEST and not problem:
            problem = "slow"
        if problem:
            counts["other"] += 1
            if problem not in errors:
                keep(options, name, number, path)
            errors[problem] += 1
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "read": counts["read"], "refused": counts["refused"], "other": counts["other"], "errors": errors,
        "slowest": slowest, "grown": 1024 * (after - before),
    }  # fmt: skip


def keep(options: argparse.Namespace, name: str, number: int, path: Path) -> None:
    if options.keep and path.exists():
        options.keep.mkdir(parents=True, exist_ok=True)
        for file in path.parent.glob(f"{path.stem}*"):
            (options.keep / f"{name.replace(' ', '_')}-{number}{file.name.removeprefix('input')}").write_bytes(
                file.read_bytes()
            )


def virtual_size() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * mmap.PAGESIZE


if __name__ == "__main__":
    sys.exit(main())
