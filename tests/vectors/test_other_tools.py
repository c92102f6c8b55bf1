"""Files of other tools that are not quite what they seem; see `findings/` for what the tools do."""

from __future__ import annotations

import struct
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
