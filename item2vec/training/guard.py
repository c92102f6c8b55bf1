"""Guard: notices within seconds that a training diverges, by its loss and by a sample of rows, and says why."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from item2vec.config.train import TrainConfig
from item2vec.errors import DivergenceError
from item2vec.items.vocabulary import Vocabulary
from item2vec.model.huffman import path_lengths
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.draws import keep_probability

_EVERY = 1.0  # seconds between two looks
_COMMONEST = 64  # their rows take the most steps
_OTHERS = 192
_PAIRS = 20_000  # whose mean loss is known to a few per cent
_LOOKS = 5  # in a row that must be bad
_TOO_MUCH = 1.1  # times the loss of vectors that know nothing; whatever learns is soon below 1
_HARDLY = 0.95  # of the loss of vectors that know nothing
_ALIKE = 0.7  # mean cosine of two of the commonest items; after enough steps it is below a half
_LOOKED_AT = 1_000  # of the commonest items, which took the most steps
_FEWEST = 50  # items, below which all may well be alike
_RISE = 1.25  # times an earlier epoch's loss; less is usual where small corpora are learnt by heart at a high rate


class Guard:
    """Watches the tables and the loss of a training.

    Parameters
    ----------
    vocabulary : Vocabulary
    config : TrainConfig
    tables : EmbeddingTables
    tree : int32 [2V-1] or None
        With hierarchical softmax, that of the items.

    Attributes
    ----------
    nothing : float
        See `loss_of_nothing`.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        config: TrainConfig,
        tables: EmbeddingTables,
        tree: NDArray[np.int32] | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._config = config
        self._tables = tables
        size = len(vocabulary)
        others = np.linspace(0, size - 1, _OTHERS).astype(np.int64)
        self._rows = torch.from_numpy(np.union1d(np.arange(min(_COMMONEST, size)), others))
        self._next = 0.0
        self.nothing = loss_of_nothing(config, vocabulary.counts, tree)
        self._last = np.zeros(3)
        self._bad_looks = 0

    def look(self, sums: NDArray[np.float64]) -> None:
        """Look at some rows and at the loss, if the last look was long enough ago.

        Parameters
        ----------
        sums : float64 [3]
            Loss, pairs and limited tiles so far.

        Raises
        ------
        DivergenceError
            If a row holds a number that is not finite, or the loss stays above that of vectors that know nothing.
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
        self._check_recent_loss(sums)

    def _check_recent_loss(self, total: NDArray[np.float64]) -> None:
        loss, pairs, _ = total - self._last
        if pairs < _PAIRS:
            return
        self._last = total
        self._bad_looks = self._bad_looks + 1 if loss > _TOO_MUCH * self.nothing * pairs else 0
        if self._bad_looks >= _LOOKS:
            raise self._because(
                f"the mean loss of a pair is {loss / pairs:.3g}, and untrained vectors have {self.nothing:.3g}"
            )

    def error(self, table: str, row: int) -> DivergenceError:
        """Return the error for a row that is lost; an empty name of a table is for a loss that is."""
        what = "the loss is"
        if table == "input" or (table and self._config.loss == "ns"):
            what = f"the vector of {self._vocabulary[row]!r:.60} is"
        return self._because(f"{what} no longer a finite number")

    def _because(self, what: str) -> DivergenceError:
        """Return the error for what was noticed, with the likely cause and what to do."""
        config, counts = self._config, self._vocabulary.counts
        share = float(counts[0] / max(1, counts.sum()))
        cause = f"the learning rate, {config.lr:g}, is too high"
        way = f"a lower `lr`, such as {config.lr / 4:.2g}"
        if share > 0.05 and config.sample == 0:
            cause += f", or {self._vocabulary[0]!r:.60}, {share:.0%} of all tokens, too frequent"
            way += ", or `sample=1e-3`"
        return DivergenceError(f"training diverged: {what}; likely {cause}; try {way}")


def loss_of_nothing(config: TrainConfig, counts: NDArray[np.int64], tree: NDArray[np.int32] | None = None) -> float:
    """Mean loss of a pair while all scores are 0: the logarithm of 2 for each label.

    With hierarchical softmax these are as many as the centre's path is long: the mean over what subsampling leaves.
    """
    if tree is None:
        return (1 + config.negative) * math.log(2)
    kept = counts * keep_probability(counts, config.sample)
    lengths = path_lengths(tree, len(counts))
    return float(kept @ lengths / max(1.0, kept.sum())) * math.log(2)


def rise_of(losses: Sequence[float], pairs: int) -> str | None:
    """Say so if a training's loss rose much at its end.

    Parameters
    ----------
    losses : sequence of float
        By epoch.
    pairs : int
        Of all epochs; of few the loss is not known well enough.
    """
    if not losses or pairs < _PAIRS * len(losses) or losses[-1] <= _RISE * min(losses):
        return None
    best = int(np.argmin(losses))
    return (
        f"the mean loss of a pair rose from {losses[best]:.4g} in epoch {best + 1} to {losses[-1]:.4g} in epoch "
        f"{len(losses)}"
    )


def too_few_steps(inputs: NDArray[np.float32], losses: Sequence[float], nothing: float) -> str | None:
    """Say so if a training ended before it had learnt much.

    First the loss stays that of vectors that know nothing; then all input vectors follow the mean of the output
    vectors, and only later do they part.

    Parameters
    ----------
    inputs : float32 [V, d]
        By descending count.
    losses : sequence of float
        Mean loss of a pair, by epoch.
    nothing : float
        That of vectors that know nothing.
    """
    advice = f"too few steps; try `epochs={10 * len(losses)}`, or let `item2vec tune` choose"
    if losses and losses[-1] > _HARDLY * nothing:
        return (
            f"hardly anything was learnt: the mean loss of a pair is {losses[-1]:.3g} and untrained vectors "
            f"have {nothing:.3g}: {advice}"
        )
    count = min(len(inputs), _LOOKED_AT)
    if count < _FEWEST or (mean := mean_cosine(inputs[:count])) < _ALIKE:
        return None
    return (
        f"the vectors are nearly all the same: two of the {count:,} commonest items have cosine {mean:.2f} on "
        "average, and "
        f"neighbours mean little: {advice}"
    )


def mean_cosine(rows: NDArray[np.float32]) -> float:
    """Mean cosine of all pairs of two rows, float32 [n, d]; a row of zeros has 0 with every other."""
    vectors = np.array(rows, np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.where(lengths > 0, lengths, 1)
    total = units.sum(0)
    count = len(units)
    return float((total @ total - (units * units).sum()) / (count * (count - 1)))
