"""Checksums of model and index files: flipped bits are found, files without checksums still open."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from item2vec import ConfigError, KeyedVectors, ModelError, load
from item2vec.cli.main import cli
from item2vec.config.scoring import Scoring
from item2vec.files.safetensors import CHECKSUMS, check_sums, map_tensors
from item2vec.vectors.formats.registry import read_vectors
from item2vec.vectors.model_file import check_model_file

TABLES = ("input", "output")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return a model file of 40 items, with counts and both tables."""
    rng = np.random.default_rng(5)
    tables = rng.standard_normal((2, 40, 6)).astype(np.float32)
    model = KeyedVectors.from_items([f"item {number}" for number in range(40)], tables[0], tables[1])
    model.vocabulary.counts[:] = np.arange(40, 0, -1) * 100
    path = tmp_path / "m.safetensors"
    model.save(path)
    return path


def places(path: Path) -> dict[str, tuple[int, int]]:
    """Where the bytes of each tensor lie in the file."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    return {
        name: (start + entry["data_offsets"][0], start + entry["data_offsets"][1])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def flip(path: Path, place: int, bit: int = 0) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def test_sums_are_those_of_zlib(saved: Path) -> None:
    data, (tensors, texts) = saved.read_bytes(), map_tensors(saved)
    sums = json.loads(texts[CHECKSUMS])
    rest = json.dumps({"item2vec": texts["item2vec"]}, separators=(",", ":"))
    assert sums.pop("__metadata__") == f"{zlib.crc32(rest.encode()):08x}"
    assert sums == {name: f"{zlib.crc32(data[begin:end]):08x}" for name, (begin, end) in places(saved).items()}
    assert check_sums(saved, tensors, texts) == len(tensors) == check_model_file(saved) == 7


def test_a_flipped_bit_is_found_at_opening(saved: Path) -> None:
    whole = saved.read_bytes()
    rng = np.random.default_rng(1)
    for name, (begin, end) in places(saved).items():
        if name in TABLES:
            continue
        for _ in range(20):
            saved.write_bytes(whole)
            flip(saved, int(rng.integers(begin, end)), int(rng.integers(8)))
            with pytest.raises(ModelError, match=f"m.safetensors.*'{name}' does not match its checksum"):
                load(saved)


def test_changed_metadata_are_found(saved: Path) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data.replace(b'\\"version\\": \\"', b'\\"versiom\\": \\"', 1))
    assert saved.read_bytes() != data
    with pytest.raises(ModelError, match="metadata do not match"):
        load(saved)


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_checked_where_they_are_read_whole(saved: Path, table: str) -> None:
    begin, end = places(saved)[table]
    flip(saved, (begin + end) // 2)
    assert len(load(saved)) == 40
    for read in (check_model_file, read_vectors):
        with pytest.raises(ModelError, match=f"'{table}' does not match"):
            read(str(saved))
    for command in (["info", "--check"], ["export", str(saved.parent / "v.txt")]):
        result = CliRunner().invoke(cli, [*command, "-m", str(saved)])
        assert result.exit_code == 1
        assert f"'{table}' does not match its checksum" in result.output
    assert not (saved.parent / "v.txt").exists()


def test_files_without_checksums_open(saved: Path) -> None:
    tensors, texts = map_tensors(saved)
    save_file(dict(tensors), old := saved.with_name("old.safetensors"), {"item2vec": texts["item2vec"]})
    assert list(load(old)) == list(load(saved))
    assert check_model_file(old) == 0
    result = CliRunner().invoke(cli, ["info", "--check", "-m", str(old)])
    assert result.exit_code == 0
    assert "has no checksums" in result.output


@pytest.mark.parametrize("sums", ["", "[]", "{}", "[" * 5000, '{"input": "00000000"}'])
def test_damaged_checksums_are_refused(saved: Path, sums: str) -> None:
    tensors, texts = map_tensors(saved)
    save_file(dict(tensors), saved.with_name("odd.safetensors"), {"item2vec": texts["item2vec"], CHECKSUMS: sums})
    with pytest.raises(ModelError, match="its checksums cannot be read"):
        load(saved.with_name("odd.safetensors"))


def test_absurd_counts_are_refused(saved: Path) -> None:
    tensors, texts = map_tensors(saved)
    counts = np.array(tensors["counts"])
    counts[3] = 1 << 62
    save_file({**tensors, "counts": counts}, old := saved.with_name("old.safetensors"), {"item2vec": texts["item2vec"]})
    with pytest.raises(ModelError, match="a count is above"):
        load(old)


@pytest.mark.parametrize("option", ["popularity", "reverse", "softmax"])
@pytest.mark.parametrize("value", [1e5, 1e300, float("nan"), float("inf")])
def test_scoring_has_ranges(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"`{option}` is .*must be a number from .* to 10,000"):
        Scoring(**{option: value})
    with pytest.raises(ConfigError, match=option):
        Scoring.of({option: value})


class TestIndex:
    """`approximate` tells of a bad index, also where a scan would do; 40 items are always scanned."""

    def test_a_missing_one(self, saved: Path) -> None:
        with pytest.raises(ModelError, match="there is no index at"):
            load(saved).similar("item 1", approximate=True)

    def test_one_of_other_vectors(self, saved: Path) -> None:
        pytest.importorskip("usearch")
        load(saved).build_index(saved.with_suffix(".index"))
        assert load(saved).similar("item 1", approximate=True)
        changed = load(saved)
        KeyedVectors(changed.input * np.float32(2) + 1, changed.output, changed.vocabulary).save(saved)
        with pytest.raises(ModelError, match="built from other vectors"):
            load(saved).similar("item 1", approximate=True)
        result = CliRunner().invoke(cli, ["info", "--check", "-m", str(saved)])
        assert result.exit_code == 1
        assert "is the index of other vectors" in result.output

    def test_a_damaged_one(self, saved: Path) -> None:
        pytest.importorskip("usearch")
        index = saved.with_suffix(".index")
        load(saved).build_index(index)
        result = CliRunner().invoke(cli, ["info", "--check", "-m", str(saved)])
        assert result.exit_code == 0
        assert "7 of 7 checksums match" in result.output
        begin, _ = places(index)["graph"]
        flip(index, begin + 100)  # in the first vectors: no number that leads anywhere
        result = CliRunner().invoke(cli, ["info", "--check", "-m", str(saved)])
        assert result.exit_code == 1
        assert "'graph' does not match its checksum" in result.output
        index.write_bytes(index.read_bytes()[:-10])
        with pytest.raises(ModelError, match="build the index again"):
            load(saved).similar("item 1", approximate=True)
