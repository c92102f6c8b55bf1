"""Questions to a model: against gensim, by hand, and many at once against one by one."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from item2vec.errors import AmbiguousNameError, ConfigError, ModelError, UnknownItemError
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.registry import export_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors


@pytest.fixture(scope="module")
def model() -> KeyedVectors:
    rng = np.random.default_rng(11)
    inputs, outputs = rng.standard_normal((2, 3000, 20)).astype(np.float32)
    items = [f"i{number}" for number in range(3000)]
    return KeyedVectors(inputs, outputs, Vocabulary.from_items(items, np.arange(3000, 0, -1)))


@pytest.fixture(scope="module")
def theirs(model: KeyedVectors):
    keyed = pytest.importorskip("gensim.models").KeyedVectors(20)
    keyed.add_vectors(list(model), model.input)
    return keyed


def same(answer: list[tuple[str, float]], expected: list[tuple[str, float]]) -> bool:
    """Whether two answers have the same items in order, and scores within float32's rounding."""
    assert [item for item, _ in answer] == [item for item, _ in expected]
    return [score for _, score in answer] == pytest.approx([score for _, score in expected], abs=1e-6)


def test_agrees_with_gensim(model: KeyedVectors, theirs) -> None:
    assert same(model.similar(["i1", "i2"], without="i9"), theirs.most_similar(["i1", "i2"], negative=["i9"]))
    weighted = theirs.most_similar([("i1", 2.0), ("i2", -0.5)], topn=7)
    assert same(model.similar(["i1", "i2"], 7, weights=[2, -0.5]), weighted)
    assert same(model.analogy("i3", "i4", "i5"), theirs.most_similar(["i4", "i5"], negative=["i3"]))
    products = theirs.most_similar_cosmul(["i4", "i5"], negative=["i3"])  # its epsilon is 1e-6, ours the paper's 1e-3
    assert [item for item, _ in model.analogy("i3", "i4", "i5", method="mul")] == [item for item, _ in products]
    assert model.similarity("i7", "i8") == pytest.approx(theirs.similarity("i7", "i8"), abs=1e-6)
    for start in range(0, 60, 6):
        group = [f"i{start + step}" for step in range(5)]
        assert model.odd_one_out(group) == theirs.doesnt_match(group)


def test_many_at_once_are_as_one_by_one(model: KeyedVectors) -> None:
    queries = ["i5", ["i6", "i7", "i6"], ["i2999"]]
    for answer, query in zip(model.similar_many(queries, 12), queries, strict=True):
        assert same(answer, model.similar(query, 12))
    histories = [["i5"], ["i6", "i7", "i6"], ["i2999", "i0"]]
    both = {"pool": "decay", "popularity": 0.4, "reverse": 0.7, "include_seen": True}
    for options in ({}, both):
        for answer, history in zip(model.recommend_many(histories, 12, **options), histories, strict=True):
            assert same(answer, model.recommend(history, 12, **options))
    assert model.similar_many([]) == []


def test_recommendations_by_hand() -> None:
    inputs = np.array([[1, 0], [0, 1], [2, 2], [0, 0]], np.float32)
    outputs = np.array([[5, 5], [1, 0], [0, 1], [0.25, 0.5]], np.float32)
    model = KeyedVectors(inputs, outputs, Vocabulary.from_items("abcd", [100, 10, 10, 1]))
    # a and b pool to (1/2, 1/2): c scores 1/2, d 3/8; a itself would score 5, and b 1/2.
    assert model.recommend(["a", "b"]) == [("c", 0.5), ("d", 0.375)]
    assert model.recommend(["a", "b"], 3, include_seen=True) == [("a", 5.0), ("b", 0.5), ("c", 0.5)]
    assert model.recommend(["a", "b"], pool="last") == [("c", 1.0), ("d", 0.5)]
    assert model.recommend("b", 1, popularity=2) == [("a", pytest.approx(5 + 2 * math.log(100)))]
    assert model.recommend(["b", "a"], popularity=0.5) == [
        ("c", pytest.approx(0.5 + 0.5 * math.log(10))),
        ("d", pytest.approx(0.375)),
    ]
    # The other way: a and b's outputs pool to (3, 5/2); times the inputs of c and d that is 11 and 0.
    assert model.recommend(["a", "b"], reverse=0.5) == [("c", 6.0), ("d", 0.375)]


