"""Compressed bytes for tests, by the standard library and zstd."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from itertools import pairwise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {
    ".gz": lambda text: gzip.compress(text, 1, mtime=0),
    ".bz2": lambda text: bz2.compress(text, 1),
    ".xz": lambda text: lzma.compress(text, preset=0),
    ".zst": lambda text: zstd.compress(text, options={zstd.CompressionParameter.checksum_flag: 1}),
}


def in_members(text: bytes, ending: str, cuts: list[int]) -> bytes:
    """The text as several members, streams or frames, cut anywhere."""
    borders = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    return b"".join(PACKERS[ending](text[start:stop]) for start, stop in pairwise(borders))
