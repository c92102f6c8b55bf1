"""The work space of each thread that runs the CPU kernels: made once, and anew only if it is too small."""

from __future__ import annotations

import threading
import weakref

import numpy as np
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.huffman import Paths, make_paths
from item2vec.model.private_rows import PrivateRows, make_private_rows
from item2vec.model.target_scratch import TargetScratch, make_target_scratch
from item2vec.model.tile_scratch import Scratch, make_scratch

_lock = threading.Lock()
_last: tuple[weakref.ref[Tensor], int, int, Paths] | None = None


def paths_of(tree: Tensor, rows: int) -> Paths:
    """Check that the tree is one of a table's rows, and make its paths: once for each tree, for all threads.

    Raises
    ------
    TrainingError
        If it is not.
    """
    global _last
    with _lock:
        if _last is None or _last[0]() is not tree or _last[1:3] != (tree._version, rows):
            paths = make_paths(np.ascontiguousarray(tree.cpu().numpy(), np.int32), rows)
            if paths is None:
                raise TrainingError(f"the tree is not one of {rows:,} items")
            _last = weakref.ref(tree, _forget), tree._version, rows, paths
        return _last[3]


def _forget(tree: weakref.ref[Tensor]) -> None:
    """Let the paths go with their tree."""
    global _last
    if _last is not None and _last[0] is tree:
        _last = None


class WorkSpace(threading.local):
    """Each thread's work space, and the sizes that it was made for."""

    extent: tuple[int, ...] = (-1, -1, -1)
    shape: tuple[int, int] = (-1, -1)
    scratch: Scratch
    target_sizes: tuple[int, int, int] = (-1, -1, -1)
    targets: TargetScratch
    private_sizes: tuple[int, int, int] = (-1, -1, -1)
    private: PrivateRows

    def work_space(self, extent: tuple[int, ...], negatives: int, dim: int) -> Scratch:
        """Work space for tiles of that extent; made anew only if too small."""
        there = self.extent if self.shape == (negatives, dim) else (-1, -1, -1)
        if any(needed > had for needed, had in zip(extent, there, strict=True)):
            rows, centres, reach = map(max, extent, there)
            self.scratch = make_scratch(rows, centres, reach, negatives, dim)
            self.extent, self.shape = (rows, centres, reach), (negatives, dim)
        return self.scratch

    def target_space(self, window: int, targets: int, dim: int) -> TargetScratch:
        """Work space for windows, targets of a centre and dimension of that size; made anew only if too small."""
        had = self.target_sizes
        if dim != had[2] or window > had[0] or targets > had[1]:
            if dim == had[2]:
                window, targets = max(window, had[0]), max(targets, had[1])
            self.targets = make_target_scratch(window, targets, dim)
            self.target_sizes = window, targets, dim
        return self.targets

    def private_rows(self, nodes: int, dim: int, workers: int) -> PrivateRows:
        """Room for copies of the last of so many nodes; made anew only if it was made for others."""
        if self.private_sizes != (nodes, dim, workers):
            self.private = make_private_rows(nodes, dim, workers)
            self.private_sizes = nodes, dim, workers
        return self.private
