"""Guard: notices within seconds that a training diverges, by its loss and by a sample of rows, and says why."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import torch

from item2vec.config import TrainConfig
from item2vec.corpus.vocabulary import Vocabulary
from item2vec.errors import DivergenceError
from item2vec.model.tables import EmbeddingTables

_EVERY = 1.0  # seconds between two looks
_COMMONEST = 64  # their rows take the most steps
_OTHERS = 192


class Guard:
    """Watches the tables of a training.

    Parameters
    ----------
    vocabulary : Vocabulary
    config : TrainConfig
    tables : EmbeddingTables
    """

    def __init__(self, vocabulary: Vocabulary, config: TrainConfig, tables: EmbeddingTables) -> None:
        self._vocabulary = vocabulary
        self._config = config
        self._tables = tables
        size = len(vocabulary)
        others = np.linspace(0, size - 1, _OTHERS).astype(np.int64)
        self._rows = torch.from_numpy(np.union1d(np.arange(min(_COMMONEST, size)), others))
        self._next = 0.0

    def look(self, sums: npt.NDArray[np.float64], done: float) -> None:
        """Look at some rows, if the last look was long enough ago.

        Parameters
        ----------
        sums : float64 [3]
            Loss, pairs and limited tiles so far.
        done : float
            Share of the training.

        Raises
        ------
        DivergenceError
            If a row holds a number that is not finite.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        for name, table in (("input", self._tables.input), ("output", self._tables.output)):
            rows = self._rows.to(table.weight.device)
            bad = ~torch.isfinite(table.weight[rows]).all(1).cpu()
            if bad.any():
                raise self.error(name, int(self._rows[bad][0]))

    def error(self, table: str, row: int) -> DivergenceError:
        """The error for a row that is lost, with the likely cause and what to do."""
        config, counts = self._config, self._vocabulary.counts
        share = float(counts[0] / max(1, counts.sum()))
        what = "the loss is"
        if table == "input" or (table and config.loss == "ns"):
            what = f"the vector of {self._vocabulary[row]!r:.60} is"
        cause = f"the learning rate, {config.lr:g}, is too high"
        way = f"a lower --lr, such as {config.lr / 4:.2g}"
        if share > 0.05 and config.sample == 0:
            cause += f", or {self._vocabulary[0]!r:.60}, {share:.0%} of all tokens, too frequent"
            way += ", or --sample 1e-3"
        return DivergenceError(f"training diverged: {what} not a finite number any more; likely {cause}; try {way}")
