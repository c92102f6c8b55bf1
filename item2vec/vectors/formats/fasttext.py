"""fastText's own model file, ``.bin``: its words' vectors, the subwords' added in.

Source: fastText 0.9, ``fasttext.cc`` (loadModel), ``args.cc`` (load), ``dictionary.cc`` (load, computeSubwords,
hash) and ``densematrix.cc`` (load). The file: magic and version; 12 settings and the sampling threshold;
the dictionary's sizes and its entries (text, a zero byte, count, type), and which buckets a pruned model
kept; whether the input table is quantised; the input table, a row a word, then a row a bucket of character
n-grams; the output table. Numbers are little-endian.

A word's vector is the mean of its own row and of those of its n-grams (Bojanowski et al. 2017, section 3.2),
which is what fastText's ``print-word-vectors`` prints. Read are the words in the vocabulary, with their counts;
vectors of unseen words, labels, the output table and quantised models (``.ftz``) are not.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.item_names import checked
from item2vec.vectors.formats.streams import MOST_DIM, check_room, content_bound, open_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

MAGIC = struct.pack("<i", 793_712_314)
_VERSIONS = (11, 12)
_FLORET_MODES, _MOST_HASHES = (1, 2), 4  # settings that floret has where fastText has lrUpdateRate and t, a double
_END_OF_LINE = b"</s>"  # has no n-grams
_WORD = 0  # type of an entry; 1 is a label
_COUNT = struct.Struct("<qb")  # behind an entry's text: its count and its type
_TOGETHER = 1 << 16  # bytes of the dictionary that are read at once
_FNV_OFFSET, _FNV_PRIME = np.uint32(2_166_136_261), np.uint32(16_777_619)
_WORDS = 2048  # whose n-grams are looked up together
_LETTERS = 1 << 16  # bytes that these words have together, or one has
_NUMBERS = 1 << 24  # numbers of n-grams' rows that are added up together
_LONGEST_NGRAM = 64  # characters; fastText's own default is 6


def read(path: str, items: str | None) -> KeyedVectors:
    """Read a file; see `item2vec.vectors.formats.registry.read_vectors`."""
    with open_vectors(path) as file:
        size = content_bound(path)
        if file.read(4) != MAGIC:
            raise ModelError(f"cannot read {path}: it does not start as a fastText model does")
        version, dim, *_, bucket, minn, maxn, rate = _unpack(file, "<13i", path)
        threshold = struct.pack("<d", *_unpack(file, "<d", path))
        if version not in _VERSIONS:
            raise ModelError(f"cannot read {path}: it is a fastText model of version {version}; 11 and 12 are read")
        if version == 11:  # its supervised models have no n-grams, whatever they say
            maxn = 0
        entries, words, _, _, pruned = _unpack(file, "<iiiqq", path)
        if rate in _FLORET_MODES and 1 <= struct.unpack("<2i", threshold)[0] <= _MOST_HASHES:
            raise ModelError(
                f"cannot read {path}: it is a model of floret, which begins as fastText's do and goes on otherwise; "
                "write its vectors as text with floret's own save_vectors, and read those"
            )
        if not 0 < words <= entries or entries * 10 > size or pruned * 8 > size:
            raise ModelError(f"cannot read {path}: it claims {words:,} words, for which it is too short")
        names, counts = _entries(file, entries, words, path)
        kept = dict(_unpack(file, "<2i", path) for _ in range(max(pruned, 0)))
        if _unpack(file, "<?", path)[0]:
            raise ModelError(
                f"cannot read {path}: it is quantised; export its vectors with `fasttext print-word-vectors`"
            )
        rows, columns = _unpack(file, "<qq", path)
        if columns != dim or not 1 <= dim <= MOST_DIM or rows < words or rows * dim * 4 > size - file.tell():
            raise ModelError(f"cannot read {path}: its table of {rows:,} rows of {columns:,} is cut off or damaged")
        check_room(path, 4 * (rows + words) * dim)
        data = file.read(rows * dim * 4)
        if len(data) < rows * dim * 4:
            raise ModelError(f"cannot read {path}: it is cut off in its table")
        table = np.frombuffer(data, "<f4").reshape(rows, dim)
    vocabulary = Vocabulary.from_items(names, counts)
    if maxn < 1:
        return checked(path, vocabulary, table[:words].astype(np.float32), "fasttext")
    if not 0 < minn <= maxn <= _LONGEST_NGRAM or bucket < 1:
        raise ModelError(f"cannot read {path}: it claims n-grams of {minn} to {maxn} characters in {bucket:,} buckets")
    if pruned < 0 and bucket > rows - words:
        raise ModelError(f"cannot read {path}: its table has {rows:,} rows for {words:,} words and {bucket:,} buckets")
    pairs = np.array(sorted(kept.items()), np.int64).reshape(-1, 2)
    if pairs.min(initial=0) < 0 or np.any(pairs.max(axis=0, initial=-1) >= (bucket, rows - words)):
        raise ModelError(f"cannot read {path}: its list of kept n-grams is damaged")
    buckets = _Buckets(bucket, words, pairs if pruned >= 0 else None)
    return checked(path, vocabulary, _with_subwords(table, vocabulary, buckets, minn, maxn), "fasttext")


def _unpack(file: BinaryIO, layout: str, path: str) -> tuple[Any, ...]:
    data = file.read(struct.calcsize(layout))
    if len(data) < struct.calcsize(layout):
        raise ModelError(f"cannot read {path}: it is cut off")
    return struct.unpack(layout, data)


def _entries(file: BinaryIO, entries: int, words: int, path: str) -> tuple[list[bytes], list[int]]:
    """Return the words of the dictionary, which come before its labels, and their counts."""
    names, counts = [], []
    broken = ModelError(f"cannot read {path}: it is cut off or damaged in its dictionary")
    data, place, size = b"", 0, _COUNT.size
    for _ in range(entries):
        while (end := data.find(b"\0", place, place + _LETTERS + 1)) < 0 or end + 1 + size > len(data):
            more = b"" if len(data) - place > _LETTERS + size else file.read(_TOGETHER)
            if not more:
                raise broken
            data, place = data[place:] + more, 0
        count, kind = _COUNT.unpack_from(data, end + 1)
        if kind == _WORD:
            names.append(data[place:end])
            counts.append(count)
        place = end + 1 + size
    file.seek(place - len(data), os.SEEK_CUR)
    if len(names) != words or min(counts) < 0:
        raise ModelError(f"cannot read {path}: its dictionary is damaged")
    return names, counts


@dataclass(frozen=True)
class _Buckets:
    """Where the rows of n-grams stand: `kept` has pairs of bucket and row of a pruned model, by bucket."""

    count: int
    words: int
    kept: NDArray[np.int64] | None

    def rows(self, hashes: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Return the row of each n-gram, -1 where it was pruned."""
        wanted = (hashes % np.uint32(self.count)).astype(np.int64)
        if self.kept is None:
            return wanted + self.words
        if not len(self.kept):
            return np.full(len(wanted), -1)
        old, new = self.kept.T
        place = np.minimum(np.searchsorted(old, wanted), len(old) - 1)
        return np.where(old[place] == wanted, new[place] + self.words, -1)


