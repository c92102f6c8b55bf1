"""How a worker trains on a batch: through the operator's CPU kernel, or on explicit pairs in plain torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from item2vec.config import TrainConfig
from item2vec.errors import TrainingError
from item2vec.model.reference import pair_step
from item2vec.model.step import skipgram_step
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import WindowBatch, expand

_KERNEL_SHARD = 32_768  # tokens; some 10 ms of work at the defaults, so that Python's share stays under a percent
_KERNEL_WORK = 2e9  # multiply-adds a shard at most: a tenth of a second, which is how long Ctrl-C may have to wait
_TORCH_SHARD = 512  # tokens a step: more would sum too many steps of one frequent item from the same old row
_TORCH_WORK = 2e7


@dataclass(frozen=True)
class KernelStep:
    """``torch.ops.item2vec.skipgram_step`` on the CPU; any number of threads at once (Hogwild)."""

    negative: int
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    parallel: bool = True
    tile: tuple[int, int] | None = None

    def longest_shard(self, config: TrainConfig, tile: tuple[int, int]) -> int:
        """Return the most tokens of a batch: so many that workers stop within a moment."""
        centres, negatives = tile
        rows = 1 + 2 * config.window / centres  # that a tile gathers for each centre
        work = config.dim * (negatives * rows + 3 * 2 * config.window)
        return int(max(1, min(_KERNEL_SHARD, _KERNEL_WORK / work)))

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> npt.NDArray[np.float64]:
        """Train on the batch; returns loss, pairs and limited tiles."""
        parts = (batch.items, batch.start, batch.stop, batch.tiles, batch.negatives)
        sums = skipgram_step(
            tables.input.weight, tables.output.weight, *map(torch.from_numpy, parts), self.negative, lr
        )
        return np.asarray(sums.numpy())


@dataclass(frozen=True)
class TorchStep:
    """The reference equation on a batch's explicit pairs, one summed step a batch, on any torch device."""

    negative: int
    device: torch.device
    parallel: bool = False

    def longest_shard(self, config: TrainConfig, tile: tuple[int, int]) -> int:
        """Return the most tokens of a batch: so many that a step takes a moment."""
        work = config.dim * 2 * config.window * (1 + config.negative)
        return int(max(1, min(_TORCH_SHARD, _TORCH_WORK / work)))

    @property
    def tile(self) -> tuple[int, int]:
        """Exact negatives, K a centre: sharing saves nothing here."""
        return 1, self.negative

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> npt.NDArray[np.float64]:
        """Train on the batch; returns loss, pairs and 0."""
        pairs = expand(batch, self.negative)
        if not len(pairs.label):
            return np.zeros(3)
        context, target, label, weight = (
            torch.from_numpy(part).to(self.device) for part in (pairs.context, pairs.target, pairs.label, pairs.weight)
        )
        loss = pair_step(tables.input.weight, tables.output.weight, context, target, label, weight, lr)
        return np.array([float(loss), float(pairs.label.sum(dtype=np.float64)), 0.0])


Step = KernelStep | TorchStep


def make_step(config: TrainConfig) -> Step:
    """Choose the step by ``config.backend`` and ``config.device``.

    Raises
    ------
    TrainingError
        If the device is not there.
    """
    has_cuda = torch.cuda.is_available()
    if config.device == "cuda" and not has_cuda:
        raise TrainingError("device cuda is not available to torch here; use --device cpu")
    if config.backend == "torch":
        use_cuda = has_cuda and config.device != "cpu"
        return TorchStep(config.negative, torch.device("cuda" if use_cuda else "cpu"))
    if config.device == "cuda":
        return TorchStep(config.negative, torch.device("cuda"))
    return KernelStep(config.negative)
