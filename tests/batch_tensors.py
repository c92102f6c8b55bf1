"""Window batches as the training step takes them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from item2vec.model.pairs import reference_path_step, reference_step
from item2vec.sampling.window_batch import WindowBatch


def tensors(batch: WindowBatch) -> tuple[Tensor, ...]:
    """The batch's arrays, in the operator's order."""
    return tuple(map(torch.from_numpy, (batch.items, batch.start, batch.stop, batch.tiles, batch.negatives)))


def reference(
    tables: tuple[Tensor, Tensor], batch: WindowBatch, negative: int, lr: float, cbow: bool = False
) -> list[float]:
    """One step of the plain torch reference, in place."""
    return list(reference_step(*tables, *tensors(batch), negative, lr, cbow).tolist())


def path_reference(
    tables: tuple[Tensor, Tensor], batch: WindowBatch, tree: Tensor, lr: float, cbow: bool = False
) -> list[float]:
    """One step of the plain torch reference of hierarchical softmax, in place."""
    return list(reference_path_step(*tables, *tensors(batch)[:4], tree, lr, cbow).tolist())


def bad_batches() -> dict[str, WindowBatch]:
    """Batches with one thing wrong each, for tables of 4 rows."""

    def make(**parts: list[int] | list[list[int]]) -> WindowBatch:
        good = {"items": [0, 1, 2], "start": [0, 0, 1], "stop": [2, 3, 3], "tiles": [0, 2, 3], "negatives": [[0], [1]]}
        kinds = {"items": np.int32, "negatives": np.int32}
        return WindowBatch(
            **{name: np.array(value, kinds.get(name, np.int64)) for name, value in (good | parts).items()}
        )

    return {
        "item": make(items=[0, 1, 4]),
        "negative item": make(items=[0, -1, 2]),
        "negative": make(negatives=[[0], [4]]),
        "negative negative": make(negatives=[[-1], [1]]),
        "start": make(start=[0, -1, 1]),
        "stop": make(stop=[2, 3, 4]),
        "crossed": make(start=[0, 0, 3], stop=[2, 3, 2]),
        "tiles beyond": make(tiles=[0, 2, 4]),
        "tiles before": make(tiles=[-1, 2, 3]),
        "tiles back": make(tiles=[0, 2, 1]),
        "tiles and negatives": make(negatives=[[0]]),
        "short start": make(start=[0, 0]),
        "long stop": make(stop=[2, 3, 3, 3]),
    }
