"""What is held out: for each sequence a history that may be looked at, and targets that must be found."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from item2vec.errors import CorpusError, brief
from item2vec.evaluation.sequences import Sequences


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Histories and the items held out of them, a row a sequence that can be evaluated.

    Parameters
    ----------
    histories : Sequences [U]
        In the order of the source.
    targets : Sequences [U]
        Distinct items, at least one each.
    training : Sequences
        All that baselines may learn from: every sequence read, without what is held out.
    skipped : dict of str to int
        Why sequences could not be evaluated, and how many.
    """

    histories: Sequences
    targets: Sequences
    training: Sequences
    skipped: dict[str, int]

    def __len__(self) -> int:
        return len(self.histories)


def leave_last_out(sequences: Sequences) -> HeldOut:
    """Hold out the last item of each sequence of two or more.

    Raises
    ------
    CorpusError
        If there is no such sequence.
    """
    rows = np.flatnonzero(sequences.lengths >= 2)
    if not len(rows):
        raise CorpusError("no sequence has two items or more, so that one could be held out and one be left")
    last = np.zeros(len(sequences.items), bool)
    last[sequences.offsets[rows + 1] - 1] = True
    training = sequences.keep(~last)
    skipped = {"shorter than 2 items": len(sequences) - len(rows)}
    return HeldOut(training.select(rows), sequences.keep(last).select(rows), training, _nonzero(skipped))


def with_targets(sequences: Sequences, targets: Sequences) -> HeldOut:
    """Pair sequences with the held-out items of another file: by id if both have ids, else line by line.

    Sequences without a history or without targets are skipped; see `HeldOut`.

    Raises
    ------
    CorpusError
        If lines cannot be paired, an id comes twice, or nothing can be evaluated.
    """
    skipped: dict[str, int] = {}
    if sequences.names is None or targets.names is None:
        if len(sequences) != len(targets):
            raise CorpusError(
                f"there are {len(sequences):,} sequences and {len(targets):,} lines of targets; line i of one belongs "
                "to line i of the other, unless lines begin with an id and --id-column says so"
            )
        rows = partners = np.arange(len(sequences))
    else:
        _refuse_repeated(sequences.names, "sequences")
        _refuse_repeated(targets.names, "targets")
        places = {name: place for place, name in enumerate(targets.names)}
        pairs = [(row, places[name]) for row, name in enumerate(sequences.names) if name in places]
        if not pairs:
            raise CorpusError("no id of the sequences is an id of the targets; the first field of each line is its id")
        rows, partners = np.array(pairs, np.int64).T
        skipped["id without targets"] = len(sequences) - len(pairs)
        skipped["id of targets without a sequence"] = len(targets) - len(pairs)
    histories, wanted = sequences.select(rows), targets.select(partners).distinct()
    with_history, with_wanted = histories.lengths > 0, wanted.lengths > 0
    skipped["no history"] = int(np.sum(~with_history))
    skipped["no target"] = int(np.sum(with_history & ~with_wanted))
    good = np.flatnonzero(with_history & with_wanted)
    if not len(good):
        raise CorpusError("no sequence has both a history and targets")
    return HeldOut(histories.select(good), wanted.select(good), sequences, _nonzero(skipped))


def _refuse_repeated(names: list[bytes], what: str) -> None:
    name, count = Counter(names).most_common(1)[0] if names else (b"", 0)
    if count > 1:
        raise CorpusError(
            f"the id {brief(name.decode())} begins {count:,} lines of the {what}; an id must be on one line only"
        )


def _nonzero(skipped: dict[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in skipped.items() if count}
