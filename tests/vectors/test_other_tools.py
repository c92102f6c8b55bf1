"""Files of other tools that are not quite what they seem; see `findings/` for what the tools do."""

from __future__ import annotations

import bz2
import lzma
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from fuzz_inputs import fasttext_file

import item2vec
from item2vec.cli.main import cli
from item2vec.errors import ModelError


def written_by_gensim(path: Path, keys: list[int]) -> np.ndarray:
    """Write items that are whole numbers, as gensim has it."""
    models = pytest.importorskip("gensim.models")
    table = np.random.default_rng(1).standard_normal((len(keys), 3)).astype(np.float32)
    vectors = models.KeyedVectors(3)
    vectors.add_vectors(keys, table)
    vectors.save_word2vec_format(str(path))
    return table


@pytest.mark.parametrize("keys", [[0, 1, 2, 7, 5], [0], [0, 1, 2, 3], [3, 0, 1], [0, 2, 1]])
def test_whole_numbers_that_gensim_writes_twice_are_taken_once(keys: list[int], tmp_path: Path) -> None:
    table = written_by_gensim(tmp_path / "v.txt", keys)
    twice = len(keys) if keys == list(range(len(keys))) else next(i for i, key in enumerate(keys) if i != key)
    with pytest.warns(UserWarning, match="rows twice") if twice else pytest.MonkeyPatch.context():
        model = item2vec.read_vectors(tmp_path / "v.txt")
    assert list(model) == [str(key) for key in keys]
    assert np.array_equal(model.input, table)


def test_import_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written_by_gensim(Path("v.txt"), [0, 1, 9])
    done = CliRunner().invoke(cli, ["import", "v.txt", "-o", "m.safetensors"])
    assert done.exit_code == 0
    assert done.stderr.startswith(
        "Note: v.txt has its first 2 rows twice, as gensim writes vectors of whole numbers; the"
    )


def test_rows_that_are_only_alike_are_not_taken_for_them(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("2 2\n0 1 2\n0 1 3\n5 1 4\n")
    with pytest.raises(ModelError, match="its header says 2 items and 3 are there"):
        item2vec.read_vectors(tmp_path / "v.txt")


def test_floret_is_called_by_its_name(tmp_path: Path) -> None:
    whole = fasttext_file()
    place = 4 * 13  # behind maxn: magic, version and eleven settings
    (tmp_path / "f.bin").write_bytes(whole[:place] + struct.pack("<2i", 2, 2) + whole[place:])
    with pytest.raises(ModelError, match="it is a model of floret, which begins as fastText's do"):
        item2vec.read_vectors(tmp_path / "f.bin")


@pytest.mark.parametrize("ending", [".txt", ".tsv", ".vec"])
@pytest.mark.parametrize("between", ["\t", " "])
def test_a_tab_ends_the_name(ending: str, between: str, tmp_path: Path) -> None:
    path = tmp_path / f"v{ending}"
    path.write_text(f"Apollo 13\t0.1{between}0.2\nHeat 95\t0.3{between}0.4\n")
    model = item2vec.read_vectors(path)
    assert list(model) == ["Apollo 13", "Heat 95"]
    assert np.array_equal(model.input, np.array([[0.1, 0.2], [0.3, 0.4]], np.float32))


def test_whole_numbers_behind_names_are_told(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("Apollo 13 0.1 0.2\nHeat 95 0.3 0.4\n")
    with pytest.warns(UserWarning, match="behind each item, as in 'Apollo 13'; it is taken as the first of 3 numbers"):
        model = item2vec.read_vectors(path)
    assert model["Heat"].tolist() == np.array([95, 0.3, 0.4], np.float32).tolist()


def test_numbers_in_the_first_column_are_items_where_no_others_are(tmp_path: Path) -> None:
    path = tmp_path / "v.tsv"
    path.write_text("17\t0.1\t0.2\n23\t0.3\t0.4\n")
    with pytest.warns(UserWarning, match="these are the items"):
        model = item2vec.read_vectors(path)
    assert list(model) == ["17", "23"]
    assert model.dim == 2
    (tmp_path / "v.metadata.tsv").write_text("a\nb\n")
    beside = item2vec.read_vectors(path)
    assert list(beside) == ["a", "b"]
    assert beside.dim == 3
    (tmp_path / "v.metadata.tsv").rename(tmp_path / "names")
    assert list(item2vec.read_vectors(path, items=tmp_path / "names")) == ["a", "b"]


def test_an_item_with_one_number_is_not_a_header(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("17 5\n18 6\n")
    with pytest.warns(UserWarning, match="it is read as items and one number, without a header"):
        model = item2vec.read_vectors(path)
    assert (list(model), model.input.tolist()) == (["17", "18"], [[5], [6]])
    path.write_text("1 1\n18 6\n19 7\n")
    with pytest.raises(ModelError, match="or it has no header: then give `format=glove`"):
        item2vec.read_vectors(path)
    assert list(item2vec.read_vectors(path, "glove")) == ["1", "18", "19"]


def test_the_unknown_word_that_glove_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("2 2\na 1 2\nb 3 4\n<unk> 5 6\n")
    with pytest.warns(UserWarning, match="has <unk> in the end, which its header does not count; it is kept"):
        assert list(item2vec.read_vectors(path)) == ["a", "b", "<unk>"]
    path.write_text("2 2\na 1 2\nb 3 4\nc 5 6\n")
    with pytest.raises(ModelError, match="says 2 items and 3 are there"):
        item2vec.read_vectors(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", [{"a": 1}, [1], Path("a"), (1, 2, 3, 4)])
def test_pickles_are_named(protocol: int, value: object, tmp_path: Path) -> None:
    (tmp_path / "v.kv").write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(ModelError, match=r"it is a Python pickle.*KeyedVectors.load\(FILE\).save_word2vec_format"):
        item2vec.read_vectors(tmp_path / "v.kv")


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_what_bzip2_and_xz_packed(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "v"
    lines = b"".join(b"%d 0.5 1.5\n" % number for number in range(5000))
    path.write_bytes(pack(b"5000 2\n" + lines))
    model = item2vec.read_vectors(path)
    assert (len(model), model["4999"].tolist()) == (5000, [0.5, 1.5])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ModelError, match=r"its (bzip2|xz) data is damaged or cut off"):
        item2vec.read_vectors(path)
