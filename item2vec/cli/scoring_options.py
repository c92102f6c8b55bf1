"""The options of how a model is asked for what comes next; what is not given is as the model itself says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from item2vec.vectors.scoring import POOLS

_OPTIONS = (
    click.option(
        "--pool",
        type=click.Choice(POOLS),
        help="What of the history counts: all alike, the last item alone, or recent ones more.  "
        "[default: the model's, or mean]",
    ),
    click.option(
        "--decay",
        metavar="X",
        type=float,
        help="With --pool decay: weight of an item over that of the next one.  [default: the model's, or 0.8]",
    ),
    click.option(
        "--popularity",
        metavar="ALPHA",
        type=float,
        help="Add ALPHA times the logarithm of an item's count to its score.  [default: the model's, or 0]",
    ),
    click.option(
        "--reverse",
        metavar="X",
        type=float,
        help="Where order means nothing: add X times the score of the history after the item; try 0.5.  "
        "[default: the model's, or 0]",
    ),
    click.option(
        "--softmax",
        metavar="X",
        type=float,
        help="Average not scores but probabilities, softmax of X times them: what suits some item is found; try 1.  "
        "[default: the model's, or 0]",
    ),
)


def scoring_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command --pool, --decay, --popularity, --reverse and --softmax."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
