"""Division: what trials train on, what they are chosen by, and what only the final comparison looks for.

Each sequence that something is held out of belongs either to the validation or to the test. So both come out of the
same training, and no choice has seen the test's held-out items.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from item2vec.config.tune import TuneConfig
from item2vec.corpus.corpus import Corpus
from item2vec.errors import CorpusError
from item2vec.evaluation.sequences import Catalogue, HeldOut, Sequences, leave_last_out, read_sequences, with_targets

MOST = 20_000  # sequences that something is held out of, half of them for the validation
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Division:
    """A corpus in three parts.

    Parameters
    ----------
    training : Corpus
    validation, test : HeldOut
        Codes are the training's ids; those from ``len(training.vocabulary)`` on are items that it does not have.
    ordered : bool
        Whether the order of a sequence's items means anything.
    size : int
        Codes there are.
    """

    training: Corpus
    validation: HeldOut
    test: HeldOut
    ordered: bool
    size: int


def divide(corpus: Corpus, config: TuneConfig, seed: int, *, ordered: bool, delimiter: str | None = None) -> Division:
    """Hold items out of at most `MOST` sequences of a sample of a corpus, or take what files hold out.

    Parameters
    ----------
    corpus : Corpus
    config : TuneConfig
    seed : int
    ordered : bool
        Whether last items are held out, not any.
    delimiter : str or None
        What separates the items of the files of ``config``.

    Raises
    ------
    CorpusError
        If a file cannot be read, or there is too little to hold out.
    """
    random = np.random.default_rng(seed)
    sequences = sample_sequences(corpus, config.max_tokens, random)
    if config.validate is not None:
        return _divided_by_files(corpus, sequences, config, random, ordered, delimiter)
    eligible = np.flatnonzero((sequences if ordered else sequences.distinct()).lengths >= 2)
    _check_enough(len(eligible), "the corpus", "lower `min_count`, or give `validate=FILE`")
    chosen = np.sort(random.permutation(eligible)[:MOST])
    out = _last_places(sequences, chosen) if ordered else _random_places(sequences, chosen, config.holdout, random)
    training, code = _renumbered(corpus, sequences.keep(~out))
    left, held = _recoded(sequences.keep(~out), code), _recoded(sequences.keep(out), code)
    validation, test = (
        HeldOut(left.select(rows), held.select(rows).distinct(), left, {}) for rows in _halves(chosen, random)
    )
    return Division(training, validation, test, ordered, len(code))


def _divided_by_files(
    corpus: Corpus, sequences: Sequences, config: TuneConfig, random: np.random.Generator, ordered: bool,
    delimiter: str | None,
) -> Division:  # fmt: skip
    """Train on all of some sequences, and look for what the files of ``config`` hold out."""
    training, _ = _renumbered(corpus, sequences)
    catalogue = Catalogue(training.vocabulary)

    def read(path: str | Path) -> Sequences:
        return read_sequences(path, catalogue, delimiter=delimiter, id_column=config.id_column)

    assert config.validate is not None
    whole, targets = read(config.validate), config.validate_targets
    held = leave_last_out(whole) if targets is None else with_targets(whole, read(targets))
    _check_enough(len(held), str(config.validate), "name another file")
    learnt = Sequences(training.items, training.offsets)
    rows = random.permutation(len(held))[:MOST]
    validation, test = (
        HeldOut(held.histories.select(part), held.targets.select(part), learnt, held.skipped)
        for part in _halves(rows, random)
    )
    return Division(training, validation, test, ordered, len(catalogue))


def _check_enough(count: int, where: str, remedy: str) -> None:
    if count < FEWEST:
        raise CorpusError(
            f"{where} has {count} sequences long enough to hold an item out, but tuning needs {FEWEST}; {remedy}"
        )


def _halves(rows: NDArray[np.int64], random: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of some rows, drawn at random, each in order."""
    mixed = random.permutation(rows)
    return np.sort(mixed[0::2]), np.sort(mixed[1::2])


def sample_sequences(corpus: Corpus, max_tokens: int, random: np.random.Generator) -> Sequences:
    """Whole sequences of about ``max_tokens`` tokens (0: all), in the corpus's order."""
    whole = Sequences(corpus.items, corpus.offsets)
    if not max_tokens or len(corpus.items) <= max_tokens:
        return whole
    order = random.permutation(len(whole))
    count = max(1, int(np.searchsorted(np.cumsum(whole.lengths[order]), max_tokens, "right")))
    return whole.select(np.sort(order[:count]))


def _last_places(sequences: Sequences, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    out = np.zeros(len(sequences.items), bool)
    out[sequences.offsets[rows + 1] - 1] = True
    return out


def _random_places(
    sequences: Sequences, rows: NDArray[np.int64], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """Return a share of the distinct items of each of some sequences, with all their occurrences."""
    distinct = sequences.distinct()
    wanted = np.zeros(len(sequences), np.int64)
    wanted[rows] = np.clip(np.rint(share * distinct.lengths[rows]), 1, distinct.lengths[rows] - 1)
    owners = distinct.owners
    order = np.lexsort((random.random(len(owners)), owners))
    place = np.arange(len(owners)) - distinct.offsets[owners]  # in its sequence, after shuffling
    drawn = distinct.keep(np.isin(np.arange(len(owners)), order[place < wanted[owners]]))
    size = int(sequences.items.max()) + 1
    keys, held = sequences.owners * size + sequences.items, drawn.owners * size + drawn.items
    return np.isin(keys, held)


def _renumbered(corpus: Corpus, sequences: Sequences) -> tuple[Corpus, NDArray[np.int64]]:
    """Return the corpus of some of its sequences, and the code of each old id: items that they lack come last."""
    counts = np.bincount(sequences.items, minlength=len(corpus.vocabulary))
    order = np.argsort(-counts, kind="stable")
    code = np.empty(len(order), np.int64)
    code[order] = np.arange(len(order))
    kept = order[: int(np.count_nonzero(counts))]
    filled = sequences.select(np.flatnonzero(sequences.lengths))
    items = code[filled.items].astype(np.int32)
    vocabulary = corpus.vocabulary.take(kept).with_counts(counts[kept])
    return Corpus(items, filled.offsets, vocabulary, len(items), len(filled)), code


def _recoded(sequences: Sequences, code: NDArray[np.int64]) -> Sequences:
    return Sequences(code[sequences.items].astype(np.int32), sequences.offsets, sequences.names)
