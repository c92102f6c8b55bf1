"""Checkpoints: a training run written down between two shards, so that a later process goes on from there.

A checkpoint is a model file like any other, of the vectors so far, that can be asked and exported; under ``checkpoint``
its metadata have the state of the run and the identity of corpus and configuration. Random numbers follow from the seed
and a shard's number, so that no state of theirs is needed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from item2vec.config.units import Interval
from item2vec.errors import ConfigError, ModelError
from item2vec.files.fingerprint import fingerprint
from item2vec.files.safetensors import damaged, map_tensors
from item2vec.items.hash_index import HashIndex
from item2vec.training.progress import TrainState
from item2vec.vectors.keyed_vectors import KeyedVectors, load_model
from item2vec.vectors.model_file import CHECKPOINT_KEY, check_model_file, save_model

if TYPE_CHECKING:
    from item2vec.config.train import TrainConfig
    from item2vec.session.run import Run
    from item2vec.training.trainer import Trainer


# Identity of a training: what must be the same for it to go on from a checkpoint, and what differs, in words.

_FREE = ("threads", "device", "init")  # options that may differ; of init the rows count, not the name


def options_of(config: TrainConfig) -> dict[str, Any]:
    """Return the options that must be the same, as JSON values."""
    options = {name: value for name, value in config.as_dict().items() if name not in _FREE}
    return options | {"tile": list(config.tile) if config.tile else None}


def identity_of(run: Run) -> dict[str, Any]:
    """Return what must be the same for a training to go on, as JSON values."""
    trainer, corpus, vocabulary = run.trainer, run.corpus, run.corpus.vocabulary
    options = options_of(trainer.config) | {"tile": list(trainer.tile)}
    identity = {
        "options": options,
        "shard": trainer.shard,
        "corpus": {
            "items": len(vocabulary),
            "tokens": corpus.raw_tokens,
            "sequences": corpus.raw_sequences,
            "fingerprint": fingerprint(
                vocabulary.blob, vocabulary.offsets, vocabulary.counts, corpus.items, corpus.offsets
            ),
        },
        "init": run.initial.fingerprint() if run.initial is not None else None,
        "validation": run.validation.identity() if run.validation is not None else None,
    }
    return identity


def differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return what differs between two identities, most telling first, in words."""
    if words := changes(then.get("options"), now["options"]):
        return words
    was, corpus = then.get("corpus"), now["corpus"]
    for name in ("sequences", "tokens", "items"):
        if not isinstance(was, dict) or was.get(name) != corpus[name]:
            had = was.get(name) if isinstance(was, dict) else None
            return [f"the corpus has {corpus[name]:,} {name} and had {_shown(had)}"]
    if was != corpus:
        return ["the corpus has the same number of sequences, tokens and items, but its content is different"]
    if then.get("init") != now["init"]:
        return ["the vectors of `init` are different"]
    if then.get("validation") != now["validation"]:
        return ["the validation is different"]
    return [] if then.get("shard") == now["shard"] else ["its shards have a different size"]


def changes(then: Any, now: dict[str, Any]) -> list[str]:
    """Return the options that were others, in words."""
    had = then if isinstance(then, dict) else {}
    return [
        f"`{name}` is {_shown(value)} and was {_shown(had.get(name))}"
        for name, value in now.items()
        if had.get(name) != value
    ]


def _shown(value: Any) -> str:
    """Return a value of JSON in a message, not too long."""
    return f"{value:,}" if type(value) is int else f"{value!s:.60}"


FORMAT = 1  # of what stands under "checkpoint"; a new one where shards or their random numbers change
_SHARE = 0.01  # of the time that checkpoints may take


