"""Are all items UTF-8? Millions at once, in numpy."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 22  # bytes of items decoded at once


def first_not_utf8(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int | None:
    """The first item that is not whole UTF-8 by itself, of items that divide the blob; None if there is none."""
    starts = offsets[:-1][offsets[1:] > offsets[:-1]]
    inside = np.flatnonzero((blob[starts] & 0xC0) == 0x80)  # no item starts inside a character, so none ends in one
    wrong = int(starts[inside[0]]) if len(inside) else None
    places = np.searchsorted(starts, np.arange(_CHUNK, len(blob), _CHUNK))
    cuts = np.unique(starts[places[places < len(starts)]]).tolist()
    for begin, end in itertools.pairwise([0, *cuts, len(blob)]):
        try:
            blob[begin:end].tobytes().decode("utf-8")
        except UnicodeDecodeError as error:
            wrong = begin + error.start if wrong is None else min(wrong, begin + error.start)
            break
    return None if wrong is None else int(np.searchsorted(offsets, wrong, "right")) - 1
