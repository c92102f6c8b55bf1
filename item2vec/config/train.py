"""TrainConfig: every option of a training run, checked once. Defaults stand here and nowhere else."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from item2vec.errors import ConfigError

Arch = Literal["skipgram", "cbow"]
Loss = Literal["ns", "hs"]
Device = Literal["auto", "cpu", "cuda"]
Backend = Literal["auto", "kernel", "torch"]
WindowMode = Literal["shrink", "fixed", "basket"]
Context = Literal["both", "left", "right"]

DEFAULT_LR = {"skipgram": 0.025, "cbow": 0.05}
"""As word2vec.c has them: a window of CBOW is one step where skip-gram makes one for each context."""


@dataclass(frozen=True)
class TrainConfig:
    """Options of a training run, with the names and the defaults of ``item2vec train``.

    Parameters
    ----------
    arch : {"skipgram", "cbow"}
        skipgram: each context predicts the centre (Mikolov et al. 2013a, section 3.2). cbow: the mean of its contexts
        does (section 3.1).
    loss : {"ns", "hs"}
        ns: negative sampling (Mikolov et al. 2013b, section 2.2). hs: hierarchical softmax over the Huffman tree of
        the counts (section 2.1); the output table then holds the tree's nodes instead of items, and ``negative`` and
        ``ns_exponent`` mean nothing.
    dim : int
        Length of the vectors, 1 to 65,536.
    window : int
        Largest distance between a centre and its contexts, in items kept by subsampling.
    window_mode : {"shrink", "fixed", "basket"}
        shrink: a centre's own radius is uniform on 1..window (Mikolov et al. 2013a, section 3.1). fixed: it is the
        window. basket: order means nothing, and every pair of a sequence's items counts alike (Barkan and Koenigstein
        2016, section 3); in sequences of more than 2·window + 1 items a centre meets 2·window others, drawn anew
        each epoch.
    context : {"both", "left", "right"}
        Which side of a centre its contexts stand on; left: what came before, so that the input table holds what came
        before and the output table what comes next.
    negative : int
        Negative samples a pair, K (Mikolov et al. 2013b, section 2.2).
    sample : float
        Subsampling threshold t: an item whose share of the kept occurrences is f stays with probability
        min(1, sqrt(t/f) + t/f), as in word2vec.c. 0 turns subsampling off.
    ns_exponent : float
        The noise distribution is count**ns_exponent, normalised.
    epochs : int
        Passes over the corpus.
    lr, min_lr : float
        Learning rate, falling linearly from ``lr``, by default 0.025 and in CBOW 0.05, to ``min_lr`` over the raw
        tokens of all epochs.
    min_count : int
        Items seen less often are dropped before windows are laid.
    max_items : int or None
        Keep only this many of the commonest items.
    threads : int
        Worker threads; 0 means one for each core this process may use. One thread: same seed, same bits.
    seed : int
        Seed of all random numbers, 0 or more.
    device : {"auto", "cpu", "cuda"}
        Where the tables lie; auto is the CPU unless ``backend`` is torch and CUDA is there.
    backend : {"auto", "kernel", "torch"}
        kernel: the numba kernel on the CPU. torch: the same equation in plain torch on explicit pairs, any device.
    tile : (int, int) or None
        Centres a tile and negatives a tile, for experts; None lets a rule choose (see `item2vec.sampling.tiles`).
    init : str or None
        File to begin with, of any format that is read: a model grows, other vectors give their rows to the items that
        they have (see `item2vec.session.warm_start`).
    freeze : bool
        Keep the rows of ``init`` as they are, bit for bit, while others train around them.

    Raises
    ------
    ConfigError
        If a value cannot work; the message names the option, the value and the range.
    """

    arch: Arch = "skipgram"
    loss: Loss = "ns"
    dim: int = 100
    window: int = 5
    window_mode: WindowMode = "shrink"
    context: Context = "both"
    negative: int = 5
    sample: float = 1e-3
    ns_exponent: float = 0.75
    epochs: int = 5
    lr: float = None  # type: ignore[assignment]  # filled in by __post_init__: a number afterwards
    min_lr: float = 1e-4
    min_count: int = 5
    max_items: int | None = None
    threads: int = 0
    seed: int = 1
    device: Device = "auto"
    backend: Backend = "auto"
    tile: tuple[int, int] | None = None
    init: str | None = None
    freeze: bool = False

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before any long work."""
        if self.lr is None:
            object.__setattr__(self, "lr", DEFAULT_LR.get(self.arch, DEFAULT_LR["skipgram"]))
        self._whole("dim", 1, 65_536)
        self._whole("window", 1, 10_000)
        self._whole("negative", 1, 4_096)
        self._whole("epochs", 1, 1_000_000)
        self._whole("min_count", 1, 2**62)
        self._whole("threads", 0, 1024)
        self._whole("seed", 0, 2**63 - 1)
        if self.max_items is not None:
            self._whole("max_items", 1, 2**31 - 1)
        self._real("sample", 0.0, 1.0)
        self._real("ns_exponent", -1.0, 1.0)
        self._real("lr", 0.0, 10.0, above=True)
        self._real("min_lr", 0.0, 10.0)
        if self.min_lr > self.lr:
            raise ConfigError(
                f"`min_lr` is {self.min_lr:g}, above `lr`, {self.lr:g}; the learning rate falls from `lr` to `min_lr`"
            )
        self._one_of("arch", get_args(Arch))
        self._one_of("loss", get_args(Loss))
        self._one_of("window_mode", get_args(WindowMode))
        self._one_of("context", get_args(Context))
        if self.window_mode == "basket" and self.context != "both":
            raise ConfigError(
                f"`context` is {self.context!r}, but with `window_mode=basket` order means nothing; "
                "use `window_mode=fixed`, or `context=both`"
            )
        self._one_of("device", get_args(Device))
        self._one_of("backend", get_args(Backend))
        if self.device == "cuda" and self.backend == "kernel":
            raise ConfigError("`backend=kernel` runs on the CPU only; with `device=cuda` use `backend=torch`")
        if self.tile is not None:
            self._check_tile()
            if self.loss == "hs":
                raise ConfigError("`tile` is for negative sampling; leave it out with `loss=hs`")
        if self.freeze and self.init is None:
            raise ConfigError(
                "`freeze` keeps the vectors of a file as they are, but no file is given; name one with `init=FILE`"
            )

    @property
    def worker_count(self) -> int:
        """Threads that will run: ``threads``, or the cores this process may use."""
        from item2vec.files.machine import cores  # brings numpy, which a command's help can do without

        return self.threads or cores()

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain JSON values."""
        return dataclasses.asdict(self)

    def _whole(self, name: str, low: int, high: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"`{name}` is {value!r}; it must be a whole number from {low:,} to {high:,}")

    def _real(self, name: str, low: float, high: float, *, above: bool = False) -> None:
        value = getattr(self, name)
        good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not low <= value <= high or (above and value == low):
            span = f"above {low:g} and at most {high:g}" if above else f"from {low:g} to {high:g}"
            raise ConfigError(f"`{name}` is {value!r}; it must be a number {span}")

    def _one_of(self, name: str, choices: tuple[str, ...]) -> None:
        value = getattr(self, name)
        if value not in choices:
            raise ConfigError(f"`{name}` is {value!r}; it must be one of {', '.join(choices)}")

    def _check_tile(self) -> None:
        tile = self.tile
        if (
            not isinstance(tile, tuple)
            or len(tile) != 2
            or not all(isinstance(part, int) and 1 <= part <= 4096 for part in tile)
        ):
            raise ConfigError(
                f"`tile` is {tile!r}; it must be CENTRES,NEGATIVES, whole numbers from 1 to 4,096, such as 32,16"
            )
