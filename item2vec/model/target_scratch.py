"""The work space of a worker for the kernels of CBOW and of hierarchical softmax."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from item2vec.model.row_scores import BLOCK
from item2vec.model.row_steps import MOST_ROWS
from item2vec.model.simd import LANES
from item2vec.model.tile_scratch import SEEN, aligned, padded
from item2vec.sampling.window_batch import CBOW_CENTRES


class TargetScratch(NamedTuple):
    """Work space of one worker, all arrays flat; `make_target_scratch` gives their sizes."""

    hidden: npt.NDArray[Any]
    errors: npt.NDArray[Any]
    hidden_at: npt.NDArray[Any]
    G: npt.NDArray[Any]
    weights: npt.NDArray[Any]
    pair_weights: npt.NDArray[Any]
    signs: npt.NDArray[Any]
    drawn_weights: npt.NDArray[Any]
    squares: npt.NDArray[Any]
    contexts: npt.NDArray[Any]
    contexts_at: npt.NDArray[Any]
    targets: npt.NDArray[Any]
    targets_at: npt.NDArray[Any]
    bounds: npt.NDArray[Any]
    row_step: npt.NDArray[Any]
    target_step: npt.NDArray[Any]
    steps: npt.NDArray[Any]
    seen: npt.NDArray[Any]
    keys: npt.NDArray[Any]
    totals: npt.NDArray[Any]
    spare: npt.NDArray[Any]


def make_target_scratch(window: int, targets: int, dim: int) -> TargetScratch:
    """Work space for windows of at most so many items and at most so many targets of a centre."""
    width, room = padded(dim), padded(targets + BLOCK + CBOW_CENTRES) + LANES
    contexts = CBOW_CENTRES * window + BLOCK
    slots = 1 << int(2 * contexts).bit_length()
    return TargetScratch(
        hidden=aligned(MOST_ROWS * width),
        errors=aligned(MOST_ROWS * width),
        hidden_at=np.arange(MOST_ROWS, dtype=np.int64) * width,
        G=aligned(MOST_ROWS * room),
        weights=aligned(MOST_ROWS * room),
        pair_weights=aligned(CBOW_CENTRES * room),
        signs=aligned(room),
        drawn_weights=aligned(room),
        squares=aligned(room),
        contexts=np.zeros(contexts, np.int32),
        contexts_at=np.zeros(contexts, np.int64),
        targets=np.zeros(room, np.int32),
        targets_at=np.zeros(room, np.int64),
        bounds=np.arange(MOST_ROWS + 1),
        row_step=aligned(MOST_ROWS),
        target_step=aligned(room),
        steps=aligned(contexts),
        seen=np.full(SEEN, -1, np.int64),
        keys=np.full(slots, -1, np.int64),
        totals=np.zeros(slots, np.float32),
        spare=aligned((contexts + room) * width),
    )
