"""Trainers for tests, and a step that only takes notes."""

from __future__ import annotations

import numpy as np

from item2vec.config.train import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import WindowBatch
from item2vec.training.trainer import Trainer


def make_trainer(corpus: Corpus, **options: object) -> Trainer:
    """One thread and no subsampling, where the options say nothing else."""
    return Trainer(corpus, TrainConfig(**({"dim": 8, "threads": 1, "sample": 0.0} | options)))


class Recorder:
    """A step that notes the learning rate of each batch that is not empty, and does something instead of training."""

    def __init__(self, instead: object = None) -> None:
        self.rates: list[float] = []
        self.instead = instead

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> np.ndarray:
        if not len(batch.negatives):
            return np.zeros(3)
        self.rates.append(lr)
        if callable(self.instead):
            self.instead()
        return np.array([2.0, 1.0, 0.0])
