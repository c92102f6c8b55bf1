"""The rule that chooses the shape of a tile: how many centres share how many negatives."""

from __future__ import annotations


def choose_tile(window: int, negative: int, dim: int) -> tuple[int, int]:
    """Centres and negatives of a tile, from the options that they must follow.

    Parameters
    ----------
    window, negative, dim : int

    Returns
    -------
    (centres, negatives) : (int, int)
    """
    return 32, 16
