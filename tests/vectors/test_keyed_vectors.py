"""KeyedVectors against a hand calculation, a plain-Python twin, and gensim."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from item2vec.errors import ConfigError, ModelError, UnknownItemError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors import search as cosine
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.search import cosines


def make(rows: list[list[float]] | np.ndarray, items: list[str] | None = None) -> KeyedVectors:
    table = np.asarray(rows, np.float32)
    items = [f"i{number}" for number in range(len(table))] if items is None else items
    return KeyedVectors(table, None, Vocabulary.from_items(items, np.arange(len(items), 0, -1)))


def similar_twin(table: np.ndarray, asked: list[int], k: int) -> list[tuple[int, float]]:
    """`similar` in plain Python, on lists of floats."""

    def unit(row: list[float]) -> list[float]:
        norm = math.sqrt(math.fsum(value * value for value in row))
        return [value / norm if norm else 0.0 for value in row]

    units = [unit(row) for row in table.astype(np.float64).tolist()]
    mean = unit([math.fsum(column) / len(asked) for column in zip(*(units[i] for i in asked), strict=True)])
    scores = [(i, math.fsum(a * b for a, b in zip(row, mean, strict=True))) for i, row in enumerate(units)]
    return sorted((pair for pair in scores if pair[0] not in asked), key=lambda pair: (-pair[1], pair[0]))[:k]


def test_cosines_by_hand() -> None:
    model = make([[3, 4], [4, 3], [0, 5], [0, 0], [-3, -4]], ["salt", "pepper", "tea", "void", "sugar"])
    # (3,4)(4,3) = 24 of 5 * 5; (3,4)(0,5) = 20 of 5 * 5; nothing has no direction; (-3,-4) is the opposite.
    assert model.similar("salt") == [
        ("pepper", pytest.approx(0.96)),
        ("tea", pytest.approx(0.8)),
        ("void", 0.0),
        ("sugar", pytest.approx(-1.0)),
    ]


def test_several_items_are_averaged_at_length_one() -> None:
    model = make([[100, 0], [0, 1], [1, 1], [1, 0.1]])
    # The mean of (1,0) and (0,1) points along (1,1), however long the first vector is.
    assert model.similar(["i0", "i1"], k=1) == [("i2", pytest.approx(1.0))]
    # An item that comes twice counts twice: (2,1) is nearer to (1,0.1) than (1,1) is.
    once, twice = dict(model.similar(["i0", "i1"])), dict(model.similar(["i0", "i0", "i1"]))
    assert once["i3"] == pytest.approx(1.1 / math.sqrt(1.01 * 2))
    assert twice["i3"] == pytest.approx(2.1 / math.sqrt(1.01 * 5))


@settings(max_examples=60)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 20)),
        elements=st.integers(-8, 8).map(lambda number: number / 4),
    ),
    st.data(),
)
def test_equals_plain_python_twin(table: np.ndarray, data: st.DataObject) -> None:
    asked = data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=3))
    k = data.draw(st.integers(1, len(table) + 2))
    model = make(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosine, "_BLOCK", 3 * table.shape[1])  # so that there are many blocks
        answer = model.similar([f"i{number}" for number in asked], k)
    expected = similar_twin(table, asked, k)
    assert [value for _, value in answer] == pytest.approx([value for _, value in expected], abs=1e-9)
    every = dict(similar_twin(table, asked, len(table)))
    assert all(value == pytest.approx(every[int(item[1:])], abs=1e-9) for item, value in answer)
    assert not {item for item, _ in answer} & {f"i{number}" for number in asked}


def test_equal_vectors_are_ordered_by_count_wherever_they_lie() -> None:
    rng = np.random.default_rng(5)
    table = rng.standard_normal((5000, 37)).astype(np.float32)
    equal = [4, 1700, 2801, 4999]
    table[equal] = table[0] + 0.1
    answer = make(table).similar("i0", k=4)
    assert [item for item, _ in answer] == [f"i{number}" for number in equal]
    assert len({value for _, value in answer}) == 1


def test_zero_tables_answer_zero_in_order() -> None:
    assert make(np.zeros((6, 3))).similar("i2", k=4) == [("i0", 0.0), ("i1", 0.0), ("i3", 0.0), ("i4", 0.0)]


@pytest.mark.filterwarnings("error")
def test_numbers_that_are_none_are_zero() -> None:
    model = make([[1, 0], [np.nan, 1], [np.inf, 1], [1, 1], [3e38, 3e38]])
    answer = dict(model.similar("i0"))
    assert answer == {
        "i1": 0.0,
        "i2": 0.0,
        "i3": pytest.approx(math.sqrt(0.5)),
        "i4": pytest.approx(0.5**0.5),
    }
    assert set(dict(model.similar("i1")).values()) == {0.0}


def test_agrees_with_gensim() -> None:
    gensim_models = pytest.importorskip("gensim.models")
    rng = np.random.default_rng(11)
    model = make(rng.standard_normal((3000, 50)).astype(np.float32))
    other = gensim_models.KeyedVectors(50)
    other.add_vectors([f"i{number}" for number in range(3000)], model.input)
    for asked in ("i7", ["i1", "i2", "i2999"]):
        expected = other.most_similar(asked, topn=25)
        answer = model.similar(asked, k=25)
        assert [item for item, _ in answer] == [item for item, _ in expected]
        assert [value for _, value in answer] == pytest.approx([value for _, value in expected], abs=1e-6)


def test_cosines_make_no_copy_of_the_table() -> None:
    import tracemalloc

    table = np.ones((20_000, 100), np.float32)
    tracemalloc.start()
    cosines(table, np.ones(100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < table.nbytes / 10


def test_look_ups() -> None:
    model = make([[1, 2], [3, 4]], ["olive oil", "größe"])
    assert len(model) == 2
    assert "olive oil" in model
    assert "olive" not in model
    assert 3 not in model
    assert "\ud800" not in model
    assert model.index("größe") == 1
    row = model["größe"]
    row[:] = 0
    assert model.input.tolist() == [[1, 2], [3, 4]]
    assert repr(model) == "KeyedVectors(2 items, dim 2)"


def test_unknown_item_names_the_closest() -> None:
    model = make(np.eye(3), ["milk", "bread", "butter"])
    with pytest.raises(UnknownItemError, match=r"^'mlik' is not in the vocabulary; did you mean 'milk'\?$"):
        model.similar(["bread", "mlik"])


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
def test_absurd_k(k: object) -> None:
    with pytest.raises(ConfigError, match=r"`k` is .*; it must be a whole number of at least 1"):
        make(np.eye(3)).similar("i0", k)  # type: ignore[arg-type]


def test_nothing_asked() -> None:
    with pytest.raises(ConfigError, match="no items were given"):
        make(np.eye(3)).similar([])


def test_parts_that_do_not_fit() -> None:
    vocabulary = Vocabulary.from_items(["a", "b"], [2, 1])
    for table in (
        np.ones((3, 2), np.float32),
        np.ones((2, 2)),
        np.ones(2, np.float32),
        np.ones((2, 0), np.float32),
    ):
        with pytest.raises(ModelError, match="input table"):
            KeyedVectors(table, None, vocabulary)
    with pytest.raises(ModelError, match="output table"):
        KeyedVectors(np.ones((2, 2), np.float32), np.ones((2, 3), np.float32), vocabulary)
