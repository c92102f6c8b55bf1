"""Words of a model as tests of words look them up: by any case, the commonest words only, vectors of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.sources import check_source, lines_of
from item2vec.errors import CorpusError

_LONGEST_TEST = 1 << 28  # bytes; the Google analogies have 600,000


class Words:
    """A look-up of words without regard to case, as gensim's ``evaluate_word_pairs`` and ``_analogies`` have it.

    Parameters
    ----------
    names : sequence of str
        The V words, commonest first.
    vectors : array, float32 [V, d]
    restrict : int or None
        Only this many of the commonest words are known.
    case_sensitive : bool
        Otherwise words are compared in upper case, and of words alike the commonest answers.

    Attributes
    ----------
    rows : dict of str to int
        Folded word to the row of the commonest such word.
    unit : array, float32 [V, d]
        Rows of length 1, or zero.
    same : array, int64 [V]
        For each row that of the commonest word that is alike.
    """

    def __init__(
        self,
        names: Sequence[str],
        vectors: NDArray[np.float32],
        *,
        restrict: int | None = None,
        case_sensitive: bool = False,
    ) -> None:
        names, vectors = names[:restrict], vectors[:restrict]
        self._case_sensitive = case_sensitive
        self.rows: dict[str, int] = {}
        self.same = np.array([self.rows.setdefault(self.fold(name), row) for row, name in enumerate(names)], np.int64)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        self.unit: NDArray[np.float32] = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)

    def fold(self, word: str) -> str:
        """The word as it is compared."""
        return word if self._case_sensitive else word.upper()

    def find(self, words: Sequence[str]) -> list[int] | None:
        """The rows of some words, or None if one is unknown."""
        found = [self.rows.get(self.fold(word), -1) for word in words]
        return None if -1 in found else found


def read_test(path: str | Path) -> list[str]:
    """The lines of a test file that are neither empty nor comments (``#`` in front), white space stripped.

    Raises
    ------
    CorpusError
        If the file cannot be read, or has no such line.
    """
    source = check_source(Path(path))
    kept, size = [], 0
    for line in lines_of(source):
        kept.append(line)
        size += len(line) + 1
        if size > _LONGEST_TEST:
            raise CorpusError(f"{str(path)!r} has over {_LONGEST_TEST:,} bytes; it is no test of words")
    try:
        text = b"\n".join(kept).decode()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{str(path)!r} is not UTF-8 at byte {error.start:,}; convert it first") from None
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise CorpusError(f"there is nothing in {str(path)!r}; it must have word pairs with scores, or analogies")
    return lines
