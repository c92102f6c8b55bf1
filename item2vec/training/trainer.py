"""Trainer: epochs over a corpus, worker threads on shared tables, a falling learning rate, a loss that is right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from item2vec.config import TrainConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import TrainingError
from item2vec.model.initial import Initial
from item2vec.model.tables import EmbeddingTables
from item2vec.sampling.sampler import Sampler, Worker
from item2vec.sampling.tiles import choose_tile
from item2vec.sampling.windows import Window
from item2vec.training.steps import Step, make_step

_SHORTEST_SHARD = 1_024
_SHARDS_WANTED = 500  # of all epochs, so that the learning rate falls smoothly on small corpora too


@dataclass(frozen=True)
class Progress:
    """Where a training run stands.

    Attributes
    ----------
    epoch, epochs : int
        The current one, from 1, and how many there will be.
    done : float
        Share of all tokens of all epochs, 0 to 1.
    loss : float
        Mean loss of a pair in the current epoch so far, or in the last one that had any; NaN before the first.
    lr : float
    tokens_per_second : float
        Raw tokens a second since the start.
    seconds, seconds_left : float
    """

    epoch: int
    epochs: int
    done: float
    loss: float
    lr: float
    tokens_per_second: float
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class TrainResult:
    """What a training run did.

    Attributes
    ----------
    losses : tuple of float
        Mean loss of a pair, by epoch; each pair's before its step, summed in float64.
    pairs : int
        Positive pairs trained, of all epochs.
    limited : int
        Tiles whose step was limited.
    seconds : float
    tokens_per_second : float
        Raw tokens of all epochs over seconds.
    done : float
        Share of the run that was done: 1 unless it was stopped.
    epoch : int
        The last epoch that was worked on, from 1.
    """

    losses: tuple[float, ...]
    pairs: int
    limited: int
    seconds: float
    tokens_per_second: float
    done: float
    epoch: int


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
    """

    def __init__(self, corpus: Corpus, config: TrainConfig, initial: Initial | None = None) -> None:
        self.corpus = corpus
        self.config = config
        self.step: Step = make_step(config, corpus.vocabulary.counts)
        self.threads = config.worker_count if self.step.parallel else 1
        tables_seed, *self._seeds = np.random.SeedSequence(config.seed).spawn(1 + self.threads)
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
        self._shard = max(
            1,
            min(
                self.step.longest_shard(config, self.tile),
                max(_SHORTEST_SHARD, -(-tokens * config.epochs // _SHARDS_WANTED)),
            ),
        )
        self._shards = -(-tokens // self._shard)
        self._taken = 0
        self._limit = self._shards * config.epochs  # shards that may be taken
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._sums = np.zeros((self.threads, config.epochs, 3))  # loss, pairs, limited tiles
        self._began = self._ended = time.perf_counter()
        self._running: list[threading.Event] = []
        self._failures: list[BaseException] = []

    def prepare(self) -> None:
        """Compile or load what the training needs, by a step on a batch of nothing, so that `train` starts at once."""
        worker = self.sampler.worker(np.random.SeedSequence(0), 1)
        self.step(self.tables, self.sampler.batch(worker, 0, 0), 0.0)

    def learning_rate(self, done: float) -> float:
        """Return the learning rate when a share ``done`` of all tokens has been trained on."""
        return self.config.lr - (self.config.lr - self.config.min_lr) * done

    def train(
        self,
        report: Callable[[Progress], None] | None = None,
        every: float = 0.5,
        after_epoch: Callable[[EmbeddingTables], bool] | None = None,
    ) -> TrainResult:
        """Run all epochs.

        Parameters
        ----------
        report : callable or None
            Called with the progress from this thread, about every ``every`` seconds. A KeyboardInterrupt here, or in
            the waiting, stops the workers at their next shard and is raised again once they have stopped.
        after_epoch : callable or None
            Called with the tables after each epoch, while no worker runs; training ends if it returns False. Its time
            is not counted as training.

        Raises
        ------
        TrainingError
            If a worker fails, or subsampling leaves no pair at all.
        """
        workers = [self.sampler.worker(seed, self._shard) for seed in self._seeds]
        stretch = self._shards if after_epoch is not None else self._limit
        self._began = time.perf_counter()
        try:
            for limit in range(stretch, self._shards * self.config.epochs + 1, stretch):
                self._limit = limit
                self._run(workers, report, every)
                if self._failures or after_epoch is None:
                    break
                paused = time.perf_counter()
                go_on = after_epoch(self.tables)
                self._began += time.perf_counter() - paused
                if not go_on:
                    break
        finally:
            self._stop_workers()
            self._ended = time.perf_counter()
        if self._failures:
            failure = self._failures[0]
            raise TrainingError(f"a worker failed: {str(failure) or type(failure).__name__}") from failure
        result = self.result()
        if not result.pairs:
            raise TrainingError(
                f"no pair was left to train on: sample {self.config.sample:g} dropped almost every occurrence; "
                "raise --sample, or turn it off with --sample 0"
            )
        return result

    def _run(self, workers: list[Worker], report: Callable[[Progress], None] | None, every: float) -> None:
        """Let all workers work until the shards up to the limit are done."""
        finished = [threading.Event() for _ in workers]
        for i, (worker, event) in enumerate(zip(workers, finished, strict=True)):
            self._start(i, worker, event)
        for event in finished:
            while not event.wait(every):
                if report is not None:
                    report(self.progress())

    def _start(self, index: int, worker: Worker, finished: threading.Event) -> None:
        """Start a worker's thread; it is waited for even if Ctrl-C comes before ``Thread.start`` returns."""
        self._running.append(finished)
        try:
            threading.Thread(target=self._work, args=(index, worker, finished), daemon=True).start()
        except RuntimeError:  # the system has no more threads: this one will never finish
            finished.set()
            raise

    def _stop_workers(self) -> None:
        """Wait until no worker runs, whatever interrupts: nobody may use the tables before.

        On events, since an interrupted ``Thread.join`` marks a thread as stopped that runs on (CPython 3.11).
        """
        while True:
            try:
                self._stop.set()
                for event in self._running:
                    event.wait()
                return
            except KeyboardInterrupt:
                continue

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
            tokens_per_second=self._raw_tokens(done) / seconds,
            seconds=seconds,
            seconds_left=seconds * (1 - done) / done if done else float("inf"),
        )

    def result(self) -> TrainResult:
        """What has been done, after `train` returned or raised."""
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

    def _done(self) -> float:
        """Share of all shards of all epochs that workers have taken."""
        return self._taken / (self._shards * self.config.epochs)

    def _epoch(self) -> int:
        """The epoch that the last taken shard is of, from 1."""
        return max(0, self._taken - 1) // self._shards + 1

    def _raw_tokens(self, done: float) -> float:
        return done * self.corpus.raw_tokens * self.config.epochs

    def _work(self, index: int, worker: Worker, finished: threading.Event) -> None:
        """Take shards until there are none: the next one in the corpus, so that no thread starves."""
        try:
            while not self._stop.is_set():
                with self._lock:
                    number = self._taken
                    if number == self._limit:
                        return
                    self._taken = number + 1
                epoch, shard = divmod(number, self._shards)
                first = shard * self._shard
                batch = self.sampler.batch(worker, first, min(first + self._shard, len(self.corpus.items)))
                lr = self.learning_rate(number / (self._shards * self.config.epochs))
                self._sums[index, epoch] += self.step(self.tables, batch, lr)
        except BaseException as error:
            self._failures.append(error)
            self._stop.set()
        finally:
            finished.set()
