"""The training step as a torch operator, ``torch.ops.item2vec.ns_step``, dispatched by device.

It is defined by ``torch.library.Library`` and not by ``torch.library.custom_op``, whose first call imports torch's
compiler (3 s, 70 MB) and whose every call takes 0.4 ms in Python.

On the CPU it is a numba kernel on the tensors' own memory: `item2vec.model.tile_kernel` for skip-gram with negative
sampling, `item2vec.model.cbow_kernel` for CBOW, `item2vec.model.path_kernel` for hierarchical softmax. On any other
device, and as the oracle of every test, it is the same equation in plain torch, a tile or a part of one at a time
(`item2vec.model.reference`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.cbow_kernel import train_cbow
from item2vec.model.huffman import expand_paths
from item2vec.model.path_kernel import train_paths
from item2vec.model.reference import Frozen, Members, pair_step
from item2vec.model.tile_kernel import train_tiles
from item2vec.model.tile_scratch import padded, tile_extent
from item2vec.model.work_space import WorkSpace, paths_of
from item2vec.sampling.window_batch import Pairs, WindowBatch, expand, expand_positives

_library = torch.library.Library("item2vec", "DEF")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "ns_step(Tensor(a!) input, Tensor(b!) output, Tensor items, Tensor start, Tensor stop, Tensor tiles, "
    "Tensor negatives, int negative, float lr, bool cbow=False, Tensor? frozen_input=None, Tensor? frozen_output=None) "
    "-> Tensor"
)
_library.define(  # type: ignore[no-untyped-call]
    "hs_step(Tensor(a!) input, Tensor(b!) output, Tensor items, Tensor start, Tensor stop, Tensor tiles, Tensor tree, "
    "float lr, bool cbow=False, Tensor? frozen_input=None, int workers=1) -> Tensor"
)
ns_step = torch.ops.item2vec.ns_step.default
"""Negative sampling; `reference_step` says what it takes, does and returns."""
hs_step = torch.ops.item2vec.hs_step.default
"""Hierarchical softmax; `reference_path_step` says what it takes, does and returns."""


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
    batch = _as_batch(items, start, stop, tiles, negatives)
    _extent(batch, len(input))
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
        copies of the nodes near the root (`item2vec.model.private_rows`); it means nothing here.

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
    batch = _as_batch(items, start, stop, tiles, torch.empty(len(tiles) - 1, 0))
    ways = np.ascontiguousarray(tree.cpu().numpy(), np.int32)
    _extent(batch, len(input))
    paths_of(tree, len(input))
    pairs = expand_paths(batch, ways, cbow)
    loss = _part_steps(input, output, pairs, lr, (frozen_input, None))
    count = float(len(expand_positives(batch, cbow).centre))
    return torch.tensor([float(loss), count, 0.0], dtype=torch.float64, device=input.device)


def _as_batch(*parts: Tensor) -> WindowBatch:
    """The batch that the tensors hold: no copy where they are contiguous, of the right type and on the CPU."""
    types = (np.int32, np.int64, np.int64, np.int64, np.int32)
    return WindowBatch(
        *(np.ascontiguousarray(part.cpu().numpy(), kind) for part, kind in zip(parts, types, strict=True))
    )


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
    pairs: Pairs, device: torch.device, which: npt.NDArray[np.bool_] | slice = slice(None)
) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Members | None]:
    """Make tensors of explicit pairs: context, target, label and weight; and the members of CBOW's hidden vectors."""

    def tensor(part: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(part)).to(device)

    context, target, label, weight = (
        tensor(part[which]) for part in (pairs.context, pairs.target, pairs.label, pairs.weight)
    )
    members = None if pairs.members is None else (tensor(pairs.members[0]), tensor(pairs.members[1]))
    return (context, target, label, weight), members


def _largest_square(table: Tensor, rows: npt.NDArray[np.int32]) -> Tensor:
    """Return the largest squared norm of some rows."""
    return table[torch.from_numpy(rows.astype(np.int64)).to(table.device)].square().sum(1).max()


