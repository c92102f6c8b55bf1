"""Files that are cut off, damaged, or made to do harm: one line that names the file, and no large allocation."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item2vec.errors import Item2VecError, ModelError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.registry import FORMATS, WRITERS, export_vectors, read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

ONE = struct.pack("<2f", 1, 2)
FILES = {
    "there are none of what the header says": (b"3 2\na 1 2\nb 3 4\n", "says 3 items and 2 are there; it is cut off"),
    "there are more": (b"1 2\na 1 2\nb 3 4\n", "says 1 items and 2 are there; its header is wrong"),
    "a header's claim": (b"99999999 100000\na 1 2\n", "for which the file is too short"),
    "a header of zeros": (b"0 5\n", "claims 0 items of 5 numbers"),
    "a word for a number": (b"2 2\na 1 2\nb 3 milk\n", "row 2 has 'milk' where a number should be"),
    "a short row": (b"2 2\na 1 2\nb 3\n", "row 2 does not have an item and 2 numbers"),
    "NaN": (b"2 2\na 1 2\nb 3 nan\n", "the vector of 'b' has a number that is not finite"),
    "too large": (b"2 2\na 1 2\nb 3 1e39\n", "the vector of 'b' has a number that is not finite"),
    "twice": (b"3 2\na 1 2\nb 3 4\na 5 6\n", "the item 'a' comes twice, as number 1 and 3"),
    "not UTF-8": (b"2 2\na 1 2\n\xff\xfe 3 4\n", r"item 2, b'\\xff\\xfe', is not UTF-8"),
    "half a character": (b"x 2 2\n\xc3 1 2\n\xa9 3 4\n", "item 2, .* is not UTF-8"),
    "binary, cut off": (b"2 2\na " + ONE + b"\nb " + ONE[:5], "says 2 items and 1 are there"),
    "binary, more": (b"1 2\na " + ONE + b"\nb " + ONE, "it has more data after the 1 items"),
    "binary, NaN": (b"1 2\na " + struct.pack("<2f", 1, float("nan")), "the vector of 'a' has a number"),
    "binary, twice": (b"2 2\na " + ONE + b"a " + ONE, "the item 'a' comes twice"),
    "binary, no name": (b"2 2\na " + ONE + b" " + ONE, "item 2 has no name"),
    "empty": (b"", "it is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "its format is not recognised"),
    "text": (b"what is this?\n", "its format is not recognised"),
    "gzip, cut off": (gzip.compress(b"2 2\na 1 2\nb 3 4\n")[:-12], "its gzip data is damaged or cut off"),
    "gzip, a claim": (gzip.compress(b"999999999 9999\na 1 2\n"), "for which the file is too short"),
    "npy, cut off": (
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': Fa",
        "it is cut off, damaged, or not a .npy",
    ),
    "parquet": (b"PAR1" + b"x" * 40 + b"PAR1", "cannot read"),
    "safetensors": (struct.pack("<Q", 50) + b"{" + b"x" * 60, "its header is not JSON"),
}


@pytest.mark.parametrize("case", FILES)
def test_one_line_says_what_is_wrong(tmp_path: Path, case: str) -> None:
    data, message = FILES[case]
    path = tmp_path / "vectors"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=message) as caught:
        read_vectors(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_claim_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(b"300000000 1000\na " + ONE)
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (300000000, 1000), }".ljust(117) + "\n"
    (tmp_path / "v.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header.encode())
    tracemalloc.start()
    for name in ("v.bin", "v.npy"):
        with pytest.raises(ModelError):
            read_vectors(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_pickles_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([["a", 1]], object), allow_pickle=True)
    with pytest.raises(ModelError, match=r"it holds object \(1, 2\), not a table of floats"):
        read_vectors(tmp_path / "v.npy")


def test_items_beside_the_numbers(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 3), np.float32))
    with pytest.raises(ModelError, match=r"v\.vocab\.txt, is not there; name it with `items=FILE`"):
        read_vectors(tmp_path / "v.npy")
    (tmp_path / "v.vocab.txt").write_text("a\nb\nc\n")
    with pytest.raises(ModelError, match=r"it has 2 vectors and .*v\.vocab\.txt more than 2 items"):
        read_vectors(tmp_path / "v.npy")
    np.save(tmp_path / "v.npy", np.ones(3, np.float32))
    with pytest.raises(ModelError, match=r"it holds float32 \(3,\), not a table of floats"):
        read_vectors(tmp_path / "v.npy")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT 'a' AS word, [1.0] AS vector", "it needs the columns item and vector"),
        ("SELECT 'a' AS item, 1.0 AS vector", "it needs the columns item and vector"),
        ("SELECT * FROM (VALUES ('a', [1.0]), ('b', [1.0, 2.0])) AS t(item, vector)", "have 1 to 2 numbers"),
        ("SELECT * FROM (VALUES ('a', [1.0]), (NULL, [2.0])) AS t(item, vector)", "an item or a vector is missing"),
        ("SELECT 'a' AS item, [1.0, NULL] AS vector", "the vector of 'a' has a number that is not finite"),
        ("SELECT 'a' AS item, [1.0] AS vector WHERE false", "there are no vectors in it"),
        ("SELECT 'a' AS item, ['x'] AS vector", "cannot read"),
    ],
)
def test_parquet_of_other_columns(tmp_path: Path, query: str, message: str) -> None:
    duckdb = pytest.importorskip("duckdb")
    duckdb.sql(query).write_parquet(str(tmp_path / "v.parquet"))
    with pytest.raises(ModelError, match=message):
        read_vectors(tmp_path / "v.parquet")


def test_parquet_names_are_no_patterns(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "it's [a]*?.parquet"
    duckdb.sql("SELECT 'a' AS item, [1.5]::DOUBLE[1] AS vector").write_parquet(str(path))
    assert read_vectors(path)["a"].tolist() == [1.5]


@pytest.mark.parametrize("format", [None, *FORMATS])
def test_files_that_are_not_there(tmp_path: Path, format: str | None) -> None:
    for path in (tmp_path / "none", tmp_path, Path("a\0b")):
        with pytest.raises(ModelError, match="cannot read"):
            read_vectors(path, format)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(WRITERS), st.data())
def test_no_damage_makes_a_crash(tmp_path: Path, format: str, data: st.DataObject) -> None:
    vocabulary = Vocabulary.from_items(["milk", "größe", "a"], [3, 2, 1])
    path = tmp_path / format
    export_vectors(KeyedVectors(np.ones((3, 4), np.float32), None, vocabulary), path, format=format)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    for named in (None, format):
        try:
            model = read_vectors(path, named)
        except Item2VecError as error:
            message = str(error)
            assert "\n" not in message
        else:
            assert np.isfinite(model.input).all() or format == "safetensors"