class Checkpoints:
    """The checkpoints of a run, in one file; a `item2vec.training.trainer.Pause`.

    The next one is no sooner than a hundred times the last one's cost. One of the same training that is further on than
    the run itself, left by an earlier process, is not replaced.

    Parameters
    ----------
    path : str or Path
    run : Run
    every : Interval
    tell : callable
        Called with a line about a checkpoint that could not be written; training goes on.
    saved : callable
        Called with the path, the share of the training that is done, and the seconds that writing took.
    share : float
        Of the time that checkpoints may take.

    Attributes
    ----------
    written : int
    seconds : float
        That writing took, and waiting for the disk.
    """

    def __init__(
        self,
        path: str | Path,
        run: Run,
        every: Interval,
        tell: Callable[[str], None] = lambda line: None,
        saved: Callable[[Path, float, float], None] = lambda path, done, seconds: None,
        share: float = _SHARE,
    ) -> None:
        self.path = Path(path)
        self.run = run
        self.every = every
        self.written = 0
        self.seconds = 0.0
        self._tell = tell
        self._saved = saved
        self._share = share
        self._kept = -1  # shards in the file that is there, if it is of this training
        self._last_shards = 0
        self._last_time = self._not_before = time.monotonic()

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return identity_of(self.run)

    @cached_property
    def _index(self) -> HashIndex:
        return HashIndex.build(self.run.corpus.vocabulary)

    def leftover(self) -> str | None:
        """Look for the checkpoint of an earlier process, and say what becomes of it, if there is one.

        Raises
        ------
        ModelError
            If what is there is no checkpoint that could be replaced.
        """
        if not self.path.exists():
            return None
        _, part = _read(self.path)
        if found := differences(part["identity"], self._identity):
            return (
                f"{self.path} is a checkpoint of a different training ({found[0]}); the first one of this training "
                "replaces it, so move it to keep it"
            )
        self._kept = self._state_of(part).shards
        return (
            f"{self.path} has {self.kept:.0%} of this training already; `resume` goes on from there, and without it "
            "that file stays until this run is further on"
        )

    @property
    def kept(self) -> float:
        """Share of this training that the checkpoint has; 0 without a checkpoint."""
        return max(0, self._kept) / self.run.trainer.shards

    def resume(self) -> None:
        """Continue from the checkpoint.

        Raises
        ------
        ConfigError
            If there is none, or it is of another training: naming what differs.
        ModelError
            If it cannot be read.
        """
        if not self.path.exists():
            raise ConfigError(f"there is no checkpoint {self.path} to continue from; leave out `resume` to start anew")
        model, part = _read(self.path)
        _refuse(self.path, differences(part["identity"], self._identity))
        check_model_file(self.path)
        state = self._state_of(part)
        trainer, validation = self.run.trainer, self.run.validation
        if model.output is None or model.input.shape != tuple(trainer.tables.input.weight.shape):
            raise damaged(str(self.path), "its tables are not those of the training")
        trainer.tables.load(model.input, model.output)
        trainer.check_tables()
        trainer.restore(state)
        if validation is not None:
            values = part.get("values")
            if not isinstance(values, list) or len(values) != state.epochs_closed or not _finite(values):
                raise damaged(str(self.path), "its validation values cannot be read")
            tensors, _ = map_tensors(self.path)
            if values and "best_input" not in tensors:
                raise damaged(str(self.path), "it has no tables of the best epoch")
            validation.values[:] = map(float, values)
            validation.best = (np.array(tensors["best_input"]), np.array(tensors["best_output"])) if values else None
        self._kept = self._last_shards = state.shards

    def due(self, trainer: Trainer) -> bool:
        """Whether it is time for the next one."""
        shards = trainer.shards_done
        if shards <= max(0, self._kept):
            return False
        now = time.monotonic()
        return now >= self._not_before and (
            now - self._last_time >= self.every.seconds
            or shards - self._last_shards >= self.every.epochs * trainer.shards_of_epoch
        )

    def __call__(self, trainer: Trainer) -> None:
        """Write one, and go on if that is not possible."""
        try:
            self.save()
        except ModelError as error:
            self._tell(f"no checkpoint was written, but training continues: {error}")

    def save(self) -> bool:
        """Write the run down, while no worker runs; returns False if what is there is further on, and stays.

        Raises
        ------
        DivergenceError
            If a vector holds numbers that are not finite; the checkpoint that is there stays.
        ModelError
            If it cannot be written; the checkpoint that is there stays.
        """
        began = time.monotonic()
        run, trainer, corpus = self.run, self.run.trainer, self.run.corpus
        state = trainer.state()
        if state.shards <= self._kept:
            return state.shards == self._kept
        try:
            trainer.check_tables()
            inputs, outputs = trainer.tables.views()
            save_model(
                self.path,
                input=inputs,
                output=outputs,
                vocabulary=corpus.vocabulary,
                metadata=run.metadata(trainer.result()) | {CHECKPOINT_KEY: self._part(state)},
                names=corpus.names,
                rare=corpus.rare,
                hash_index=self._index,
                best=run.validation.best if run.validation is not None else None,
            )
            self.written += 1
            self._kept = state.shards
        finally:
            self._last_time, self._last_shards = time.monotonic(), state.shards
            cost = self._last_time - began
            self.seconds += cost
            self._not_before = self._last_time + cost / self._share
        self._saved(self.path, self.kept, cost)
        return True

    def remove(self) -> None:
        """Remove the checkpoint of a training that has ended."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def _part(self, state: TrainState) -> dict[str, Any]:
        """Return what stands under ``checkpoint``."""
        begun = min(len(state.sums), state.shards // self.run.trainer.shards_of_epoch + 1)
        part = {
            "format": FORMAT,
            "identity": self._identity,
            "shards": state.shards,
            "epochs_closed": state.epochs_closed,
            "seconds": state.seconds,
            "sums": state.sums[:begun].tolist(),
        }
        return part if self.run.validation is None else part | {"values": self.run.validation.values}

    def _state_of(self, part: dict[str, Any]) -> TrainState:
        """Return the state in a checkpoint, checked."""
        trainer = self.run.trainer
        epochs = trainer.config.epochs
        try:
            shards, closed, seconds, rows = (part[name] for name in ("shards", "epochs_closed", "seconds", "sums"))
            good = (
                type(shards) is type(closed) is int
                and 0 <= closed <= shards // trainer.shards_of_epoch <= epochs
                and shards <= trainer.shards
                and len(rows) == min(epochs, shards // trainer.shards_of_epoch + 1)
                and all(len(row) == 3 and _finite(row) for row in rows)
                and _finite([seconds])
            )
        except (KeyError, TypeError):
            good = False
        if not good:
            raise damaged(str(self.path), "its training state cannot be read")
        sums = np.zeros((epochs, 3))
        sums[: len(rows)] = rows
        return TrainState(shards, closed, float(seconds), sums)


def check_options(path: str | Path, config: TrainConfig, open_: Collection[str] = ()) -> None:
    """Refuse to go on from a checkpoint of other options, before the corpus is read.

    Parameters
    ----------
    path : str or Path
    config : TrainConfig
    open_ : collection of str
        Fields that the corpus will decide.

    Raises
    ------
    ConfigError
        If there is no checkpoint, or an option differs.
    ModelError
        If it cannot be read.
    """
    if not Path(path).exists():
        raise ConfigError(f"there is no checkpoint {path} to continue from; leave out `resume` to start anew")
    then = _read(Path(path))[1]["identity"].get("options")
    now = options_of(config)
    if config.tile is None:
        del now["tile"]  # a rule will say
    for name in open_:
        now.pop(name, None)
    _refuse(Path(path), changes(then, now))


def _read(path: Path) -> tuple[KeyedVectors, dict[str, Any]]:
    """Open the file that is there, as a model and as what stands under ``checkpoint``."""
    model = load_model(path)
    part = model.metadata.get(CHECKPOINT_KEY)
    if not isinstance(part, dict):
        raise ModelError(f"{path} is a model, not a checkpoint; name another output, or move that file")
    if part.get("format") != FORMAT:
        raise ModelError(f"{path} is a checkpoint of another version of item2vec; continue with that version")
    if not isinstance(part.get("identity"), dict):
        raise damaged(str(path), "it does not say which training it belongs to")
    return model, part


def _refuse(path: Path, found: list[str]) -> None:
    if found:
        raise ConfigError(
            f"{path} is a checkpoint of a different training: {'; '.join(found[:3])}; "
            "`resume` needs the same corpus and options"
        )


def _finite(values: list[Any]) -> bool:
    # In this order: a whole number of JSON may have thousands of digits, more than any float.
    return all(type(value) in (int, float) and abs(value) < 2**63 and math.isfinite(value) for value in values)
