"""Reading alone: item2vec's vocabulary and ids against gensim's vocabulary scan, in interleaved pairs.

    python benchmarks/reading.py CORPUS [--pairs 5] [--threads 2] [--min-count 5]

gensim's ``build_vocab(corpus_file=...)`` only counts; ``read_text`` counts and encodes. The vocabularies must be
equal. One untimed reading of a small file comes first, so that numba's compilation is not timed.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
from pathlib import Path

from gensim.models import Word2Vec

from item2vec.corpus.text import read_text


def main() -> None:
    parser = argparse.ArgumentParser(description="Reading: item2vec against gensim, in interleaved pairs.")
    parser.add_argument("corpus", help="text, a sequence a line, items separated by white space")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2, help="of item2vec; gensim's scan has one")
    parser.add_argument("--min-count", type=int, default=5)
    options = parser.parse_args()
    warm_up(options.threads)
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
        read_text([small], threads=threads)


def time_item2vec(corpus: str, threads: int, min_count: int) -> tuple[float, dict[str, int]]:
    gc.collect()
    start = time.perf_counter()
    read = read_text([corpus], threads=threads, min_count=min_count)
    seconds = time.perf_counter() - start
    vocabulary = read.vocabulary
    return seconds, dict(zip(vocabulary.index_to_key(), vocabulary.counts.tolist(), strict=True))


def time_gensim(corpus: str, min_count: int) -> tuple[float, dict[str, int]]:
    gc.collect()
    model = Word2Vec(vector_size=1, min_count=min_count)  # the smallest table, as only the scan is timed
    start = time.perf_counter()
    model.build_vocab(corpus_file=corpus)
    seconds = time.perf_counter() - start
    words = model.wv
    return seconds, {word: words.get_vecattr(word, "count") for word in words.index_to_key}


if __name__ == "__main__":
    main()
