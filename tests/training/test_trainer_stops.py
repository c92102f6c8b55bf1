"""A training run that is stopped or fails: no worker is left, and what was done is known."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest
from made_data import zipf_corpus
from trainers import Recorder, make_trainer

from item2vec.errors import TrainingError
from item2vec.training.progress import Progress

pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


class StopNowError(Exception):
    """Not an Item2VecError: whatever a report raises must come through."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, StopNowError])
def test_an_error_in_the_report_stops_the_workers(error: type[BaseException]) -> None:
    others = set(threading.enumerate())
    trainer = make_trainer(zipf_corpus(20_000, 50, 20), epochs=50, threads=2)
    pause = threading.Event()
    trainer.step = Recorder(lambda: pause.wait(0.01))
    calls = []

    def report(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == 3:
            raise error

    with pytest.raises(error):
        trainer.train(report, every=0.03)
    assert set(threading.enumerate()) <= others
    result = trainer.result()
    assert calls[-1].done <= result.done < 0.5
    assert result.pairs == len(trainer.step.rates)  # one each, see Recorder
    assert len(result.losses) == result.epoch == int(np.ceil(result.done * 50))
    assert result.tokens_per_second == pytest.approx(result.done * 20_000 * 50 / result.seconds)


@pytest.mark.parametrize("times", [1, 2])
def test_after_ctrl_c_no_worker_is_left(times: int) -> None:
    """The tables may be taken then: the shard that was under way has ended, also if Ctrl-C comes again meanwhile."""
    trainer = make_trainer(zipf_corpus(5000, 50, 20), epochs=10)
    main, pause, ended = threading.main_thread().ident, threading.Event(), threading.Event()
    training = [True]

    def shard() -> None:
        for _ in range(times if not ended.is_set() else 0):
            signal.pthread_kill(main, signal.SIGINT)
            pause.wait(0.1)
        ended.set()

    def ctrl_c(*_: object) -> None:
        if training:
            raise KeyboardInterrupt

    trainer.step = Recorder(shard)
    before = signal.signal(signal.SIGINT, ctrl_c)
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.train()
        training.clear()
        assert ended.is_set()
        assert 0 < trainer.result().done < 1
    finally:
        ended.wait(5)
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_step_that_fails_is_a_training_error(threads: int) -> None:
    def fail() -> None:
        raise ValueError("no such row")

    others = set(threading.enumerate())
    trainer = make_trainer(zipf_corpus(5000, 50, 20), epochs=1000, threads=threads)
    trainer.step = recorder = Recorder(fail)
    with pytest.raises(TrainingError, match="no such row") as caught:
        trainer.train()
    assert isinstance(caught.value.__cause__, ValueError)
    assert len(recorder.rates) <= threads
    assert set(threading.enumerate()) <= others


def test_running_out_of_memory_says_so() -> None:
    def fail() -> None:
        raise MemoryError

    trainer = make_trainer(zipf_corpus(5000, 50, 20))
    trainer.step = Recorder(fail)
    with pytest.raises((TrainingError, MemoryError)) as caught:
        trainer.train()
    assert "emory" in f"{type(caught.value).__name__} {caught.value}"