def test_unknown_items_of_a_history(model: KeyedVectors) -> None:
    with pytest.warns(UserWarning, match="not in the vocabulary, left out: 'x', 'y'"):
        assert model.recommend(["x", "i4", "y"]) == model.recommend(["i4"])
    with pytest.raises(UnknownItemError, match="'xyz' is not in the vocabulary"):
        model.recommend(["x", "xyz"])
    with pytest.raises(ConfigError, match="no items were given"):
        model.recommend([])


def test_filters(model: KeyedVectors) -> None:
    every = model.similar("i0", 3000)
    for pattern in (r"^i\d\d$", re.compile("99"), "i2718", "nothing", ""):
        expected = [pair for pair in every if re.search(pattern, pair[0])]
        assert model.similar("i0", 20, filter=pattern) == expected[:20]
    with pytest.raises(ConfigError, match=r"`filter` is '\(', which is not a regular expression"):
        model.similar("i0", filter="(")


def test_what_cannot_be_asked(model: KeyedVectors) -> None:
    bare = KeyedVectors(model.input, None, Vocabulary.from_items(list(model), np.zeros(3000, np.int64)))
    with pytest.raises(ModelError, match="no output table, which recommendations need"):
        bare.recommend("i1")
    bare.output = model.output
    with pytest.raises(ModelError, match="`popularity` needs the items' counts"):
        bare.recommend("i1", popularity=0.5)
    for call, message in (
        (lambda: model.similar("i1", weights=[1, 2]), "there are 2 weights for 1 items"),
        (lambda: model.similar("i1", weights=[math.nan]), "a weight is not a finite number"),
        (lambda: model.recommend("i1", popularity=math.inf), "`popularity` is inf"),
        (lambda: model.recommend("i1", reverse=-1), "`reverse` is -1"),
        (lambda: model.odd_one_out(["i1", "i2"]), "at least three items"),
        (lambda: model.similar_many(["i1", []]), "no items were given"),
        (lambda: model.similar_many(["i1"], 0), "`k` is 0"),
        (lambda: model.recommend("i1", 0), "`k` is 0"),
        (lambda: model.similar([7.5]), "7.5 is not an item; items are text or whole numbers"),
    ):
        with pytest.raises((ConfigError, TypeError), match=message):
            call()


def test_numpy_like_access(model: KeyedVectors) -> None:
    several = model[["i4", "i2", "i4"]]
    assert np.array_equal(several, model.input[[4, 2, 4]])
    several[:] = 0
    assert model.input[4].any()
    assert list(model)[:3] == ["i0", "i1", "i2"]
    assert model[[]].shape == (0, 20)
    with pytest.raises(UnknownItemError):
        model[["i4", "x"]]
    for wrong in (7.5, None, [7.5], True):
        with pytest.raises((ConfigError, TypeError)):
            model[wrong]  # type: ignore[index]


def test_from_items() -> None:
    table = np.ones((2, 3), np.float32)
    model = KeyedVectors.from_items(["a", "b"], table)
    assert model.input is table
    assert KeyedVectors.from_items("ab", [[1, 2], [3, 4]], [[0, 0], [1, 1]])["b"].tolist() == [3, 4]
    with pytest.raises(ModelError, match="the item 'a' comes twice, as number 1 and 3"):
        KeyedVectors.from_items("aba", np.ones((3, 2)))
    with pytest.raises(ModelError, match="2 rows for 1 items"):
        KeyedVectors.from_items("a", table)


def test_items_may_be_asked_for_by_display_names() -> None:
    rng = np.random.default_rng(5)
    inputs, outputs = rng.standard_normal((2, 4, 3)).astype(np.float32)
    names = Vocabulary.from_items(["cake stand", "teapot", "jug", "jug"], [0] * 4)
    named = KeyedVectors(
        inputs,
        outputs,
        Vocabulary.from_items(["a", "b", "c", "d"], [4, 3, 2, 1]),
        names=Names(names.blob, names.offsets),
    )
    assert named.recommend(["teapot", "cake stand"]) == named.recommend(["b", "a"])
    assert {item for item, _ in named.similar("a", filter="^jug$")} == {"c", "d"}
    assert [item for item, _ in named.similar("a", filter="^[bx]$")] == ["b"]
    with pytest.raises(AmbiguousNameError):
        named.recommend(["jug"])


