"""A plain-Python twin of the training step: word2vec's equations pair by pair, on lists of Python's own numbers."""

from __future__ import annotations

import math

from naive_sampler import expand

from item2vec.sampling.window_batch import WindowBatch

Rows = list[list[float]]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def dot(x: list[float], y: list[float]) -> float:
    return math.fsum(a * b for a, b in zip(x, y, strict=True))


def step(input: Rows, output: Rows, batch: WindowBatch, negative: int, lr: float) -> tuple[float, int]:
    """Train on a batch in place, each tile from the rows as they were before it; returns loss and positive pairs.

    Nothing is limited here: for steps that stay small.
    """
    loss, count = 0.0, 0
    pairs = expand(batch, negative)
    for t in range(len(batch.tiles) - 1):
        old_input, old_output = [row[:] for row in input], [row[:] for row in output]
        for pair in pairs:
            if pair.tile != t:
                continue
            x, y = old_input[pair.context], old_output[pair.target]
            score = dot(x, y)
            loss += pair.weight * softplus(-score if pair.label else score)
            count += pair.label == 1
            g = lr * pair.weight * (pair.label - sigmoid(score))
            for j in range(len(x)):
                input[pair.context][j] += g * y[j]
                output[pair.target][j] += g * x[j]
    return loss, count
