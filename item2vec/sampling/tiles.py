"""The rule that chooses the shape of a tile: how many centres share how many negatives.

Sharing saves work and costs quality in two ways (benchmarks/LOG.md has the measurements behind the numbers):

- a context meets N negatives a tile, each counting for several, instead of K fresh ones a pair: with c contexts a
  centre, about K·c. N near K·c is as good as exact on items; on text, N may grow much slower than that;
- a negative takes the steps of all the tile's pairs at once, P·c·K/N of them. On text some ninety are as good as one
  after the other; on short sequences, where the same items meet again and again, more than eight are not.
"""

from __future__ import annotations

SHORT_SEQUENCE = 40
"""Mean length, in kept items, below which sequences are treated as baskets or sessions, not as text."""

_MOST_CENTRES = 64  # more save little: the rows that two tiles both gather are few by then
_MOST_NEGATIVES = 256  # a centre of its own with K negatives costs less than more
_STEPS_OF_TEXT = 95
_STEPS_OF_BASKETS = 8


def choose_tile(window: int, negative: int, mean_length: float) -> tuple[int, int]:
    """Centres P and negatives N of a tile.

    Parameters
    ----------
    window : int
    negative : int
        K.
    mean_length : float
        Mean length of the corpus's sequences.

    Returns
    -------
    (centres, negatives) : (int, int)
        Negatives in eights, which is how wide a vector register is; or (1, K), exact windows, where sharing would
        save nothing.
    """
    if mean_length < SHORT_SEQUENCE:
        contexts = max(1.0, min(window + 1.0, mean_length - 1.0))
        negatives, steps = negative * contexts, _STEPS_OF_BASKETS
    else:
        contexts = window + 1.0
        negatives, steps = 32 * (negative * contexts / 30) ** 0.35, _STEPS_OF_TEXT
    n = min(_MOST_NEGATIVES, 8 * max(2, round(negatives / 8)))
    centres = min(_MOST_CENTRES, round(steps * n / (negative * contexts)))
    return (centres, n) if centres > 1 else (1, negative)
