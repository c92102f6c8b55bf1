"""The approximate index: its answers against exact ones, its file, and files made to do harm."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import item2vec
from item2vec import ConfigError, KeyedVectors, ModelError
from item2vec.files.safetensors import map_tensors
from item2vec.vectors.index_file import METADATA_KEY, graph_fault, index_path, load_index

pytestmark = pytest.mark.skipif(not find_spec("usearch"), reason="usearch is not installed")
ITEMS, DIM = 3000, 24


def vectors(seed: int = 1) -> np.ndarray:
    """Clusters, as trained vectors have them, of all lengths."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, DIM))
    rows = centres[rng.integers(40, size=ITEMS)] + 0.6 * rng.standard_normal((ITEMS, DIM))
    return (rows * rng.uniform(0.1, 9, (ITEMS, 1))).astype(np.float32)


def make(table: np.ndarray) -> KeyedVectors:
    return KeyedVectors.from_items([f"i{row}" for row in range(len(table))], table)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with its index beside it."""
    path = tmp_path_factory.mktemp("indexed") / "words.safetensors"
    model = make(vectors())
    model.save(path)
    model.build_index(index_path(path), threads=1)
    return path


def test_answers_are_exact_but_for_what_recall_says(saved: Path) -> None:
    model = item2vec.load(saved)
    queries = [f"i{row}" for row in range(0, ITEMS, 13)]
    found = model.similar_many(queries, approximate=True)
    exact = model.similar_many(queries)
    hits = [
        len({item for item, _ in mine} & {item for item, _ in right}) for mine, right in zip(found, exact, strict=True)
    ]
    facts = model.open_index().facts
    assert np.mean(hits) / 10 > max(0.9, facts.recall - 0.05)
    assert facts.recall >= 0.95
    right = [dict(model.similar(query, 300)) for query in queries]
    for query, answer, cosines in zip(queries, found, right, strict=True):
        assert len(answer) == 10
        assert query not in dict(answer)
        assert [cosine for _, cosine in answer] == sorted((cosine for _, cosine in answer), reverse=True)
        for item, cosine in answer:
            assert cosine == pytest.approx(cosines[item], abs=1e-12)


def test_measured_recall_is_the_share_that_is_found(saved: Path) -> None:
    model = item2vec.load(saved)
    facts = model.open_index().facts
    rows = np.unique(np.linspace(0, ITEMS - 1, 1000).astype(int))
    queries = [f"i{row}" for row in rows]
    found, exact = (model.similar_many(queries, approximate=flag) for flag in (True, False))
    share = np.mean(
        [len(dict(mine).keys() & dict(right).keys()) / 10 for mine, right in zip(found, exact, strict=True)]
    )
    assert facts.recall == pytest.approx(share, abs=0.01)
    assert facts.sample == len(rows)


def test_more_recall_takes_more_effort() -> None:
    rng = np.random.default_rng(3)
    model = make(rng.standard_normal((400, 40)).astype(np.float32))  # no structure: the hardest there is
    easy = model.build_index(recall=0.3, connectivity=3, threads=1).facts
    hard = model.build_index(recall=0.9, connectivity=3, threads=1).facts
    assert easy.effort < hard.effort
    assert 0.3 <= easy.recall < hard.recall


def test_options_of_similar_hold_as_in_exact_answers(saved: Path) -> None:
    model = item2vec.load(saved)
    for options in ({"without": ["i5"]}, {"weights": [1.0, 3.0]}, {"filter": "7$"}, {"filter": "^i7"}):
        exact = dict(model.similar(["i1", "i2"], 20, **options))
        found = dict(model.similar(["i1", "i2"], 20, **options, approximate=True))
        assert len(found) == len(exact)
        assert len(found.keys() & exact.keys()) >= 17
        assert not found.keys() & {"i1", "i2", "i5" if "without" in options else ""}


def test_many_answers_come_from_all_items(saved: Path) -> None:
    model = item2vec.load(saved)
    assert model.similar("i1", ITEMS, approximate=True) == model.similar("i1", ITEMS)
    assert len(model.similar_many(["i1", "i2"], 200, approximate=True)[1]) == 200


def test_rows_without_a_direction() -> None:
    table = vectors()[:50]
    table[[3, 10]] = 0
    table[7] = np.nan
    table[8, 0] = np.inf
    model = make(table)
    model.build_index(threads=1)
    assert model.similar_many(["i3"], 5, approximate=True) == model.similar_many(["i3"], 5)
    assert model.similar_many(["i1"], 49, approximate=True) == model.similar_many(["i1"], 49)
    with pytest.raises(ModelError, match="all vectors are zero, so there is nothing to index"):
        make(np.zeros((4, 2), np.float32)).build_index()


@pytest.mark.parametrize("options", [{"recall": 0.0}, {"recall": 1.1}, {"connectivity": 1}, {"connectivity": 257}])
def test_options_that_cannot_be(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"`{next(iter(options))}` is {next(iter(options.values()))}"):
        make(vectors()[:20]).build_index(**options)  # type: ignore[arg-type]


def test_without_an_index(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"the model has no index; build one with model\.build_index\(\)"):
        make(vectors()).similar("i1", approximate=True)
    other = tmp_path / "other.safetensors"
    other.write_bytes(saved.read_bytes())
    with pytest.raises(ModelError, match=r"there is no index at .*other\.index; build one with `item2vec index -m .*`"):
        item2vec.load(other).similar("i1", approximate=True)


def test_an_index_of_other_vectors_is_refused(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "words.safetensors"
    index_path(path).write_bytes(index_path(saved).read_bytes())
    path.write_bytes(saved.read_bytes())
    assert item2vec.load(path).similar("i1", approximate=True)  # the file may move and be copied
    for table in (vectors(seed=2), vectors()[:-1]):
        make(table).save(path)
        with pytest.raises(ModelError, match="built from other vectors than the model has now; build it again"):
            item2vec.load(path).similar("i1", approximate=True)


def test_without_usearch(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    for call in (lambda: make(vectors()).build_index(), lambda: item2vec.load(saved).open_index()):
        with pytest.raises(ModelError, match=r"needs usearch; install it with: pip install 'item2vec\[index\]'"):
            call()


def test_a_failed_build_leaves_the_old_index(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "words.index"
    path.write_bytes(b"old")
    with pytest.raises(ModelError):
        make(np.zeros((4, 2), np.float32)).build_index(path)
    assert path.read_bytes() == b"old"
    with pytest.raises(ModelError, match="cannot write"):
        make(vectors()).build_index(tmp_path / "missing" / "words.index")


def test_damaged_files_are_refused(saved: Path, tmp_path: Path) -> None:
    whole = index_path(saved).read_bytes()
    path = tmp_path / "bad.index"
    for length in [*range(0, 400, 7), *range(400, len(whole), len(whole) // 50)]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="build the index again with `item2vec index`"):
            load_index(path)
    path.write_bytes(saved.read_bytes())  # a model is no index
    with pytest.raises(ModelError, match="build the index again"):
        load_index(path)


def test_facts_that_cannot_be_are_refused(saved: Path, tmp_path: Path) -> None:
    tensors = load_file(index_path(saved))
    _, texts = map_tensors(index_path(saved))
    text = texts[METADATA_KEY]
    path = tmp_path / "bad.index"
    for old, new in (
        ('"format": 1', '"format": 2'),
        (f'"items": {ITEMS}', f'"items": {ITEMS - 1}'),
        (f'"dim": {DIM}', f'"dim": {DIM + 1}'),
        (f'"dim": {DIM}', '"dim": true'),
        (f'"dim": {DIM}', f'"dim": {2**40}'),
        ('"effort": ', '"effort": -'),
        ('"recall": 0', '"recall": 7'),
        ("{", "["),
    ):
        assert old in text
        save_file(tensors, path, metadata={METADATA_KEY: text.replace(old, new, 1)})
        with pytest.raises(ModelError, match="build the index again"):
            load_index(path)


class Layout:
    """Where the parts of a graph stand; see `item2vec.vectors.index_file`."""

    def __init__(self, data: bytes) -> None:
        rows, width = struct.unpack_from("<II", data)
        self.head = 8 + rows * width
        self.graph = self.head + 64
        self.levels = self.graph + 40
        self.rows = rows
        _, self.connectivity, self.base, self.highest, _ = struct.unpack_from("<QQQQQ", data, self.graph)
        heights = np.frombuffer(data, "<i2", rows, self.levels).astype(int)
        sizes = 14 + 4 * self.base + heights * (4 + 4 * self.connectivity)
        self.nodes = self.levels + 2 * rows + np.cumsum(sizes) - sizes
        self.heights = heights
        self.high = int(self.nodes[np.argmax(heights)])  # a node on the highest level
        self.low = int(np.argmin(heights))


def test_graphs_that_lead_astray_are_refused(saved: Path) -> None:
    tensors, _ = map_tensors(index_path(saved))
    good = tensors["graph"].tobytes()
    at = Layout(good)
    assert at.highest > 0

    def fault(*changes: tuple[int, str, int]) -> str | None:
        data = bytearray(good)
        for place, kind, value in changes:
            struct.pack_into("<" + kind, data, place, value)
        return graph_fault(np.frombuffer(bytes(data), np.uint8), ITEMS, DIM, 4, 2)

    assert fault() is None
    first_list = int(at.nodes[0]) + 10
    high_list = at.high + 14 + 4 * at.base
    wrong = {
        "vectors": [(0, "I", at.rows + 1)],
        "more vectors than items": [(0, "I", 2**32 - 1)],
        "bytes a vector": [(4, "I", 2**31)],
        "magic": [(at.head, "B", 0)],
        "version": [(at.head + 7, "H", 3)],
        "metric": [(at.head + 13, "B", 99)],
        "scalar": [(at.head + 14, "B", 11)],
        "slot": [(at.head + 16, "B", 9)],
        "present": [(at.head + 17, "Q", at.rows - 1)],
        "deleted": [(at.head + 25, "Q", 1)],
        "dimensions": [(at.head + 33, "Q", DIM + 1)],
        "multi": [(at.head + 41, "B", 1)],
        "nodes": [(at.graph, "Q", at.rows - 1)],
        "connectivity": [(at.graph + 8, "Q", at.connectivity + 1)],
        "huge connectivity": [(at.graph + 8, "Q", 2**63)],
        "base": [(at.graph + 16, "Q", 0)],
        "highest level": [(at.graph + 24, "Q", at.highest + 1)],
        "first node": [(at.graph + 32, "Q", at.rows)],
        "first node is low": [(at.graph + 32, "Q", at.low)],
        "a level": [(at.levels, "h", -1)],
        "a node's level": [(int(at.nodes[1]) + 8, "h", int(at.heights[1]) + 1)],
        "a key": [(int(at.nodes[1]), "Q", ITEMS)],
        "a huge key": [(int(at.nodes[1]), "Q", 2**64 - 1)],
        "a key twice": [(int(at.nodes[1]), "Q", struct.unpack_from("<Q", good, int(at.nodes[0]))[0])],
        "a count": [(first_list, "I", at.base + 1)],
        "a neighbour": [(first_list + 4, "I", at.rows)],
        "a count above": [(high_list, "I", at.connectivity + 1)],
        "a neighbour above": [(high_list, "I", 1), (high_list + 4, "I", at.rows)],
        "a neighbour that is not so high": [(high_list, "I", 1), (high_list + 4, "I", at.low)],
    }
    assert [name for name, changes in wrong.items() if fault(*changes) is None] == []
    assert graph_fault(np.frombuffer(good + b"\0", np.uint8), ITEMS, DIM, 4, 2) is not None


def test_tables_are_read_as_well_after_an_index(tmp_path: Path) -> None:
    """usearch's own C++ library, loaded before DuckDB's, takes the numbers out of DuckDB's messages."""
    (tmp_path / "e.csv").write_text("user,item\nu,a\nu\n")
    program = (
        "from item2vec.vectors.approximate import empty_graph; empty_graph(4, 8)\n"
        "import item2vec; item2vec.train('e.csv', user='user', item='item', min_count=1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert "line 3, 'u', has 1 of 2 columns" in done.stderr
