"""How a worker trains on a batch: through the operator's CPU kernel, or on explicit pairs in plain torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from item2vec.config.train import TrainConfig
from item2vec.errors import TrainingError
from item2vec.model.huffman import expand_paths
from item2vec.model.pairs import pair_tensors
from item2vec.model.reference import pair_step
from item2vec.model.step import hs_step, ns_step
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.window_batch import WindowBatch, expand, expand_positives

_KERNEL_SHARD = 32_768  # tokens; some 10 ms of work at the defaults, so that Python's share stays under a percent
_KERNEL_WORK = 2e9  # multiply-adds a shard at most: a tenth of a second, which is how long Ctrl-C may have to wait
_TORCH_SHARD = 512  # tokens a step: more would sum too many steps of one frequent item from the same old row
_TORCH_PATH_SHARD = 16  # every token steps on the nodes near the root
_TORCH_WORK = 2e7


@dataclass(frozen=True)
class KernelStep:
    """``torch.ops.item2vec.ns_step`` on the CPU; any number of threads at once (Hogwild)."""

    negative: int
    cbow: bool = False
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    parallel: bool = True
    tile: tuple[int, int] | None = None

    def longest_shard(self, config: TrainConfig, tile: tuple[int, int]) -> int:
        """Return the most tokens of a batch: so many that workers stop within a moment."""
        centres, negatives = tile
        rows = 1 + 2 * config.window / centres  # that a tile gathers for each centre
        work = config.dim * (negatives * rows + 3 * 2 * config.window)
        return int(max(1, min(_KERNEL_SHARD, _KERNEL_WORK / work)))

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> NDArray[np.float64]:
        """Train on the batch; returns loss, pairs and limited tiles."""
        parts = (batch.items, batch.start, batch.stop, batch.tiles, batch.negatives)
        sums = ns_step(
            tables.input.weight, tables.output.weight, *map(torch.from_numpy, parts), self.negative, lr, self.cbow,
            tables.frozen_input, tables.frozen_output,
        )  # fmt: skip
        return np.asarray(sums.numpy())


@dataclass(frozen=True)
class PathStep:
    """``torch.ops.item2vec.hs_step`` on the CPU; any number of threads at once (Hogwild)."""

    tree: torch.Tensor
    cbow: bool = False
    workers: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    parallel: bool = True
    tile: tuple[int, int] = (_KERNEL_SHARD, 0)  # nothing is drawn

    def longest_shard(self, config: TrainConfig, tile: tuple[int, int]) -> int:
        """Return the most tokens of a batch: so many that workers stop within a moment."""
        rows = 1 if self.cbow else 2 * config.window
        work = config.dim * (3 * rows * math.log2(2 + len(self.tree)) + 2 * config.window)
        return int(max(1, min(_KERNEL_SHARD, _KERNEL_WORK / work)))

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> NDArray[np.float64]:
        """Train on the batch; returns loss, pairs and limited steps."""
        parts = (batch.items, batch.start, batch.stop, batch.tiles)
        sums = hs_step(
            tables.input.weight, tables.output.weight, *map(torch.from_numpy, parts), self.tree, lr, self.cbow,
            tables.frozen_input, self.workers,
        )  # fmt: skip
        return np.asarray(sums.numpy())


@dataclass(frozen=True)
class TorchStep:
    """The reference equation on a batch's explicit pairs, one summed step a batch, on any torch device."""

    negative: int
    cbow: bool
    device: torch.device
    tree: torch.Tensor | None = None
    parallel: bool = False

    def longest_shard(self, config: TrainConfig, tile: tuple[int, int]) -> int:
        """Return the most tokens of a batch: so many that a step takes a moment."""
        targets = 1 + config.negative if self.tree is None else math.log2(2 + len(self.tree))
        work = config.dim * 2 * config.window * targets
        return int(max(1, min(_TORCH_SHARD if self.tree is None else _TORCH_PATH_SHARD, _TORCH_WORK / work)))

    @property
    def tile(self) -> tuple[int, int]:
        """Exact negatives, K a centre: sharing saves nothing here."""
        return (1, self.negative) if self.tree is None else (_TORCH_PATH_SHARD, 0)

    def __call__(self, tables: EmbeddingTables, batch: WindowBatch, lr: float) -> NDArray[np.float64]:
        """Train on the batch; returns loss, pairs and 0."""
        if self.tree is None:
            pairs = expand(batch, self.negative, self.cbow)
        else:
            pairs = expand_paths(batch, self.tree.numpy(), self.cbow)
        if not len(pairs.label):
            return np.zeros(3)
        parts, members = pair_tensors(pairs, self.device)
        frozen = tables.frozen_input, tables.frozen_output
        loss = pair_step(tables.input.weight, tables.output.weight, *parts, lr, members=members, frozen=frozen)
        return np.array([float(loss), len(expand_positives(batch, self.cbow).centre), 0.0])


Step = KernelStep | PathStep | TorchStep


def make_step(config: TrainConfig, tree: NDArray[np.int32] | None) -> Step:
    """Choose the step by the configuration, with the items' Huffman tree, int32 [2V-1], for hierarchical softmax.

    Raises
    ------
    TrainingError
        If the device is not there.
    """
    check_device(config)
    cbow = config.arch == "cbow"
    nodes = None if tree is None else torch.from_numpy(tree)
    if config.backend == "torch" or config.device == "cuda":
        use_cuda = torch.cuda.is_available() and config.device != "cpu"
        return TorchStep(config.negative, cbow, torch.device("cuda" if use_cuda else "cpu"), nodes)
    return KernelStep(config.negative, cbow) if nodes is None else PathStep(nodes, cbow, config.worker_count)


def check_device(config: TrainConfig) -> None:
    """Raise a TrainingError if ``config.device`` is not there."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("torch cannot use cuda on this machine; use `device=cpu`")
