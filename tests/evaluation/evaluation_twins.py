"""Plain-Python twins of the evaluation, written from the definitions, and models that tests make up."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from item2vec.evaluation.sequences import Sequences
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors


def make_sequences(lists: Sequence[Sequence[int]]) -> Sequences:
    flat = [item for items in lists for item in items]
    return Sequences(np.array(flat, np.int32), np.cumsum([0, *map(len, lists)]))


def lists_of(sequences: Sequences) -> list[list[int]]:
    return [part.tolist() for part in np.split(sequences.items, sequences.offsets[1:-1])]


def random_lists(rng: np.random.Generator, users: int, items: int, shortest: int, longest: int) -> list[list[int]]:
    share = 1 / np.arange(1, items + 1)
    sizes = rng.integers(shortest, longest + 1, users)
    return [rng.choice(items, size, p=share / share.sum()).tolist() for size in sizes]


def random_model(rng: np.random.Generator, items: int, dim: int = 5) -> KeyedVectors:
    names = [f"i{index}" for index in range(items)]
    counts = np.sort(rng.integers(1, 100, items))[::-1]
    tables = rng.normal(size=(2, items, dim)).astype(np.float32)
    return KeyedVectors(tables[0], tables[1], Vocabulary.from_items(names, counts))


def best(scores: Sequence[float], k: int, left_out: set[int]) -> list[int]:
    """Items of the highest scores; equal ones by number."""
    order = sorted(set(range(len(scores))) - left_out, key=lambda item: (-scores[item], item))
    return order[:k]


def recall(ranked: list[int], wanted: set[int], k: int) -> float:
    return len(set(ranked[:k]) & wanted) / len(wanted)


def ndcg(ranked: list[int], wanted: set[int], k: int) -> float:
    gains = [1 / math.log2(place + 2) if item in wanted else 0.0 for place, item in enumerate(ranked[:k])]
    return sum(gains) / sum(1 / math.log2(place + 2) for place in range(min(k, len(wanted))))


def reciprocal_rank(ranked: list[int], wanted: set[int], k: int) -> float:
    return next((1 / (place + 1) for place, item in enumerate(ranked[:k]) if item in wanted), 0.0)


def cosine_similarities(training: list[list[int]], items: int) -> np.ndarray:
    """Cosines of the columns of the binary matrix sequences by items, 0 on the diagonal."""
    matrix = np.zeros((len(training), items))
    for row, sequence in enumerate(training):
        matrix[row, sequence] = 1
    norms = np.sqrt(np.maximum(matrix.sum(0), 1))
    similarity = matrix.T @ matrix / np.outer(norms, norms)
    np.fill_diagonal(similarity, 0)
    return similarity


def successors(training: list[list[int]]) -> Counter[tuple[int, int]]:
    return Counter(pair for sequence in training for pair in itertools.pairwise(sequence))
