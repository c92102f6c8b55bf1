"""What is asked of a model, one by one and many at once; `KeyedVectors` has these as methods.

Similarity compares directions of the input table. A recommendation scores the output table against what the
history's input rows pool to: the output rows were trained to say what comes near the input rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.errors import ConfigError
from item2vec.vectors.recommend import history_weights, pooled, sides, top_mixtures
from item2vec.vectors.search import best_columns, cosines, nearest, top_k

if TYPE_CHECKING:
    from item2vec.items.names import Names
    from item2vec.items.vocabulary import Vocabulary
    from item2vec.vectors.approximate import ApproximateIndex


Answer = list[tuple[str, float]]
Item = str | int  # a whole number stands for its digits
Filter = str | re.Pattern[str] | Callable[[str], object] | None
_SCAN = 64  # the index is for less than this share of the items


AnalogyMethod = Literal["add", "mul"]
ANALOGY_METHODS = get_args(AnalogyMethod)
_MUL_EPSILON = 0.001  # Levy and Goldberg 2014, section 6


class Model(Protocol):
    """What a question needs of a model; `item2vec.vectors.keyed_vectors.KeyedVectors` is one."""

    input: NDArray[np.float32]
    names: Names | None
    vocabulary: Vocabulary

    @property
    def dim(self) -> int:
        """The dimension of the vectors."""

    def __len__(self) -> int: ...

    def index(self, item: Item) -> int:
        """Row of an item."""

    def find_any(self, item: Item) -> int:
        """Row of an item, or -1."""

    def output_rows(self, purpose: str, instead: str) -> NDArray[np.float32]:
        """Return the output table."""

    def open_index(self) -> ApproximateIndex:
        """Return the approximate index."""


def similar(
    model: Model,
    items: Sequence[Item] | NDArray[np.floating],
    k: int,
    without: Sequence[Item] = (),
    weights: Sequence[float] | None = None,
    filter: Filter = None,
    approximate: bool = False,
    *,
    exclude: Sequence[Item] = (),
    restrict: int | None = None,
) -> Answer:
    """Return the items nearest to some and away from others; see `KeyedVectors.similar`."""
    check_k(k)
    allowed = _filter(model, filter)
    if restrict is not None and (
        isinstance(restrict, bool) or not isinstance(restrict, int | np.integer) or restrict < 1
    ):
        raise ConfigError(f"`restrict` is {restrict!r}; it must be a whole number of at least 1")
    away = _ids(model, without) if len(without) else np.empty(0, np.int64)
    if is_vector(items):
        if weights is not None:
            raise ConfigError("`weights` are for items; scale the vector itself")
        ids, units = np.empty(0, np.int64), unit_rows(_vector(model, items)[None])
    else:
        ids = _ids(model, cast(Sequence[Item], items))
        units = unit_rows(model.input[ids])
    units = np.concatenate([units, unit_rows(model.input[away])])
    direction = _signed(weights, len(units) - len(away), len(away)) @ units / len(units)
    left_out = np.concatenate([ids, away, _ids(model, exclude) if len(exclude) else np.empty(0, np.int64)])
    wanted = int(k)
    while True:
        rows, cosine = _nearest(model, direction, wanted, left_out, approximate, restrict)
        answer = [
            (model.vocabulary[row], value)
            for row, value in zip(rows.tolist(), cosine.tolist(), strict=True)
            if allowed is None or allowed(row)
        ]
        if allowed is None or len(answer) >= k or len(rows) < wanted:
            return answer[:k]
        wanted *= 16


def similar_many(model: Model, queries: Sequence[Sequence[Item]], k: int, approximate: bool = False) -> list[Answer]:
    """Return the neighbours of several items' mean, for each query; see `KeyedVectors.similar_many`."""
    check_k(k)
    asked = [_ids(model, [query] if isinstance(query, str | int) else query) for query in queries]
    return _directions(model, asked, [np.ones(len(ids)) for ids in asked], k, approximate)


