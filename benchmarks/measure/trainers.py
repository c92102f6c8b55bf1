"""One run of one trainer, in a process of its own: the child of race.py.

    python benchmarks/measure/trainers.py gensim|fasttext|item2vec SETTINGS

SETTINGS is JSON: corpus, output, stage (read, train or whole), seed and the hyperparameters. The answer is
one line of JSON on standard output: a peer's version, items, and the seconds for reading (vocabulary, for
item2vec ids as well), training and writing. ``item2vec`` is here for the stage ``read`` only; a whole run is
``python -m item2vec train``.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from typing import Any

Settings = dict[str, Any]
Answer = dict[str, Any]


def run_gensim(settings: Settings) -> Answer:
    """Return gensim in its fastest way: ``corpus_file`` for both passes, the vectors saved as an array.

    Its learning rate ends higher than asked there: each of n workers counts its own sentences against those of the
    whole corpus (``get_next_alpha``), so that within an epoch the rate falls only by 1/n of what it should.
    """
    import gensim
    from gensim.models import Word2Vec

    clock = Clock()
    model = Word2Vec(
        sg=int(settings["arch"] == "skipgram"),
        hs=int(settings["loss"] == "hs"),
        cbow_mean=1,
        vector_size=settings["dim"],
        window=settings["window"],
        negative=settings["negative"] if settings["loss"] == "ns" else 0,
        sample=settings["sample"],
        min_count=settings["min_count"],
        alpha=settings["lr"],
        min_alpha=settings["min_lr"],
        workers=settings["threads"],
        seed=settings["seed"],
    )
    corpus = settings["corpus"]
    model.build_vocab(corpus_file=corpus)
    seconds = {"read": clock.lap()}
    if settings["stage"] != "read":
        model.train(
            corpus_file=corpus,
            total_words=model.corpus_total_words,
            total_examples=model.corpus_count,
            epochs=settings["epochs"],
        )
        seconds["train"] = clock.lap()
    if settings["stage"] == "whole":
        model.wv.save(settings["output"])
        seconds["write"] = clock.lap()
    return {"version": gensim.__version__, "items": len(model.wv), "seconds": seconds}


def run_fasttext(settings: Settings) -> Answer:
    """Return fastText without subwords.

    Three things are not as asked, as it has no option for them: its seed (0), where the learning rate ends
    (0), and the noise distribution's exponent (0.5).
    """
    from importlib.metadata import version

    import fasttext

    clock = Clock()
    with ReadingEnd() as reading:
        model = fasttext.train_unsupervised(
            settings["corpus"],
            model=settings["arch"],
            loss=settings["loss"],
            dim=settings["dim"],
            ws=settings["window"],
            neg=settings["negative"],
            t=settings["sample"],
            minCount=settings["min_count"],
            lr=settings["lr"],
            epoch=0 if settings["stage"] == "read" else settings["epochs"],
            thread=settings["threads"],
            minn=0,
            maxn=0,
            verbose=1,
        )
    read = reading.moment - clock.last
    seconds = {"read": read}
    both = clock.lap()
    if settings["stage"] != "read":
        seconds["train"] = both - read
    if settings["stage"] == "whole":
        model.save_model(settings["output"])
        seconds["write"] = clock.lap()
    return {"version": version("fasttext"), "items": len(model.words), "seconds": seconds}


def read_item2vec(settings: Settings) -> Answer:
    """item2vec's reader alone: vocabulary and the whole corpus as ids."""
    from item2vec.corpus.text.text import read_text

    if settings["stage"] != "read":
        raise ValueError("python -m item2vec train is what race.py runs for more than reading")
    clock = Clock()
    corpus = read_text([settings["corpus"]], min_count=settings["min_count"], threads=settings["threads"])
    seconds = {"read": clock.lap()}
    return {"items": len(corpus.vocabulary), "seconds": seconds}


class Clock:
    """Seconds since the last lap."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last call, or since the clock was made."""
        now = time.perf_counter()
        passed, self.last = now - self.last, now
        return passed


class ReadingEnd:
    """The moment at which fastText has read its vocabulary.

    It reads, initialises and trains in one call and tells of the end of reading only on standard error
    ("Number of labels: 0"), so within this context file descriptor 2 is a pipe that a thread listens to. The
    call releases the GIL, so the moment is right to well under a millisecond.
    """

    moment = float("nan")

    def __enter__(self) -> ReadingEnd:
        self._standard_error = os.dup(2)
        receive, send = os.pipe()
        os.dup2(send, 2)
        os.close(send)
        self._listener = threading.Thread(target=self._listen, args=(receive,))
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._standard_error, 2)  # closes the pipe's last writing end, which ends the listener
        os.close(self._standard_error)
        self._listener.join()

    def _listen(self, receive: int) -> None:
        with os.fdopen(receive, "rb") as pipe:
            for line in pipe:
                if line.startswith(b"Number of labels"):
                    self.moment = time.perf_counter()


TRAINERS = {"gensim": run_gensim, "fasttext": run_fasttext, "item2vec": read_item2vec}


def main() -> None:
    parser = argparse.ArgumentParser(description="One run of one trainer; race.py starts it.")
    parser.add_argument("trainer", choices=sorted(TRAINERS))
    parser.add_argument("settings", type=json.loads, help="as JSON")
    options = parser.parse_args()
    print(json.dumps(TRAINERS[options.trainer](options.settings)))


if __name__ == "__main__":
    main()
