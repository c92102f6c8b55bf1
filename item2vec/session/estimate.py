"""What a training run will need of memory and disk, said before it begins, and refused where there is not enough.

All that is large follows from the corpus and the options: the tables, what the sampler knows of each item, each
worker's buffers, and the index that is made when the model is written. The rest is what the process has already.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from item2vec.config.train import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import TrainingError
from item2vec.files.machine import available_memory, resident_memory
from item2vec.items.vocabulary import Vocabulary
from item2vec.model.cpu.scratch import SEEN
from item2vec.model.cpu.simd import padded
from item2vec.sampling.sampler import Window
from item2vec.sampling.tiles import choose_tile
from item2vec.sampling.window_batch import CBOW_CENTRES

_SHARD = 1 << 15  # tokens of a batch at most, see `item2vec.training.steps`
_SAMPLER, _SAMPLER_MAKING = 8 + 8 + 4, 40  # bytes an item: thresholds and alias table, and what they are made from
_TREE = 8 + 16 + 8 + 8 + 8  # bytes an item: hierarchical softmax's tree, what it is made from, where paths begin
_NODE = 4  # bytes of a node in an item's path
_INDEX = 8 + 8 + 8 + 4  # bytes an item: hashes, their order, both sorted; while the model is written
_COMPILED = 20_000_000  # what loading the kernels brings (benchmarks/measure/needs.py)
_HEADER = 4_096  # bytes of a model file's header


@dataclass(frozen=True)
class Part:
    """A part of the memory.

    Attributes
    ----------
    name : str
    size : int
        Bytes.
    there : bool
        Whether the process has it already.
    remedy : str
        Which option lowers it; may be empty.
    """

    name: str
    size: int
    there: bool
    remedy: str


@dataclass(frozen=True)
class Estimate:
    """What a run needs.

    Attributes
    ----------
    parts : tuple of Part
        Of the memory, the largest first.
    disk : int
        Bytes of the model file, which is written beside one that it replaces.
    checkpoint : int
        Bytes of a checkpoint, which stays until the model stands; 0 if there will be none.
    """

    parts: tuple[Part, ...]
    disk: int
    checkpoint: int = 0

    @property
    def memory(self) -> int:
        """Bytes of memory at the peak of the training."""
        return sum(part.size for part in self.parts)

    @property
    def missing(self) -> int:
        """Bytes of memory that the process has not yet."""
        return sum(part.size for part in self.parts if not part.there)

    def __str__(self) -> str:
        parts = ", ".join(f"{part.name} {size_text(part.size)}" for part in self.parts if part.size >= 1e6)
        more = f", {size_text(self.disk + self.checkpoint)} with checkpoints" if self.checkpoint else ""
        return f"Needs about {size_text(self.memory)} of memory ({parts}), and {size_text(self.disk)} of disk{more}."

    def check(self, output: str | Path | None = None) -> None:
        """Refuse a run that cannot end well.

        Parameters
        ----------
        output : str, Path or None
            The file that will be written, if any.

        Raises
        ------
        TrainingError
            If the memory or the disk that is left cannot suffice: with what each part needs, and what lowers it.
        """
        left = available_memory()
        if self.missing > left:
            parts = ", ".join(
                f"{part.name} {size_text(part.size)}" + (f" (less with {part.remedy})" if part.remedy else "")
                for part in self.parts
                if not part.there and part.size >= 1e6
            )
            raise TrainingError(
                f"training needs {size_text(self.missing)} more memory, and only {size_text(left)} is left: {parts}"
            )
        if output is None:
            return
        folder = Path(os.path.realpath(output)).parent
        free = shutil.disk_usage(folder).free
        if self.disk > free:
            raise TrainingError(
                f"the model will have {size_text(self.disk)}, and {size_text(free)} are free in {folder}; make room, "
                "name another `output`, or lower `dim`, `max_items`, or raise `min_count`"
            )


def estimate(corpus: Corpus, config: TrainConfig, *, validated: bool = False, checkpoints: bool = False) -> Estimate:
    """Estimate what training on a corpus needs.

    Parameters
    ----------
    corpus : Corpus
    config : TrainConfig
    validated : bool
        Whether the best epoch's tables are kept beside those that are trained.
    checkpoints : bool
        Whether there will be checkpoints if the training takes long enough.
    """
    items = len(corpus.vocabulary)
    tables = 2 * 4 * items * padded(config.dim)
    ids = 0 if corpus.file is not None else corpus.items.nbytes + corpus.offsets.nbytes
    words = _bytes_of(corpus.vocabulary) + sum(_bytes_of(known) for known in (corpus.rare, corpus.names) if known)
    words = 0 if corpus.file is not None else words
    workers = config.worker_count * _worker(corpus, config)
    by_item = items * max(
        _SAMPLER + _SAMPLER_MAKING, _SAMPLER + _INDEX + (_tree_of_item(items) if config.loss == "hs" else 0)
    )
    best = 2 * 4 * items * config.dim if validated else 0
    smaller = "`dim` or `max_items`, or a higher `min_count`"
    parts = [
        Part("tables", tables, False, smaller),
        Part("ids of tokens", ids, True, "`memory`"),
        Part("items", words, True, "`max_items`"),
        Part("sampler and index", by_item, False, "`max_items`, or a higher `min_count`"),
        Part("threads", workers, False, "`threads`, `window` or `dim`"),
        Part("best epoch", best, False, "no `validate`, or " + smaller),
        Part("kernels", _COMPILED, False, ""),
        Part("the program", max(0, resident_memory() - ids - words), True, ""),
    ]
    parts = sorted((part for part in parts if part.size), key=lambda part: -part.size)
    disk = 2 * 4 * items * config.dim + _on_disk(corpus) + _HEADER
    return Estimate(tuple(parts), disk, disk + best if checkpoints else 0)


def size_text(size: float) -> str:
    """Bytes for people."""
    return (
        f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"
    )


def _bytes_of(known: Vocabulary | object) -> int:
    """Bytes of the arrays of a vocabulary, or of names."""
    return sum(getattr(known, name).nbytes for name in ("blob", "offsets", "counts") if hasattr(known, name))


def _on_disk(corpus: Corpus) -> int:
    """Bytes of all tensors but the tables."""
    index = 12 * len(corpus.vocabulary)
    return index + sum(
        _bytes_of(known) for known in (corpus.vocabulary, corpus.rare, corpus.names) if known is not None
    )


def _tree_of_item(items: int) -> int:
    """Bytes of an item's part of the tree and of its path, a few nodes longer than in a balanced tree."""
    return _TREE + _NODE * (items.bit_length() + 3)


