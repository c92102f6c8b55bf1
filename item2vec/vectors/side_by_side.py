"""Two tables read as one whose rows are longer, without a copy of either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Rows of one table followed by the same rows of another, put together as they are asked for.

    Parameters
    ----------
    left, right : ndarray of float32 [V, d] and [V, e]
    """

    left: NDArray[np.float32]
    right: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.left)

    def __getitem__(self, rows: Any) -> NDArray[np.float32]:
        return np.concatenate([self.left[rows], self.right[rows]], axis=1)
