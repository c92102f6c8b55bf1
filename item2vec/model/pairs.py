"""One window batch in plain torch, in place: what the operators of `item2vec.model.step` are to do.

They are the oracle of the kernels, which they equal up to rounding, and the operators on every device but the CPU. The
equation is `item2vec.model.reference`'s, on a tile or a part of the batch's explicit pairs at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.cpu.scratch import paths_of, tile_extent
from item2vec.model.huffman import expand_paths
from item2vec.model.reference import Frozen, Members, pair_step
from item2vec.sampling.window_batch import Pairs, WindowBatch, expand, expand_positives

# What the operators are given, as the arrays of a window batch; and the check of its indices.


def as_batch(*parts: Tensor) -> WindowBatch:
    """Return the batch that the tensors hold: no copy where they are contiguous, of the right type and on the CPU."""
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


def reference_step(
    input: Tensor,
    output: Tensor,
    items: Tensor,
    start: Tensor,
    stop: Tensor,
    tiles: Tensor,
    negatives: Tensor,
    negative: int,
    lr: float,
    cbow: bool = False,
    frozen_input: Tensor | None = None,
    frozen_output: Tensor | None = None,
) -> Tensor:
    """One window batch with negative sampling, tile after tile, in place.

    Parameters
    ----------
    input, output : float32 [V,d]
        The tables. On the CPU, those of `EmbeddingTables` are used as they lie; others are copied there and back.
    items : int32 [M]
    start, stop, tiles : int64 [M], [M], [T+1]
    negatives : int32 [T,N]
        See `item2vec.sampling.WindowBatch`.
    negative : int
        K, the negatives that a pair is worth: each of a tile's N counts K/N.
    lr : float
    cbow : bool
        False: skip-gram, each context of a centre predicts it. True: CBOW, their mean does.
    frozen_input, frozen_output : uint8 [V] or [0] or None
        Not 0 where a row stays as it is.

    Returns
    -------
    float64 [3]
        Loss summed over the positive pairs (in CBOW: the centres that have a context), their number, and the tiles
        whose step was limited (0 here: not counted).

    Raises
    ------
    TrainingError
        If an index is out of range.
    """
    batch = as_batch(items, start, stop, tiles, negatives)
    checked_extent(batch, len(input))
    pairs = expand(batch, negative, cbow)
    frozen = frozen_input, frozen_output
    if cbow:
        loss = _part_steps(input, output, pairs, lr, frozen)
    else:
        loss = sum(_tile_step(input, output, batch, pairs, t, lr, frozen) for t in range(len(batch.tiles) - 1))
    count = float(pairs.label.sum(dtype=np.float64))
    return torch.tensor([float(loss), count, 0.0], dtype=torch.float64, device=input.device)


def reference_path_step(
    input: Tensor,
    output: Tensor,
    items: Tensor,
    start: Tensor,
    stop: Tensor,
    tiles: Tensor,
    tree: Tensor,
    lr: float,
    cbow: bool = False,
    frozen_input: Tensor | None = None,
    workers: int = 1,
) -> Tensor:
    """One window batch with hierarchical softmax, a centre after the other, in place.

    Parameters
    ----------
    input, output, items, start, stop, tiles, lr, cbow, frozen_input
        As for `reference_step`; the rows of the output table are the inner nodes of the tree, the last one is not used.
    tree : int32 [2V-1]
        See `item2vec.model.huffman.huffman_tree`.
    workers : int
        How many threads step on the tables at the same time, each by a call of its own. The CPU's kernel then steps on
        copies of the nodes near the root (`item2vec.model.cpu.rows`); it means nothing here.

    Returns
    -------
    float64 [3]
        Loss summed over the pairs of a context (in CBOW: of a mean) and a centre, and over the nodes of its path; the
        number of these pairs; the steps that were limited (0 here: not counted).

    Raises
    ------
    TrainingError
        If an index is out of range.
    """
    batch = as_batch(items, start, stop, tiles, torch.empty(len(tiles) - 1, 0))
    ways = np.ascontiguousarray(tree.cpu().numpy(), np.int32)
    checked_extent(batch, len(input))
    paths_of(tree, len(input))
    pairs = expand_paths(batch, ways, cbow)
    loss = _part_steps(input, output, pairs, lr, (frozen_input, None))
    count = float(len(expand_positives(batch, cbow).centre))
    return torch.tensor([float(loss), count, 0.0], dtype=torch.float64, device=input.device)


def _part_steps(input: Tensor, output: Tensor, pairs: Pairs, lr: float, frozen: Frozen) -> float:
    """`pair_step` on the pairs that step at once, one part after the other; returns the loss."""
    loss = 0.0
    for part in range(int(pairs.tile.max(initial=-1)) + 1):
        parts, members = pair_tensors(pairs, input.device, pairs.tile == part)
        loss += float(pair_step(input, output, *parts, lr, members=members, frozen=frozen))
    return loss


def _tile_step(
    input: Tensor, output: Tensor, batch: WindowBatch, pairs: Pairs, t: int, lr: float, frozen: Frozen
) -> float:
    """`pair_step` on the pairs of one tile of skip-gram; returns the loss."""
    of_tile = pairs.tile == t
    if not of_tile.any():
        return 0.0
    parts, _ = pair_tensors(pairs, input.device, of_tile)
    centres = slice(batch.tiles[t], batch.tiles[t + 1])
    low, high = min(batch.start[centres].min(), centres.start), max(batch.stop[centres].max(), centres.stop)
    x_most = _largest_square(input, batch.items[low:high])
    y_most = _largest_square(output, np.concatenate([batch.items[centres], batch.negatives[t]]))
    return float(pair_step(input, output, *parts, lr, most=(x_most, y_most), frozen=frozen))


def pair_tensors(
    pairs: Pairs, device: torch.device, which: NDArray[np.bool_] | slice = slice(None)
) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Members | None]:
    """Make tensors of explicit pairs: context, target, label and weight; and the members of CBOW's hidden vectors."""

    def tensor(part: NDArray[Any]) -> Tensor:
        """Return the chosen part on the device."""
        return torch.from_numpy(np.ascontiguousarray(part)).to(device)

    context, target, label, weight = (
        tensor(part[which]) for part in (pairs.context, pairs.target, pairs.label, pairs.weight)
    )
    members = None if pairs.members is None else (tensor(pairs.members[0]), tensor(pairs.members[1]))
    return (context, target, label, weight), members


def _largest_square(table: Tensor, rows: NDArray[np.int32]) -> Tensor:
    """Return the largest squared norm of some rows."""
    return table[torch.from_numpy(rows.astype(np.int64)).to(table.device)].square().sum(1).max()
