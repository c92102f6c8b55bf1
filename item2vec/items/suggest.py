"""The closest items that a vocabulary has to one that it does not have.

Comparing an unknown item with millions of others letter by letter would take minutes, so a vectorised pass
over the items' bytes first picks a few hundred that share letters and letter pairs with it.
"""

from __future__ import annotations

import unicodedata
from string import ascii_uppercase

import numpy as np
from numpy.typing import NDArray

from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

_BLOCK = 1 << 16  # items whose bytes are counted together
_CANDIDATES = 200  # of each block, and of all
_LONGEST = 100  # characters compared of an item: the comparison is quadratic
_SHORTEST = 3  # characters that an item must have to be looked for within others
_ALIKE = 0.6  # least share of letters in common, difflib's own cutoff
_LOWER = bytes(code + 32 if chr(code) in ascii_uppercase else code for code in range(256))


def closest_items(vocabulary: Vocabulary | Names, item: str, count: int = 3) -> list[str]:
    """Return the items that `item` may have been meant for, best first.

    First those equal but for case and Unicode form, then those alike letter by letter (the ratio of Ratcliff
    and Obershelp in ``difflib``), then those that contain it; within each, commoner items first.

    Parameters
    ----------
    vocabulary : Vocabulary or Names
    item : str
    count : int
        How many at most.

    Returns
    -------
    list of str
        May be empty.
    """
    from difflib import SequenceMatcher  # here, since only an unknown item needs it

    wanted = _fold(item)[:_LONGEST]
    query = item[:_LONGEST].encode("utf-8", "surrogatepass").translate(_LOWER)
    if not query:
        return []
    matcher = SequenceMatcher(b=wanted, autojunk=False)
    found = []
    for index in _candidates(vocabulary, query):
        candidate = vocabulary[index] or ""
        folded = _fold(candidate)[:_LONGEST]
        matcher.set_seq1(folded)
        close = matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE
        ratio = matcher.ratio() if close else 0.0
        if ratio >= _ALIKE or (len(wanted) >= _SHORTEST and wanted in folded):
            found.append((folded != wanted, ratio < _ALIKE, -ratio if ratio >= _ALIKE else 0.0, index, candidate))
    return [candidate for *_, candidate in sorted(found)[:count]]


def _fold(item: str) -> str:
    """Return the item without regard to case and Unicode form."""
    return unicodedata.normalize("NFKC", item).casefold()


def _candidates(vocabulary: Vocabulary | Names, query: bytes) -> list[int]:
    """Ids of items that share many bytes and byte pairs with `query`, or contain it, commoner ones first."""
    ids, scores = [], []
    containing: list[int] = []
    for first in range(0, len(vocabulary), _BLOCK):
        bounds = np.asarray(vocabulary.offsets[first : first + _BLOCK + 1], np.int64)
        data = vocabulary.blob[bounds[0] : bounds[-1]].tobytes().translate(_LOWER)
        bounds = bounds - bounds[0]
        score = _shared(data, bounds, query)
        best = np.argpartition(score, -min(_CANDIDATES, len(score)))[-_CANDIDATES:]
        ids.append(best + first)
        scores.append(score[best])
        if len(containing) < _CANDIDATES:
            containing += [first + index for index in _containing(data, bounds, query)]
    every, score = np.concatenate(ids), np.concatenate(scores)
    alike = every[np.argsort(-score, kind="stable")[:_CANDIDATES]]
    return sorted({*alike.tolist(), *containing[:_CANDIDATES]})


def _shared(data: bytes, bounds: NDArray[np.int64], query: bytes) -> NDArray[np.float64]:
    """For each item the bytes and byte pairs that the query has too, over both lengths."""
    is_letter = bytes(code in query for code in range(256))
    is_pair = np.zeros(65_536, np.uint8)
    is_pair[_pair_codes(query)] = 1
    hits = np.frombuffer(bytearray(data.translate(is_letter)), np.uint8)
    hits[:-1] += is_pair.take(_pair_codes(data))  # also across the border of two items: a prefilter may err
    totals = np.zeros(len(data) + 1, np.int32)
    np.cumsum(hits, out=totals[1:])
    # A long item of the same few letters must not beat an equal one: no more hits than the query itself has.
    found = np.minimum(np.diff(totals[bounds]), 2 * len(query) - 1)
    share: NDArray[np.float64] = found / (np.diff(bounds) + len(query))
    return share


def _pair_codes(data: bytes) -> NDArray[np.uint16]:
    """Each two neighbouring bytes as one number."""
    letters = np.frombuffer(data, np.uint8)
    return letters[:-1].astype(np.uint16) << np.uint16(8) | letters[1:]


def _containing(data: bytes, bounds: NDArray[np.int64], needle: bytes) -> list[int]:
    """Return the first items, so the commonest, that have `needle` within them, from its first 200 places."""
    if len(needle) < _SHORTEST:
        return []
    found = []
    place = data.find(needle)
    for _ in range(_CANDIDATES):
        if place < 0:
            break
        index = int(np.searchsorted(bounds, place, "right")) - 1
        end = int(bounds[index + 1])
        inside = place + len(needle) <= end  # or it only spans the border of two items
        if inside:
            found.append(index)
        place = data.find(needle, end if inside else place + 1)
    return found
