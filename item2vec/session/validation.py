"""Validation while training: a metric after each epoch, the best epoch's vectors, and when to stop."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.config.scoring import Scoring
from item2vec.config.validation import ValidationConfig
from item2vec.evaluation.items import user_values
from item2vec.evaluation.ranking import model_scorer
from item2vec.evaluation.sequences import Catalogue, leave_last_out, read_sequences, with_targets
from item2vec.files.fingerprint import fingerprint
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors

USERS = 5_000  # looked at after each epoch: enough to tell epochs apart, as all are judged by the same ones
_SEED = 20_130_116


class Validation:
    """Held-out items that are looked for after each epoch.

    At most `USERS` sequences are looked at, the same ones each time. Items of a history are not recommended again.

    Parameters
    ----------
    vocabulary : Vocabulary
        That of the training.
    config : ValidationConfig
    scoring : Scoring or None
        How they are looked for: None is input times output vectors, the history's mean.

    Attributes
    ----------
    values : list of float
        The metric after each epoch.
    best : tuple of two arrays, float32 [V, d], or None
        Input and output vectors after the best epoch.

    Raises
    ------
    CorpusError
        If a file cannot be read or has nothing to evaluate.
    """

    def __init__(self, vocabulary: Vocabulary, config: ValidationConfig, scoring: Scoring | None = None) -> None:
        self.config = config
        self.scoring = scoring or Scoring()
        self.values: list[float] = []
        self.best: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._vocabulary = vocabulary
        catalogue = Catalogue(vocabulary)
        sequences = read_sequences(config.validate, catalogue, delimiter=config.delimiter)
        if config.validate_targets is None:
            held = leave_last_out(sequences)
        else:
            held = with_targets(
                sequences, read_sequences(config.validate_targets, catalogue, delimiter=config.delimiter)
            )
        chosen = np.arange(len(held))
        if len(held) > USERS:
            chosen = np.sort(np.random.default_rng(_SEED).choice(len(held), USERS, replace=False))
        self._held = replace(held, histories=held.histories.select(chosen), targets=held.targets.select(chosen))

    @property
    def best_epoch(self) -> int:
        """The epoch of the highest value, from 1; 0 before the first."""
        return int(np.argmax(self.values)) + 1 if self.values else 0

    def evaluate(self, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> float:
        """Return the metric of two tables, float32 [V, d]."""
        model = KeyedVectors(inputs, outputs, self._vocabulary)
        scorer = model_scorer(model, self._held.histories, self.scoring)
        return float(user_values(scorer, len(model), self._held, self.config.metric).mean())

    def after_epoch(self, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> bool:
        """Evaluate, keep copies of the tables if they are the best so far, and say whether to go on."""
        value = self.evaluate(inputs, outputs)
        if not self.values or value > max(self.values):
            self.best = (np.array(inputs, order="C"), np.array(outputs, order="C"))
        self.values.append(value)
        epoch = len(self.values)
        return not self.config.patience or epoch - self.best_epoch < self.config.patience

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for values to be comparable, as JSON values."""
        held = (
            self._held.histories.items,
            self._held.histories.offsets,
            self._held.targets.items,
            self._held.targets.offsets,
        )
        return {
            "metric": self.config.metric,
            "patience": self.config.patience,
            "scoring": asdict(self.scoring),
            "held_out": fingerprint(*held),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return what was found, as plain JSON values."""
        return {"metric": self.config.metric, "values": self.values, "best_epoch": self.best_epoch}
