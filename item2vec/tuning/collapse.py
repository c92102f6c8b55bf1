"""Collapse: vectors that mean nothing although training went through, noticed instead of scored as a poor setting."""

from __future__ import annotations

from collections.abc import Sequence

_ABOVE = 1.05  # times what popularity finds: less may come of choosing the best scoring


def collapse_of(value: float, earlier: Sequence[float], floor: float, metric: str) -> str | None:
    """Why vectors are no good any more, or None.

    Parameters
    ----------
    value : float
        How much they find.
    earlier : sequence of float
        How much they found earlier in the same training.
    floor : float
        How much popularity finds, and so do vectors that have learnt nothing yet; a peak is twice that.
    metric : str
        What is measured, for the message.
    """
    peak = max(earlier, default=0.0)
    if peak > 2 * floor and value < peak / 2:
        return f"{metric} fell from {peak:.4f} to {value:.4f}; popularity finds {floor:.4f}"
    return None


def learnt_nothing(value: float, floor: float, metric: str) -> str | None:
    """Why a finished training is worth nothing, or None: the weight of popularity alone finds as much."""
    return f"{metric} {value:.4f} is no more than popularity's {floor:.4f}" if value < _ABOVE * floor else None
