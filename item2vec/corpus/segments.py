"""Sources shared out to threads: stretches of whole lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from item2vec.corpus.sources import Source, map_file


@dataclass(frozen=True)
class Segment:
    """Whole lines of one file: bytes ``start`` to ``stop``; a stream is one segment."""

    source: Source
    start: int
    stop: int


def split_at_lines(sources: Sequence[Source], parts: int, least: int) -> list[list[Segment]]:
    """Share the files out to at most ``parts`` threads, in order, in whole lines, about equally much to each.

    Parameters
    ----------
    sources : sequence of Source
    parts : int
        How many shares at most, 1 or more.
    least : int
        Bytes that a share should have at least.

    Returns
    -------
    list of lists of Segment
        At least one share; none is empty, unless there is nothing at all.
    """
    total = sum(source.size - source.start for source in sources)
    parts = max(1, min(parts, total // max(least, 1)))
    shares: list[list[Segment]] = [[]]
    done = 0
    for source in sources:
        start = source.start
        while start < source.size or source.stream:
            wanted = total * len(shares) // parts - done  # bytes until this share is full
            last = len(shares) == parts or start + wanted >= source.size
            stop = source.size if last or source.stream else _line_start(source, start + max(wanted, 1))
            shares[-1].append(Segment(source, start, stop))
            done += stop - start
            start = stop
            while len(shares) < parts and done >= total * len(shares) // parts and done < total:
                shares.append([])
            if source.stream:
                break  # it cannot be cut up
    return [share for share in shares if share] or [[]]


def _line_start(source: Source, position: int) -> int:
    """Where the first line that begins at ``position`` or behind it begins."""
    mapped = map_file(source)
    return mapped.find(b"\n", position - 1) + 1 or source.size
