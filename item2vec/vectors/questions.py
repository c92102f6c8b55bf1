"""The questions that a model answers, as methods: `KeyedVectors` inherits them.

The answers are computed in `item2vec.vectors.queries`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from item2vec.config.scoring import Pool
from item2vec.vectors import queries

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors


class Questions:
    """What can be asked of `KeyedVectors`."""

    def similar(
        self,
        items: str | Sequence[str],
        k: int = 10,
        *,
        without: str | Sequence[str] = (),
        weights: Sequence[float] | None = None,
        filter: str | re.Pattern[str] | None = None,
        approximate: bool = False,
    ) -> list[tuple[str, float]]:
        """Return the items whose input vectors point most nearly where those of `items` point on average.

        The average is that of the vectors scaled to length 1, as in gensim's ``most_similar``. A vector of
        zeros has cosine 0 with everything. Equal cosines are ordered by descending count.

        Parameters
        ----------
        items : str or sequence of str
            What to compare with; left out of the answer. An item that comes twice counts twice.
        k : int
            How many, at least 1; fewer come back if there are no more.
        without : str or sequence of str
            Items to be away from: they count -1 in the average.
        weights : sequence of float, optional
            How much each of `items` counts; 1 by default.
        filter : str or re.Pattern, optional
            A regular expression that an item of the answer, or its display name, must have somewhere in it.
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
        return queries.similar(self._model, _several(items), k, _several(without), weights, filter, approximate)

    def similar_many(
        self, items: Sequence[str | Sequence[str]], k: int = 10, *, approximate: bool = False
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
        return queries.similar_many(self._model, [_several(query) for query in items], k, approximate)

    def analogy(self, a: str, b: str, c: str, k: int = 10) -> list[tuple[str, float]]:
        """Return what is to `c` as `b` is to `a`: the nearest to b - a + c, of vectors scaled to length 1.

        Source: 3CosAdd of Mikolov et al. 2013c, as Levy and Goldberg 2014, section 3, write it. The three
        are left out of the answer.

        Raises
        ------
        UnknownItemError
            If an item is not in the vocabulary.
        ConfigError
            If `k` is below 1.

        Examples
        --------
        >>> import item2vec
        >>> words = ["man", "king", "woman", "queen"]
        >>> model = item2vec.KeyedVectors.from_items(words, [[1, 0], [1, 1], [-1, 0], [-1, 1]])
        >>> model.analogy("man", "king", "woman", k=1)[0][0]
        'queen'
        """
        return queries.analogy_many(self._model, [(a, b, c)], k)[0]

    def similarity(self, a: str, b: str) -> float:
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
        return queries.similarity(self._model, a, b)

    def odd_one_out(self, items: Sequence[str]) -> str:
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
        return queries.agreement(self._model, items)[0][0]

    def recommend(
        self,
        history: str | Sequence[str],
        k: int = 10,
        *,
        pool: Pool | None = None,
        decay: float | None = None,
        popularity: float | None = None,
        reverse: float | None = None,
        softmax: float | None = None,
        include_seen: bool = False,
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
        )[0]

    def recommend_many(
        self,
        histories: Sequence[Sequence[str]],
        k: int = 10,
        *,
        pool: Pool | None = None,
        decay: float | None = None,
        popularity: float | None = None,
        reverse: float | None = None,
        softmax: float | None = None,
        include_seen: bool = False,
    ) -> list[list[tuple[str, float]]]:
        """Answer many histories at once, on all cores: `recommend` of each."""
        asked = []
        for history in histories:
            ids, unknown = queries.known(self._model, history)
            if unknown:
                warnings.warn(f"not in the vocabulary and left out: {', '.join(map(repr, unknown))}", stacklevel=2)
            asked.append(ids)
        scoring = self._model.recommending.with_given(
            pool=pool, decay=decay, popularity=popularity, reverse=reverse, softmax=softmax
        )
        return queries.recommend_many(self._model, asked, k, scoring, include_seen=include_seen)

    @property
    def _model(self) -> KeyedVectors:
        """This object, as what it is."""
        return cast("KeyedVectors", self)


def _several(items: str | Sequence[str]) -> Sequence[str]:
    """One item or several, as several."""
    return [items] if isinstance(items, str) else items
