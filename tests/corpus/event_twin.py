"""Plain-Python twin of the event reader, and the same events in every format."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
from corpus_twin import Twin


class Event(NamedTuple):
    user: str | None
    item: str | None
    time: int | None = None
    weight: int | None = 1


def sequences_of_events(
    events: Sequence[Event],
    *,
    timed: bool = False,
    gap: float | None = None,
    dedupe: str = "none",
    weighted: bool = False,
) -> list[list[str]]:
    """What the events say, a sequence a user or session."""
    users: dict[str, list[Event]] = {}
    for event in events:
        placed = event.user and event.item and (not timed or event.time is not None)
        if placed and (not weighted or (event.weight or 0) > 0):
            users.setdefault(str(event.user), []).append(event)
    result = []
    for own in users.values():
        if timed:
            own.sort(key=lambda event: event.time or 0)  # stable
        sessions = [[own[0]]]
        for before, event in itertools.pairwise(own):
            if gap is not None and event.time - before.time > gap:  # type: ignore[operator]
                sessions.append([])
            sessions[-1].append(event)
        for session in sessions:
            kept: list[Event] = []
            for event in session:
                if dedupe == "consecutive" and kept and kept[-1].item == event.item:
                    continue
                if dedupe == "basket" and event.item in {other.item for other in kept}:
                    continue
                kept.append(event)
            result += layers(kept) if weighted else [[str(event.item) for event in kept]]
    return result


def layers(events: Sequence[Event]) -> list[list[str]]:
    """A weighted sequence as sequences without weights."""
    weights = [event.weight or 0 for event in events]
    result = [[str(event.item) for event in events]]
    layer = 2
    while len(left := [str(event.item) for event, weight in zip(events, weights, strict=True) if weight >= layer]) > 1:
        result.append(left)
        layer += 1
    return result


def twin_of(sequences: list[list[str]], min_count: int = 1, max_items: int | None = None) -> Twin:
    """The corpus of sequences of items."""
    counts = Counter(item for sequence in sequences for item in sequence)
    frequent = [item for item in counts if counts[item] >= min_count]
    kept = sorted(frequent, key=lambda item: -counts[item])[:max_items]
    ids = {item: index for index, item in enumerate(kept)}
    laid = [[ids[item] for item in sequence if item in ids] for sequence in sequences]
    return Twin(
        [item.encode() for item in kept],
        [counts[item] for item in kept],
        [sequence for sequence in laid if sequence],
        sum(map(len, sequences)),
        len(sequences),
    )


def csv_text(events: Sequence[Event], delimiter: str = ",") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(Event._fields)
    writer.writerows(["" if value is None else value for value in event] for event in events)
    return file.getvalue().encode()


def json_lines(events: Sequence[Event]) -> bytes:
    return "".join(json.dumps(event._asdict(), ensure_ascii=False) + "\n" for event in events).encode()


def write_parquet(events: Sequence[Event], path: Path) -> None:
    columns = {
        "user_": np.array([event.user or "" for event in events], object),
        "item_": np.array([event.item or "" for event in events], object),
        "time_": np.array([-1 if event.time is None else event.time for event in events], np.int64),
        "weight_": np.array([-(2**40) if event.weight is None else event.weight for event in events], np.int64),
    }
    select = (
        "SELECT nullif(user_, '') AS \"user\", nullif(item_, '') AS item, nullif(time_, -1) AS time, "
        f"nullif(weight_, {-(2**40)}) AS weight FROM events"
    )
    with duckdb.connect() as connection:
        connection.register("events", columns)
        connection.execute(f"COPY ({select}) TO '{path}' (ROW_GROUP_SIZE 2048)")


def write_all(events: Sequence[Event], folder: Path) -> list[Path]:
    """The events in every format and compression."""
    from backports import zstd

    comma, tab, lines = csv_text(events), csv_text(events, "\t"), json_lines(events)
    files = {
        "e.csv": comma,
        "semicolon.csv": csv_text(events, ";"),
        "crlf.csv": b"\xef\xbb\xbf" + comma.replace(b"\n", b"\r\n"),
        "e.tsv": tab,
        "e.jsonl": lines,
        "e.ndjson": lines,
        "e.csv.gz": gzip.compress(comma),
        "e.tsv.bz2": bz2.compress(tab),
        "e.csv.xz": lzma.compress(comma),
        "e.jsonl.zst": zstd.compress(lines),
        "misnamed.csv": gzip.compress(comma),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_parquet(events, folder / "e.parquet")
    return [*(folder / name for name in files), folder / "e.parquet"]
