"""``item2vec split``: what to train on, and what to hold out."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from item2vec.cli.options import json_option
from item2vec.cli.output import print_json
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from item2vec.evaluation.split import Divided, Sequence


@click.command(
    epilog="""\b
Examples:
  item2vec split sessions.txt --by last
  item2vec split baskets.txt --by random --holdout 0.1 -o parts/baskets
  item2vec split events.csv --user customer --item product --time at --by time --holdout 7d
"""
)
@click.argument("source", metavar="SOURCE")
@click.option("--by", type=click.Choice(["time", "last", "random"]), default="last", show_default=True,
              help="What is held out: what came after a time, each sequence's last items, or any.")  # fmt: skip
@click.option("--holdout", metavar="AMOUNT", help="How much: see above.  [default: 1 item; by time: 0.1]")
@click.option("-o", "--output", metavar="PREFIX", help="Where to write.  [default: SOURCE without its ending]")
@click.option("--delimiter", metavar="TEXT", help="What separates the items of a line.  [default: white space]")
@click.option("--id-column", is_flag=True, help="Lines of text begin with an id, which is left out.")
@click.option("--user", metavar="COLUMN", help="Of an event table: whose events make a sequence.")
@click.option("--item", metavar="COLUMN", help="Of an event table: what it is about.")
@click.option("--time", "time_column", metavar="COLUMN", help="Of an event table: when.")
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=1, show_default=True,
              help="Seed of --by random.")  # fmt: skip
@json_option
def split(
    source: str,
    by: Literal["time", "last", "random"],
    holdout: str | None,
    output: str | None,
    delimiter: str | None,
    id_column: bool,
    user: str | None,
    item: str | None,
    time_column: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Divide sequences into a part to train on and a part held out.

    SOURCE is text, a sequence a line, or an event table (.csv .tsv .parquet .jsonl) with --user, --item and --time.
    Written are PREFIX.train.txt and PREFIX.heldout.txt, a user or sequence a line: line i of the second has what is
    missing from line i of the first.

    By last or at random, AMOUNT is a number of items of each sequence, or a share of them such as 0.1; at least one
    stays. By time, it is a share of all events (the latest), a span before the last event (7d, 12h, 30m), or a time:
    what came at it or later is held out of every sequence, so that nothing later is trained on.
    """
    from item2vec.evaluation.split import EVENT_FORMATS, divide, parse_holdout, read_text_sequences, write_parts
    from item2vec.vectors.atomic import check_writable

    is_table = Path(source).suffix.lower() in EVENT_FORMATS
    prefix = output or str(Path(source).with_suffix(""))
    amount = None if by == "time" else parse_holdout(holdout or "1")
    if by == "time" and not (is_table and time_column):
        raise ConfigError(f"{source} has no times to split by; --by time needs {', '.join(EVENT_FORMATS)} and --time")
    if is_table and not (user and item):
        raise ConfigError(f"{source} is an event table; say with --user and --item which columns to take")
    if not is_table and (user or item or time_column):
        raise ConfigError(
            f"{source} is read as text, where --user, --item and --time mean nothing; a table ends in "
            f"{', '.join(EVENT_FORMATS)}, and is not compressed"
        )
    check_writable(f"{prefix}.train.txt")
    facts: dict[str, object] = {"by": by, "holdout": holdout}
    divided: Iterator[Divided]
    sequences: Iterator[Sequence]
    if is_table:
        from item2vec.evaluation.split_events import EventTable

        table = EventTable(source, str(user), str(item), time_column)
        if table.dropped:
            click.echo(f"Left out {table.dropped:,} rows without a user, an item or a time.", err=True)
        sequences = table.sequences()
        if by == "time":
            cut = table.cut(holdout or "0.1")
            facts["cut"] = str(cut)
            divided = table.divided_at(cut)
    else:
        sequences = read_text_sequences(source, delimiter, id_column)
    if by != "time" and amount is not None:
        divided = divide(sequences, by, amount, seed)
    parts = write_parts(divided, prefix, delimiter)
    if parts.items == parts.sequences:
        click.echo(
            "Warning: each sequence is left with a single item, from which nothing is learnt; lower --holdout.",
            err=True,
        )
    if as_json:
        print_json(facts | dataclasses.asdict(parts))
        return
    option = "" if delimiter is None else f" --delimiter {shlex.quote(delimiter)}"
    train, held_out = shlex.quote(parts.train), shlex.quote(parts.held_out)
    click.echo(
        f"Wrote {parts.items:,} items of {parts.sequences:,} sequences to {parts.train}, and {parts.held_out_items:,} "
        f"held-out items of {parts.held_out_sequences:,} to {parts.held_out}"
        + (f"; they are those from {facts['cut']} on.\n" if "cut" in facts else ".\n")
        + f"Train and evaluate: item2vec train{option} {train}\n"
        f"                    item2vec evaluate items{option} {train} --targets {held_out}",
        err=True,
    )
