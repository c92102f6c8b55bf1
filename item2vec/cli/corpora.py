"""``item2vec inspect``, ``split`` and ``cache``: corpora before anything is trained on them."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click
from click.core import ParameterSource

from item2vec.cli.options import (
    READING,
    SOURCE_EXAMPLES,
    SectionedCommand,
    event_options,
    json_option,
    open_events,
    refuse_for_text,
    source_options,
    take_event_config,
    take_source_config,
    training_option,
)
from item2vec.cli.output import as_options, count, print_answer, print_json, printable, remark, say, shell_word, table
from item2vec.config.train import TrainConfig, WindowMode
from item2vec.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    from item2vec.corpus.cache import KeptFile
    from item2vec.corpus.corpus import Corpus, CorpusFile
    from item2vec.corpus.inspection import Inspection
    from item2vec.evaluation.split import Parts


# What `inspect` and `train` say about a corpus: a report, a short form, pictures on a terminal, warnings.


def warn(sentences: Iterable[str], strict: bool) -> None:
    """Print warnings on standard error.

    Raises
    ------
    CorpusError
        If there are any, and they are to be errors.
    """
    told = list(sentences)
    for sentence in told:
        remark("Warning", sentence)
    if told and strict:
        number = "1 warning" if len(told) == 1 else f"{len(told)} warnings"
        raise CorpusError(f"{number} about the corpus, and --strict is given; fix it, or leave out --strict")


def short_form(corpus: Corpus, found: Inspection, seconds: float) -> str:
    """Return what `train` says before it begins."""
    kept = len(corpus.items) / corpus.raw_tokens
    lines = [
        f"Read {corpus.raw_sequences:,} sequences, {corpus.raw_tokens:,} tokens in {seconds:.1f} s: "
        f"{len(corpus.vocabulary):,} items, which are {kept:.1%} of the tokens.",
        f"Sequences have {_lengths(found)}; {_share(found.consecutive, len(corpus.items))} of the tokens "
        f"repeat the one before, {_share(found.duplicates, len(corpus))} of the sequences are duplicates.",
    ]
    if corpus.file:
        lines.append(_describe_file(corpus.file))
    return "\n".join(lines)


def _lengths(found: Inspection) -> str:
    shortest, median, longest = found.lengths[0], found.length_at(0.5), found.lengths[-1]
    return f"{shortest:,} to {longest:,} of these, median {median:,}"


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.1%}"


def _describe_file(file: CorpusFile) -> str:
    """Return where an encoded corpus is kept, how large it is, and why."""
    size = f"{count(file.size)}B"
    if file.path is None:
        return f"The encoded corpus, {size}, is in a temporary file."
    if file.found:
        return f"It was encoded before, {size}: {file.path}"
    again = "was damaged, and has been made again" if file.remade else "is kept for the next run"
    return f"The encoded corpus, {size}, {again}: {file.path}"


def document(corpus: Corpus, found: Inspection) -> dict[str, Any]:
    """Return the report for programs."""
    from item2vec.corpus.inspection import QUANTILES

    quantiles = {f"{share:.0%}": found.length_at(share) for share in QUANTILES}
    commonest = []
    for index, (item, occurrences) in enumerate(found.commonest):
        name = {} if corpus.names is None else {"name": corpus.names[index]}
        commonest.append({"item": item, **name, "count": occurrences})
    return {
        "sequences": found.sequences,
        "tokens": found.tokens,
        "items": found.items,
        "min_count": found.min_count,
        "rare": {"items": found.rare_items, "tokens": found.rare_tokens},
        "once": found.once,
        "lengths": {
            "shortest": int(found.lengths[0]),
            **quantiles,
            "longest": int(found.lengths[-1]),
            "mean": round(float(found.lengths.mean()), 3),
        },
        "histogram": [{"from": start, "to": end, "sequences": many} for start, end, many in found.histogram()],
        "commonest": commonest,
        "frequencies": [{"rank": rank, "count": occurrences} for rank, occurrences in found.ranks],
        "repeated": {
            "consecutive": found.consecutive,
            "pairs": found.equal_pairs,
            "pairs_by_chance": round(found.expected_pairs, 1),
        },
        "duplicates": found.duplicates,
    }


def print_report(facts: dict[str, Any]) -> None:
    """Print a document for people: a fact a line, and pictures if standard output is a terminal."""
    lengths, rare, repeated = facts["lengths"], facts["rare"], facts["repeated"]
    lines = [
        ("sequences", f"{facts['sequences']:,}"),
        ("tokens", f"{facts['tokens']:,}"),
        ("items", f"{facts['items']:,}, of which {facts['once']:,} occur once"),
        ("rare", f"{rare['items']:,} items occur fewer than {facts['min_count']:,} times (--min-count), "
         f"{_share(rare['tokens'], facts['tokens'])} of the tokens"),
        ("lengths", f"{lengths['shortest']:,} to {lengths['longest']:,} items, mean {lengths['mean']:,.1f}"),
        ("", ", ".join(f"{share} up to {lengths[share]:,}" for share in lengths if share.endswith("%"))),
        ("repeated", f"{_share(repeated['consecutive'], facts['tokens'])} of the tokens repeat the one before"),
        ("duplicates", f"{facts['duplicates']:,} sequences are exact copies of earlier ones: "
         f"{_share(facts['duplicates'], facts['sequences'])}"),
    ]  # fmt: skip
    shown = [f"{title:<11} {printable(text)}" for title, text in lines]
    commonest = table(
        [
            (entry["item"], entry.get("name") or "", f"{entry['count']:,}", _share(entry["count"], facts["tokens"]))
            for entry in facts["commonest"]
        ],
        "<<>",
    )
    shown += [f"{'' if place else 'commonest':<11} {line}" for place, line in enumerate(commonest)]
    print_answer("\n".join(shown))
    if sys.stdout.isatty():
        _print_pictures(facts)


def _print_pictures(facts: dict[str, Any]) -> None:
    from rich.console import Console

    bins = facts["histogram"]
    most = max(entry["sequences"] for entry in bins)
    spans = [f"{e['from']:,}" if e["from"] == e["to"] else f"{e['from']:,} to {e['to']:,}" for e in bins]
    console = Console(highlight=False)
    console.print(_picture("items", spans, "sequences", [(e["sequences"], e["sequences"] / most) for e in bins]))
    ranks = facts["frequencies"]
    top = math.log(ranks[0]["count"] + 1)
    heights = [(e["count"], math.log(e["count"] + 1) / top) for e in ranks]
    console.print(_picture("rank", [f"{e['rank']:,}" for e in ranks], "count (bar: its logarithm)", heights))


def _picture(left: str, labels: list[str], title: str, values: list[tuple[int, float]]) -> Any:
    """Draw a bar a row: a label, a number, and the number's share of the largest."""
    from rich.bar import Bar
    from rich.table import Table

    table = Table(box=None, expand=True, title_justify="left", pad_edge=False)
    table.add_column(left, justify="right", no_wrap=True)
    table.add_column(title.split(" (")[0], justify="right", no_wrap=True)
    table.add_column("(" + title.split(" (")[1] if " (" in title else "", ratio=1)
    for label, (number, share) in zip(labels, values, strict=True):
        table.add_row(label, f"{number:,}", Bar(1.0, 0.0, share, color="cyan"))
    return table


