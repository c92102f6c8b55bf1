"""The work space of each thread that runs the CPU kernels: made once, and anew only if it is too small."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.hidden import HiddenScratch, make_hidden_scratch
from item2vec.model.huffman import longest_path
from item2vec.model.path_kernel import PathScratch, make_path_scratch
from item2vec.model.tile_scratch import Scratch, make_scratch


def check_tree(tree: npt.NDArray[np.int32], rows: int) -> int:
    """Check that the tree is one of a table's rows; returns its longest path."""
    longest = int(longest_path(tree, rows))
    if longest < 0:
        raise TrainingError(f"the tree is not one of {rows:,} items")
    return longest


class WorkSpace(threading.local):
    """Each thread's work space, and the sizes that it was made for."""

    extent: tuple[int, ...] = (-1, -1, -1)
    shape: tuple[int, int] = (-1, -1)
    scratch: Scratch
    hidden: HiddenScratch
    path_sizes: tuple[int, int, int, bool] = (-1, -1, -1, False)
    path: PathScratch
    checked: tuple[Tensor, int, int] | None = None
    longest: int = 0

    def work_space(self, extent: tuple[int, ...], negatives: int, dim: int) -> tuple[Scratch, HiddenScratch]:
        """Work space for tiles of that extent; made anew only if too small."""
        there = self.extent if self.shape == (negatives, dim) else (-1, -1, -1)
        if any(needed > had for needed, had in zip(extent, there, strict=True)):
            rows, centres, reach = map(max, extent, there)
            self.scratch = make_scratch(rows, centres, reach, negatives, dim)
            self.hidden = make_hidden_scratch(rows, centres, dim)
            self.extent, self.shape = (rows, centres, reach), (negatives, dim)
        return self.scratch, self.hidden

    def path_length(self, tree: Tensor, ways: npt.NDArray[np.int32], rows: int) -> int:
        """Check a tree and return its longest path, once for each tree."""
        last = self.checked
        if last is None or last[0] is not tree or last[1:] != (tree._version, rows):
            self.longest, self.checked = check_tree(ways, rows), (tree, tree._version, rows)
        return self.longest

    def path_space(self, sizes: tuple[int, int, int, bool]) -> PathScratch:
        """Work space for windows, paths and dimension of that size; made anew only if too small."""
        same = sizes[2:] == self.path_sizes[2:]
        if not same or any(needed > had for needed, had in zip(sizes, self.path_sizes, strict=True)):
            window, path = (max(sizes[i], self.path_sizes[i]) if same else sizes[i] for i in range(2))
            self.path = make_path_scratch(window, path, *sizes[2:])
            self.path_sizes = window, path, *sizes[2:]
        return self.path
