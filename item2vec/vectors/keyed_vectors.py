"""KeyedVectors: the vectors of a vocabulary's items, and questions to them."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from item2vec.config.scoring import Pool, Scoring
from item2vec.errors import AmbiguousNameError, ConfigError, ModelError, UnknownItemError
from item2vec.files.atomic import check_writable
from item2vec.items.hash_index import HashIndex
from item2vec.items.names import Names
from item2vec.items.suggest import closest_items
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors import queries
from item2vec.vectors.model_file import CHECKPOINT_KEY, check_parts, read_model, save_model
from item2vec.vectors.queries import Item

if TYPE_CHECKING:
    from item2vec.vectors.approximate import ApproximateIndex

SCORING_KEY = "scoring"  # of the metadata


class KeyedVectors:
    """Items and their vectors.

    ``len(model)`` is the number of items, ``"milk" in model`` asks for one, ``model["milk"]`` is a copy of its
    input vector, ``model[["milk", "bread"]]`` one of several, and iteration gives the items.

    Parameters
    ----------
    input : ndarray of float32 [V, d]
        The vectors that are compared.
    output : ndarray of float32 [V, d] or None
        The context side of training.
    vocabulary : Vocabulary
        The V items, in the tables' order.
    metadata : dict, optional
        How the vectors were made, as JSON values. `item2vec.train` writes ``config``, ``corpus`` and ``training``.
    hash_index : HashIndex, optional
        Of `vocabulary`; built at the first look-up if it is not given.
    names : Names, optional
        Display names of the items.
    rare : Vocabulary, optional
        The items that were too rare to be trained, with their counts. A training that grows the model may take them up.

    Attributes
    ----------
    path : str or None
        The file that the model was loaded from.

    Raises
    ------
    ModelError
        If the tables' types or shapes do not fit the vocabulary.

    Examples
    --------
    >>> import numpy as np
    >>> from item2vec import KeyedVectors
    >>> table = np.array([[3, 4], [4, 3], [0, 5], [-3, -4]], np.float32)
    >>> model = KeyedVectors.from_items(["salt", "pepper", "tea", "sugar"], table)
    >>> model["tea"].tolist(), model[["tea", "salt"]].shape, "milk" in model, len(model)
    ([0.0, 5.0], (2, 2), False, 4)
    >>> list(model)
    ['salt', 'pepper', 'tea', 'sugar']
    """

    path: str | None = None
    _approximate: ApproximateIndex | None = None

    def __init__(
        self,
        input: NDArray[np.float32],
        output: NDArray[np.float32] | None,
        vocabulary: Vocabulary,
        metadata: dict[str, Any] | None = None,
        *,
        hash_index: HashIndex | None = None,
        names: Names | None = None,
        rare: Vocabulary | None = None,
    ) -> None:
        check_parts(input, output, vocabulary, names)
        self.input = input
        self.output = output
        self.names = names
        self.rare = rare
        self.vocabulary = vocabulary
        self.metadata = {} if metadata is None else metadata
        if hash_index is not None:
            self.hash_index = hash_index

    @classmethod
    def from_items(cls, items: Iterable[str], vectors: ArrayLike, output: ArrayLike | None = None) -> KeyedVectors:
        """Make a model of vectors from anywhere.

        Parameters
        ----------
        items : iterable of str
            V different items.
        vectors : array-like [V, d]
            Their vectors, in the same order; float32 is taken as it is, other numbers are converted.
        output : array-like [V, d], optional
            Their output vectors.

        Raises
        ------
        ModelError
            If the parts do not fit each other, or an item comes twice.
        """
        names = list(items)
        vocabulary = Vocabulary.from_items(names, np.zeros(len(names), np.int64))
        tables = [None if table is None else np.asarray(table, np.float32) for table in (vectors, output)]
        if tables[0] is None:
            raise ModelError("there are no vectors")
        model = cls(tables[0], tables[1], vocabulary)
        pair = model.hash_index.first_duplicate(vocabulary)
        if pair is not None:
            raise ModelError(
                f"the item {vocabulary[pair[0]]!r} comes twice, as number {pair[0] + 1:,} and {pair[1] + 1:,}"
            )
        return model

    @cached_property
    def hash_index(self) -> HashIndex:
        """The index that finds items."""
        return HashIndex.build(self.vocabulary)

    @property
    def dim(self) -> int:
        """Length of the vectors, d."""
        return int(self.input.shape[1])

    @property
    def loss(self) -> str:
        """The loss that the tables were trained with, ns where that is not known."""
        config = self.metadata.get("config")  # of a file: it may be anything
        return "hs" if isinstance(config, dict) and config.get("loss") == "hs" else "ns"

    @property
    def scoring(self) -> Scoring:
        """The scoring that suits the model, from its metadata; else the defaults.

        Raises
        ------
        ModelError
            If the metadata say what cannot be.
        """
        said = self.metadata.get(SCORING_KEY)
        if said is None:
            return Scoring()
        try:
            return Scoring.of(said if isinstance(said, dict) else {"scoring": said})
        except ConfigError as error:
            raise ModelError(f"the model's scoring options are damaged: {error}") from None

    @property
    def recommending(self) -> Scoring:
        """`scoring` where it is for recommendations, which are never by cosine; else the defaults."""
        scoring = self.scoring
        return scoring if scoring.score == "next" else Scoring()

    def __len__(self) -> int:
        return len(self.input)

    def __iter__(self) -> Iterator[str]:
        return iter(self.vocabulary)

    def __contains__(self, item: object) -> bool:
        return (isinstance(item, str) or _is_whole(item)) and self.find(cast(Item, item)) >= 0

    def __getitem__(self, item: Item | Sequence[Item]) -> NDArray[np.float32]:
        if isinstance(item, str) or _is_whole(item):
            return np.array(self.input[self.index(cast(Item, item))])
        if not isinstance(item, Iterable):
            raise TypeError(
                f"{item!r} is not an item; items are text or whole numbers: model['milk'], and model.input has the rows"
            )
        return self.input[np.array([self.index(one) for one in item], np.int64)]

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self):,} items, dim {self.dim})"

    def index(self, item: Item) -> int:
        """Return the id of `item`: its row in the tables, and its rank by count.

        Parameters
        ----------
        item : str or int
            An item, or else the display name of one. A whole number is the item of its digits, not a row.

        Raises
        ------
        UnknownItemError
            If the vocabulary does not have it; names the closest items that it has.
        AmbiguousNameError
            If it is no item but the name of several.
        """
        found = self.find_any(item)
        if found < 0:
            raise UnknownItemError(str(item), self._closest(str(item)))
        return found

    def find_any(self, item: Item) -> int:
        """Return the id of `item`, an item or else the display name of one, or -1.

        Raises
        ------
        AmbiguousNameError
            If it is no item but the name of several.
        """
        found = self.find(item)
        if found >= 0 or self.names is None:
            return found
        named = self.names.find(str(item)).tolist()
        if len(named) > 1:
            raise AmbiguousNameError(str(item), [self.vocabulary[index] for index in named[:10]], len(named))
        return int(named[0]) if named else -1

    def name(self, item: str) -> str | None:
        """Return the display name of `item`, or None if it has none.

        Raises
        ------
        UnknownItemError, AmbiguousNameError
            As `index` does.
        """
        return None if self.names is None else self.names[self.index(item)]

    def output_rows(self, purpose: str, instead: str) -> NDArray[np.float32]:
        """Return the output table, float32 [V, d], if it has a row for each item.

        Parameters
        ----------
        purpose, instead : str
            What needs it, and what to do without, for the message.

        Raises
        ------
        ModelError
            If there is none, or its rows are nodes of a tree: after hierarchical softmax.
        """
        if self.output is None:
            raise ModelError(f"the model has no output table, which {purpose}, and imported vectors lack; {instead}")
        if self.loss == "hs":
            raise ModelError(
                f"the model was trained with hierarchical softmax, so its output table holds the nodes of a tree and "
                f"not the items, which {purpose}; {instead}"
            )
        return self.output

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file that `item2vec.load` reads; it appears whole or not at all.

        A training cannot go on from it, even if these are the vectors of a checkpoint.

        Raises
        ------
        ModelError
            If the file cannot be written.
        """
        save_model(
            path,
            input=self.input,
            output=self.output,
            vocabulary=self.vocabulary,
            metadata={name: value for name, value in self.metadata.items() if name != CHECKPOINT_KEY},
            names=self.names,
            rare=self.rare,
        )

    def _closest(self, item: str) -> list[str]:
        """Items, and if there are none names, like one that is not there."""
        closest = closest_items(self.vocabulary, item)
        if closest or self.names is None:
            return closest
        return list(dict.fromkeys(closest_items(self.names, item)))

    def find(self, item: Item) -> int:
        """Return the id of `item`, or -1 if the vocabulary does not have it."""
        if _is_whole(item):
            item = str(item)
        if not isinstance(item, str):
            raise ConfigError(f"{item!r} is not an item; items are text or whole numbers")
        # Half a surrogate pair, as in an argument that is not UTF-8, is in no vocabulary but must not fail
        # here.
        return self.hash_index.find(item.encode("utf-8", "surrogatepass"), self.vocabulary)

    def similar(
        self,
        items: Item | Sequence[Item] | NDArray[np.floating],
        k: int = 10,
        *,
        without: Item | Sequence[Item] = (),
        weights: Sequence[float] | None = None,
        exclude: Item | Sequence[Item] = (),
        restrict: int | None = None,
        filter: str | re.Pattern[str] | Callable[[str], object] | None = None,
        approximate: bool = False,
    ) -> list[tuple[str, float]]:
        """Return the items whose input vectors point most nearly where those of `items` point on average.

        The average is that of the vectors scaled to length 1, as in gensim's ``most_similar``. A vector of
        zeros has cosine 0 with everything. Equal cosines are ordered by descending count.

        Parameters
        ----------
        items : str, int, a sequence of those, or ndarray of float [d]
            What to compare with; left out of the answer. An item that comes twice counts twice. Or a vector.
        k : int
            How many, at least 1; fewer come back if there are no more.
        without : str or sequence of str
            Items to be away from: they count -1 in the average.
        weights : sequence of float, optional
            How much each of `items` counts; 1 by default.
        exclude : str or sequence of str
            Items that may not be in the answer.
        restrict : int, optional
            Only this many of the commonest items, which are the first, may be in the answer.
        filter : str, re.Pattern or callable, optional
            A regular expression that an item of the answer, or its display name, must have somewhere in it; or a
            function that is true for the items of the answer.
        approximate : bool
            Look in the index that `build_index` made, instead of at every item: some of the nearest may be
            missing, as many as its recall says.

        Returns
        -------
        list of (str, float)
            Items and their cosines in [-1, 1], best first.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.
        ConfigError
            If `items` is empty, `k` is below 1, or another option cannot work.
        ModelError
            If `approximate` and the model has no index, or one of other vectors.

        Examples
        --------
        >>> import item2vec
        >>> model = item2vec.KeyedVectors.from_items(["a", "b", "c", "d"], [[3, 4], [4, 3], [0, 5], [-3, -4]])
        >>> [(item, round(cosine, 3)) for item, cosine in model.similar("a", k=2)]
        [('b', 0.96), ('c', 0.8)]
        """
        return queries.similar(
            self,
            cast(NDArray[np.floating], items) if queries.is_vector(items) else _several(cast(Any, items)),
            k,
            _several(without),
            weights,
            filter,
            approximate,
            exclude=_several(exclude),
            restrict=restrict,
        )

    def similar_many(
        self, items: Sequence[Item | Sequence[Item]], k: int = 10, *, approximate: bool = False
    ) -> list[list[tuple[str, float]]]:
        """Answer many queries at once, on all cores: `similar` of each of `items`.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.
        ConfigError
            If a query is empty or `k` is below 1.
        ModelError
            As `similar`.

        Examples
        --------
        >>> import item2vec
        >>> model = item2vec.KeyedVectors.from_items(["a", "b", "c", "d"], [[3, 4], [4, 3], [0, 5], [-3, -4]])
        >>> [answer[0][0] for answer in model.similar_many(["a", ["c", "b"]])]
        ['b', 'a']
        """
        return queries.similar_many(self, [_several(query) for query in items], k, approximate)

    def analogy(
        self, a: Item, b: Item, c: Item, k: int = 10, *, method: queries.AnalogyMethod = "add"
    ) -> list[tuple[str, float]]:
        """Return what is to `c` as `b` is to `a`.

        The three items are left out of the answer.

        Parameters
        ----------
        a, b, c : str or int
        k : int
            How many items to return.
        method : {"add", "mul"}
            add: the items nearest to b - a + c, of vectors scaled to length 1, with their cosines (3CosAdd of Mikolov
            et al. 2013c, as Levy and Goldberg 2014, section 3, write it). mul: the items d with the highest
            cos(d, b) cos(d, c) / (cos(d, a) + 0.001), of cosines shifted to 0 to 1 (3CosMul of their section 6); no
            single large term decides there.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.
        ConfigError
            If `k` is below 1, or there is no such method.

        Examples
        --------
        >>> import item2vec
        >>> words = ["man", "king", "woman", "queen"]
        >>> model = item2vec.KeyedVectors.from_items(words, [[1, 0], [1, 1], [-1, 0], [-1, 1]])
        >>> model.analogy("man", "king", "woman", k=1)[0][0]
        'queen'
        """
        return queries.analogy_many(self, [(a, b, c)], k, method)[0]

    def similarity(self, a: Item, b: Item) -> float:
        """Return the cosine of two items' input vectors; 0 if one has no direction.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.

        Examples
        --------
        >>> import item2vec
        >>> model = item2vec.KeyedVectors.from_items(["a", "b"], [[3, 4], [4, 3]])
        >>> round(model.similarity("a", "b"), 3)
        0.96
        """
        return queries.similarity(self, a, b)

    def odd_one_out(self, items: Sequence[Item]) -> str:
        """Return the item that is least like the mean of all, as gensim's ``doesnt_match``.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.
        ConfigError
            If there are fewer than three.

        Examples
        --------
        >>> import item2vec
        >>> model = item2vec.KeyedVectors.from_items(["a", "b", "c"], [[3, 4], [4, 3], [-1, 0]])
        >>> model.odd_one_out(["a", "b", "c"])
        'c'
        """
        return queries.agreement(self, items)[0][0]

    def recommend(
        self,
        history: Item | Sequence[Item],
        k: int = 10,
        *,
        pool: Pool | None = None,
        decay: float | None = None,
        popularity: float | None = None,
        reverse: float | None = None,
        softmax: float | None = None,
        include_seen: bool = False,
        exclude: Item | Sequence[Item] = (),
    ) -> list[tuple[str, float]]:
        """Return the items that most likely come next.

        An item's score is the inner product of its output vector with what the input vectors of the history
        pool to, plus ``popularity`` times the logarithm of its count, plus ``reverse`` times the inner product of its
        input vector with what the output vectors of the history pool to. What is None is as the model itself says
        (``model.scoring``): a preset and the file of `item2vec.tune` give it what they found best.

        Parameters
        ----------
        history : str or sequence of str
            Items, the oldest first. Unknown ones are left out with a warning, if some are known.
        k : int
            How many, at least 1.
        pool : {"mean", "last", "decay"} or None
            What the history's vectors become, "mean" where the model says nothing else: see
            `item2vec.vectors.recommend.pooled`.
        decay : float or None
            Weight of an item over that of the next one, for "decay"; .8.
        popularity : float or None
            0: nothing is added. What the noise distribution took from frequent items is given back by some 0.2 to 0.5.
        reverse : float or None
            0: what comes next. Where order means nothing, a pair counts both ways, and some 0.3 to 1 finds more.
        softmax : float or None
            0: these scores of the history's items are averaged. Above: each item gives all items probabilities, the
            softmax of this times its scores, and those are averaged; scores are then probabilities. Some 1 finds more
            where a history has items of several kinds: see `item2vec.vectors.recommend`.
        include_seen : bool
            Whether items of the history may be in the answer.
        exclude : str or sequence of str
            More items that may not be in the answer.

        Returns
        -------
        list of (str, float)
            Items and their scores, best first.

        Raises
        ------
        UnknownItemError
            If no item of the history is in the vocabulary.
        ModelError
            If the model has no output table, or no counts where they are needed.
        ConfigError
            If an option cannot work.

        Examples
        --------
        >>> import item2vec
        >>> inputs, outputs = [[1, 0], [0, 1], [-1, 0]], [[0, 1], [1, 1], [0, 0]]
        >>> model = item2vec.KeyedVectors.from_items(["tea", "milk", "nail"], inputs, outputs)
        >>> model.recommend(["tea"])
        [('milk', 1.0), ('nail', 0.0)]
        """
        return self.recommend_many(
            [_several(history)],
            k,
            pool=pool,
            decay=decay,
            popularity=popularity,
            reverse=reverse,
            softmax=softmax,
            include_seen=include_seen,
            exclude=exclude,
        )[0]

    def recommend_many(
        self,
        histories: Sequence[Sequence[Item]],
        k: int = 10,
        *,
        pool: Pool | None = None,
        decay: float | None = None,
        popularity: float | None = None,
        reverse: float | None = None,
        softmax: float | None = None,
        include_seen: bool = False,
        exclude: Item | Sequence[Item] = (),
    ) -> list[list[tuple[str, float]]]:
        """Answer many histories at once, on all cores: `recommend` of each."""
        asked = []
        for history in histories:
            ids, unknown = queries.known(self, history)
            if unknown:
                warnings.warn(f"not in the vocabulary, left out: {', '.join(map(repr, unknown))}", stacklevel=2)
            asked.append(ids)
        scoring = self.recommending.with_given(
            pool=pool, decay=decay, popularity=popularity, reverse=reverse, softmax=softmax
        )
        return queries.recommend_many(self, asked, k, scoring, include_seen=include_seen, exclude=_several(exclude))

    def build_index(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        recall: float = 0.95,
        connectivity: int = 16,
        threads: int = 0,
    ) -> ApproximateIndex:
        """Build an approximate index of the input vectors' directions, for ``similar(..., approximate=True)``.

        Parameters
        ----------
        path : str or path-like, optional
            Where to write it too. Beside the model (``words.index`` of ``words.safetensors``) it is found again.
        recall : float
            The share of the ten nearest to find; queries take the least effort that does, if one does. What was
            reached is in the ``facts.recall`` of what comes back.
        connectivity : int
            Neighbours of a node of the graph, 2 to 256: more take memory and time, and find more.
        threads : int
            0 for one a core.

        Returns
        -------
        ApproximateIndex

        Raises
        ------
        ConfigError
            If an option cannot work.
        ModelError
            If usearch is not installed, or the file cannot be written.
        """
        from item2vec.vectors.approximate import ApproximateIndex
        from item2vec.vectors.index_file import save_index

        if path is not None:
            check_writable(path)
        built = ApproximateIndex.build(self.input, recall=recall, connectivity=connectivity, threads=threads)
        if path is not None:
            save_index(built, path)
        self._approximate = built
        return built

    def open_index(self, path: str | os.PathLike[str] | None = None) -> ApproximateIndex:
        """Return the model's index: the one built or opened last, else the one at `path` or beside the model.

        Raises
        ------
        ModelError
            If there is none, it is damaged, or it was built of other vectors.
        """
        from item2vec.vectors.index_file import index_command, index_path, load_index

        if path is None and self._approximate is not None:
            return self._approximate
        if path is None and self.path is None:
            raise ModelError("the model has no index; build one with model.build_index()")
        found = load_index(path or index_path(cast(str, self.path)), model_path=self.path)
        if not found.fits(self.input):
            raise ModelError(
                "the index was built from other vectors than the model has now; build it again with "
                + index_command(self.path)
            )
        self._approximate = found
        return found


def load_model(path: str | os.PathLike[str]) -> KeyedVectors:
    """Open a model file. The tables stay in the file, mapped into memory, and are read as they are used.

    Everything but the tables' numbers is checked first, so that a damaged file, or one made to do harm, is
    refused.

    Parameters
    ----------
    path : str or path-like
        A file that `save_model` wrote.

    Returns
    -------
    KeyedVectors
        With read-only tables.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or not a model: naming it and what is wrong.
    """
    parts = read_model(path)
    model = KeyedVectors(
        parts.input,
        parts.output,
        parts.vocabulary,
        parts.metadata,
        hash_index=parts.hash_index,
        names=parts.names,
        rare=parts.rare,
    )
    model.path = os.fspath(path)
    return model


def _is_whole(item: object) -> bool:
    """Whether an item was given as a whole number."""
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def _several(items: Item | Sequence[Item]) -> Sequence[Item]:
    """One item or several, as several."""
    return cast(Sequence[Item], [items] if isinstance(items, str) or _is_whole(items) else items)
