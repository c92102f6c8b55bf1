"""Plain-Python twin of the reader: what a corpus of bytes must become."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass
class Twin:
    """The expected corpus."""

    items: list[bytes]  # the vocabulary, in order
    counts: list[int]
    sequences: list[list[int]]  # ids of kept tokens, empty sequences left out
    raw_tokens: int
    raw_sequences: int

    @property
    def trainable(self) -> bool:
        return self.raw_tokens > self.raw_sequences and len(self.items) > 1 and any(len(s) > 1 for s in self.sequences)


def sequences_of(text: bytes, delimiter: str | None = None) -> list[list[bytes]]:
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if delimiter is None:
        read = [line.split() for line in lines]
    else:
        read = [[item for item in line.removesuffix(b"\r").split(delimiter.encode()) if item] for line in lines]
    return [sequence for sequence in read if sequence]


def read_twin(
    texts: list[bytes], delimiter: str | None = None, min_count: int = 5, max_items: int | None = None
) -> Twin:
    raw = [sequence for text in texts for sequence in sequences_of(text, delimiter)]
    counts = Counter(item for sequence in raw for item in sequence)  # in order of first occurrence
    frequent = [item for item in counts if counts[item] >= min_count]
    kept = sorted(frequent, key=lambda item: -counts[item])[:max_items]  # stable
    ids = {item: index for index, item in enumerate(kept)}
    sequences = [[ids[item] for item in sequence if item in ids] for sequence in raw]
    return Twin(
        kept,
        [counts[item] for item in kept],
        [sequence for sequence in sequences if sequence],
        sum(map(len, raw)),
        len(raw),
    )
