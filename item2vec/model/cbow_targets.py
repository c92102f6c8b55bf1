"""The targets of CBOW's centres: their tile's negatives and the centres themselves, each item once.

Mostly all of them differ, which is quickly seen and leaves nothing to be weighed. Where some are equal, an item is one
target with the sum of its weights: 1 for the hidden vector whose centre it is, -K/N for each time that it was drawn.
``seen`` holds the stamp of a tile in the slots of its negatives.
"""

from __future__ import annotations

import numpy as np

from item2vec.model.compiled import inlined
from item2vec.model.pointers import at, get, put
from item2vec.model.simd import splat, store
from item2vec.model.tile_scratch import SEEN

f32 = np.float32


@inlined
def all_differ(negatives, count, targets, seen, stamp):
    """Make a tile's negatives its targets; returns whether they all differ (some that do are taken for equal)."""
    known = 0
    for k in range(count):
        item = get(at(negatives, k))
        put(at(targets, k), item)
        slot = at(seen, item & (SEEN - 1))
        known += 1 if get(slot) == stamp else 0
        put(slot, stamp)
    return known == 0


@inlined
def add_two(centres, count, targets, seen, stamp):
    """Put two centres behind the negatives; returns whether they differ from these and each other, as above."""
    first, second = get(centres), get(at(centres, 1))
    put(at(targets, count), first)
    put(at(targets, count + 1), second)
    known = get(at(seen, first & (SEEN - 1))) == stamp or get(at(seen, second & (SEEN - 1))) == stamp
    return first != second and not known


@inlined
def _find(item, targets, n, seen, stamp):
    """Where an item stands among n targets, or n: seen has the stamp in the slots of all of them."""
    if get(at(seen, item & (SEEN - 1))) == stamp:
        for k in range(n):
            if get(at(targets, k)) == item:
                return k
    return n


@inlined
def list_negatives(negatives, count, share, targets, weights, seen, stamp):
    """The different negatives of a tile and -K/N times how often each was drawn; returns how many."""
    n = 0
    for draw in range(count):
        item = get(at(negatives, draw))
        k = _find(item, targets, n, seen, stamp)
        if k == n:
            put(at(seen, item & (SEEN - 1)), stamp)
            put(at(targets, n), item)
            put(at(weights, n), f32(0.0))
            n += 1
        put(at(weights, k), get(at(weights, k)) - share)
    return n


@inlined
def list_targets(ids, bounds, m, drawn, drawn_weights, targets, weights, seen, stamp):
    """Add the centres of m hidden vectors to their negatives, and fill the weights; returns how many targets."""
    n = drawn
    for k in range(drawn):
        store(at(weights, m * k), splat(get(at(drawn_weights, k))))
    for i in range(m):
        if get(at(bounds, i)) == get(at(bounds, i + 1)):  # no contexts: it steps on nothing
            for k in range(n):
                put(at(weights, m * k + i), f32(0.0))
            continue
        item = get(at(ids, i))
        k = _find(item, targets, drawn, seen, stamp)
        if k == drawn:  # not among the negatives, perhaps the centre before it
            while k < n and get(at(targets, k)) != item:
                k += 1
        if k == n:
            put(at(targets, n), item)
            store(at(weights, m * n), splat(f32(0.0)))
            n += 1
        put(at(weights, m * k + i), f32(1.0))  # a negative that is the centre itself is none
    store(at(weights, m * n), splat(f32(0.0)))
    return n
