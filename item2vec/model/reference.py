"""Skip-gram with negative sampling in plain torch: the oracle of the kernel, and the backend for any device.

For a pair of a context, row x of the input table, and a target, row y of the output table, with label 1 for the centre
and 0 for a negative, the loss is (Mikolov et al. 2013b, equation 4)::

    -log σ(x·y)   where the label is 1        -log σ(-x·y)   where it is 0

each times the pair's weight, and its gradient by the score is -(label - σ(x·y)). As in word2vec.c the context indexes
the input table, the centre and its negatives index the output table.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STEP_LIMIT = 32.0
"""Largest change of a score, by Cauchy and Schwarz, that one table's step may bring; see `limited`."""


def pair_loss(input: Tensor, output: Tensor, context: Tensor, target: Tensor, label: Tensor, weight: Tensor) -> Tensor:
    """Loss of explicit pairs, summed; differentiable.

    Parameters
    ----------
    input, output : float [V,d]
    context, target : int64 [n]
    label, weight : float [n]

    Returns
    -------
    float []
    """
    scores = (input[context] * output[target]).sum(1)  # [n]
    return (weight * F.softplus((1 - 2 * label) * scores)).sum()


def pair_step(
    input: Tensor,
    output: Tensor,
    context: Tensor,
    target: Tensor,
    label: Tensor,
    weight: Tensor,
    lr: float,
    *,
    most: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """One step of gradient descent on explicit pairs, all from the tables as they are; in place.

    Parameters
    ----------
    input, output, context, target, label, weight
        As for `pair_loss`.
    lr : float
    most : (float [], float []) or None
        Largest squared norm of an input row and of an output row in the step; by default of those in the pairs.

    Returns
    -------
    float64 []
        The loss before the step, summed.
    """
    x, y = input[context], output[target]  # [n,d]
    scores = (x * y).sum(1)  # [n]
    loss = (weight * F.softplus((1 - 2 * label) * scores)).sum(dtype=torch.float64)
    g = lr * weight * (label - torch.sigmoid(scores))  # [n], minus lr times the gradient by the score
    x_most, y_most = most or (x.square().sum(1).max(), y.square().sum(1).max())
    g = limited(g, context, target, x_most, y_most)
    input.index_add_(0, context, g[:, None] * y)
    output.index_add_(0, target, g[:, None] * x)
    return loss


def limited(g: Tensor, context: Tensor, target: Tensor, x_most: Tensor, y_most: Tensor) -> Tensor:
    """Shrink the pairs' steps g where an item's summed step could change one of its scores by more than STEP_LIMIT.

    A row x that takes the steps g to rows y changes each of its scores by at most Σ|g|·max‖y‖². Pair after pair, each
    step sees the one before it and stops by itself; a summed step does not, and diverges where windows, negatives or
    the learning rate are large. Ordinary steps are far below the limit and left as they are.

    Parameters
    ----------
    g : float [n]
    context, target : int64 [n]
        The rows of the input and of the output table.
    x_most, y_most : float []

    Returns
    -------
    float [n]
    """
    factor = torch.ones_like(g)
    for row, squared in ((context, y_most), (target, x_most)):
        step = torch.zeros(int(row.max()) + 1, dtype=g.dtype, device=g.device).index_add_(0, row, g.abs())
        factor = torch.minimum(factor, (STEP_LIMIT / (step * squared).clamp_min(1e-30)).clamp_max(1.0)[row])
    return g * factor
