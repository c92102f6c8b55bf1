"""Analogies: a is to b as c is to d, and d has to be found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError
from item2vec.evaluation.words import Words

TOTAL = "total"
_BLOCK = 1 << 23  # scores computed at a time: 32 MB


@dataclass(frozen=True)
class Section:
    """How a section's questions were answered.

    Attributes
    ----------
    name : str
    right : int
        Questions answered right.
    known : int
        Questions whose four words are known.
    questions : int
        All questions.
    """

    name: str
    right: int
    known: int
    questions: int

    @property
    def skip_unknown(self) -> float:
        """Share right of the known questions: word2vec.c's figure, gensim's ``dummy4unknown=False``."""
        return self.right / self.known if self.known else math.nan

    @property
    def unknown_wrong(self) -> float:
        """Share right of all questions, one with an unknown word being wrong: gensim's ``dummy4unknown=True``."""
        return self.right / self.questions if self.questions else math.nan


def analogies(words: Words, lines: Sequence[str]) -> list[Section]:
    """Answer analogies with the word whose vector has the highest cosine with b - a + c.

    3CosAdd of Mikolov et al. 2013c, on vectors of length 1; the three words of the question, in any case, cannot be
    the answer. What word2vec.c's compute-accuracy and gensim's ``evaluate_word_analogies`` compute.

    Parameters
    ----------
    words : Words
        Those that may ask and answer.
    lines : sequence of str
        ``: name`` begins a section; others are four words.

    Returns
    -------
    list of Section
        In the file's order, `TOTAL` last.

    Raises
    ------
    CorpusError
        If a line is neither, or no question is there.
    """
    names, questions, sections = [""], [], []
    for line in lines:
        if line.startswith(":"):
            names.append(line.lstrip(": ").strip())
            continue
        fields = line.split()
        if len(fields) != 4:
            raise CorpusError(f"{line[:60]!r} has {len(fields)} words; an analogy has four, a heading a colon in front")
        questions.append(words.find(fields) or [-1] * 4)
        sections.append(len(names) - 1)
    if not questions:
        raise CorpusError("no line has four words, so there is no analogy to solve")
    asked, section = np.array(questions, np.int64), np.array(sections)
    known = asked[:, 0] >= 0
    right = known.copy()
    right[known] = _solve(words, asked[known])
    found = [
        Section(name, *(int(np.sum(part[section == number])) for part in (right, known, np.ones_like(known))))
        for number, name in enumerate(names)
        if np.any(section == number)
    ]
    return [*found, Section(TOTAL, int(right.sum()), int(known.sum()), len(questions))]


def _solve(words: Words, asked: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each question, rows of a, b, c and d, int64 [Q, 4], is answered right."""
    unit = words.unit
    twins = np.flatnonzero(words.same != np.arange(len(words.same)))  # rows alike a commoner one
    right = np.empty(len(asked), bool)
    step = max(1, _BLOCK // max(1, len(unit)))
    for first in range(0, len(asked), step):
        a, b, c, d = asked[first : first + step].T
        scores = (unit[b] - unit[a] + unit[c]) @ unit.T
        for word in (a, b, c):
            scores[np.arange(len(word)), word] = -np.inf
            question, twin = np.nonzero(word[:, None] == words.same[twins])
            scores[question, twins[twin]] = -np.inf
        right[first : first + step] = words.same[scores.argmax(1)] == d
    return right
