"""Approximate indexes of directions: recall against time, on real vectors, for usearch, faiss and hnswlib.

    python benchmarks/measure/index_speed.py words.safetensors [--rows 1000000] [--table input|output]
    python benchmarks/measure/index_speed.py words.safetensors --answers

Neighbours of items by cosine (``--table output``: of histories' input vectors among the output vectors, by inner
product). ``--rows`` makes a larger table of the model's by noisy copies: each row again, plus normal noise of a third
of its length. Build and queries run on ``--threads``; queries are also timed one by one, as a service answers them.
Recall is the share of the exact ten best. Indexes that are not installed are left out. A line an index and setting.

``--answers`` asks the model itself, with the index that ``item2vec index`` made: opening it, one question, and many.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import item2vec
from item2vec.vectors.index_file import index_path, load_index
from item2vec.vectors.search import top_k

K = 10
EFFORTS = (16, 32, 64, 128, 256)
Search = Callable[[np.ndarray, int], np.ndarray]  # queries, effort -> rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Approximate indexes: recall against time.")
    parser.add_argument("model")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--table", choices=["input", "output"], default="input")
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="names of indexes")
    parser.add_argument("--answers", action="store_true", help="of the model, exact and by its index")
    options = parser.parse_args()
    model = item2vec.load(options.model)
    if options.answers:
        answers(model, options.queries)
        return
    rng = np.random.default_rng(1)
    table, queries = tables(model, options, rng)
    start = time.perf_counter()
    exact, _ = top_k(table, queries, K, cosine=False, threads=options.threads)
    seconds = time.perf_counter() - start
    print(f"{len(table):,} x {table.shape[1]}, {len(queries):,} queries, {options.threads} threads")
    start = time.perf_counter()
    for query in queries[:20]:
        np.argpartition(table @ query, -K)
    single = (time.perf_counter() - start) / 20
    print(
        f"{'exact':22} {'':28} recall 1.0000  {seconds / len(queries) * 1e6:9.0f} us  one by one {single * 1e6:9.0f} us"
    )
    for name, build in INDEXES.items():
        if not options.only or name in options.only:
            measure(name, build, table, queries, exact, options.threads)


def tables(model: Any, options: argparse.Namespace, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows to search, and queries whose inner products with them are the scores."""
    table = np.array(model.input if options.table == "input" else model.output)
    if options.rows > len(table):
        copies = table[rng.integers(len(table), size=options.rows - len(table))]
        noise = rng.standard_normal(copies.shape, dtype=np.float32)
        noise *= np.linalg.norm(copies, axis=1, keepdims=True) / np.sqrt(table.shape[1]) / 3
        table = np.concatenate([table, copies + noise])
    if options.table == "input":
        table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-30)
        return table, table[rng.choice(len(table), options.queries, replace=False)]
    histories = rng.choice(len(model), (options.queries, 5))
    return table, model.input[histories].mean(axis=1)


def answers(model: Any, queries: int) -> None:
    index = index_path(model.path)
    seconds = [timed(lambda: load_index(index)) for _ in range(5)]
    print(f"{len(model):,} x {model.dim}; recall {model.open_index().facts.recall:.3f}; opening {spread(seconds)}")
    names = [model.vocabulary[row] for row in np.linspace(0, len(model) - 1, queries).astype(int).tolist()]
    for approximate in (False, True):
        model.similar_many(names[:2], approximate=approximate)
        one = [timed(lambda name=name: model.similar(name, approximate=approximate)) for name in names[:50]]  # noqa: B023
        many = [timed(lambda: model.similar_many(names, approximate=approximate)) for _ in range(3)]  # noqa: B023
        kind = "by the index" if approximate else "exact"
        print(f"{kind:12} one {spread(one)}, {queries:,} at once {spread(many)}")


