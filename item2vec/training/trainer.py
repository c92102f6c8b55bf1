"""Trainer: epochs over a corpus, worker threads on shared tables, a falling learning rate, a loss that is right."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

from item2vec.config.train import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import TrainingError
from item2vec.model.huffman import huffman_tree
from item2vec.model.tables import EmbeddingTables, Initial
from item2vec.sampling.draws import stretch
from item2vec.sampling.sampler import Sampler, Window, Worker
from item2vec.sampling.tiles import choose_tile
from item2vec.sampling.window_batch import WindowBatch
from item2vec.training.guard import Guard
from item2vec.training.progress import Progress, TrainResult, TrainState
from item2vec.training.steps import Step, make_step
from item2vec.training.workers import Workers

_SHORTEST_SHARD = 1_024
_SHARDS_WANTED = 200  # of all epochs, so that the learning rate falls smoothly; each costs 0.1 to 0.3 ms in Python

Result = TypeVar("Result")


class Pause(Protocol):
    """What is to be done between two shards now and then."""

    def due(self, trainer: Trainer) -> bool:
        """Whether the workers are to pause."""

    def __call__(self, trainer: Trainer) -> None:
        """Do it, while no worker runs."""


class Trainer:
    """Trains embedding tables on a corpus.

    Parameters
    ----------
    corpus : Corpus
    config : TrainConfig
    initial : Initial or None
        Rows to begin with.

    Attributes
    ----------
    tables : EmbeddingTables
    shard : int
        Tokens of a shard: what a worker takes at once. It does not depend on the number of threads.
    shards, shards_of_epoch : int
        Of all epochs, and of one.
    guard : Guard
    ended : bool
        Whether `train` came to its end, instead of being stopped.
    """

    def __init__(self, corpus: Corpus, config: TrainConfig, initial: Initial | None = None) -> None:
        self.corpus = corpus
        self.config = config
        tree = huffman_tree(corpus.vocabulary.counts) if config.loss == "hs" else None
        self.step: Step = make_step(config, tree)
        self.threads = config.worker_count if self.step.parallel else 1
        tables_seed, draws_seed = np.random.SeedSequence(config.seed).spawn(2)
        self._seed = int(draws_seed.generate_state(1, np.uint64)[0])
        self.tables = EmbeddingTables(len(corpus.vocabulary), config.dim, tables_seed)
        if initial is not None:
            self.tables.fill(initial)
        self.tables.to(self.step.device)
        window = Window(config.window, config.window_mode, config.context)
        mean_length = len(corpus.items) / max(1, len(corpus))
        self.tile = (
            config.tile
            or self.step.tile
            or choose_tile(window, config.negative, mean_length, config.dim, cbow=config.arch == "cbow")
        )
        self.sampler = Sampler(
            corpus, window=window, sample=config.sample, ns_exponent=config.ns_exponent, tile=self.tile
        )
        tokens = len(corpus.items)
        if not tokens:
            raise TrainingError("the corpus has no tokens to train on")
        self.shard = max(
            1,
            min(
                self.step.longest_shard(config, self.tile),
                max(_SHORTEST_SHARD, -(-tokens * config.epochs // _SHARDS_WANTED)),
            ),
        )
        self.shards_of_epoch = -(-tokens // self.shard)
        self.shards = self.shards_of_epoch * config.epochs
        self._workers = Workers(self.threads)
        self._buffers: list[Worker] = []
        self._sums = np.zeros((self.threads, config.epochs, 3))  # loss, pairs, limited tiles
        self._epochs_closed = 0
        self.ended = False
        self._stop_asked = False
        self.guard = Guard(corpus.vocabulary, config, self.tables, tree)
        self._began = self._ended = time.perf_counter()

    def prepare(self, compiled: Callable[[], None] = lambda: None) -> None:
        """Compile or load what the training needs, by a step on a batch of nothing, so that `train` starts at once.

        Parameters
        ----------
        compiled : callable
            Returns once the step is compiled, if another process does that.
        """
        worker = self.sampler.worker(np.random.SeedSequence(0), 1)
        nothing = self.sampler.batch(worker, 0, 0)
        compiled()
        self.step(self.tables, nothing, 0.0)

    def expected_seconds(self) -> float:
        """Estimate how long `train` will take, on a machine with nothing else to do.

        Three shards, far apart, are stepped on with a learning rate of 0, which changes no row; the first two bring
        the rows into the caches that all need.
        """
        self._make_buffers()
        for number in (0, self.shards_of_epoch // 3, self.shards_of_epoch * 2 // 3):
            began = time.perf_counter()
            self.step(self.tables, self._batch(0, number), 0.0)
            took = time.perf_counter() - began
            if took > 1:
                break
        return took * self.shards / self.threads

    def learning_rate(self, done: float) -> float:
        """Return the learning rate when a share ``done`` of all tokens has been trained on."""
        return self.config.lr - (self.config.lr - self.config.min_lr) * done

    def train(
        self,
        report: Callable[[Progress], None] | None = None,
        every: float = 0.5,
        after_epoch: Callable[[EmbeddingTables], bool] | None = None,
        pause: Pause | None = None,
    ) -> TrainResult:
        """Run all epochs, or what is left of them.

        Parameters
        ----------
        report : callable or None
            Called with the progress from this thread, about every ``every`` seconds. A KeyboardInterrupt here, or in
            the waiting, stops the workers at their next shard and is raised again once they have stopped.
        after_epoch : callable or None
            Called with the tables after each epoch, while no worker runs; training ends if it returns False. Its time
            is not counted as training.
        pause : Pause or None
            Asked every ``every`` seconds whether workers are to pause between two shards, and called when they do.
            Its time is not counted as training either.

        Raises
        ------
        TrainingError
            If a worker fails, or subsampling leaves no pair at all.
        """
        self._make_buffers()
        self._began += time.perf_counter() - self._ended

        def tick() -> None:
            """Look, report, and stop the workers if that was asked for or a pause is due."""
            self.guard.look(self._sums.sum((0, 1)))
            if report is not None:
                report(self.progress())
            if self._stop_asked or (pause is not None and pause.due(self)):
                self._workers.stopping = True

        try:
            while not self._stop_asked:
                self.ended = (
                    after_epoch is not None and not self._close_epochs(after_epoch)
                ) or self._workers.taken == self.shards
                if self.ended:
                    break
                if pause is not None and pause.due(self):
                    self._aside(lambda: pause(self))
                limit = self.shards if after_epoch is None else (self._epochs_closed + 1) * self.shards_of_epoch
                self._workers.run(limit, self._work, tick, every)
        finally:
            self._ended = time.perf_counter()
        result = self.result()
        if not result.pairs and self.ended:
            raise TrainingError(
                f"no pair was left to train on: sample {self.config.sample:g} dropped almost every occurrence; "
                "raise `sample`, or turn it off with `sample=0`"
            )
        return result

    @property
    def epochs_closed(self) -> int:
        """Epochs that ended and were looked at."""
        return self._epochs_closed

    @property
    def shards_done(self) -> int:
        """Shards of all epochs that workers have taken; done, while none runs."""
        return self._workers.taken

    def check_tables(self) -> None:
        """Raise a DivergenceError if a row holds a number that is not finite."""
        if found := self.tables.first_not_finite():
            raise self.guard.error(*found)

    def stop(self) -> None:
        """Ask for an end of `train` at the next shard; from anywhere, a signal handler too."""
        self._stop_asked = self._workers.stopping = True

    def state(self) -> TrainState:
        """Return the state to go on from; only while no worker runs."""
        return TrainState(self._workers.taken, self._epochs_closed, self._ended - self._began, self._sums.sum(0))

    def restore(self, state: TrainState) -> None:
        """Go on from a state of a run with the same corpus and configuration; `tables` are the caller's to fill."""
        self._workers.taken = state.shards
        self._epochs_closed = state.epochs_closed
        self._sums[:] = 0
        self._sums[0] = state.sums
        self._began = self._ended - state.seconds

    def progress(self) -> Progress:
        """Where the run stands now."""
        done, epoch = self._done(), self._epoch()
        seconds = time.perf_counter() - self._began
        sums = self._sums.sum(0)[:epoch]
        loss, pairs, _ = next((row for row in sums[::-1] if row[1]), sums[-1])
        return Progress(
            epoch=epoch,
            epochs=self.config.epochs,
            done=done,
            loss=float(loss / pairs) if pairs else float("nan"),
            lr=self.learning_rate(done),
            tokens=int(self._raw_tokens(done)),
            tokens_per_second=self._raw_tokens(done) / seconds,
            seconds=seconds,
            seconds_left=seconds * (1 - done) / done if done else float("inf"),
        )

    def result(self) -> TrainResult:
        """Return what has been done, after `train` returned or raised."""
        done = self._done()
        sums = self._sums.sum(0)
        seconds = self._ended - self._began
        return TrainResult(
            losses=tuple(float(loss / pairs) for loss, pairs, _ in sums if pairs),
            pairs=int(sums[:, 1].sum()),
            limited=int(sums[:, 2].sum()),
            seconds=seconds,
            tokens_per_second=self._raw_tokens(done) / max(seconds, 1e-9),
            done=done,
            epoch=self._epoch(),
        )

    def _close_epochs(self, after_epoch: Callable[[EmbeddingTables], bool]) -> bool:
        """Call ``after_epoch`` for an epoch that has ended and was not looked at; returns whether to go on."""
        go_on = True
        while go_on and self._epochs_closed < self._workers.taken // self.shards_of_epoch:
            go_on = self._aside(lambda: after_epoch(self.tables))
            self._epochs_closed += 1
        return go_on

    def _aside(self, call: Callable[[], Result]) -> Result:
        """Do something whose time is not training."""
        self._ended = time.perf_counter()
        try:
            return call()
        finally:
            self._began += time.perf_counter() - self._ended

    def _done(self) -> float:
        """Share of all shards of all epochs that workers have taken."""
        return self._workers.taken / self.shards

    def _epoch(self) -> int:
        """Return the epoch that the last taken shard is of, from 1."""
        return max(0, self._workers.taken - 1) // self.shards_of_epoch + 1

    def _raw_tokens(self, done: float) -> float:
        return done * self.corpus.raw_tokens * self.config.epochs

    def _work(self, index: int, number: int) -> None:
        """Train on a shard. What it draws follows from its number: the same for any number of threads."""
        sums = self.step(self.tables, self._batch(index, number), self.learning_rate(number / self.shards))
        if not math.isfinite(sums[0]):
            raise self.guard.error(*(self.tables.first_not_finite() or ("", 0)))
        self._sums[index, number // self.shards_of_epoch] += sums

    def _make_buffers(self) -> None:
        if not self._buffers:
            self._buffers = [self.sampler.worker(np.random.SeedSequence(0), self.shard) for _ in range(self.threads)]

    def _batch(self, index: int, number: int) -> WindowBatch:
        """Draw a shard's batch into a worker's buffers."""
        worker = self._buffers[index]
        worker.state[0] = stretch(self._seed, number)
        first = number % self.shards_of_epoch * self.shard
        return self.sampler.batch(worker, first, min(first + self.shard, len(self.corpus.items)))