def _worker(corpus: Corpus, config: TrainConfig) -> int:
    """Bytes of one worker's buffers: a batch, and the kernel's work space."""
    window = Window(config.window, config.window_mode, config.context)
    length = len(corpus.items) / max(1, len(corpus))
    cbow = config.arch == "cbow"
    centres, negatives = config.tile or choose_tile(window, config.negative, length, config.dim, cbow=cbow)
    shard = min(_SHARD, len(corpus.items))
    batch = (4 + 8 + 8) * window.slots(shard, corpus.offsets) + 4 * negatives * (shard // centres + 1)
    width, columns = padded(config.dim), padded(negatives)
    reach = min(config.window, window.slots(0, corpus.offsets), len(corpus.items))
    if config.arch == "skipgram" and config.loss == "ns":
        rows, outputs = centres + 2 * reach + 16, negatives + centres + 32
        space = rows * width + outputs * width + width * columns + 2 * rows * columns + centres * (2 * reach + 48)
    else:
        contexts = CBOW_CENTRES * (2 * reach + 1)
        targets = 2 * len(corpus.vocabulary).bit_length() if config.loss == "hs" else columns
        space = (contexts + targets + 64) * width + 16 * contexts + 24 * (targets + 64)
    return batch + 4 * (space + 3 * SEEN)