def timed(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def spread(seconds: list[float]) -> str:
    """Median and least, in milliseconds."""
    return f"{np.median(seconds) * 1e3:.2f} ms (least {min(seconds) * 1e3:.2f})"


def measure(
    name: str, build: Callable[..., Any], table: np.ndarray, queries: np.ndarray, exact: np.ndarray, threads: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index")
        start = time.perf_counter()
        try:
            opened = build(table, path, threads)
        except ImportError as error:
            print(f"{name}: not installed ({error.name})")
            return
        built = time.perf_counter() - start
        start = time.perf_counter()
        search: Search = opened()
        search(queries[:1], EFFORTS[0])
        loaded = time.perf_counter() - start
        size = path.stat().st_size / 1e6
        for effort in EFFORTS:
            start = time.perf_counter()
            found = search(queries, effort)
            seconds = time.perf_counter() - start
            start = time.perf_counter()
            for query in queries[:200]:
                search(query[None], effort)
            single = (time.perf_counter() - start) / 200
            print(
                f"{name:18} {effort:3} build {built:6.1f} s {size:6.0f} MB open {loaded:5.2f} s "
                f"recall {recall(found, exact):.4f}  {seconds / len(queries) * 1e6:9.0f} us  "
                f"one by one {single * 1e6:9.0f} us",
                flush=True,
            )


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([len(np.intersect1d(*pair)) / exact.shape[1] for pair in zip(found, exact, strict=True)]))


def usearch(table: np.ndarray, path: Path, threads: int, *, dtype: str) -> Callable[[], Search]:
    from usearch.index import Index

    index = Index(ndim=table.shape[1], metric="ip", dtype=dtype, connectivity=16, expansion_add=128)
    index.add(np.arange(len(table)), table, threads=threads)
    index.save(path)

    def opened() -> Search:
        view = Index.restore(path, view=True)

        def search(queries: np.ndarray, effort: int) -> np.ndarray:
            view.expansion_search = effort
            # As the index is to be used: more than asked for, ordered again by the exact vectors.
            many = K if dtype == "f32" else 2 * K
            rows = np.atleast_2d(view.search(queries, many, threads=threads).keys).astype(np.int64)
            return rows if many == K else ordered(table, queries, rows)

        return search

    return opened


def ordered(table: np.ndarray, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the best of each query's candidates by their exact scores."""
    scores = np.einsum("qkd,qd->qk", table[rows], queries)
    return np.take_along_axis(rows, np.argsort(-scores, axis=1)[:, :K], axis=1)


def faiss_hnsw(table: np.ndarray, path: Path, threads: int) -> Callable[[], Search]:
    import faiss

    faiss.omp_set_num_threads(threads)
    index = faiss.IndexHNSWFlat(table.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 128
    index.add(table)
    faiss.write_index(index, str(path))

    def opened() -> Search:
        read = faiss.read_index(str(path))

        def search(queries: np.ndarray, effort: int) -> np.ndarray:
            read.hnsw.efSearch = effort
            return read.search(queries, K)[1]

        return search

    return opened


def faiss_ivf(table: np.ndarray, path: Path, threads: int) -> Callable[[], Search]:
    import faiss

    faiss.omp_set_num_threads(threads)
    lists = int(4 * np.sqrt(len(table)))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(table.shape[1]), table.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.train(table[:: max(1, len(table) // (50 * lists))])
    index.add(table)
    faiss.write_index(index, str(path))

    def opened() -> Search:
        read = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)

        def search(queries: np.ndarray, effort: int) -> np.ndarray:
            read.nprobe = effort
            return read.search(queries, K)[1]

        return search

    return opened


def hnswlib(table: np.ndarray, path: Path, threads: int) -> Callable[[], Search]:
    import hnswlib as library

    index = library.Index(space="ip", dim=table.shape[1])
    index.init_index(max_elements=len(table), ef_construction=128, M=16, random_seed=1)
    index.add_items(table, num_threads=threads)
    index.save_index(str(path))

    def opened() -> Search:
        read = library.Index(space="ip", dim=table.shape[1])
        read.load_index(str(path))

        def search(queries: np.ndarray, effort: int) -> np.ndarray:
            read.set_ef(max(effort, K))
            return read.knn_query(queries, K, num_threads=threads)[0].astype(np.int64)

        return search

    return opened


def of_type(dtype: str) -> Callable[..., Callable[[], Search]]:
    return lambda table, path, threads: usearch(table, path, threads, dtype=dtype)


INDEXES: dict[str, Callable[..., Any]] = {f"usearch {dtype}": of_type(dtype) for dtype in ("f32", "bf16", "i8")} | {
    "faiss HNSW": faiss_hnsw,
    "faiss IVF": faiss_ivf,
    "hnswlib": hnswlib,
}


if __name__ == "__main__":
    main()
