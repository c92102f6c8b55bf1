"""Plain-Python twins of CBOW and hierarchical softmax: word2vec.c's loops, one centre after the other, on lists."""

from __future__ import annotations

from naive_step import Rows, dot, sigmoid, softplus

from item2vec.sampling.window_batch import WindowBatch


def huffman_codes(counts: list[int]) -> list[list[int]]:
    """Each item's code from the root down, by word2vec.c's CreateBinaryTree on descending counts; ties go its way."""
    live = list(enumerate(counts))
    codes: list[list[int]] = [[] for _ in counts]
    members = {i: [i] for i in range(len(counts))}
    age = {i: len(counts) - i for i in range(len(counts))}  # of equal counts an inner node, then the item of least rank
    made = len(counts)
    while len(live) > 1:
        live.sort(key=lambda node: (node[1], node[0] < len(counts), age[node[0]]))
        (low, a), (high, b) = live[:2]
        for member in members[low]:
            codes[member].insert(0, 0)
        for member in members[high]:
            codes[member].insert(0, 1)
        live = [*live[2:], (made, a + b)]
        members[made], age[made] = members[low] + members[high], made
        made += 1
    return codes


def mean_of(rows: list[list[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def contexts_of(batch: WindowBatch, centre: int) -> list[int]:
    window = range(int(batch.start[centre]), int(batch.stop[centre]))
    return [int(batch.items[i]) for i in window if i != centre]


def parts_of(contexts: list[int]) -> list[list[int]]:
    """As many as there are, six at a time, then four, then two, then one."""
    parts = []
    while contexts:
        size = next(size for size in (6, 4, 2, 1) if size <= len(contexts))
        parts.append(contexts[:size])
        contexts = contexts[size:]
    return parts


def toward(x: list[float], y: list[float], label: float, weight: float, lr: float) -> tuple[float, float]:
    """Loss of a score, and the step g that its two rows take of each other."""
    score = dot(x, y)
    return weight * softplus(-score if label else score), lr * weight * (label - sigmoid(score))


def cbow_step(
    input: Rows, output: Rows, batch: WindowBatch, negative: int, lr: float, at_once: int
) -> tuple[float, int]:
    """CBOW with negative sampling, in place, ``at_once`` centres of a tile from the rows as they are; loss, centres."""
    loss, count = 0.0, 0
    groups = [
        (t, list(range(first, int(batch.tiles[t + 1])))[:at_once])
        for t in range(len(batch.tiles) - 1)
        for first in range(int(batch.tiles[t]), int(batch.tiles[t + 1]), at_once)
    ]
    for t, centres in groups:
        old_input, old_output = [row[:] for row in input], [row[:] for row in output]
        for c in centres:
            contexts = contexts_of(batch, c)
            if not contexts:
                continue
            count += 1
            hidden = mean_of([old_input[i] for i in contexts])
            drawn = [int(n) for n in batch.negatives[t]]
            targets = [(int(batch.items[c]), 1.0, 1.0)]
            targets += [(n, 0.0, negative / len(drawn)) for n in drawn if n != batch.items[c]]
            for target, label, weight in targets:
                cost, g = toward(hidden, old_output[target], label, weight, lr)
                loss += cost
                for j in range(len(hidden)):
                    output[target][j] += g * hidden[j]
                    for i in contexts:
                        input[i][j] += g * old_output[target][j]
    return loss, count


def path_step(
    input: Rows, output: Rows, batch: WindowBatch, paths: list[list[tuple[int, int]]], lr: float, cbow: bool
) -> tuple[float, int]:
    """Hierarchical softmax, in place, six, four, two or one contexts of a centre at once; paths are of (row, bit)."""
    loss, count = 0.0, 0
    for c in range(int(batch.tiles[0]), int(batch.tiles[-1])):
        contexts = contexts_of(batch, c)
        groups = [contexts] if cbow else parts_of(contexts)
        for group in groups:
            if not group:
                continue
            xs = [mean_of([input[i] for i in group])] if cbow else [input[i][:] for i in group]
            count += len(xs)
            ys = [output[row][:] for row, _ in paths[batch.items[c]]]
            for number, x in enumerate(xs):
                for (row, bit), y in zip(paths[batch.items[c]], ys, strict=True):
                    cost, g = toward(x, y, 1 - bit, 1.0, lr)
                    loss += cost
                    for j in range(len(x)):
                        output[row][j] += g * x[j]
                        for i in group if cbow else [group[number]]:
                            input[i][j] += g * y[j]
    return loss, count
