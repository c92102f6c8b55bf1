"""Corpus: what was read, as ids. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sequences of item ids, end to end, and the vocabulary that the ids index.

    Parameters
    ----------
    items : array, int32 [n]
        Ids (rank by count) of the kept tokens.
    offsets : array, int64 [S + 1]
        Sequence s is ``items[offsets[s]:offsets[s + 1]]``; sequences with no kept token are left out.
    vocabulary : Vocabulary
        The kept items.
    raw_tokens : int
        Tokens read, dropped ones included.
    raw_sequences : int
        Sequences read that had a token at all.
    """

    items: NDArray[np.int32]
    offsets: NDArray[np.int64]
    vocabulary: Vocabulary
    raw_tokens: int
    raw_sequences: int

    def __len__(self) -> int:
        """Sequences that kept a token."""
        return len(self.offsets) - 1
