"""split: divide sequences into a part to train on and a part held out of it, line by line.

Line i of the held-out file has what is missing from line i of the training file, perhaps nothing, which is what
`item2vec evaluate items TRAIN --targets HELD_OUT` reads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from item2vec.errors import ConfigError, CorpusError, brief
from item2vec.evaluation.sequences import read_lines
from item2vec.vectors.atomic import atomic_paths

Sequence = list[bytes]  # an item's UTF-8 bytes each
Divided = tuple[Sequence, Sequence]  # to train on, held out


@dataclass(frozen=True)
class Parts:
    """What `write_parts` wrote.

    Attributes
    ----------
    train, held_out : str
        The files.
    sequences, items : int
        Sequences of the training file that have an item, and their items.
    held_out_sequences, held_out_items : int
        Those of the other file.
    """

    train: str
    held_out: str
    sequences: int
    items: int
    held_out_sequences: int
    held_out_items: int


def parse_holdout(text: str) -> float:
    """Parse how much to hold out of each sequence: a number of items from 1, or a share below 1.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not (0 < amount < 1 or (amount >= 1 and amount.is_integer())):
        raise ConfigError(f"holdout is {text!r}; it must be a number of items, such as 1, or a share, such as 0.1")
    return amount


def divide(sequences: Iterable[Sequence], by: Literal["last", "random"], amount: float, seed: int) -> Iterator[Divided]:
    """Hold items out of each sequence; at least one item stays.

    Parameters
    ----------
    sequences : iterable of lists of bytes
    by : {"last", "random"}
        last: the last items. random: items drawn among the sequence's distinct ones, with all their occurrences, so
        that none is both trained on and held out.
    amount : float
        Items of each sequence if 1 or more; else the share of them, rounded, of two or more items at least one.
    seed : int
    """
    random = np.random.default_rng(seed)
    for sequence in sequences:
        distinct = list(dict.fromkeys(sequence))
        candidates = len(sequence) if by == "last" else len(distinct)
        wanted = int(amount) if amount >= 1 else max(1, round(amount * candidates))
        count = max(0, min(wanted, candidates - 1))
        if by == "last":
            yield sequence[: len(sequence) - count], sequence[len(sequence) - count :]
            continue
        drawn = {distinct[place] for place in random.choice(candidates, count, replace=False)} if count else set()
        yield [item for item in sequence if item not in drawn], [item for item in distinct if item in drawn]


def read_text_sequences(path: str | os.PathLike[str], delimiter: str | None, id_column: bool) -> Iterator[Sequence]:
    """Yield the sequences of a text file, without their ids."""
    for fields in read_lines(Path(path), delimiter):
        yield fields[1:] if id_column else fields


def write_parts(divided: Iterable[Divided], prefix: str, delimiter: str | None) -> Parts:
    """Write both parts as text; they appear whole or not at all.

    Raises
    ------
    ModelError
        If a file cannot be written.
    CorpusError
        If an item has the delimiter or a newline in it, or nothing is held out or nothing left.
    """
    names = f"{prefix}.train.txt", f"{prefix}.heldout.txt"
    separator = b" " if delimiter is None else delimiter.encode()
    sequences, items = [0, 0], [0, 0]
    # A training file and held-out items of two divisions would be a leak.
    with atomic_paths(*reversed(names)) as (held_out, train):
        with train.open("wb") as train_file, held_out.open("wb") as held_out_file:
            for parts in divided:
                for number, (part, file) in enumerate(zip(parts, (train_file, held_out_file), strict=True)):
                    line = separator.join(part)
                    _check_line(line, part, delimiter)
                    file.write(line + b"\n")
                    sequences[number] += bool(part)
                    items[number] += len(part)
        if not all(items):
            what = "left to train on" if not items[0] else "held out"
            raise CorpusError(f"nothing would be {what}; look at --by and --holdout")
    return Parts(*names, sequences[0], items[0], sequences[1], items[1])


def _check_line(line: bytes, part: Sequence, delimiter: str | None) -> None:
    """Refuse items that a reader of the line would take apart."""
    read_again = line.split() if delimiter is None else line.split(delimiter.encode()) if part else []
    if len(read_again) != len(part) or b"\n" in line:
        bad = next(
            item for item in part if len(item.split(delimiter.encode() if delimiter else None)) != 1 or b"\n" in item
        )
        remedy = "items may have no newline" if b"\n" in bad else "choose another --delimiter, such as ';' or a tab"
        raise CorpusError(f"the item {brief(bad.decode())} would be several when the line is read; {remedy}")