# ``item2vec inspect``: what shape a corpus has, before anything is trained on it.


@click.command(
    cls=SectionedCommand,
    sections=READING,
    epilog="""\b
Examples:
  item2vec inspect corpus.txt
  item2vec inspect 'logs/*.txt.gz' --strict && item2vec train 'logs/*.txt.gz'
"""
    + SOURCE_EXAMPLES.replace("COMMAND", "inspect"),
)
@click.argument("sources", metavar="SOURCE...", nargs=-1)
@source_options
@training_option("--min-count", "As for `item2vec train`: drop items that occur less often.", metavar="N", type=int)
@training_option(
    "--window", "As for `item2vec train`: warn if it is longer than most sequences.", metavar="N", type=int
)
@training_option("--window-mode", "As for `item2vec train`.", type=click.Choice(get_args(WindowMode)))
@training_option("--threads", "Threads; 0 means one per core.", metavar="N", type=int)
@click.option("--strict", is_flag=True, help="Exit with status 1 if there are warnings.")
@json_option
@click.pass_context
def inspect(ctx: click.Context, /, sources: tuple[str, ...], strict: bool, as_json: bool, **options: Any) -> None:
    """Describe a corpus, and warn of what would not train well.

    The report covers the number and length of sequences, how frequent items are, repetitions and duplicates. On a
    terminal it has charts.

    Warnings cover common mistakes, and say what to do: a header line read as data, the wrong delimiter, bots, items
    spelt in several ways. They go to standard error.
    """
    source = take_source_config(options, sources)
    config = TrainConfig(**options)
    from item2vec.corpus.inspection import inspect_corpus
    from item2vec.corpus.kind import suitable_preset
    from item2vec.corpus.reading import read_corpus
    from item2vec.corpus.shape_warnings import warnings_of

    corpus = read_corpus(sources, source, min_count=1, threads=config.worker_count)
    found = inspect_corpus(corpus, config.min_count)
    facts = document(corpus, found)
    suitable = suitable_preset(corpus, found, table=source.item is not None, timed=source.time is not None)
    for name, value in suitable.options.items():
        if name in options and ctx.get_parameter_source(name) == ParameterSource.DEFAULT:
            config = dataclasses.replace(config, **{name: value})
    told = [*corpus.notes, *warnings_of(found, source, window=config.window, window_mode=config.window_mode)]
    hint = None
    if suitable.preset != "words":
        hint = f"{suitable.reason}; `item2vec train` takes `preset={suitable.preset}`"
    if as_json:
        warnings = [as_options(sentence) for sentence in told]
        print_json(facts | {"preset": suitable.preset, "hint": hint and as_options(hint), "warnings": warnings})
    else:
        print_report(facts)
    if hint and not as_json:
        remark("Hint", hint)
    warn(told, strict)


