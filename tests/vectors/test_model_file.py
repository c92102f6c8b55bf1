"""The model file: what goes in comes out, other readers agree, and damage is always a ModelError."""

from __future__ import annotations

import json
import mmap
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import item2vec
from item2vec.errors import ModelError
from item2vec.files import utf8 as utf8_items
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import load_model
from item2vec.vectors.model_file import save_model

NASTY = [
    "a\tb",
    '"',
    "'",
    "\\",
    "🥑",
    "👩‍🍳",
    "مرحبا",
    "\u202eolleh",
    "crème brûlée",
    "\x00",
    "\x1b[31m",
    "ﬁ",
    " ",
    "\u2028",
    "x" * 5000,
]


def write(path: Path, items: list[str], dim: int = 4, output: bool = True) -> Vocabulary:
    rng = np.random.default_rng(len(items))
    vocabulary = Vocabulary.from_items(items, np.arange(len(items), 0, -1))
    tables = rng.standard_normal((2, len(items), dim)).astype(np.float32)
    save_model(
        path,
        input=tables[0],
        output=tables[1] if output else None,
        vocabulary=vocabulary,
        metadata={"config": {"dim": dim, "sample": 1e-3}, "corpus": {"tokens": 12}},
    )
    return vocabulary


def parts(path: Path) -> tuple[dict[str, object], bytes]:
    """A file's header and the tensors' bytes."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def join(path: Path, header: object, tensors: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + tensors)


def refuse(path: Path, what: str) -> None:
    """Loading must fail with one line that names the file and says what is wrong."""
    with pytest.raises(ModelError, match=what) as caught:
        load_model(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=12) | st.sampled_from(NASTY), min_size=1, max_size=20, unique=True))
def test_items_survive(items: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.safetensors")
        write(path, items)
        model = load_model(path)
        assert model.vocabulary.index_to_key() == items
        assert [model.index(item) for item in items] == list(range(len(items)))
        assert "not there, surely" not in model


def test_everything_survives_and_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    vocabulary = write(path, NASTY)
    model = item2vec.load(path)
    again = tmp_path / "again.safetensors"
    model.save(again)
    assert again.read_bytes() == path.read_bytes()
    assert model.vocabulary.counts.tolist() == vocabulary.counts.tolist()
    assert model.metadata == {
        "config": {"dim": 4, "sample": 1e-3},
        "corpus": {"tokens": 12},
        "format": 1,
        "version": item2vec.__version__,
    }
    for array in (model.input, model.output, model.vocabulary.blob, model.hash_index.keys):
        base = array
        while isinstance(base, np.ndarray):
            base = base.base
        assert isinstance(base, memoryview)
        assert isinstance(base.obj, mmap.mmap)
        assert not array.flags.writeable


def test_output_table_may_be_missing(tmp_path: Path) -> None:
    write(tmp_path / "m", ["a", "b"], output=False)
    assert load_model(tmp_path / "m").output is None


def test_safetensors_library_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write(path, NASTY)
    model, theirs = load_model(path), load_file(path)
    ours = {
        "input": model.input,
        "output": model.output,
        "counts": model.vocabulary.counts,
        "items": model.vocabulary.blob,
        "item_offsets": model.vocabulary.offsets,
        "hash_keys": model.hash_index.keys,
        "hash_ids": model.hash_index.ids,
    }
    assert set(theirs) == set(ours)
    for name, array in ours.items():
        assert array is not None
        assert array.dtype == theirs[name].dtype
        assert np.array_equal(array, theirs[name])
    with safe_open(path, "np") as file:
        assert json.loads(file.metadata()["item2vec"]) == model.metadata


def test_reads_what_the_safetensors_library_wrote(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write(ours, NASTY)
    save_file(load_file(ours), theirs, metadata={"other": "x", "item2vec": '{"format": 1}'})
    model = load_model(theirs)
    assert np.array_equal(model.input, load_model(ours).input)
    assert model.vocabulary == load_model(ours).vocabulary
    assert model.metadata == {"format": 1}


def test_tables_that_are_views_are_written_as_what_they_show(tmp_path: Path) -> None:
    wide = np.arange(24, dtype=np.float32).reshape(3, 8)
    vocabulary = Vocabulary.from_items(["a", "b", "c"], [3, 2, 1])
    save_model(
        tmp_path / "m",
        input=wide[:, :5],
        output=wide[:, 5:][:, ::-1][:, [0, 1, 2, 0, 1]],
        vocabulary=vocabulary,
        metadata={},
    )
    assert load_model(tmp_path / "m").input.tolist() == wide[:, :5].tolist()
    assert load_file(tmp_path / "m")["output"][0].tolist() == [7, 6, 5, 7, 6]


def test_truncated_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write(path, ["milk", "bread", "crème"])
    data = path.read_bytes()
    for length in {*range(0, len(data), 7), 7, 8, 9, len(data) - 1}:
        path.write_bytes(data[:length])
        refuse(path, "it is damaged or not a model file")
    path.write_bytes(data + b"\0")
    refuse(path, "1 bytes at its end belong to no tensor")


def test_flipped_header_bytes_raise_model_error_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    write(path, ["milk", "bread"])
    data = bytearray(path.read_bytes())
    refused = 0
    for place in range(8 + int.from_bytes(data[:8], "little")):
        for flip in (0x01, 0x10, 0x80):
            data[place] ^= flip
            path.write_bytes(data)
            try:
                load_model(path).similar("milk")
            except ModelError:
                refused += 1
            data[place] ^= flip
    assert refused > 1000  # the rest are letters of the settings, or spaces


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 10**12, 100_000_001, 5000, 0])
def test_absurd_header_length(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.safetensors"
    write(path, ["milk", "bread"])
    path.write_bytes(length.to_bytes(8, "little") + path.read_bytes()[8:])
    refuse(path, "damaged")


@pytest.mark.parametrize(
    "header",
    [
        b"[]",
        b"1",
        b"nothing",
        b"\xff{}",
        b"{}",
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"9" * 9999,
        b'{"a":1,"a":1}',
    ],
)
def test_headers_that_are_none(tmp_path: Path, header: bytes) -> None:
    join(tmp_path / "m", header, b"")
    refuse(tmp_path / "m", "header|not of item2vec|not described")


ENTRIES = [
    ("input", "dtype", "BF16", "the type of tensor 'input' is not one of F16, F32, "),
    ("input", "dtype", ["F32"], "the type of"),
    ("input", "dtype", "I32", "is 2-dimensional int32"),
    ("input", "shape", [2, 3], "which its shape"),
    ("input", "shape", [4, 2], "not \\(4,\\)"),
    ("input", "shape", [8], "is 1-dimensional float32"),
    ("input", "shape", [-2, -4], "the shape of tensor"),
    ("input", "shape", [True, 8], "the shape of tensor"),
    ("input", "shape", "2,4", "the shape of tensor"),
    ("input", "shape", [1, 2, 4], "the shape of tensor"),
    ("input", "data_offsets", [0, 1e9], "data_offsets"),
    ("input", "data_offsets", [-4, 28], "data_offsets|where they should"),
    ("input", "data_offsets", [0], "data_offsets"),
    ("input", "data_offsets", [2**70, 2**70 + 32], "where they should"),
    ("input", "shape", [[[]]], "the shape of tensor 'input' is not that of a vector or a table"),
    ("counts", "dtype", "U64", "is 1-dimensional uint64"),
    ("items", "data_offsets", [0, 4], "where they should|bytes, which"),
]


@pytest.mark.parametrize(("tensor", "key", "value", "what"), ENTRIES)
def test_wrong_header_entries(tmp_path: Path, tensor: str, key: str, value: object, what: str) -> None:
    path = tmp_path / "m"
    write(path, ["milk", "bread"])
    header, tensors = parts(path)
    header[tensor][key] = value  # type: ignore[index]
    join(path, header, tensors)
    refuse(path, what)


def test_missing_unknown_and_undescribed_tensors(tmp_path: Path) -> None:
    path = tmp_path / "m"
    write(path, ["milk", "bread"])
    arrays, text = load_file(path), {"item2vec": '{"format": 1}'}
    for name in set(arrays) - {"output"}:
        save_file({key: array for key, array in arrays.items() if key != name}, path, text)
        refuse(path, f"tensor '{name}' is missing")
    save_file(arrays | {"extra": np.zeros(3, np.float32)}, path, text)
    refuse(path, "tensor 'extra' does not belong to a model")
    write(path, ["milk", "bread"])
    header, tensors = parts(path)
    join(path, header | {"input": {"dtype": "F32"}}, tensors)
    refuse(path, "tensor 'input' is not described")
    join(path, header | {"x" * 10_000: {}}, tensors)
    refuse(path, "a tensor's name is too long")


CONTENTS = [
    ("item_offsets", [0, 9, 5, 12], "do not divide"),
    ("item_offsets", [1, 4, 9, 12], "do not divide"),
    ("item_offsets", [0, 4, 9, 13], "do not divide"),
    ("item_offsets", [0, -4, 9, 12], "do not divide"),
    ("item_offsets", [0, 4, 11, 12], "an item is not UTF-8"),
    ("items", list(b"milkbread\xff\xff\xff"), "an item is not UTF-8"),
    ("items", list(b"milk") + list(b"bread\xe2\x82x"), "an item is not UTF-8"),
    ("hash_ids", [0, 1, 3], "items that are not there"),
    ("hash_ids", [0, -1, 2], "items that are not there"),
    ("hash_keys", [3, 2, 1], "not in order"),
    ("counts", [3, 2, -1], "a count is negative"),
]


@pytest.mark.parametrize(("tensor", "values", "what"), CONTENTS)
def test_wrong_contents(tmp_path: Path, tensor: str, values: list[int], what: str) -> None:
    path = tmp_path / "m"
    write(path, ["milk", "bread", "a¢"])  # 4, 5 and 3 bytes
    arrays = load_file(path)
    arrays[tensor] = np.array(values, arrays[tensor].dtype)
    save_file(arrays, path, metadata={"item2vec": '{"format": 1}'})
    refuse(path, what)


def test_items_are_checked_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utf8_items, "_CHUNK", 5)
    path = tmp_path / "m"
    items = ["", "é", "ab", "漢字", "🥑🥑🥑", "c"]
    write(path, items)
    assert load_model(path).vocabulary.index_to_key() == items
    arrays = load_file(path)
    arrays["items"][-3] = ord("x")  # the last avocado loses a byte
    save_file(arrays, path, metadata={"item2vec": '{"format": 1}'})
    refuse(path, "not UTF-8")


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        (None, "a .safetensors file, but not one of item2vec"),
        ({"format": "pt"}, "a .safetensors file, but not one of item2vec"),
        ({"item2vec": "{"}, "not JSON"),
        ({"item2vec": "[1]"}, "names no format"),
        ({"item2vec": "{}"}, "names no format"),
        ({"item2vec": '{"format": true}'}, "names no format"),
        ({"item2vec": '{"format": 1, "config": "\\ud800"}'}, "not JSON"),
        ({"item2vec": '{"format": 3}'}, "it has format 3 and this item2vec reads 1; use a newer item2vec"),
    ],
)
def test_wrong_metadata(tmp_path: Path, metadata: dict[str, str] | None, what: str) -> None:
    path = tmp_path / "m"
    write(path, ["milk"])
    save_file(load_file(path), path, metadata=metadata)
    refuse(path, what)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    refuse(tmp_path / "none", "no such file")
    refuse(tmp_path, "it is a folder")
    import os

    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", "not a regular file")
    with pytest.raises(ModelError, match="it is not a file name"):
        load_model("a\0b")


def test_metadata_that_is_not_json(tmp_path: Path) -> None:
    vocabulary = Vocabulary.from_items(["a"], [1])
    table = np.ones((1, 1), np.float32)
    for value in (float("nan"), {1, 2}, np.float32(1)):
        with pytest.raises(ModelError, match="metadata cannot be written as JSON"):
            save_model(tmp_path / "m", input=table, output=None, vocabulary=vocabulary, metadata={"x": value})
    assert list(tmp_path.iterdir()) == []