def test_a_tree_s_nodes_are_no_items(tmp_path: Path) -> None:
    """After hierarchical softmax the output table holds nodes: what needs items' rows says so."""
    table = np.ones((2, 3), np.float32)
    made = KeyedVectors(table, table, Vocabulary.from_items(["a", "b"], [2, 1]), {"config": {"loss": "hs"}})
    refused = r"hierarchical softmax.*the nodes of a tree"
    with pytest.raises(ModelError, match=refused):
        made.recommend(["a"])
    with pytest.raises(ModelError, match=refused):
        export_vectors(made, tmp_path / "v.txt", table="sum")


def test_whole_numbers_are_items_and_not_rows() -> None:
    table = np.array([[1, 0], [3, 4], [0, 1], [4, 3]], np.float32)
    model = KeyedVectors.from_items(["7", "2", "1", "40"], table, table[::-1])
    assert (2 in model, 3 in model, True in model, np.int64(40) in model) == (True, False, False, True)
    assert model[2].tolist() == [3, 4]
    assert np.array_equal(model[[40, "7"]], table[[3, 0]])
    assert model.similar(2) == model.similar("2") == model.similar_many([2])[0]
    assert model.similar(np.array([2, 1])) == model.similar(["2", "1"])
    assert model.recommend(np.array([1, 2])) == model.recommend(["1", "2"])
    assert model.analogy(7, 2, 1) == model.analogy("7", "2", "1")
    assert model.similarity(7, 2) == pytest.approx(0.6)
    assert model.odd_one_out([7, 2, 40]) == model.odd_one_out(["7", "2", "40"])
    with pytest.raises(UnknownItemError, match="'3' is not in the vocabulary"):
        model.similar(3)


def test_a_vector_is_asked_about(model: KeyedVectors) -> None:
    answer = model.similar(3 * model["i5"], 11)
    assert answer[0] == ("i5", pytest.approx(1))
    assert same(answer[1:], model.similar("i5"))
    difference = model.similar(model["i5"], exclude="i5", without="i6")
    assert same(difference, model.similar("i5", without="i6"))
    for vector, message in (([1.0, 2.0], r"has the shape \(2,\); it must be \(20,\)"), ([np.nan] * 20, "not finite")):
        with pytest.raises(ConfigError, match=message):
            model.similar(np.array(vector))


def test_answers_that_are_restricted(model: KeyedVectors) -> None:
    every = model.similar("i2000", len(model))
    few = [pair for pair in every if int(pair[0][1:]) < 50]
    assert same(model.similar("i2000", 50, restrict=50), few)
    assert same(
        model.similar("i2000", 50, restrict=50, filter=lambda item: item.endswith("1")),
        [pair for pair in few if pair[0].endswith("1")],
    )
    left = [every[1][0], every[4][0]]
    assert same(model.similar("i2000", 5, exclude=left), [pair for pair in every if pair[0] not in left][:5])
    usual = model.recommend(["i5", "i6"], 8)
    for options in ({}, {"softmax": 1.0}):
        usual = model.recommend(["i5", "i6"], 8, **options)
        left = [usual[0][0], usual[3][0]]
        expected = [pair for pair in usual if pair[0] not in left]
        assert same(model.recommend(["i5", "i6"], 6, exclude=left, **options), expected)
    for restrict in (0, True, 1.5):
        with pytest.raises(ConfigError, match="`restrict` is"):
            model.similar("i5", restrict=restrict)


def test_3cosmul_is_the_equation_of_the_paper(model: KeyedVectors) -> None:
    items = list(model)
    a, b, c = "i3", "i4", "i5"

    def shifted(item: str, other: str) -> float:
        return (1 + model.similarity(item, other)) / 2

    expected = {d: shifted(d, b) * shifted(d, c) / (shifted(d, a) + 0.001) for d in items if d not in (a, b, c)}
    found = model.analogy(a, b, c, k=len(items), method="mul")
    assert [item for item, _ in found] == sorted(expected, key=lambda item: -expected[item])
    assert dict(found) == pytest.approx(expected, rel=1e-4)
    assert model.analogy(a, b, c, k=3, method="mul") == found[:3]
    with pytest.raises(ConfigError, match=r"^`method` is 'div'; it must be one of add, mul$"):
        model.analogy(a, b, c, method="div")  # type: ignore[arg-type]
