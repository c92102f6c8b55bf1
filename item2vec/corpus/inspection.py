"""inspect_corpus: what shape a corpus has, so that people see it, and see what will not train well."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from item2vec.corpus.corpus import Corpus
from item2vec.items.vocabulary import Vocabulary
from item2vec.kernels import kernel

# Items that differ only in case, white space or Unicode form: one thing, spelt in several ways.

_MOST = 1_000_000  # items looked at, commonest first; a second or so


@dataclass(frozen=True)
class Lookalikes:
    """Items that look alike.

    Attributes
    ----------
    items : int
        Items that another, commoner one looks like.
    tokens : int
        Their occurrences.
    example : tuple of str
        The commonest such item behind the one that it looks like; empty if there is none.
    """

    items: int
    tokens: int
    example: tuple[str, ...]


def find_lookalikes(vocabulary: Vocabulary) -> Lookalikes:
    """Look for them among the commonest million items."""
    first: dict[str, int] = {}
    items = tokens = 0
    example: tuple[str, ...] = ()
    for index in range(min(len(vocabulary), _MOST)):
        item = vocabulary[index]
        known = first.setdefault(folded(item), index)
        if known != index:
            items += 1
            tokens += int(vocabulary.counts[index])
            example = example or (vocabulary[known], item)
    return Lookalikes(items, tokens, example)


def folded(item: str) -> str:
    """Return what is left of an item without its case, white space (Unicode's) and Unicode form."""
    if not item.isascii():
        item = unicodedata.normalize("NFKC", item)
    return " ".join(item.split()).casefold()


# What only a walk through all sequences tells: repetitions within them, and a hash of each. numba.

# Totals, int64 [2].
CONSECUTIVE = 0  # items that are the same as the item before
EQUAL_PAIRS = 1  # pairs of equal items in one sequence

_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@kernel
def walk(
    items: NDArray[np.int32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
    seen: NDArray[np.int64],
    times: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    totals: NDArray[np.int64],
) -> None:
    """Walk through the sequences first to last.

    Parameters
    ----------
    items, offsets : arrays, int32 and int64
        As a corpus has them.
    first, last : int
        Sequences.
    seen, times : arrays, int64 and int32 [items of the vocabulary]
        The sequence that an item was in last, -1 before the first, and how often it was in there.
    hashes : array, uint64 [sequences]
        Filled: equal sequences have equal hashes, others hardly ever (FNV-1a over whole ids, mixed).
    totals : array, int64 [2]
        Added to.
    """
    for sequence in range(first, last):
        value = _OFFSET
        before = -1
        for place in range(offsets[sequence], offsets[sequence + 1]):
            item = items[place]
            value = (value ^ np.uint64(item)) * _PRIME
            value ^= (value * _MIX) >> _SHIFT
            totals[CONSECUTIVE] += item == before
            before = item
            if seen[item] != sequence:
                seen[item] = sequence
                times[item] = 0
            totals[EQUAL_PAIRS] += times[item]
            times[item] += 1
        hashes[sequence] = value


QUANTILES = (0.01, 0.25, 0.5, 0.75, 0.99)
LONG = 5  # items from which on a sequence hardly comes twice by chance
MARKS = (",", ";", "|", "\t")
_COMMONEST = 10
_STEP = 1 << 22  # tokens that are walked through at a time
_MOST_COLUMNS = 10  # more items a line than this are rather walks on a graph, which have one length too
_LOOKED_AT = 2000  # commonest items that are searched for marks between items


@dataclass(frozen=True, eq=False)
class Inspection:
    """The shape of a corpus.

    Lengths, repetitions and duplicates are those of the sequences as the corpus has them; where items were dropped in
    reading, without these.

    Attributes
    ----------
    sequences, tokens, items : int
        Read, dropped ones included.
    min_count, rare_items, rare_tokens : int
        Items that come less often than that, and their occurrences.
    once : int
        Items that come once.
    lengths : array, int32 or int64 [sequences of the corpus]
        Sorted.
    commonest : tuple of (str, int)
        Items and their counts.
    ranks : tuple of (int, int)
        Rank, from 1, and count of the item there: 1, 2, 5, 10, 20, 50 ... and the last.
    consecutive : int
        Tokens that repeat the one before.
    equal_pairs : int
        Pairs of the same item in one sequence.
    expected_pairs : float
        As many there would be if items came in any order, by their frequencies.
    duplicates, long_duplicates, long_sequences : int
        Sequences that came before in the same words; those with `LONG` items or more; all with so many.
    head : tuple of str
        The first sequence, if none of its items comes again; at most 100 items.
    own_beginnings : bool
        Whether no two sequences begin with the same item.
    mark : (str, float)
        Of what often stands between items, the one that stands in most tokens, and in what share of them.
    numeric, words : float
        Share of the tokens, of the commonest items, that are numbers; that have letters and no digit.
    lookalikes : Lookalikes
    columns : int
        Items of each sequence as it was read, if all have as many, of a few; else 0.
    columns_alike : float
        The least overlap of the distributions of items at two neighbouring places of them, 0 to 1.
    """

    sequences: int
    tokens: int
    items: int
    min_count: int
    rare_items: int
    rare_tokens: int
    once: int
    lengths: NDArray[np.integer]
    commonest: tuple[tuple[str, int], ...]
    ranks: tuple[tuple[int, int], ...]
    consecutive: int
    equal_pairs: int
    expected_pairs: float
    duplicates: int
    long_duplicates: int
    long_sequences: int
    head: tuple[str, ...]
    own_beginnings: bool
    mark: tuple[str, float]
    numeric: float
    words: float
    lookalikes: Lookalikes
    columns: int
    columns_alike: float

    def length_at(self, share: float) -> int:
        """Return the length that a share of the sequences do not exceed."""
        return int(self.lengths[max(0, int(np.ceil(share * len(self.lengths))) - 1)])

    def share_up_to(self, length: int) -> float:
        """Share of the sequences that are no longer than this."""
        return float(np.searchsorted(self.lengths, length, "right") / len(self.lengths))

    def histogram(self) -> list[tuple[int, int, int]]:
        """From, to and how many: lengths 1, 2, 3 to 4, 5 to 8, ... up to the longest."""
        ends = [0, 1]
        while ends[-1] < self.lengths[-1]:
            ends.append(2 * ends[-1])
        below = np.searchsorted(self.lengths, ends, "right").tolist()
        return [(start + 1, end, b - a) for (start, end), (a, b) in zip(pairwise(ends), pairwise(below), strict=True)]


def inspect_corpus(corpus: Corpus, min_count: int) -> Inspection:
    """Look at a corpus of at least one sequence.

    Parameters
    ----------
    corpus : Corpus
        With all of its items, or with those that a training keeps.
    min_count : int
        What a training would drop, or has dropped.
    """
    # Twelve bytes a sequence: what is made of them beside is made in blocks, or in place.
    lengths = _lengths(corpus)
    hashes, totals = _walk(corpus)
    long_hashes = hashes[lengths >= LONG]
    duplicates, long_duplicates = _repeated(hashes), _repeated(long_hashes)
    del hashes
    counts = corpus.vocabulary.counts
    all_counts = counts if corpus.rare is None else np.concatenate([counts, corpus.rare.counts])
    rare = all_counts < min_count
    kept = max(1, int(counts.sum()))
    mark, numeric, words = _marks(corpus)
    columns, columns_alike = _columns(corpus, lengths)
    blocks = (lengths[first : first + _STEP].astype(np.float64) for first in range(0, len(lengths), _STEP))
    pairs = sum(float((block * (block - 1)).sum()) for block in blocks) / 2
    lengths.sort()
    return Inspection(
        sequences=corpus.raw_sequences,
        tokens=corpus.raw_tokens,
        items=len(all_counts),
        min_count=min_count,
        rare_items=int(np.count_nonzero(rare)),
        rare_tokens=int(all_counts[rare].sum()),
        once=int(np.count_nonzero(all_counts == 1)),
        lengths=lengths,
        commonest=tuple((corpus.vocabulary[i], int(counts[i])) for i in range(min(_COMMONEST, len(counts)))),
        ranks=tuple((rank, int(counts[rank - 1])) for rank in _ranks(len(counts))),
        consecutive=int(totals[CONSECUTIVE]),
        equal_pairs=int(totals[EQUAL_PAIRS]),
        expected_pairs=pairs * float(((counts / kept) ** 2).sum()),
        duplicates=duplicates,
        long_duplicates=long_duplicates,
        long_sequences=len(long_hashes),
        head=_head(corpus),
        own_beginnings=_own_beginnings(corpus),
        mark=mark,
        numeric=numeric,
        words=words,
        lookalikes=find_lookalikes(corpus.vocabulary),
        columns=columns,
        columns_alike=columns_alike,
    )


@np.errstate(over="ignore")  # hashes wrap around, which numpy notes where numba is turned off
def _walk(corpus: Corpus) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    items, offsets = corpus.items.view(), corpus.offsets.view()
    items.flags.writeable = offsets.flags.writeable = False  # as a mapped corpus is: one compiled form for both
    size = len(corpus.vocabulary)
    seen, times = np.full(size, -1, np.int64), np.zeros(size, np.int32)
    hashes, totals = np.empty(len(corpus), np.uint64), np.zeros(2, np.int64)
    first = 0
    while first < len(corpus):
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _STEP, "right")) - 1)
        walk(items, offsets, first, last, seen, times, hashes, totals)
        corpus.tokens_read(int(offsets[last] - offsets[first]))
        first = last
    return hashes, totals


