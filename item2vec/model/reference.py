"""The word2vec family in plain torch: the oracle of the kernels, and the backend for any device.

For a pair of a context, row x of the input table, and a target, row y of the output table, with label 1 or 0, the loss
is (Mikolov et al. 2013b, equations 3 and 4)::

    -log σ(x·y)   where the label is 1        -log σ(-x·y)   where it is 0

each times the pair's weight, and its gradient by the score is -(label - σ(x·y)). As in word2vec.c the context indexes
the input table. With negative sampling the output table holds the centres, label 1, and their negatives, label 0; with
hierarchical softmax it holds the nodes on the centre's path from the tree's root, label 1 - code.

In CBOW x is the mean of the rows of a window, and each of them takes x's whole step, as in word2vec.c.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

STEP_LIMIT = 32.0
"""Largest change of a score, by Cauchy and Schwarz, that one table's step may bring; see `limited`."""


Members = tuple[Tensor, Tensor]
"""Of CBOW's hidden vectors: rows of the input table, int64 [m], and the hidden vector that each is in, int64 [m]."""

Frozen = tuple[Tensor | None, Tensor | None]
"""Of the input and of the output table: uint8 [V], not 0 where a row stays as it is; None or empty if none does."""


def means(input: Tensor, members: Members) -> Tensor:
    """CBOW's hidden vectors [h,d]: the mean of the input rows of each."""
    row, hidden = members
    count = torch.bincount(hidden)  # [h]
    return input.new_zeros(len(count), input.shape[1]).index_add_(0, hidden, input[row]) / count[:, None]


def pair_loss(
    input: Tensor,
    output: Tensor,
    context: Tensor,
    target: Tensor,
    label: Tensor,
    weight: Tensor,
    *,
    members: Members | None = None,
) -> Tensor:
    """Loss of explicit pairs, summed; differentiable.

    Parameters
    ----------
    input, output : float [V,d]
    context, target : int64 [n]
    label, weight : float [n]
    members : Members or None
        None in skip-gram. In CBOW context counts the hidden vectors that these make.

    Returns
    -------
    float []
    """
    x = input if members is None else means(input, members)
    scores = (x[context] * output[target]).sum(1)  # [n]
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
    members: Members | None = None,
    most: tuple[Tensor, Tensor] | None = None,
    frozen: Frozen = (None, None),
) -> Tensor:
    """One step of gradient descent on explicit pairs, all from the tables as they are; in place.

    Parameters
    ----------
    input, output, context, target, label, weight, members
        As for `pair_loss`.
    lr : float
    most : (float [], float []) or None
        Largest squared norm of an x and of a y in the step; by default of those in the pairs.
    frozen : Frozen
        Rows that stay as they are.

    Returns
    -------
    float64 []
        The loss before the step, summed.
    """
    hidden = input if members is None else means(input, members)
    x, y = hidden[context], output[target]  # [n,d]
    scores = (x * y).sum(1)  # [n]
    loss = (weight * F.softplus((1 - 2 * label) * scores)).sum(dtype=torch.float64)
    g = lr * weight * (label - torch.sigmoid(scores))  # [n], minus lr times the gradient by the score
    x_most, y_most = most or (x.square().sum(1).max(), y.square().sum(1).max())
    g = limited(g, context, target, x_most, y_most, members)
    if members is None:
        _add_rows(input, context, g[:, None] * y, frozen[0])
    else:
        row, of = members
        error = torch.zeros_like(hidden).index_add_(0, context, g[:, None] * y)  # [h,d]
        _add_rows(input, row, error[of], frozen[0])
    _add_rows(output, target, g[:, None] * x, frozen[1])
    return loss


def _add_rows(table: Tensor, rows: Tensor, steps: Tensor, frozen: Tensor | None) -> None:
    """Add steps [n,d] to rows [n] of a table, but for frozen ones."""
    if frozen is not None and len(frozen):
        free = frozen[rows] == 0
        rows, steps = rows[free], steps[free]
    table.index_add_(0, rows, steps)


def limited(
    g: Tensor, context: Tensor, target: Tensor, x_most: Tensor, y_most: Tensor, members: Members | None = None
) -> Tensor:
    """Shrink the pairs' steps g where an item's summed step could change one of its scores by more than STEP_LIMIT.

    A row x that takes the steps g to rows y changes each of its scores by at most Σ|g|·max‖y‖². Pair after pair, each
    step sees the one before it and stops by itself; a summed step does not, and diverges where windows, negatives or
    the learning rate are large. Ordinary steps are far below the limit and left as they are. In CBOW a row takes the
    steps of all the hidden vectors that it is in, and a hidden vector the smallest factor of its rows.

    Parameters
    ----------
    g : float [n]
    context, target : int64 [n]
        The rows of the input (in CBOW: the hidden vectors) and of the output table.
    x_most, y_most : float []
    members : Members or None

    Returns
    -------
    float [n]
    """
    of_target = _factors(_sums(g.abs(), target), x_most)[target]
    step = _sums(g.abs(), context)
    if members is None:
        of_context = _factors(step, y_most)[context]
    else:
        row, of = members
        step = torch.cat([step, step.new_zeros(int(of.max()) + 1 - len(step))])
        of_row = _factors(_sums(step[of], row), y_most)[row]
        of_context = torch.ones_like(step).scatter_reduce_(0, of, of_row, "amin")[context]
    return g * torch.minimum(of_context, of_target)


def _sums(values: Tensor, index: Tensor) -> Tensor:
    """Sum of the values of each index."""
    return values.new_zeros(int(index.max()) + 1).index_add_(0, index, values)


def _factors(step: Tensor, squared: Tensor) -> Tensor:
    """Return what each summed step is to be multiplied by."""
    return (STEP_LIMIT / (step * squared).clamp_min(1e-30)).clamp_max(1.0)