def _cpu_step(
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
    batch = _as_batch(items, start, stop, tiles, negatives)
    return torch.from_numpy(kernel_step(input, output, batch, negative, lr, cbow, (frozen_input, frozen_output)))


def _cpu_path_step(
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
    batch = _as_batch(items, start, stop, tiles, torch.empty(len(tiles) - 1, 0))
    with _flat(input, output) as tables:
        size, dim = input.shape
        reach = _extent(batch, size)[2]
        paths = paths_of(tree, size)
        scratch = _local.target_space(2 * reach + 1, paths.longest, dim)
        sums = train_paths(
            *tables, padded(dim), dim, batch.items, batch.start, batch.stop, batch.tiles, paths[:2],
            np.float32(lr), scratch, reach, True if cbow else None,
            (_frozen_array(frozen_input, size), _frozen_array(None, size)),
            _local.private_rows(max(0, size - 1), dim, workers),
        )  # fmt: skip
    return torch.from_numpy(np.array(sums))


def _frozen_array(rows: Tensor | None, size: int) -> npt.NDArray[np.uint8]:
    """The mask of frozen rows as the kernels take it."""
    if rows is None:
        return np.zeros(0, np.uint8)
    if len(rows) not in (0, size):
        raise TrainingError(f"there are {len(rows):,} marks of frozen rows for a table of {size:,}")
    return np.ascontiguousarray(rows.numpy(), np.uint8)


def _fake_step(input: Tensor, *_: object) -> Tensor:
    """Shape, type and device of the result, for torch's tracing."""
    return torch.empty(3, dtype=torch.float64, device=input.device)


for _name, _reference, _cpu in (
    ("ns_step", reference_step, _cpu_step),
    ("hs_step", reference_path_step, _cpu_path_step),
):
    _library.impl(_name, _reference, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    _library.impl(_name, _cpu, "CPU")  # type: ignore[no-untyped-call]
    _library.impl(_name, _fake_step, "Meta")  # type: ignore[no-untyped-call]


def kernel_step(
    input: Tensor,
    output: Tensor,
    batch: WindowBatch,
    negative: int,
    lr: float,
    cbow: bool = False,
    frozen: Frozen = (None, None),
) -> npt.NDArray[np.float64]:
    """Run the CPU kernel on the tables' memory; takes and returns what `ns_step` does.

    Raises
    ------
    TrainingError
        If a table is not float32, or an index is out of range.
    """
    with _flat(input, output) as tables:
        size, dim = input.shape
        extent, drawn = _extent(batch, size), batch.negatives.shape[1]
        arrays = batch.items, batch.start, batch.stop, batch.tiles
        negatives, masks = batch.negatives.ravel(), (_frozen_array(frozen[0], size), _frozen_array(frozen[1], size))
        if cbow:
            scratch = _local.target_space(2 * extent[2] + 1, drawn, dim)
            sums = train_cbow(
                *tables, padded(dim), dim, *arrays, negatives, negative, np.float32(lr), scratch, extent[2], masks
            )
        else:
            sums = train_tiles(
                *tables, padded(dim), dim, *arrays, negatives, negative, np.float32(lr),
                _local.work_space(extent, drawn, dim), masks,
            )  # fmt: skip
    return np.array(sums)


@contextmanager
def _flat(*tables: Tensor) -> Iterator[list[npt.NDArray[np.float32]]]:
    """The tables' memory as the kernel reads it: itself, or a copy that is copied back in the end."""
    for table in tables:
        if table.dtype != torch.float32 or table.shape != tables[0].shape:
            raise TrainingError(
                f"a table is {table.dtype} {tuple(table.shape)}; both must be float32 {tuple(tables[0].shape)}"
            )
    laid = [_laid_out(table) for table in tables]
    yield [torch.as_strided(table, (len(table) * padded(table.shape[1]),), (1,)).numpy() for table in laid]
    for table, used in zip(tables, laid, strict=True):
        if used is not table:
            table.copy_(used)


def _laid_out(table: Tensor) -> Tensor:
    """Return the table itself where its rows are padded as the kernel reads them, else a copy that is."""
    size, dim = table.shape
    if table.stride() == (padded(dim), 1):
        return table
    copy = torch.zeros(size, padded(dim))[:, :dim]
    copy.copy_(table)
    return copy


def _extent(batch: WindowBatch, rows: int) -> tuple[int, int, int]:
    """Check a batch's indices against its own arrays and the rows of the tables; returns its `tile_extent`."""
    extent = tile_extent(batch.items, batch.start, batch.stop, batch.tiles, batch.negatives, rows)
    if extent[0] < 0:
        raise TrainingError("the window batch has an index outside its items or the tables")
    return extent[0], extent[1], extent[2]


_local = WorkSpace()
