"""Tests of words: similarity and analogies."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import CorpusError
from item2vec.files.source import as_text, lines_of

# Words of a model as tests of words look them up: by any case, the commonest words only, vectors of length 1.

_LONGEST_TEST = 1 << 28  # bytes; the Google analogies have 600,000


class Words:
    """A look-up of words without regard to case, as gensim's ``evaluate_word_pairs`` and ``_analogies`` have it.

    Parameters
    ----------
    names : sequence of str
        The V words, commonest first.
    vectors : array, float32 [V, d]
    restrict : int or None
        Only this many of the commonest words are known.
    case_sensitive : bool
        Otherwise words are compared in upper case, and of words alike the commonest answers.

    Attributes
    ----------
    rows : dict of str to int
        Folded word to the row of the commonest such word.
    unit : array, float32 [V, d]
        Rows of length 1, or zero.
    same : array, int64 [V]
        For each row that of the commonest word that is alike.
    """

    def __init__(
        self,
        names: Sequence[str],
        vectors: NDArray[np.float32],
        *,
        restrict: int | None = None,
        case_sensitive: bool = False,
    ) -> None:
        names, vectors = names[:restrict], vectors[:restrict]
        self._case_sensitive = case_sensitive
        self.rows: dict[str, int] = {}
        self.same = np.array([self.rows.setdefault(self.fold(name), row) for row, name in enumerate(names)], np.int64)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
        self.unit: NDArray[np.float32] = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)

    def fold(self, word: str) -> str:
        """Return the word as it is compared."""
        return word if self._case_sensitive else word.upper()

    def find(self, words: Sequence[str]) -> list[int] | None:
        """Return the rows of some words, or None if one is unknown."""
        found = [self.rows.get(self.fold(word), -1) for word in words]
        return None if -1 in found else found


def read_test(path: str | Path) -> list[str]:
    """Return the lines of a test file that are neither empty nor comments (``#`` in front), white space stripped.

    Raises
    ------
    CorpusError
        If the file cannot be read, or has no such line.
    """
    source = as_text(Path(path))
    kept, size = [], 0
    for line in lines_of(source):
        kept.append(line)
        size += len(line) + 1
        if size > _LONGEST_TEST:
            raise CorpusError(f"{str(path)!r} has over {_LONGEST_TEST:,} bytes; it is not a word test")
    try:
        text = b"\n".join(kept).decode()
    except UnicodeDecodeError as error:
        raise CorpusError(f"{str(path)!r} is not UTF-8 at byte {error.start:,}; convert it first") from None
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise CorpusError(f"there is nothing in {str(path)!r}; it must have word pairs with scores, or analogies")
    return lines


# Word similarity: does the cosine of two words' vectors order pairs as people do?


@dataclass(frozen=True)
class Similarity:
    """Spearman's rho of a test of word pairs.

    Attributes
    ----------
    spearman : float
        -1 to 1, over the pairs used; NaN for fewer than two, or where all scores or all cosines are equal.
    used, missing : int
        Pairs whose words are both known, and pairs with an unknown word, which are left out.
    unreadable : int
        Lines that are no two words and a score, such as a heading.
    """

    spearman: float
    used: int
    missing: int
    unreadable: int


def word_similarity(words: Words, lines: Sequence[str]) -> Similarity:
    """Spearman's rho between cosines and scores (Finkelstein et al. 2001; gensim's ``evaluate_word_pairs``).

    Parameters
    ----------
    words : Words
    lines : sequence of str
        Two words and a score each, separated by a tab, a comma or spaces, further fields are ignored.

    Raises
    ------
    CorpusError
        If no line has two words and a score.
    """
    from scipy.stats import spearmanr

    rows: list[list[int]] = []
    scores: list[float] = []
    missing = unreadable = 0
    for line in lines:
        pair = parse_pair(line)
        if pair is None:
            unreadable += 1
            continue
        found = words.find(pair[:2])
        if found is None:
            missing += 1
        else:
            rows.append(found)
            scores.append(pair[2])
    if unreadable == len(lines):
        raise CorpusError(f"no line has two words and a score; the first is {lines[0][:60]!r}")
    if len(scores) < 2 or len(set(scores)) == 1:
        return Similarity(math.nan, len(scores), missing, unreadable)
    first, second = np.array(rows).T
    cosine = np.einsum("ij,ij->i", words.unit[first], words.unit[second], dtype=np.float64)
    if np.ptp(cosine) == 0:
        return Similarity(math.nan, len(scores), missing, unreadable)
    return Similarity(float(spearmanr(cosine, scores).statistic), len(scores), missing, unreadable)


def parse_pair(line: str) -> tuple[str, str, float] | None:
    """Two words and a score, or None; tabs separate before commas, commas before spaces."""
    separator = next((mark for mark in ("\t", ",") if mark in line), None)
    fields = [field.strip() for field in (re.split(separator, line) if separator else line.split())]
    try:
        first, second, score = fields[0], fields[1], float(fields[2])
    except (IndexError, ValueError):
        return None
    return (first, second, score) if first and second and math.isfinite(score) else None


# Analogies: a is to b as c is to d, and d has to be found.

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
            raise CorpusError(
                f"{line[:60]!r} has {len(fields)} words; an analogy has four, and a heading begins with a colon"
            )
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
