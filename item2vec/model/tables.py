"""EmbeddingTables: the input and the output embeddings of word2vec, and the rows that they begin with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from item2vec.files.fingerprint import fingerprint
from item2vec.model.cpu.simd import aligned, padded

# Initial: rows that a training begins with. numpy only.


@dataclass(frozen=True, eq=False)
class Initial:
    """Rows for some of a vocabulary's items; the others are initialised as ever.

    Parameters
    ----------
    ids : int64 [n]
        The items that have rows, as ids of the vocabulary that is to be trained, each at most once.
    rows : int64 [n]
        Where each one's row lies in the tables.
    input : float32 [m, d]
    output : float32 [m, d] or None
    frozen : bool
        Whether these rows stay as they are, bit for bit. Without an ``output`` table, output rows train.
    about : str
        What came of the rows that were given, for the user to see.
    """

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    input: NDArray[np.float32]
    output: NDArray[np.float32] | None
    frozen: bool = False
    about: str = ""

    def fingerprint(self) -> str:
        """Digits that differ where other rows are given."""
        tables = (self.input,) if self.output is None else (self.input, self.output)
        return fingerprint(self.ids, self.rows, *tables)

    def __len__(self) -> int:
        return len(self.ids)


# EmbeddingTables: the input and the output embeddings of word2vec.

_BLOCK_ROWS = 4_096


class EmbeddingTables(nn.Module):
    """Input and output embeddings, one row an item.

    On the CPU the rows lie in memory padded to whole vector registers, from a cache line on, so that the kernel reads
    them as they are; ``weight`` is a view of the first ``dim`` columns and the padding stays 0.

    Parameters
    ----------
    items : int
        Size V of the vocabulary.
    dim : int
        Length d of a vector.
    seed : numpy.random.SeedSequence or None
        Of the initial input rows, uniform on (-0.5, 0.5)/d as in word2vec.c; None leaves them 0. The output rows
        begin as 0.

    Attributes
    ----------
    frozen_input, frozen_output : uint8 [V] or [0]
        Not 0 where a row stays as it is; empty if none does.
    """

    frozen_input: Tensor
    frozen_output: Tensor

    def __init__(self, items: int, dim: int, seed: np.random.SeedSequence | None = None) -> None:
        super().__init__()
        self.input = _embedding(items, dim)
        self.output = _embedding(items, dim)
        self.register_buffer("frozen_input", torch.zeros(0, dtype=torch.uint8))
        self.register_buffer("frozen_output", torch.zeros(0, dtype=torch.uint8))
        if seed is not None:
            self._initialise(np.random.default_rng(seed))

    def _initialise(self, random: np.random.Generator) -> None:
        rows = self.input.weight.detach().numpy()
        items, dim = rows.shape
        for first in range(0, items, _BLOCK_ROWS):
            block = rows[first : first + _BLOCK_ROWS]
            block[:] = (random.random(block.shape, dtype=np.float32) - np.float32(0.5)) / np.float32(dim)

    def fill(self, initial: Initial) -> None:
        """Copy the rows that are given, on the CPU, and mark them as frozen if they are to stay."""
        for table, given in ((self.input, initial.input), (self.output, initial.output)):
            if given is None:
                continue
            rows = table.weight.detach().numpy()
            for first in range(0, len(initial), _BLOCK_ROWS):  # in blocks, as the given rows may lie in a file
                some = slice(first, first + _BLOCK_ROWS)
                rows[initial.ids[some]] = given[initial.rows[some]]
        if initial.frozen:
            stays = torch.zeros(len(self.input.weight), dtype=torch.uint8)
            stays[torch.from_numpy(initial.ids)] = 1
            self.frozen_input = stays
            self.frozen_output = stays if initial.output is not None else self.frozen_output

    def views(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both tables as float32 [V,d] arrays: on the CPU views of them, whose rows may have gaps between them."""
        return self.input.weight.detach().cpu().numpy(), self.output.weight.detach().cpu().numpy()

    def load(self, inputs: NDArray[np.float32], outputs: NDArray[np.float32]) -> None:
        """Copy both tables' rows from float32 [V,d] arrays, in blocks, as these may lie in a file."""
        for table, given in ((self.input, inputs), (self.output, outputs)):
            for first in range(0, len(given), _BLOCK_ROWS):
                some = slice(first, first + _BLOCK_ROWS)
                table.weight[some] = torch.from_numpy(np.array(given[some]))

    def first_not_finite(self) -> tuple[str, int] | None:
        """Return the first row with a number that is not finite, as the table's name and the row; None if all are."""
        for name, table in (("input", self.input), ("output", self.output)):
            weight = table.weight.detach()
            for first in range(0, len(weight), _BLOCK_ROWS):
                block = weight[first : first + _BLOCK_ROWS]
                if not torch.isfinite(block.sum()):  # cheap; a sum may also overflow
                    rows = (~torch.isfinite(block).all(1)).nonzero()
                    if len(rows):
                        return name, first + int(rows[0])
        return None

    def take(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give both tables as float32 [V,d] arrays without padding, and leave this module empty.

        The rows move together within the memory they have, so that this takes no second copy.
        """
        tables = (_closed_up(self.input.weight.detach()), _closed_up(self.output.weight.detach()))
        self.input = self.output = nn.Embedding(1, 1)
        return tables


def _embedding(items: int, dim: int) -> nn.Embedding:
    """Zeros [items, dim] as an embedding whose rows are padded and aligned."""
    width = padded(dim)
    memory = torch.from_numpy(aligned(items * width).reshape(items, width))
    embedding = nn.Embedding(items, dim, _weight=memory[:, :dim])
    embedding.requires_grad_(False)  # the step writes the rows itself
    return embedding


def _closed_up(weight: Tensor) -> NDArray[np.float32]:
    """Rows of a padded CPU table moved together in place; any other tensor as a plain array."""
    items, dim = weight.shape
    if weight.device.type != "cpu":
        return np.ascontiguousarray(weight.cpu().numpy())
    width = weight.stride(0)
    if width == dim:
        return weight.numpy()
    flat = torch.as_strided(weight, (items * width,), (1,)).numpy()
    for first in range(0, items, _BLOCK_ROWS):
        last = min(items, first + _BLOCK_ROWS)
        block = flat[first * width : last * width].reshape(-1, width)[:, :dim].copy()
        flat[first * dim : last * dim] = block.ravel()
    return flat[: items * dim].reshape(items, dim)
