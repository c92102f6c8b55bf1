"""word2vec text: exact lines, and what gensim reads back is equal to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from item2vec.errors import ConfigError, ModelError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats import text_rows
from item2vec.vectors.formats.registry import export_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors


def make(items: list[str], table: np.ndarray | None = None, output: np.ndarray | None = None) -> KeyedVectors:
    table = np.ones((len(items), 2), np.float32) if table is None else table
    return KeyedVectors(table, output, Vocabulary.from_items(items, range(len(items), 0, -1)))


def test_lines(tmp_path: Path) -> None:
    model = make(["milk", "crème"], np.array([[0.5, -1], [0.0625, 0.1]], np.float32))
    export_vectors(model, tmp_path / "v.txt")
    assert (tmp_path / "v.txt").read_bytes() == "2 2\nmilk 0.5 -1\ncrème 0.0625 0.1\n".encode()


def test_output_table(tmp_path: Path) -> None:
    table = np.zeros((1, 3), np.float32)
    export_vectors(make(["a"], table, table + 2), tmp_path / "v.txt", table="output")
    assert (tmp_path / "v.txt").read_text() == "1 3\na 2 2 2\n"
    with pytest.raises(
        ModelError, match="no output table, which table output needs, and imported vectors lack; export the input table"
    ):
        export_vectors(make(["a"], table), tmp_path / "w.txt", table="output")


def test_gensim_reads_back_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gensim_models = pytest.importorskip("gensim.models")
    monkeypatch.setattr(text_rows, "_BLOCK", 1000)  # several blocks, the last one short
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**32, (500, 30), np.uint32).view(np.float32)
    table = np.where(np.isfinite(bits), bits, np.float32(-0.0))
    items = ["🥑", "a\u00a0b", "مرحبا", '"', "漢字", "#", "\x00"] + [f"item_{number}" for number in range(493)]
    export_vectors(make(items, table), tmp_path / "v.txt")
    theirs = gensim_models.KeyedVectors.load_word2vec_format(str(tmp_path / "v.txt"))
    assert theirs.index_to_key == items
    assert np.array_equal(theirs.vectors.view(np.uint32), table.view(np.uint32))


@settings(max_examples=50)
@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.integers(1, 7))))
def test_numbers_read_back_equal(table: np.ndarray) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "v.txt")
        export_vectors(make([f"i{number}" for number in range(len(table))], table), path)
        lines = path.read_text().splitlines()[1:]
    back = np.array([[np.float32(word) for word in line.split(" ")[1:]] for line in lines])
    assert np.array_equal(back, table, equal_nan=True)
    assert np.array_equal(np.signbit(back)[~np.isnan(table)], np.signbit(table)[~np.isnan(table)])


@pytest.mark.parametrize("item", ["olive oil", "a\tb", "a\rb", "a\x0bb", " ", "oil "])
def test_white_space_is_refused(tmp_path: Path, item: str) -> None:
    with pytest.raises(ModelError) as caught:
        export_vectors(make(["milk", item]), tmp_path / "v.txt")
    assert str(caught.value) == (
        f"the item {item!r} has white space, which the word2vec format cannot carry; "
        "write another character for it with `replace_spaces=_`"
    )
    assert list(tmp_path.iterdir()) == []


def test_white_space_is_replaced(tmp_path: Path) -> None:
    export_vectors(make(["olive oil", "milk", " \t"]), tmp_path / "v.txt", replace_spaces="··")
    assert [line.split(" ")[0] for line in (tmp_path / "v.txt").read_text().splitlines()] == [
        "3",
        "olive··oil",
        "milk",
        "····",
    ]


@pytest.mark.parametrize(("items", "first", "second"), [(["a b", "a_b"], 1, 0), (["c", "a b", "a\tb"], 1, 2)])
def test_items_must_stay_different(tmp_path: Path, items: list[str], first: int, second: int) -> None:
    with pytest.raises(ModelError) as caught:
        export_vectors(make(items), tmp_path / "v.txt", replace_spaces="_")
    assert str(caught.value) == (
        f"the items {items[first]!r} and {items[second]!r} would both become 'a_b'; "
        "choose another text for `replace_spaces`"
    )
    assert list(tmp_path.iterdir()) == []


def test_empty_item_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="an empty item"):
        export_vectors(make(["milk", ""]), tmp_path / "v.txt", replace_spaces="_")


@pytest.mark.parametrize("text", ["", " ", "a b", "\n", "\ud800"])
def test_absurd_replacement(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"`replace_spaces` is .*; it must be text without white space"):
        export_vectors(make(["milk"]), tmp_path / "v.txt", replace_spaces=text)


def test_unknown_format_and_table(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`format` is 'fasttext'; it must be one of word2vec"):
        export_vectors(make(["a"]), tmp_path / "v.txt", format="fasttext")
    with pytest.raises(ConfigError, match="`table` is 'both'; it must be one of input, output, sum, concat"):
        export_vectors(make(["a"]), tmp_path / "v.txt", table="both")  # type: ignore[arg-type]
