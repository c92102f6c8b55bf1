"""The training step as a torch operator, ``torch.ops.item2vec.skipgram_step``, dispatched by device.

It is defined by ``torch.library.Library`` and not by ``torch.library.custom_op``, whose first call imports torch's
compiler (3 s, 70 MB) and whose every call takes 0.4 ms in Python.

On the CPU it is the numba kernel of `item2vec.model.tile_kernel` on the tensors' own memory; on any other device, and
as the oracle of every test, the same equation in plain torch, a tile at a time (`item2vec.model.reference`).
"""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.reference import pair_step
from item2vec.model.tile_kernel import train_tiles
from item2vec.model.tile_scratch import Scratch, make_scratch, padded, tile_extent
from item2vec.sampling.window_batch import Pairs, WindowBatch, expand

_library = torch.library.Library("item2vec", "DEF")  # type: ignore[no-untyped-call]
_library.define(  # type: ignore[no-untyped-call]
    "skipgram_step(Tensor(a!) input, Tensor(b!) output, Tensor items, Tensor start, Tensor stop, Tensor tiles, "
    "Tensor negatives, int negative, float lr) -> Tensor"
)
skipgram_step = torch.ops.item2vec.skipgram_step.default
"""The operator; `reference_step` says what it takes, does and returns."""


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
) -> Tensor:
    """One window batch of skip-gram with negative sampling, tile after tile, in place.

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

    Returns
    -------
    float64 [3]
        Loss summed over the positive pairs, their number, and the tiles whose step was limited (0 here: not counted).

    Raises
    ------
    TrainingError
        If an index is out of range.
    """
    batch = _as_batch(items, start, stop, tiles, negatives)
    _extent(batch, len(input))
    pairs = expand(batch, negative)
    loss = torch.zeros((), dtype=torch.float64, device=input.device)
    for t in range(len(batch.tiles) - 1):
        loss += _tile_step(input, output, batch, pairs, t, lr)
    count = float(pairs.label.sum(dtype=np.float64))
    return torch.tensor([float(loss), count, 0.0], dtype=torch.float64, device=input.device)


def _as_batch(*parts: Tensor) -> WindowBatch:
    """The batch that the tensors hold: no copy where they are contiguous, of the right type and on the CPU."""
    types = (np.int32, np.int64, np.int64, np.int64, np.int32)
    return WindowBatch(
        *(np.ascontiguousarray(part.cpu().numpy(), kind) for part, kind in zip(parts, types, strict=True))
    )


def _tile_step(input: Tensor, output: Tensor, batch: WindowBatch, pairs: Pairs, t: int, lr: float) -> Tensor | float:
    """`pair_step` on the pairs of one tile."""
    of_tile = pairs.tile == t
    if not of_tile.any():
        return 0.0
    context, target, label, weight = (
        torch.from_numpy(part[of_tile]).to(input.device)
        for part in (
            pairs.context,
            pairs.target,
            pairs.label,
            pairs.weight,
        )
    )
    centres = slice(batch.tiles[t], batch.tiles[t + 1])
    low, high = min(batch.start[centres].min(), centres.start), max(batch.stop[centres].max(), centres.stop)
    outputs = np.concatenate([batch.items[centres], batch.negatives[t]])
    most = _largest_square(input, batch.items[low:high]), _largest_square(output, outputs)
    return pair_step(input, output, context, target, label, weight, lr, most=most)


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
) -> Tensor:
    batch = _as_batch(items, start, stop, tiles, negatives)
    return torch.from_numpy(kernel_step(input, output, batch, negative, lr))


def _fake_step(input: Tensor, *_: object) -> Tensor:
    """Shape, type and device of the result, for torch's tracing."""
    return torch.empty(3, dtype=torch.float64, device=input.device)


for _function, _key in ((reference_step, "CompositeExplicitAutograd"), (_cpu_step, "CPU"), (_fake_step, "Meta")):
    _library.impl("skipgram_step", _function, _key)  # type: ignore[no-untyped-call]


def kernel_step(input: Tensor, output: Tensor, batch: WindowBatch, negative: int, lr: float) -> npt.NDArray[np.float64]:
    """Run the CPU kernel on the tables' memory; takes and returns what `skipgram_step` does.

    Raises
    ------
    TrainingError
        If a table is not float32, or an index is out of range.
    """
    for table in (input, output):
        if table.dtype != torch.float32 or table.shape != input.shape:
            raise TrainingError(
                f"a table is {table.dtype} {tuple(table.shape)}; both must be float32 {tuple(input.shape)}"
            )
    size, dim = input.shape
    scratch = _scratch(_extent(batch, size), (batch.negatives.shape[1], dim))
    laid = tuple(_laid_out(table) for table in (input, output))
    loss, pairs, limited = train_tiles(
        *(torch.as_strided(table, (size * padded(dim),), (1,)).numpy() for table in laid),
        padded(dim), dim, batch.items, batch.start, batch.stop, batch.tiles, batch.negatives.ravel(),
        negative, np.float32(lr), scratch,
    )  # fmt: skip
    for table, used in zip((input, output), laid, strict=True):
        if used is not table:
            table.copy_(used)
    return np.array([loss, pairs, limited])


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


class _Local(threading.local):
    """Each thread's work space, and the sizes that it was made for."""

    extent: tuple[int, ...] = (-1, -1, -1)
    shape: tuple[int, int] = (-1, -1)
    scratch: Scratch


_local = _Local()


def _scratch(extent: tuple[int, ...], shape: tuple[int, int]) -> Scratch:
    """This thread's work space for tiles of that extent, and negatives and dimension; made anew only if too small."""
    there = _local.extent if _local.shape == shape else (-1, -1, -1)
    if any(needed > had for needed, had in zip(extent, there, strict=True)):
        rows, centres, reach = map(max, extent, there)
        _local.scratch = make_scratch(rows, centres, reach, *shape)
        _local.extent, _local.shape = (rows, centres, reach), shape
    return _local.scratch
