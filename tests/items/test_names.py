"""Display names: read beside the items, kept in the model file, shown and accepted by similar."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

import item2vec
from item2vec.cli.main import cli
from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus
from item2vec.errors import AmbiguousNameError, CorpusError, ModelError, UnknownItemError
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

EVENTS = "user,item,title\n1,10,Tea\n1,11,Cup\n2,10,TEA\n2,11,Cup\n3,10,Tea\n3,12,\n3,13,Cup\n4,10,Coffee\n"


def names_of(folder: Path, name: str, content: str, **options: str) -> dict[str, str | None]:
    (folder / "corpus.txt").write_text("10 11 12 10\n")
    (folder / name).write_text(content)
    config = SourceConfig(names=str(folder / name), **options)  # type: ignore[arg-type]
    corpus = read_corpus([folder / "corpus.txt"], config, min_count=1)
    assert corpus.names is not None
    return {item: corpus.names[index] for index, item in enumerate(corpus.vocabulary)}


def test_the_commonest_name_of_an_item_is_its_name(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(EVENTS)
    config = SourceConfig(user="user", item="item", name_column="title")
    corpus = read_corpus([tmp_path / "e.csv"], config, min_count=1)
    assert corpus.names is not None
    names = {item: corpus.names[index] for index, item in enumerate(corpus.vocabulary)}
    assert names == {"10": "Tea", "11": "Cup", "12": None, "13": "Cup"}
    assert corpus.names.given == 3


def test_names_from_files_of_several_shapes(tmp_path: Path) -> None:
    expected = {"10": "Tea, green", "11": 'a "cup"', "12": None}
    assert names_of(tmp_path, "n.txt", '10\tTea, green\n99\tother\n11\ta "cup"\n') == expected
    assert names_of(tmp_path, "n.csv", 'item,name\n10,"Tea, green"\n11,"a ""cup"""\n') == expected
    assert names_of(tmp_path, "n.csv", 'movie,title\n10,"Tea, green"\n11,"a ""cup"""\n') == expected
    lines = '{"id": 10, "t": "Tea, green", "x": 1}\n{"id": "11", "t": "a \\"cup\\"", "x": 2}\n'
    assert names_of(tmp_path, "n.jsonl", lines, name_column="t") == expected
    with pytest.raises(
        CorpusError, match="several columns that may be names; give `name_column`, one of 'id', 't', 'x'"
    ):
        names_of(tmp_path, "n.jsonl", lines)
    with pytest.raises(CorpusError, match="no item of the vocabulary has a name"):
        names_of(tmp_path, "n.txt", "70\tTea\n")


@pytest.fixture
def model() -> item2vec.KeyedVectors:
    table = np.array([[1, 0], [3, 4], [0, 1], [4, 3]], np.float32)
    called = Vocabulary.from_items(["Tea", "Cup", "", "Cup"], [0] * 4)
    vocabulary = Vocabulary.from_items(["10", "11", "12", "Tea"], [9, 8, 7, 6])
    return item2vec.KeyedVectors(table, None, vocabulary, names=Names(called.blob, called.offsets))


def test_items_win_over_names_and_names_must_be_of_one_item(model: item2vec.KeyedVectors) -> None:
    assert model.index("Tea") == 3
    assert model.name("10") == "Tea"
    assert model.name("12") is None
    with pytest.raises(AmbiguousNameError, match=r"^'Cup' is the name of 2 items: '11', 'Tea'; ask for one of these$"):
        model.index("Cup")
    with pytest.raises(UnknownItemError, match=r"^'Cups' is not in the vocabulary; did you mean 'Cup'"):
        model.index("Cups")
    with pytest.raises(UnknownItemError):
        model.index("")


def test_names_live_in_the_model_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: item2vec.KeyedVectors
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    model.save("item2vec.safetensors")
    loaded = item2vec.load("item2vec.safetensors")
    assert [loaded.name(item) for item in loaded.vocabulary] == ["Tea", "Cup", None, "Cup"]
    done = CliRunner().invoke(cli, ["similar", "10"])
    assert done.stdout == "Tea  Cup  0.800\n11   Cup  0.600\n12        0.000\n"
    done = CliRunner().invoke(cli, ["similar", "10", "-k", "1", "--json"])
    assert json.loads(done.stdout)["similar"] == [{"item": "Tea", "name": "Cup", "cosine": pytest.approx(0.8)}]
    model.names = None
    model.save("item2vec.safetensors")
    assert item2vec.load("item2vec.safetensors").names is None


def test_names_go_where_items_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: item2vec.KeyedVectors) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ITEM2VEC_MODEL", raising=False)
    model.save("item2vec.safetensors")
    done = CliRunner().invoke(cli, ["info", "--json"])
    named = [(entry["item"], entry["name"]) for entry in json.loads(done.stdout)["commonest"]]
    assert named == list(zip(model.vocabulary, ["Tea", "Cup", None, "Cup"], strict=True))
    for normalize in (False, True):
        item2vec.export_vectors(model, "v.tsv", normalize=normalize)
        lines = "".join(f"{item}\t{name or item}\n" for item, name in named)
        assert Path("v.metadata.tsv").read_text() == "item\tname\n" + lines
        item2vec.export_vectors(model, "v.parquet", normalize=normalize)
        assert duckdb.sql("SELECT item, name FROM 'v.parquet'").fetchall() == named
        for path, format_ in (("v.tsv", "projector"), ("v.parquet", "parquet")):
            assert list(item2vec.read_vectors(path, format=format_).vocabulary) == list(model.vocabulary)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name_offsets": np.array([0, 3, 2, 6, 9])}, "its name offsets do not divide its names"),
        ({"name_offsets": np.array([0, 3, 6, 6, 99])}, "its name offsets do not divide its names"),
        ({"name_offsets": np.array([0, 9])}, "tensor 'name_offsets' has the shape"),
        ({"names": np.full(9, 0xFF, np.uint8)}, "a name is not UTF-8"),
        ({"names": np.zeros((3, 3), np.uint8)}, "tensor 'names' is 2-dimensional uint8"),
        ({"names": None}, "tensor 'names' is missing"),
        ({"name_offsets": None}, "tensor 'name_offsets' is missing"),
    ],
)
def test_hostile_names_are_refused(
    tmp_path: Path, model: item2vec.KeyedVectors, change: dict[str, np.ndarray | None], message: str
) -> None:
    path = tmp_path / "m.safetensors"
    model.save(path)
    tensors = {name: array for name, array in (load_file(path) | change).items() if array is not None}
    save_file(tensors, path, {"item2vec": json.dumps({"format": 1})})
    with pytest.raises(ModelError, match=message):
        item2vec.load(path)


def test_a_table_of_names_without_a_header_loses_no_line_in_silence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"n\.tsv' has no header line: its first column would be called '10'"):
        names_of(tmp_path, "n.tsv", "10\tTea\n11\tCup\n")
    assert names_of(tmp_path, "n.tsv", "item\tname\n10\tTea\n") == {"10": "Tea", "11": None, "12": None}
