"""Names: what items are called where people see them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Names:
    """Display names of a vocabulary's items, as bytes end to end; an item may have none.

    Parameters
    ----------
    blob : array, uint8 [bytes]
        The names' UTF-8 bytes end to end.
    offsets : array, int64 [V + 1]
        The name of item i is ``blob[offsets[i]:offsets[i + 1]]``, empty if it has none.
    """

    def __init__(self, blob: ArrayLike, offsets: ArrayLike) -> None:
        self.blob: NDArray[np.uint8] = np.asarray(blob, np.uint8)
        self.offsets: NDArray[np.int64] = np.asarray(offsets, np.int64)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str | None:
        return self.blob[self.offsets[index] : self.offsets[index + 1]].tobytes().decode() or None

    @property
    def given(self) -> int:
        """Items that have a name."""
        return int(np.count_nonzero(np.diff(self.offsets)))

    def find(self, name: str) -> NDArray[np.int64]:
        """Ids of the items of this name, commonest first."""
        wanted = name.encode("utf-8", "surrogatepass")
        lengths = self.offsets[1:] - self.offsets[:-1]
        found = np.flatnonzero(lengths == len(wanted)) if wanted else np.empty(0, np.int64)
        for place, byte in enumerate(wanted):
            found = found[self.blob[self.offsets[found] + place] == byte]
        return found
