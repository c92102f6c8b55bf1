"""An approximate index of a model's directions: most of the nearest, without looking at every row.

A hierarchical navigable small-world graph (Malkov and Yashunin 2020, "Efficient and robust approximate nearest
neighbor search using hierarchical navigable small world graphs"), by usearch. What it finds is scored again by the
model's own vectors, so that cosines are exact and only an item may be missing. How often one is, its recall, is
measured when it is built. benchmarks/LOG.md says why usearch, and when an index is worth it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError
from item2vec.files.machine import cores
from item2vec.vectors.search import top_k

if TYPE_CHECKING:
    from usearch.index import Index


K = 10  # recall is that of the ten nearest, as the field reports it
SCALAR = "bf16"
_EFFORT_ADD = 128  # candidates while building
_EFFORTS = (32, 64, 128, 256, 512, 1024)
_SAMPLE = 1000  # items whose neighbours are looked for in both ways
_SPARE = 2  # times as many candidates as asked for, since the index's own vectors are rounded
_BLOCK = 1 << 16  # rows scaled together
_NUMBERS = 1 << 18  # of rows scored together
_PRINTED = 1024  # rows that tell one model from another


@dataclass(frozen=True)
class IndexFacts:
    """What is known of an index.

    Attributes
    ----------
    items, dim : int
        Of the model.
    fingerprint : str
        Of the model: see `fingerprint`.
    connectivity, effort : int
        Neighbours of a node; candidates kept while searching.
    recall : float
        The share of the `K` nearest that are found, mean over a sample of items.
    sample : int
        How many items that was measured on.
    seconds : float
        What building took.
    """

    items: int
    dim: int
    fingerprint: str
    connectivity: int
    effort: int
    recall: float
    sample: int
    seconds: float

    def in_words(self) -> str:
        """Return the same in a line."""
        return f"Approximate: the index finds {self.recall:.1%} of the {K} nearest (measured on {self.sample:,} items)."

    def as_json(self) -> dict[str, Any]:
        """Return the facts that an answer comes with."""
        return {f"recall@{K}": round(self.recall, 4), "sample": self.sample, "effort": self.effort}


class ApproximateIndex:
    """An index of a table's directions; made by `build`, or read by `item2vec.vectors.index_file.load_index`.

    Parameters
    ----------
    graph : usearch.index.Index
        Its keys are rows of the table.
    facts : IndexFacts
    memory : object, optional
        What must live as long as the graph: the mapped file.
    """

    def __init__(self, graph: Index, facts: IndexFacts, memory: object = None) -> None:
        self.graph = graph
        self.facts = facts
        self._memory = memory

    @classmethod
    def build(
        cls, table: NDArray[np.float32], *, recall: float = 0.95, connectivity: int = 16, threads: int = 0
    ) -> ApproximateIndex:
        """Build an index and measure it.

        Parameters
        ----------
        table : ndarray of float32 [V, d]
            Rows without a direction are left out: they are near nothing.
        recall : float
            In (0, 1]: queries take the least effort that finds this share of the ten nearest, if one does.
        connectivity : int
            Neighbours of a node, 2 to 256.
        threads : int
            0 for one a core. With several the graph, and so its recall, differs a little from build to build.

        Raises
        ------
        ConfigError
            If an option cannot work.
        ModelError
            If usearch is not installed, or no row has a direction.
        """
        if not 0 < recall <= 1:
            raise ConfigError(f"`recall` is {recall!r}; it must be above 0 and at most 1")
        if not 2 <= connectivity <= 256:
            raise ConfigError(f"`connectivity` is {connectivity!r}; it must be from 2 to 256")
        start = time.perf_counter()
        workers = threads or cores()
        graph = empty_graph(table.shape[1], connectivity)
        for first in range(0, len(table), _BLOCK):
            rows, units = _directed(table[first : first + _BLOCK])
            graph.add(rows + first, units, threads=workers, copy=True)
        if len(graph) == 0:
            raise ModelError("all vectors are zero, so there is nothing to index")
        effort, found, sample = _measured(graph, table, recall, workers)
        seconds = time.perf_counter() - start
        facts = IndexFacts(
            len(table), table.shape[1], fingerprint(table), connectivity, effort, found, sample, round(seconds, 3)
        )
        return cls(graph, facts)

    def fits(self, table: NDArray[np.float32]) -> bool:
        """Whether the index was built of this table."""
        return table.shape == (self.facts.items, self.facts.dim) and fingerprint(table) == self.facts.fingerprint

    def search(
        self,
        table: NDArray[np.float32],
        directions: NDArray[np.floating],
        k: int,
        exclude: Sequence[NDArray[np.int64]],
        threads: int = 0,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return k rows of high cosine for each direction, best first; ties by row number.

        Parameters
        ----------
        table : ndarray of float32 [V, d]
            What it was built of.
        directions : ndarray of float [Q, d]
        k : int
            At least 1.
        exclude : sequence of Q arrays of int64
            Rows that may not be an answer.
        threads : int
            0 for one a core.

        Returns
        -------
        rows : ndarray of int64 [Q, min(k, V)]
            -1 where a query has no more.
        scores : ndarray of float64 [Q, min(k, V)]
            Exact cosines; -inf there.
        """
        k = min(k, len(table))
        wide = np.asarray(directions, np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
        found = np.flatnonzero((norms > 0) & np.isfinite(norms))
        rows = np.full((len(wide), k), -1, np.int64)
        scores = np.full((len(wide), k), -np.inf)
        units = wide[found] / norms[found, None]
        longest = max((len(exclude[query]) for query in found.tolist()), default=0)
        count = min(len(self.graph), _SPARE * k + longest)
        if len(found):
            near = _near(self.graph, units, count, max(self.facts.effort, count), threads or cores())
            few = [exclude[query] for query in found.tolist()]
            rows[found], scores[found] = _rescored(table, near, units, few, k)
        # Without a direction, or where rows without one are asked for too, only looking at all is right.
        allowed = len(table) - np.array([len(np.unique(rows)) for rows in exclude])
        short = np.flatnonzero((rows >= 0).sum(axis=1) < np.minimum(k, allowed))
        if len(short):
            few = [exclude[query] for query in short.tolist()]
            rows[short], scores[short] = top_k(table, wide[short], k, cosine=True, exclude=few, threads=threads)
        return rows, scores


def fingerprint(table: NDArray[np.float32]) -> str:
    """Tell tables from each other: BLAKE2b of the shape and of 1,024 rows spread over it.

    A training changes every row, so that rows here and there will do; all of them would take as long to look at as
    an exact answer.
    """
    places = np.linspace(0, len(table) - 1, min(len(table), _PRINTED)).astype(np.int64)
    digest = hashlib.blake2b(np.array(table.shape, "<i8").tobytes(), digest_size=16)
    digest.update(np.ascontiguousarray(table[places], "<f4").tobytes())
    return digest.hexdigest()


def empty_graph(dim: int, connectivity: int) -> Index:
    """Return an index of usearch without any vector.

    Raises
    ------
    ModelError
        If usearch is not installed.
    """
    import duckdb  # noqa: F401  first: usearch brings a C++ library of its own that spoils numbers in DuckDB's messages

    try:
        from usearch.index import Index
    except ImportError as error:
        raise ModelError("an index needs usearch; install it with: pip install 'item2vec[index]'") from error
    return Index(
        ndim=dim,
        metric="ip",
        dtype=SCALAR,
        connectivity=connectivity,
        expansion_add=max(_EFFORT_ADD, 2 * connectivity),
        enable_key_lookups=False,
    )


def _directed(block: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows that have a direction, and the directions."""
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))
        rows = np.flatnonzero((norms > 0) & np.isfinite(norms))
        return rows, (block[rows] / norms[rows, None]).astype(np.float32)


def _near(graph: Index, units: NDArray[np.floating], count: int, effort: int, threads: int) -> NDArray[np.int64]:
    """Return the rows that the graph finds for directions, [Q, count]; -1 where it finds no more."""
    graph.expansion_search = effort
    matches = graph.search(np.ascontiguousarray(units, np.float32), count, threads=threads)
    if len(units) == 1:
        rows = np.full((1, count), -1, np.int64)
        rows[0, : len(matches.keys)] = matches.keys
        return rows
    found: NDArray[np.int64] = matches.keys.astype(np.int64)
    found[np.arange(found.shape[1]) >= matches.counts[:, None]] = -1
    return found


def _rescored(
    table: NDArray[np.float32],
    rows: NDArray[np.int64],
    units: NDArray[np.float64],
    exclude: Sequence[NDArray[np.int64]],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k best of each query's rows by their cosines in float64; -1 and -inf where there are no more."""
    best = np.full((len(rows), k), -1, np.int64)
    scores = np.full((len(rows), k), -np.inf)
    rows = np.sort(rows, axis=1)  # so that the order by cosine, which is stable, leaves ties by row number
    step = max(1, _NUMBERS // (rows.shape[1] * table.shape[1]))
    for first in range(0, len(rows), step):
        some = rows[first : first + step]
        block = table[some].astype(np.float64)
        norms = np.sqrt(np.einsum("qkd,qkd->qk", block, block))
        cosine = np.einsum("qkd,qd->qk", block, units[first : first + step])
        cosine = np.clip(np.divide(cosine, norms, out=np.zeros_like(cosine), where=norms > 0), -1.0, 1.0) + 0.0
        longest = max(len(ids) for ids in exclude[first : first + step])
        left_out = np.full((len(some), longest), -1, np.int64)  # -1 also leaves out what was not found
        for place, ids in enumerate(exclude[first : first + step]):
            left_out[place, : len(ids)] = ids
        wrong = (some < 0) | (some[:, :, None] == left_out[:, None, :]).any(axis=2)
        cosine[wrong] = -np.inf
        order = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
        chosen = np.take_along_axis(cosine, order, axis=1)
        best[first : first + step, : order.shape[1]] = np.where(
            np.isneginf(chosen), -1, np.take_along_axis(some, order, axis=1)
        )
        scores[first : first + step, : order.shape[1]] = chosen
    return best, scores


def _measured(graph: Index, table: NDArray[np.float32], wanted: float, threads: int) -> tuple[int, float, int]:
    """Return the least effort that reaches a recall, or the most there is; the recall; on how many items."""
    rows = np.unique(np.linspace(0, len(table) - 1, _SAMPLE).astype(np.int64))
    kept, units = _directed(table[rows])
    rows = rows[kept]
    own = list(rows[:, None])
    exact, _ = top_k(table, units, min(K, len(table)), cosine=True, exclude=own, threads=threads)
    effort, recall = _EFFORTS[0], 1.0
    for effort in _EFFORTS:
        near = _near(graph, units, min(len(graph), _SPARE * K + 1), max(effort, _SPARE * K + 1), threads)
        found, _ = _rescored(table, near, units.astype(np.float64), own, min(K, len(table)))
        hits = [np.isin(best[best >= 0], mine).mean() for best, mine in zip(exact, found, strict=True) if best[0] >= 0]
        recall = float(np.mean(hits)) if hits else 1.0
        if recall >= wanted:
            break
    return effort, recall, len(rows)
