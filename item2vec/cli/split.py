"""``item2vec split``: what to train on, and what to hold out."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from item2vec.cli.options import json_option
from item2vec.cli.output import print_json
from item2vec.cli.source_options import event_options, open_events, refuse_for_text, take_event_config
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.evaluation.split import Parts


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
@event_options
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
    seed: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Divide sequences into a part to train on and a part held out.

    SOURCE is text, a sequence a line, or an event table (.csv .tsv .parquet .jsonl), read as train reads it.
    Written are PREFIX.train.txt and PREFIX.heldout.txt, a user or sequence a line: line i of the second has what is
    missing from line i of the first.

    By last or at random, AMOUNT is a number of items of each sequence, or a share of them such as 0.1; at least one
    stays. By time, it is a share of all events (the latest), a span before the last event (7d, 12h, 30m), or a time:
    what came at it or later is held out of every sequence, so that nothing later is trained on.
    """
    from item2vec.corpus.file_names import expand
    from item2vec.corpus.table_files import ENDINGS, format_of
    from item2vec.evaluation.split import divide, parse_holdout, read_text_sequences, write_parts
    from item2vec.vectors.atomic import check_writable

    table = take_event_config(options)
    paths = list(expand(source))
    is_table = format_of(paths[0], table.format) != "text"
    prefix = output or _without_endings(paths[0])
    amount = 0.0 if by == "time" else parse_holdout(holdout or "1")
    if by == "time" and is_table and not table.time:
        raise ConfigError("--by time needs --time COLUMN")
    if by == "time" and not is_table:
        raise ConfigError(f"{source} has no times to split by; --by time needs {', '.join(ENDINGS)} and --time")
    if not is_table:
        refuse_for_text(source, table)
        if len(paths) > 1:
            raise ConfigError(f"{source} is {len(paths):,} files of text; split one at a time")
    check_writable(f"{prefix}.train.txt")
    cut = None
    if by == "time":
        with open_events(paths, table) as events:
            moment = events.cut(holdout or "0.1")
            cut = events.shown(moment)
            parts = write_parts(events.divided_at(moment), prefix, delimiter)
    elif is_table:
        with open_events(paths, table) as events:
            parts = write_parts(divide(events.sequences(), by, amount, seed), prefix, delimiter)
    else:
        sequences = read_text_sequences(paths[0], delimiter, id_column)
        parts = write_parts(divide(sequences, by, amount, seed), prefix, delimiter)
    if parts.items == parts.sequences:
        click.echo(
            "Warning: each sequence is left with a single item, from which nothing is learnt; lower --holdout.",
            err=True,
        )
    if as_json:
        of_time = {} if cut is None else {"cut": cut}
        print_json({"by": by, "holdout": holdout} | of_time | dataclasses.asdict(parts))
        return
    click.echo(_report(parts, cut, delimiter), err=True)


def _report(parts: Parts, cut: str | None, delimiter: str | None) -> str:
    """What was written, and the commands that train on it and evaluate."""
    option = "" if delimiter is None else f" --delimiter {shlex.quote(delimiter)}"
    train, held_out = shlex.quote(parts.train), shlex.quote(parts.held_out)
    return (
        f"Wrote {parts.items:,} items of {parts.sequences:,} sequences to {parts.train}, and {parts.held_out_items:,} "
        f"held-out items of {parts.held_out_sequences:,} to {parts.held_out}"
        + (".\n" if cut is None else f"; they are those from {cut} on.\n")
        + f"Train and evaluate: item2vec train{option} {train}\n"
        f"                    item2vec evaluate items{option} {train} --targets {held_out}"
    )


def _without_endings(path: Path) -> str:
    """The path without the ending of its format, and that of its compression."""
    from item2vec.corpus.plain_files import COMPRESSED_ENDINGS

    return str((path.with_suffix("") if path.suffix.lower() in COMPRESSED_ENDINGS else path).with_suffix(""))