def _with_subwords(
    table: NDArray[np.float32], vocabulary: Vocabulary, buckets: _Buckets, minn: int, maxn: int
) -> NDArray[np.float32]:
    """Return the mean of each word's own row and its n-grams' rows."""
    vectors = np.zeros((len(vocabulary), table.shape[1]), np.float32)
    step = max(1, _NUMBERS // table.shape[1])
    first = 0
    while first < len(vocabulary):
        full = int(np.searchsorted(vocabulary.offsets, vocabulary.offsets[first] + _LETTERS, "right")) - 1
        last = min(max(full, first + 1), first + _WORDS, len(vocabulary))
        names = [vocabulary.items_bytes(index) for index in range(first, last)]
        owners, hashes = ngram_hashes(names, minn, maxn)
        rows = buckets.rows(hashes)
        owners, rows = owners[rows >= 0], rows[rows >= 0]
        owners = np.concatenate([np.arange(last - first), owners])
        order = np.argsort(owners, kind="stable")
        rows = np.concatenate([np.arange(first, last), rows])[order]
        sizes = np.bincount(owners)
        owners = owners[order]
        for begin in range(0, len(rows), step):  # usually once; a word may have any number of n-grams
            found, starts = np.unique(owners[begin : begin + step], return_index=True)
            with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
                vectors[first + found] += np.add.reduceat(table[rows[begin : begin + step]], starts, axis=0)
        vectors[first:last] /= sizes[:, None].astype(np.float32)
        first = last
    return vectors


def ngram_hashes(words: list[bytes], minn: int, maxn: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """Return the hashes of all character n-grams of ``<word>``, and the place in `words` of the word that each is of.

    FNV-1a in 32 bits, over signed bytes. A lone ``<`` or ``>`` is no n-gram. All places where an n-gram may
    start go forward together, a byte at a time.
    """
    framed = [b"" if word == _END_OF_LINE else b"<" + word + b">" for word in words]
    sizes = np.array([len(word) for word in framed])
    data = np.frombuffer(b"".join(framed) + b"\0", np.uint8)
    inside = (data & 0xC0) == 0x80  # bytes within a character
    owner_of = np.repeat(np.arange(len(words)), sizes)
    stop_of = np.repeat(np.cumsum(sizes), sizes)
    mixed = data.view(np.int8).astype(np.int32).view(np.uint32)  # sign-extended, as fastText's hash does
    starts = np.flatnonzero(~inside[:-1])
    place = starts.copy()
    value = np.full(len(starts), _FNV_OFFSET)
    owners, hashes = [], []
    for length in range(1, maxn + 1):
        going = place < stop_of[starts]
        starts, place, value = starts[going], place[going], value[going]
        active = np.arange(len(starts))
        while len(active):  # the character's first byte, then those within it
            value[active] = (value[active] ^ mixed[place[active]]) * _FNV_PRIME
            place[active] += 1
            active = active[(place[active] < stop_of[starts[active]]) & inside[place[active]]]
        if length >= minn:
            good = np.ones(len(starts), bool)
            if length == 1:
                begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])[owner_of[starts]]
                good = (starts != begins) & (place != stop_of[starts])
            owners.append(owner_of[starts[good]])
            hashes.append(value[good])
    return np.concatenate(owners), np.concatenate(hashes)
