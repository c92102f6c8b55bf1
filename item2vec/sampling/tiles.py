"""The rule that chooses the shape of a tile: how many centres share how many negatives.

Sharing saves work and costs quality in two ways (benchmarks/LOG.md has the measurements behind the numbers):

- a context meets N negatives a tile, each counting for several, instead of K fresh ones a pair. On text, N may grow
  much slower than the K·c that exact windows with c contexts a centre draw, and be smaller for long vectors;
- a negative takes the steps of all the tile's pairs at once, P·c·K/N of them, where exact windows have c. On text
  some ninety are as good as one after the other; on short sequences, where the same items meet again and again,
  quality falls with each: a quarter more than exact windows have costs half a percent.

In CBOW a window is one hidden vector, and the centres of a tile step two at a time whatever its size: two centres share
K negatives, on short sequences none do. With four, SimLex-999 falls.
"""

from __future__ import annotations

import math

from item2vec.sampling.sampler import Window
from item2vec.sampling.window_batch import CBOW_CENTRES

SHORT_SEQUENCE = 40
"""Mean length, in kept items, below which sequences are treated as baskets or sessions, not as text."""

_MOST_CENTRES = 64  # more save little: the rows that two tiles both gather are few by then
_MOST_NEGATIVES = 256  # a centre of its own with K negatives costs less than more
_REGISTER = 8  # numbers of a vector register: negatives come in whole ones
_STEPS_OF_TEXT = 95
_STEPS_OVER_EXACT = 1.25  # of a negative on short sequences, over the c that exact windows have
_MOST_SHARING = 16  # centres of a tile on short sequences

# What a row of a tile costs beside its products, in pairs of a row and a negative: gathering and writing it; for a
# negative transposing it too; and a tile's own share (benchmarks/LOG.md).
_ROW, _NEGATIVE_ROW, _TILE = 2.5, 4.0, 40.0


def choose_tile(
    window: Window, negative: int, mean_length: float, dim: int = 100, *, cbow: bool = False
) -> tuple[int, int]:
    """Centres P and negatives N of a tile.

    Parameters
    ----------
    window : Window
    negative : int
        K.
    mean_length : float
        Mean length of the corpus's sequences.
    dim : int
    cbow : bool
        Whether a window predicts its centre at once.

    Returns
    -------
    (centres, negatives) : (int, int)
        Negatives in whole registers, but in CBOW; or (1, K), exact windows, where sharing would save nothing.
    """
    if cbow:
        return (CBOW_CENTRES if mean_length >= SHORT_SEQUENCE else 1), negative
    contexts = window.contexts(mean_length)
    if mean_length < SHORT_SEQUENCE:
        return _for_short_sequences(negative, contexts)
    drawn = 24 * (100 / max(100, dim)) ** 0.63 * (negative * contexts / 30) ** 0.88
    n = min(_MOST_NEGATIVES, _REGISTER * max(2, round(drawn / _REGISTER)))
    centres = min(_MOST_CENTRES, round(_STEPS_OF_TEXT * n / (negative * contexts)))
    return (centres, n) if centres > 1 else (1, negative)


def _for_short_sequences(negative: int, contexts: float) -> tuple[int, int]:
    """Return the cheapest tile whose negatives take hardly more steps at once than exact windows'."""
    best, cheapest = (1, negative), _cost(1, _REGISTER * -(-negative // _REGISTER), contexts)
    for centres in range(2, _MOST_SHARING + 1):
        drawn = _REGISTER * math.ceil(centres * negative / (_STEPS_OVER_EXACT * _REGISTER))
        cost = _cost(centres, drawn, contexts)
        if drawn <= _MOST_NEGATIVES and cost < cheapest:
            best, cheapest = (centres, drawn), cost
    return best


def _cost(centres: int, drawn: int, contexts: float) -> float:
    """Return what a centre costs in such a tile, in pairs of a row and a negative."""
    rows = centres + contexts
    return (rows * drawn + _NEGATIVE_ROW * drawn + _ROW * (rows + centres) + _TILE) / centres
