"""Data sets of held-out items for items_table.py: each a file to train on and a file of what is held out, line by line.

Gowalla (LightGCN's files, a user a line: an id, then items) as the files divide it; Online Retail (UCI, as CSV): some
items of each invoice, and the last item of each customer; and sessions made here, whose structure is known.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from item2vec.evaluation.split import divide, write_parts


@dataclass(frozen=True)
class DataSet:
    """Sequences, and what is held out of them.

    Attributes
    ----------
    name, about : str
    ordered : bool
        Whether the last items are held out, not any.
    preset : str
    train, heldout : Path
    """

    name: str
    about: str
    ordered: bool
    preset: str
    train: Path
    heldout: Path


def gowalla(folder: Path, train: Path, heldout: Path) -> DataSet:
    """LightGCN's parts without their ids, shuffled within a line, as its items are in the order of their numbers."""
    parts = [dict(_numbered(path)) for path in (train, heldout)]
    shuffle = random.Random(1).shuffle

    def lines() -> Iterator[tuple[list[bytes], list[bytes]]]:
        for user, items in parts[0].items():
            shuffle(items)
            yield items, parts[1].get(user, [])

    about = "Gowalla, some of each user's places"
    return _written(folder, "gowalla", about, False, "baskets", lines)


def retail(folder: Path, events: Path) -> list[DataSet]:
    """Online Retail without cancellations and postage: a fifth of each invoice, and each customer's last item."""
    import duckdb

    where = "InvoiceNo NOT LIKE 'C%' AND CAST(Quantity AS INT) > 0 AND StockCode SIMILAR TO '[0-9]{5}.*'"
    table = f"(SELECT *, row_number() OVER () AS place FROM read_csv('{events}', all_varchar = true))"

    def sequences(user: str, order: str) -> list[list[bytes]]:
        rows = duckdb.sql(
            f"SELECT list(StockCode ORDER BY {order}) FROM {table} WHERE {where} AND {user} IS NOT NULL "
            f"GROUP BY {user} ORDER BY min(place)"
        ).fetchall()
        return [[item.encode() for item in dict.fromkeys(items)] for (items,) in rows]

    return [
        _written(folder, "retail-baskets", "Online Retail, a fifth of each invoice's items", False, "baskets",
                 lambda: divide(sequences("InvoiceNo", "place"), "random", 0.2, 1)),
        _written(folder, "retail-next", "Online Retail, the last new item of each customer", True, "sessions",
                 lambda: divide(sequences("CustomerID", "InvoiceDate, place"), "last", 1, 1)),
    ]  # fmt: skip


def sessions(folder: Path) -> DataSet:
    """Made sessions: the next item is mostly one of the few that follow this one, else of its topic, else any."""
    return _written(
        folder, "sessions", "made sessions, their last item", True, "sessions",
        lambda: divide(made_sessions(), "last", 1, 1),
    )  # fmt: skip


def made_sessions(count: int = 30_000, items: int = 3_000, topics: int = 60, seed: int = 1) -> Iterator[list[bytes]]:
    """Walks over items of Zipf's popularity.

    With probability .55 the next item is one of eight that this one leads to, the k-th with a weight of 1/k; with .3
    one of the same topic, by popularity; else any, by popularity. Lengths are 3 and more, 8 on average.
    """
    draw = np.random.default_rng(seed)
    share = 1 / np.arange(1, items + 1)
    share /= share.sum()
    topic = draw.permutation(items) % topics
    members = [np.flatnonzero(topic == number) for number in range(topics)]
    follows = np.stack([draw.choice(members[topic[item]], 8, replace=False) for item in range(items)])
    weights = np.cumsum(1 / np.arange(1, 9))
    weights /= weights[-1]
    popular = np.cumsum(share)
    within = [np.cumsum(share[group]) / share[group].sum() for group in members]
    for _ in range(count):
        walk = [int(np.searchsorted(popular, draw.random()))]
        for _ in range(2 + int(draw.geometric(1 / 6))):
            here, kind, place = walk[-1], draw.random(), draw.random()
            if kind < 0.55:
                walk.append(int(follows[here, np.searchsorted(weights, place)]))
            elif kind < 0.85:
                group = members[topic[here]]
                walk.append(int(group[min(np.searchsorted(within[topic[here]], place), len(group) - 1)]))
            else:
                walk.append(min(int(np.searchsorted(popular, place)), items - 1))
        yield [b"i%d" % item for item in walk]


def _numbered(path: Path) -> Iterator[tuple[bytes, list[bytes]]]:
    for line in path.read_bytes().splitlines():
        user, *items = line.split()
        yield user, items


def _written(
    folder: Path, name: str, about: str, ordered: bool, preset: str,
    parts: Callable[[], Iterable[tuple[list[bytes], list[bytes]]]],
) -> DataSet:  # fmt: skip
    """The data set, whose files are made unless they are there."""
    train, heldout = folder / f"{name}.train.txt", folder / f"{name}.heldout.txt"
    if not train.exists():
        write_parts(parts(), str(folder / name), None)
    return DataSet(name, about, ordered, preset, train, heldout)
