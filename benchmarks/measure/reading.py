"""Reading alone: item2vec's vocabulary and ids against gensim's vocabulary scan, in interleaved pairs.

    python benchmarks/measure/reading.py CORPUS [--pairs 5] [--threads 2] [--min-count 5]
    python benchmarks/measure/reading.py CORPUS --shapes    # compressed, transcoded, and the inspection; no gensim

gensim's ``build_vocab(corpus_file=...)`` only counts; ``read_text`` counts and encodes. The vocabularies must be
equal. With --shapes the same text is read plain, with every byte checked, as UTF-16 and compressed, each
three times, and looked at as `inspect` does; seconds are wall and processor time of the process. One
untimed reading of a small file comes first, so that numba's compilation is not timed.
"""

from __future__ import annotations

import argparse
import bz2
import gc
import gzip
import lzma
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from item2vec.corpus.inspection import inspect_corpus
from item2vec.corpus.text.text import read_text

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def main() -> None:
    parser = argparse.ArgumentParser(description="Reading: item2vec against gensim, in interleaved pairs.")
    parser.add_argument("corpus", help="text, a sequence a line, items separated by white space")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of item2vec; gensim's scan has one")
    parser.add_argument("--min-count", type=int, default=5)
    parser.add_argument("--shapes", action="store_true", help="time streams and the inspection instead")
    options = parser.parse_args()
    warm_up(options.threads)
    if options.shapes:
        time_shapes(Path(options.corpus), options.threads)
        return
    ratios = []
    print("pair   item2vec      gensim    ratio")
    for pair in range(1, options.pairs + 1):
        ours, counts = time_item2vec(options.corpus, options.threads, options.min_count)
        theirs, gensim_counts = time_gensim(options.corpus, options.min_count)
        if counts != gensim_counts:
            raise SystemExit("the two vocabularies differ")
        ratios.append(theirs / ours)
        print(f"{pair:4d} {ours:8.3f} s  {theirs:8.3f} s  {ratios[-1]:7.2f}", flush=True)
    print(f"median ratio {statistics.median(ratios):.2f}, {len(counts):,} items, {options.threads} threads")


def warm_up(threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.txt"
        small.write_text("one two three\nthree two one\n" * 200_000)
        for errors in ("strict", "replace"):
            inspect_corpus(read_text([small], threads=threads, errors=errors), 5)


def time_shapes(corpus: Path, threads: int) -> None:
    text = corpus.read_bytes()
    shapes: dict[str, tuple[Callable[[bytes], bytes], dict[str, Any]]] = {
        "plain": (bytes, {}),
        "plain, --errors replace": (bytes, {"errors": "replace"}),
        "UTF-16": (lambda text: text.decode().encode("utf-16"), {}),
        "gzip -6": (lambda text: gzip.compress(text, 6), {}),
        "bzip2 -9": (bz2.compress, {}),
        "xz -1": (lambda text: lzma.compress(text, preset=1), {}),
        "zstd -3": (lambda text: zstd.compress(text, 3), {}),
    }
    print(f"{len(text) / 1e6:.1f} MB of text, {threads} threads; the fastest of three")
    print("how                           MB      wall       CPU   MB of text/s")
    with tempfile.TemporaryDirectory() as folder:
        for name, (pack, options) in shapes.items():
            packed = Path(folder) / "corpus"
            packed.write_bytes(pack(text))
            wall, cpu, read = min((stop_watch(read_text, [packed], threads=threads, **options) for _ in range(3)),
                                  key=lambda times: times[0])  # fmt: skip
            size, speed = packed.stat().st_size / 1e6, len(text) / wall / 1e6
            print(f"{name:<24} {size:7.1f} {wall:7.3f} s {cpu:7.3f} s {speed:14.0f}", flush=True)
    every = read_text([corpus], threads=threads, min_count=1)
    wall, cpu, _ = stop_watch(inspect_corpus, every, 5)
    print(f"inspection of all items          {wall:7.3f} s {cpu:7.3f} s")
    wall, cpu, _ = stop_watch(inspect_corpus, read, 5)
    print(f"inspection of the kept items     {wall:7.3f} s {cpu:7.3f} s")


def stop_watch(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, float, Any]:
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    result = call(*arguments, **options)
    return time.perf_counter() - wall, time.process_time() - cpu, result


def time_item2vec(corpus: str, threads: int, min_count: int) -> tuple[float, dict[str, int]]:
    gc.collect()
    start = time.perf_counter()
    read = read_text([corpus], threads=threads, min_count=min_count)
    seconds = time.perf_counter() - start
    vocabulary = read.vocabulary
    return seconds, dict(zip(vocabulary.index_to_key(), vocabulary.counts.tolist(), strict=True))


def time_gensim(corpus: str, min_count: int) -> tuple[float, dict[str, int]]:
    from gensim.models import Word2Vec

    gc.collect()
    model = Word2Vec(vector_size=1, min_count=min_count)  # the smallest table, as only the scan is timed
    start = time.perf_counter()
    model.build_vocab(corpus_file=corpus)
    seconds = time.perf_counter() - start
    words = model.wv
    return seconds, {word: words.get_vecattr(word, "count") for word in words.index_to_key}


if __name__ == "__main__":
    main()