def _lengths(corpus: Corpus) -> NDArray[np.integer]:
    """Return the sequences' lengths; int32 where that is enough."""
    offsets = corpus.offsets
    small = len(corpus.items) < 2**31
    lengths: NDArray[np.integer] = np.empty(len(corpus), np.int32 if small else np.int64)
    for first in range(0, len(corpus), _STEP):
        part = offsets[first : first + _STEP + 1]
        np.subtract(part[1:], part[:-1], out=lengths[first : first + _STEP], casting="same_kind")
    return lengths


def _repeated(hashes: NDArray[np.uint64]) -> int:
    """Return how many hashes are the same as an earlier one; they are sorted in place."""
    hashes.sort()
    blocks = (hashes[first : first + _STEP + 1] for first in range(0, len(hashes), _STEP))  # with one of the next
    return sum(int(np.count_nonzero(block[1:] == block[:-1])) for block in blocks)


def _own_beginnings(corpus: Corpus) -> bool:
    """Whether no two sequences begin with the same item."""
    if len(corpus) > len(corpus.vocabulary):
        return False
    begins = corpus.items[corpus.offsets[:-1]]
    return len(np.unique(begins)) == len(begins)


def _ranks(items: int) -> list[int]:
    steps = (digit * 10**power for power in range(10) for digit in (1, 2, 5))
    return [*(rank for rank in steps if rank < items), items]


