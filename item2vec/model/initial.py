"""Initial: rows that a training begins with. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.fingerprint import fingerprint


@dataclass(frozen=True, eq=False)
class Initial:
    """Rows for some of a vocabulary's items; the others are initialised as ever.

    Parameters
    ----------
    ids : int64 [n]
        The items that have rows, as ids of the vocabulary that is to be trained, each at most once.
    rows : int64 [n]
        Where each one's row lies in the tables.
    input : float32 [m, d]
    output : float32 [m, d] or None
    frozen : bool
        Whether these rows stay as they are, bit for bit. Without an ``output`` table, output rows train.
    about : str
        What came of the rows that were given, for the user to see.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    input: NDArray[np.float32]
    output: NDArray[np.float32] | None
    frozen: bool = False
    about: str = ""

    def fingerprint(self) -> str:
        """Digits that differ where other rows are given."""
        tables = (self.input,) if self.output is None else (self.input, self.output)
        return fingerprint(self.ids, self.rows, *tables)

    def __len__(self) -> int:
        return len(self.ids)
