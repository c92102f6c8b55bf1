"""Word similarity: does the cosine of two words' vectors order pairs as people do?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from item2vec.errors import CorpusError
from item2vec.evaluation.words import Words


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