def _head(corpus: Corpus) -> tuple[str, ...]:
    first = corpus.items[: min(corpus.offsets[1], 100)]
    once = bool((corpus.vocabulary.counts[first] == 1).all())
    return tuple(corpus.vocabulary[int(item)] for item in first) if once else ()


def _marks(corpus: Corpus) -> tuple[tuple[str, float], float, float]:
    """In what share of the commonest items' tokens a mark stands, and what share are numbers, and words."""
    with_mark: Counter[str] = Counter()
    looked_at = min(len(corpus.vocabulary), _LOOKED_AT)
    total = numbers = words = 0
    for index in range(looked_at):
        item, count = corpus.vocabulary[index], int(corpus.vocabulary.counts[index])
        total += count
        numbers += count * item.lstrip("-").replace(".", "", 1).isdigit()
        words += count * (any(map(str.isalpha, item)) and not any(map(str.isdigit, item)))
        for mark in MARKS:
            if mark in item and item != mark:
                with_mark[mark] += count
    mark, count = max(with_mark.items(), key=lambda pair: pair[1], default=("", 0))
    return (mark, count / total), numbers / total, words / total


def _columns(corpus: Corpus, lengths: NDArray[np.integer]) -> tuple[int, float]:
    """How many items each line had, if all had as many, and how alike neighbouring places are."""
    columns, rest = divmod(corpus.raw_tokens, corpus.raw_sequences)
    longest = int(lengths.max())
    # Where items were dropped, a column of times say, their lines are shorter; none is longer than the mean.
    if rest or not 2 <= columns <= _MOST_COLUMNS or not max(2, columns - 1) <= longest <= columns:
        return 0, 1.0
    begins, alike, before = corpus.offsets[:-1], 1.0, None
    for place in range(longest):
        items = corpus.items[begins[lengths > place] + place]
        shares = np.bincount(items, minlength=len(corpus.vocabulary)) / len(items)
        if before is not None:
            alike = min(alike, float(np.minimum(before, shares).sum()))
        before = shares
    return columns, alike