# ``item2vec split``: what to train on, and what to hold out.


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
              help="What to hold out. last: the last items of each sequence. random: any items. time: the events "
              "from a moment on.")  # fmt: skip
@click.option(
    "--holdout", metavar="AMOUNT", help="How much to hold out, as described above.  [default: 1 item; by time: 0.1]"
)
@click.option(
    "-o",
    "--output",
    metavar="PREFIX",
    help="The start of the output files' names.  [default: SOURCE without its ending]",
)
@click.option("--delimiter", metavar="TEXT", help="The separator between the items of a line.  [default: white space]")
@click.option("--id-column", is_flag=True, help="Each line of text begins with an id, which is dropped.")
@event_options
@click.option("--seed", metavar="N", type=click.IntRange(min=0), default=1, show_default=True,
              help="The seed for --by random.")  # fmt: skip
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
    """Split sequences into a training part and a held-out part.

    SOURCE is text with one sequence per line, or an event table (.csv .tsv .parquet .jsonl), as for `item2vec train`.
    The output is PREFIX.train.txt and PREFIX.heldout.txt, with one sequence or user per line. Line i of the second file
    has the items that were taken from line i of the first.

    With --by last or random, AMOUNT is a number of items per sequence, or a share such as 0.1. At least one item stays
    in each sequence. With --by time, AMOUNT is the share of the latest events, a span before the last event (7d, 12h,
    30m), or a time. Everything from that moment on is held out, so the training part has nothing later than it.
    """
    from item2vec.corpus.tables.table_files import ENDINGS, format_of
    from item2vec.evaluation.split import divide, parse_holdout, read_text_sequences, write_parts
    from item2vec.files.atomic import check_writable
    from item2vec.files.paths import expand

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
        remark(
            "Warning", "each sequence is left with a single item, so there is nothing to learn from; lower `holdout`"
        )
    if as_json:
        of_time = {} if cut is None else {"cut": cut}
        print_json({"by": by, "holdout": holdout} | of_time | dataclasses.asdict(parts))
        return
    say(_report(parts, cut, delimiter))


def _report(parts: Parts, cut: str | None, delimiter: str | None) -> str:
    """Return what was written, and the commands that train on it and evaluate."""
    option = "" if delimiter is None else f" --delimiter {shell_word(delimiter)}"
    train, held_out = shell_word(parts.train), shell_word(parts.held_out)
    return (
        f"Wrote {parts.items:,} items of {parts.sequences:,} sequences to {parts.train}, and {parts.held_out_items:,} "
        f"held-out items of {parts.held_out_sequences:,} to {parts.held_out}"
        + (".\n" if cut is None else f"; they are those from {cut} on.\n")
        + f"Train and evaluate: item2vec train{option} {train}\n"
        f"                    item2vec evaluate items{option} {train} --targets {held_out}"
    )


def _without_endings(path: Path) -> str:
    """Return the path without the ending of its format, and that of its compression."""
    from item2vec.corpus.tables.table_files import COMPRESSED_ENDINGS

    return str((path.with_suffix("") if path.suffix.lower() in COMPRESSED_ENDINGS else path).with_suffix(""))


# ``item2vec cache``: the encoded corpora on the disk.


@click.command(
    epilog="""\b
Examples:
  item2vec cache
  item2vec cache --clear
"""
)
@click.option("--clear", "everything", is_flag=True, help="Remove all cached corpora.")
@json_option
def cache(everything: bool, as_json: bool) -> None:
    """Show the disk space that cached corpora take, or clear them.

    A corpus larger than `item2vec train --memory` is kept in encoded form, so the next run need not read it again. It
    is removed after 30 days without use. The folder is the one that ITEM2VEC_CACHE names, or the user's cache.
    """
    from item2vec.corpus.cache import clear, kept_files
    from item2vec.files.paths import cache_folder

    folder = cache_folder()
    removed = clear(folder, everything=True) if everything else []
    kept = kept_files(folder)
    if as_json:
        print_json({"folder": str(folder), "removed": _document(removed), "kept": _document(kept)})
    elif everything:
        print_answer(f"Removed {_sum(removed)} from {folder}.")
    else:
        print_answer(f"{folder} has {_sum(kept)}.")
        if kept:
            days = (time.strftime("%Y-%m-%d", time.localtime(file.used)) for file in kept)
            rows = ((file.name, day, f"{file.size:,}") for file, day in zip(kept, days, strict=True))
            print_answer("\n".join(table(rows, "<<>")))


def _sum(files: list[KeptFile]) -> str:
    return f"{len(files):,} file{'' if len(files) == 1 else 's'}, {sum(file.size for file in files):,} bytes"


def _document(files: list[KeptFile]) -> list[dict[str, Any]]:
    return [{"file": file.name, "bytes": file.size, "used": round(file.used)} for file in files]
