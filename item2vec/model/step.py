"""The training step as a torch operator, ``torch.ops.item2vec.ns_step``, dispatched by device.

It is defined by ``torch.library.Library`` and not by ``torch.library.custom_op``, whose first call imports torch's
compiler (3 s, 70 MB) and whose every call takes 0.4 ms in Python.

On the CPU it is a numba kernel on the tensors' own memory: `item2vec.model.cpu.skipgram` for skip-gram with negative
sampling, `item2vec.model.cpu.cbow` for CBOW, `item2vec.model.cpu.paths` for hierarchical softmax. On any other
device it is the same equation in plain torch (`item2vec.model.pairs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from item2vec.errors import TrainingError
from item2vec.model.cpu.cbow import train_cbow
from item2vec.model.cpu.paths import train_paths
from item2vec.model.cpu.scratch import Batch, Tables, WorkSpace, paths_of
from item2vec.model.cpu.simd import padded
from item2vec.model.cpu.skipgram import train_tiles
from item2vec.model.pairs import as_batch, checked_extent, reference_path_step, reference_step
from item2vec.model.reference import Frozen
from item2vec.sampling.window_batch import WindowBatch

_library: Any = torch.library.Library("item2vec", "DEF")  # type: ignore[no-untyped-call]  # torch has no types here
_library.define(
    "ns_step(Tensor(a!) input, Tensor(b!) output, Tensor items, Tensor start, Tensor stop, Tensor tiles, "
    "Tensor negatives, int negative, float lr, bool cbow=False, Tensor? frozen_input=None, Tensor? frozen_output=None) "
    "-> Tensor"
)
_library.define(
    "hs_step(Tensor(a!) input, Tensor(b!) output, Tensor items, Tensor start, Tensor stop, Tensor tiles, Tensor tree, "
    "float lr, bool cbow=False, Tensor? frozen_input=None, int workers=1) -> Tensor"
)
ns_step = torch.ops.item2vec.ns_step.default
"""Negative sampling; `reference_step` says what it takes, does and returns."""
hs_step = torch.ops.item2vec.hs_step.default
"""Hierarchical softmax; `reference_path_step` says what it takes, does and returns."""


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
    batch = as_batch(items, start, stop, tiles, negatives)
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
    batch = as_batch(items, start, stop, tiles, torch.empty(len(tiles) - 1, 0))
    with _flat(input, output) as tables:
        size, dim = input.shape
        reach = checked_extent(batch, size)[2]
        paths = paths_of(tree, size)
        scratch = _local.target_space(2 * reach + 1, paths.longest, dim)
        private = _local.private_rows(max(0, size - 1), dim, workers)
        frozen = _frozen_array(frozen_input, size)
        sums = train_paths(
            tables, _flat_batch(batch), paths[:2], np.float32(lr), scratch, reach, True if cbow else None, frozen,
            private,
        )  # fmt: skip
    return torch.from_numpy(np.array(sums))


def _frozen_array(rows: Tensor | None, size: int) -> NDArray[np.uint8]:
    """Return the mask of frozen rows as the kernels take it."""
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
    _library.impl(_name, _reference, "CompositeExplicitAutograd")
    _library.impl(_name, _cpu, "CPU")
    _library.impl(_name, _fake_step, "Meta")


def kernel_step(
    input: Tensor,
    output: Tensor,
    batch: WindowBatch,
    negative: int,
    lr: float,
    cbow: bool = False,
    frozen: Frozen = (None, None),
) -> NDArray[np.float64]:
    """Run the CPU kernel on the tables' memory; takes and returns what `ns_step` does.

    Raises
    ------
    TrainingError
        If a table is not float32, or an index is out of range.
    """
    with _flat(input, output) as tables:
        size, dim = input.shape
        extent, drawn = checked_extent(batch, size), batch.negatives.shape[1]
        masks, rate = (_frozen_array(frozen[0], size), _frozen_array(frozen[1], size)), np.float32(lr)
        if cbow:
            scratch = _local.target_space(2 * extent[2] + 1, drawn, dim)
            sums = train_cbow(tables, _flat_batch(batch), negative, rate, scratch, extent[2], masks)
        else:
            work = _local.work_space(extent, drawn, dim)
            sums = train_tiles(tables, _flat_batch(batch), negative, rate, work, masks)
    return np.array(sums)


def _flat_batch(batch: WindowBatch) -> Batch[NDArray[Any]]:
    """Return a batch as the kernels take it."""
    return Batch(batch.items, batch.start, batch.stop, batch.tiles, batch.negatives.ravel())


@contextmanager
def _flat(input: Tensor, output: Tensor) -> Iterator[Tables[NDArray[np.float32]]]:
    """Give the tables' memory as the kernel reads it: itself, or a copy that is copied back in the end."""
    for table in (input, output):
        if table.dtype != torch.float32 or table.shape != input.shape:
            raise TrainingError(
                f"a table is {table.dtype} {tuple(table.shape)}; both must be float32 {tuple(input.shape)}"
            )
    (size, dim), laid = input.shape, (_laid_out(input), _laid_out(output))
    width = padded(dim)
    flat = [torch.as_strided(table, (size * width,), (1,)).numpy() for table in laid]
    yield Tables(flat[0], flat[1], width, dim)
    for table, used in zip((input, output), laid, strict=True):
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


_local = WorkSpace()
