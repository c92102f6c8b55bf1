"""Where a training run stands, what it did, and the state from which it can go on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TrainState:
    """A run between two shards, while no worker runs: with the tables, all that it needs to go on.

    Random numbers follow from the seed and a shard's number, the learning rate from the number alone.

    Attributes
    ----------
    shards : int
        Done, of all epochs.
    epochs_closed : int
        Epochs that ended and were looked at.
    seconds : float
        Of training so far.
    sums : float64 [epochs, 3]
        Loss, pairs and limited tiles, by epoch.
    """

    shards: int
    epochs_closed: int
    seconds: float
    sums: NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """Where a training run stands.

    Attributes
    ----------
    epoch, epochs : int
        The current one, from 1, and how many there will be.
    done : float
        Share of all tokens of all epochs, 0 to 1.
    loss : float
        Mean loss of a pair in the current epoch so far, or in the last one that had any; NaN before the first.
    lr : float
    tokens : int
        Raw tokens of all epochs so far.
    tokens_per_second : float
        Raw tokens a second since the start.
    seconds, seconds_left : float
    """

    epoch: int
    epochs: int
    done: float
    loss: float
    lr: float
    tokens: int
    tokens_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class Epoch:
    """An epoch that has ended.

    Attributes
    ----------
    number, epochs : int
        Which one, from 1, and how many there are to be.
    tokens : int
        Raw tokens of all epochs so far.
    loss : float
        Mean loss of a pair in this epoch; NaN if it had none.
    lr : float
        At its end.
    value : float or None
        What validation found, where there is any.
    seconds : float
        Of training, since the start.
    tokens_per_second : float
    """

    number: int
    epochs: int
    tokens: int
    loss: float
    lr: float
    value: float | None
    seconds: float
    tokens_per_second: float


@dataclass(frozen=True)
class TrainResult:
    """What a training run did.

    Attributes
    ----------
    losses : tuple of float
        Mean loss of a pair, by epoch; each pair's before its step, summed in float64.
    pairs : int
        Positive pairs trained, of all epochs.
    limited : int
        Tiles whose step was limited.
    seconds : float
    tokens_per_second : float
        Raw tokens of all epochs over seconds.
    done : float
        Share of the run that was done: 1 unless it was stopped.
    epoch : int
        The last epoch that was worked on, from 1.
    """

    losses: tuple[float, ...]
    pairs: int
    limited: int
    seconds: float
    tokens_per_second: float
    done: float
    epoch: int
