"""KeyedVectors: the vectors of a vocabulary's items, and questions to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from item2vec.config.scoring import Scoring
from item2vec.errors import AmbiguousNameError, ConfigError, ModelError, UnknownItemError
from item2vec.items.hash_index import HashIndex
from item2vec.items.names import Names
from item2vec.items.suggest import closest_items
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.indexed import Indexed
from item2vec.vectors.questions import Questions

SCORING_KEY = "scoring"  # of the metadata


class KeyedVectors(Questions, Indexed):
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
        How the vectors came to be, as JSON values: ``config`` and ``corpus`` by custom.
    hash_index : HashIndex, optional
        Of `vocabulary`; built at the first look-up if it is not given.
    names : Names, optional
        Display names of the items.
    rare : Vocabulary, optional
        The items that were too rare to be trained, with their counts, for a training that goes on (see
        `item2vec.session.warm_start`).

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
        for name, table in (("input", input), ("output", output)):
            if table is not None and (table.dtype != np.float32 or table.ndim != 2 or 0 in table.shape):
                raise ModelError(f"the {name} table is {table.dtype} {table.shape}; it must be float32 [items, dim]")
        if len(input) != len(vocabulary):
            raise ModelError(f"the input table has {len(input):,} rows for {len(vocabulary):,} items")
        if output is not None and output.shape != input.shape:
            raise ModelError(f"the output table is {output.shape} and the input table {input.shape}")
        if names is not None and len(names) != len(vocabulary):
            raise ModelError(f"there are {len(names):,} names for {len(vocabulary):,} items")
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
        """How the model is best asked for recommendations, as its metadata say, else the defaults.

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
            raise ModelError(f"how the model is to be asked is damaged: {error}") from None

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
        return isinstance(item, str) and self.find(item) >= 0

    def __getitem__(self, item: str | Sequence[str]) -> NDArray[np.float32]:
        if isinstance(item, str):
            return np.array(self.input[self.index(item)])
        if not isinstance(item, Iterable):
            raise TypeError(f"{item!r} is no item; items are text: model['milk'], and model.input has the rows")
        return self.input[np.array([self.index(one) for one in item], np.int64)]

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self):,} items, dim {self.dim})"

    def index(self, item: str) -> int:
        """Return the id of `item`: its row in the tables, and its rank by count.

        Parameters
        ----------
        item : str
            An item, or else the display name of one.

        Raises
        ------
        UnknownItemError
            If the vocabulary does not have it; names the closest items that it has.
        AmbiguousNameError
            If it is no item but the name of several.
        """
        found = self.find_any(item)
        if found < 0:
            raise UnknownItemError(item, self._closest(item))
        return found

    def find_any(self, item: str) -> int:
        """Return the id of `item`, an item or else the display name of one, or -1.

        Raises
        ------
        AmbiguousNameError
            If it is no item but the name of several.
        """
        found = self.find(item)
        if found >= 0 or self.names is None:
            return found
        named = self.names.find(item).tolist()
        if len(named) > 1:
            raise AmbiguousNameError(item, [self.vocabulary[index] for index in named[:10]], len(named))
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
        """Return the output table, float32 [V, d], if its rows are those of the items.

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
        from item2vec.vectors.model_file import CHECKPOINT_KEY, save_model  # here, since that module needs this class

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

    def find(self, item: str) -> int:
        """Return the id of `item`, or -1 if the vocabulary does not have it."""
        if not isinstance(item, str):
            raise ConfigError(f"{item!r} is no item; items are text")
        # Half a surrogate pair, as in an argument that is not UTF-8, is in no vocabulary but must not fail
        # here.
        return self.hash_index.find(item.encode("utf-8", "surrogatepass"), self.vocabulary)
