"""What the operators are given, as the arrays of a window batch; and the check of its indices."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.tile_scratch import tile_extent
from item2vec.sampling.window_batch import WindowBatch


def as_batch(*parts: Tensor) -> WindowBatch:
    """The batch that the tensors hold: no copy where they are contiguous, of the right type and on the CPU."""
    types = (np.int32, np.int64, np.int64, np.int64, np.int32)
    return WindowBatch(
        *(np.ascontiguousarray(part.cpu().numpy(), kind) for part, kind in zip(parts, types, strict=True))
    )


def checked_extent(batch: WindowBatch, rows: int) -> tuple[int, int, int]:
    """Check a batch's indices against its own arrays and the rows of the tables; returns its `tile_extent`.

    Raises
    ------
    TrainingError
        If one is out of range.
    """
    extent = tile_extent(batch.items, batch.start, batch.stop, batch.tiles, batch.negatives, rows)
    if extent[0] < 0:
        raise TrainingError("the window batch has an index outside its items or the tables")
    return extent[0], extent[1], extent[2]
