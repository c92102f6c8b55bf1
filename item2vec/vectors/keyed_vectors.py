"""KeyedVectors: the vectors of a vocabulary's items, and questions to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.vocabulary import Vocabulary
from item2vec.errors import ConfigError, ModelError, UnknownItemError
from item2vec.vectors.cosine import nearest
from item2vec.vectors.hash_index import HashIndex
from item2vec.vectors.suggest import closest_items


class KeyedVectors:
    """Items and their vectors.

    ``len(model)`` is the number of items, ``"milk" in model`` asks for one, and ``model["milk"]`` is a copy
    of its input vector.

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

    Raises
    ------
    ModelError
        If the tables' types or shapes do not fit the vocabulary.
    """

    def __init__(
        self,
        input: NDArray[np.float32],
        output: NDArray[np.float32] | None,
        vocabulary: Vocabulary,
        metadata: dict[str, Any] | None = None,
        *,
        hash_index: HashIndex | None = None,
    ) -> None:
        for name, table in (("input", input), ("output", output)):
            if table is not None and (table.dtype != np.float32 or table.ndim != 2 or 0 in table.shape):
                raise ModelError(f"the {name} table is {table.dtype} {table.shape}; it must be float32 [items, dim]")
        if len(input) != len(vocabulary):
            raise ModelError(f"the input table has {len(input):,} rows for {len(vocabulary):,} items")
        if output is not None and output.shape != input.shape:
            raise ModelError(f"the output table is {output.shape} and the input table {input.shape}")
        self.input = input
        self.output = output
        self.vocabulary = vocabulary
        self.metadata = {} if metadata is None else metadata
        if hash_index is not None:
            self.hash_index = hash_index

    @cached_property
    def hash_index(self) -> HashIndex:
        """The index that finds items."""
        return HashIndex.build(self.vocabulary)

    @property
    def dim(self) -> int:
        """Length of the vectors, d."""
        return int(self.input.shape[1])

    def __len__(self) -> int:
        return len(self.input)

    def __contains__(self, item: object) -> bool:
        return isinstance(item, str) and self._find(item) >= 0

    def __getitem__(self, item: str) -> NDArray[np.float32]:
        return np.array(self.input[self.index(item)])

    def __repr__(self) -> str:
        return f"KeyedVectors({len(self):,} items, dim {self.dim})"

    def index(self, item: str) -> int:
        """Return the id of `item`: its row in the tables, and its rank by count.

        Raises
        ------
        UnknownItemError
            If the vocabulary does not have it; names the closest items that it has.
        """
        found = self._find(item)
        if found < 0:
            raise UnknownItemError(item, closest_items(self.vocabulary, item))
        return found

    def similar(self, items: str | Sequence[str], k: int = 10) -> list[tuple[str, float]]:
        """Return the items whose input vectors point most nearly where those of `items` point on average.

        The average is that of the vectors scaled to length 1, as in gensim's ``most_similar``. A vector of
        zeros has cosine 0 with everything. Equal cosines are ordered by descending count.

        Parameters
        ----------
        items : str or sequence of str
            What to compare with; left out of the answer. An item that comes twice counts twice.
        k : int
            How many, at least 1; fewer come back if there are no more.

        Returns
        -------
        list of (str, float)
            Items and their cosines in [-1, 1], best first.

        Raises
        ------
        UnknownItemError
            If one of `items` is not in the vocabulary.
        ConfigError
            If `items` is empty or `k` is below 1.
        """
        if isinstance(items, str):
            items = [items]
        if not items:
            raise ConfigError("no items were given; name at least one")
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise ConfigError(f"k is {k!r}; it must be a whole number of at least 1")
        asked = np.array([self.index(item) for item in items], np.int64)
        direction = _unit_rows(self.input[asked]).mean(axis=0)
        ids, cosine = nearest(self.input, direction, int(k), asked)
        return [(self.vocabulary[index], value) for index, value in zip(ids.tolist(), cosine.tolist(), strict=True)]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model file that `item2vec.load` reads; it appears whole or not at all.

        Raises
        ------
        ModelError
            If the file cannot be written.
        """
        from item2vec.vectors.model_file import save_model  # here, since that module needs this class

        save_model(path, input=self.input, output=self.output, vocabulary=self.vocabulary, metadata=self.metadata)

    def _find(self, item: str) -> int:
        """The id of `item`, or -1."""
        # Half a surrogate pair, as in an argument that is not UTF-8, is in no vocabulary but must not fail
        # here.
        return self.hash_index.find(item.encode("utf-8", "surrogatepass"), self.vocabulary)


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """The rows in float64, each scaled to length 1; zero or infinite ones become zero."""
    wide = rows.astype(np.float64)
    norms = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    good = (norms > 0) & np.isfinite(norms)
    wide[~good] = 0.0
    norms[~good] = 1.0
    wide /= norms[:, None]
    return wide