def analogy_many(
    model: Model, questions: Sequence[Sequence[Item]], k: int, method: AnalogyMethod = "add"
) -> list[Answer]:
    """Return what is to C as B is to A, for each (A, B, C); see `KeyedVectors.analogy`."""
    check_k(k)
    if method not in ANALOGY_METHODS:
        raise ConfigError(f"`method` is {method!r}; it must be one of {', '.join(ANALOGY_METHODS)}")
    for question in questions:
        if len(question) != 3:
            raise ConfigError(
                f"an analogy has three items, A B C, and {' '.join(map(str, question))!r} has {len(question)}"
            )
    asked = [_ids(model, question) for question in questions]
    if method == "mul":
        return _answers(model, *_multiplied(model, asked, k))
    return _directions(model, asked, [np.array([-1.0, 1.0, 1.0])] * len(asked), k)


def _multiplied(model: Model, asked: list[NDArray[np.int64]], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the best answers of analogies by 3CosMul: rows and scores, a line for each question."""
    k = min(k, len(model))
    rows, scores = np.full((len(asked), k), -1, np.int64), np.zeros((len(asked), k))
    for number, ids in enumerate(asked):
        a, b, c = ((1 + cosines(model.input, unit)) / 2 for unit in unit_rows(model.input[ids]))
        found = np.asarray(b * c / (a + _MUL_EPSILON), np.float32)[None]
        found[:, ids] = -np.inf
        rows[number] = best_columns(found, k)[0]
        scores[number] = found[0, np.maximum(rows[number], 0)]
    return rows, scores


def similarity(model: Model, first: Item, second: Item) -> float:
    """Return the cosine of two items' input vectors; see `KeyedVectors.similarity`."""
    a, b = unit_rows(model.input[_ids(model, [first, second])])
    return float(np.clip(a @ b, -1.0, 1.0)) + 0.0


def agreement(model: Model, items: Sequence[Item]) -> Answer:
    """Each item's cosine with the mean of all, lowest first: the first is the odd one out.

    As gensim's ``doesnt_match``, the mean is that of the vectors scaled to length 1.

    Raises
    ------
    UnknownItemError
        If an item is not in the vocabulary.
    ConfigError
        If there are fewer than three.
    """
    if isinstance(items, str) or len(items) < 3:
        raise ConfigError("the odd one out needs at least three items")
    units = unit_rows(model.input[_ids(model, items)])
    mean = unit_rows(units.mean(axis=0, keepdims=True))[0]
    values = np.clip(units @ mean, -1.0, 1.0) + 0.0
    order = np.argsort(values, kind="stable")
    return [(str(items[index]), float(values[index])) for index in order.tolist()]


def known(model: Model, history: Sequence[Item]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the ids of the items that the vocabulary has, in order, and the items that it does not have.

    Raises
    ------
    UnknownItemError
        If it has none of them.
    ConfigError
        If the history is empty.
    """
    if len(history) == 0:
        raise ConfigError("no items were given; name at least one")
    found = np.array([model.find_any(item) for item in history], np.int64)
    if (found < 0).all():
        model.index(history[-1])  # raises, with the closest items
    return found[found >= 0], [str(item) for item, index in zip(history, found.tolist(), strict=True) if index < 0]


def recommend_many(
    model: Model,
    histories: Sequence[NDArray[np.int64]],
    k: int,
    scoring: Scoring,
    *,
    include_seen: bool = False,
    exclude: Sequence[Item] = (),
) -> list[Answer]:
    """Return what comes next, for histories of ids; see `KeyedVectors.recommend`."""
    check_k(k)
    output = model.output_rows("recommendations need", "use similar, or train a model with `loss=ns`")
    asking, answering, bias = sides(model.input, output, model.vocabulary.counts, scoring)
    more = _ids(model, exclude) if len(exclude) else np.empty(0, np.int64)
    left_out = [more if include_seen else np.concatenate([history, more]) for history in histories]
    if scoring.softmax:
        lengths = np.array([len(history) for history in histories], np.int64)
        items = np.concatenate([*histories, np.empty(0, np.int64)])
        weights = history_weights(items, lengths, len(model), scoring.pool, scoring.decay)
        best = top_mixtures(asking, answering, weights, scoring.softmax, k, bias=bias, exclude=left_out)
    else:
        queries = pooled(asking, histories, scoring.pool, scoring.decay)
        best = top_k(answering, queries, k, cosine=False, bias=bias, exclude=left_out)
    return _answers(model, *best)


def unit_rows(rows: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rows in float64, each scaled to length 1; zero or infinite ones become zero."""
    with np.errstate(all="ignore"):  # damaged vectors may hold anything
        wide = rows.astype(np.float64)
        norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    good = (norms > 0) & np.isfinite(norms)
    wide[~good] = 0.0
    norms[~good] = 1.0
    wide /= norms[:, None]
    return wide


def check_k(k: int) -> None:
    """Check the number of answers, k."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
        raise ConfigError(f"`k` is {k!r}; it must be a whole number of at least 1")


def _nearest(
    model: Model,
    direction: NDArray[np.float64],
    k: int,
    left_out: NDArray[np.int64],
    approximate: bool,
    restrict: int | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k rows nearest to a direction, best first; by the index, unless a scan for so many is faster."""
    index = model.open_index() if approximate else None  # its faults are told where it is not needed, too
    if restrict is not None:  # the index has all items, so that few of its answers may be among the commonest
        return nearest(model.input[:restrict], direction, k, left_out[left_out < restrict])
    if index is None or k > len(model) // _SCAN:
        return nearest(model.input, direction, k, left_out)
    rows, cosine = index.search(model.input, direction[None], k, [left_out])
    found = rows[0] >= 0
    return rows[0, found], cosine[0, found]


def _directions(
    model: Model,
    asked: list[NDArray[np.int64]],
    weights: list[NDArray[np.float64]],
    k: int,
    approximate: bool = False,
) -> list[Answer]:
    """Return the items nearest to weighted sums of items' directions, themselves left out."""
    queries = np.empty((len(asked), model.dim))
    for index, (ids, weight) in enumerate(zip(asked, weights, strict=True)):
        queries[index] = weight @ unit_rows(model.input[ids])
    if approximate:
        return _answers(model, *model.open_index().search(model.input, queries, k, asked))
    return _answers(model, *top_k(model.input, queries, k, cosine=True, exclude=asked))


def _answers(model: Model, rows: NDArray[np.int64], scores: NDArray[np.float64]) -> list[Answer]:
    """Rows and scores as items and scores."""
    return [
        [(model.vocabulary[row], score) for row, score in zip(*pair, strict=True) if row >= 0]
        for pair in zip(rows.tolist(), scores.tolist(), strict=True)
    ]


def _ids(model: Model, items: Sequence[Item]) -> NDArray[np.int64]:
    """Return the items' rows."""
    if len(items) == 0:
        raise ConfigError("no items were given; name at least one")
    return np.array([model.index(item) for item in items], np.int64)


def _signed(weights: Sequence[float] | None, items: int, away: int) -> NDArray[np.float64]:
    """Return the weights of items, and -1 for each that the answer is to be away from."""
    given = np.ones(items) if weights is None else np.asarray(weights, np.float64)
    if given.shape != (items,):
        raise ConfigError(f"there are {given.size} weights for {items} items; give one for each, in their order")
    if not np.isfinite(given).all():
        raise ConfigError("a weight is not a finite number")
    return np.concatenate([given, -np.ones(away)])


def is_vector(items: object) -> bool:
    """Whether what is asked about is a vector and not items: an array of floats."""
    return isinstance(items, np.ndarray) and items.dtype.kind == "f"


def _vector(model: Model, given: object) -> NDArray[np.float64]:
    """Return a vector that was asked about, as it is compared."""
    vector = np.asarray(given, np.float64)
    if vector.shape != (model.dim,):
        raise ConfigError(f"the vector has the shape {vector.shape}; it must be ({model.dim},), as the model's are")
    if not np.isfinite(vector).all():
        raise ConfigError("the vector has a number that is not finite")
    return vector


def _filter(model: Model, pattern: Filter) -> Callable[[int], bool] | None:
    """Whether a row's item, or its display name, has the pattern somewhere in it; None if all are allowed."""
    if pattern is None:
        return None
    if callable(pattern):
        chosen = pattern
        return lambda row: bool(chosen(model.vocabulary[row]))
    try:
        search = re.compile(pattern).search
    except (re.error, RecursionError) as error:
        raise ConfigError(f"`filter` is {pattern!r}, which is not a regular expression: {error}") from error
    names = model.names
    return lambda row: bool(search(model.vocabulary[row]) or (names is not None and search(names[row] or "")))
