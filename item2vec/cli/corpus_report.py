"""What `inspect` and `train` say about a corpus: a report, a short form, pictures on a terminal, warnings."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.output import columns, print_answer, printable
from item2vec.cli.progress import count
from item2vec.errors import CorpusError

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.corpus.corpus_file import CorpusFile
    from item2vec.corpus.inspection import Inspection


def warn(sentences: Iterable[str], strict: bool) -> None:
    """Print warnings on standard error.

    Raises
    ------
    CorpusError
        If there are any, and they are to be errors.
    """
    told = list(sentences)
    for sentence in told:
        click.echo(f"Warning: {printable(sentence)}.", err=True)
    if told and strict:
        number = "1 warning" if len(told) == 1 else f"{len(told)} warnings"
        raise CorpusError(f"{number} about the corpus, and --strict is given; mend it, or leave out --strict")


def short_form(corpus: Corpus, found: Inspection, seconds: float) -> str:
    """What `train` says before it begins."""
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
    """Where an encoded corpus lies, how much room it takes, and why."""
    size = f"{count(file.size)}B"
    if file.path is None:
        return f"The encoded corpus, {size}, lies in a temporary file."
    if file.found:
        return f"It was encoded before, {size}: {file.path}"
    again = "was damaged, and has been made again" if file.remade else "is kept for the next run"
    return f"The encoded corpus, {size}, {again}: {file.path}"


def document(corpus: Corpus, found: Inspection) -> dict[str, Any]:
    """The report for programs."""
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
        ("items", f"{facts['items']:,}, of which {facts['once']:,} come once"),
        ("rare", f"{rare['items']:,} items come fewer than {facts['min_count']:,} times (--min-count), "
         f"{_share(rare['tokens'], facts['tokens'])} of the tokens"),
        ("lengths", f"{lengths['shortest']:,} to {lengths['longest']:,} items, mean {lengths['mean']:,.1f}"),
        ("", ", ".join(f"{share} up to {lengths[share]:,}" for share in lengths if share.endswith("%"))),
        ("repeated", f"{_share(repeated['consecutive'], facts['tokens'])} of the tokens repeat the one before"),
        ("duplicates", f"{facts['duplicates']:,} sequences came before, item for item: "
         f"{_share(facts['duplicates'], facts['sequences'])}"),
    ]  # fmt: skip
    shown = [f"{title:<11} {printable(text)}" for title, text in lines]
    commonest = columns(
        (entry["item"], entry.get("name") or "", f"{entry['count']:,}", _share(entry["count"], facts["tokens"]))
        for entry in facts["commonest"]
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
    """A bar a row: a label, a number, and the number's share of the largest."""
    from rich.bar import Bar
    from rich.table import Table

    table = Table(box=None, expand=True, title_justify="left", pad_edge=False)
    table.add_column(left, justify="right", no_wrap=True)
    table.add_column(title.split(" (")[0], justify="right", no_wrap=True)
    table.add_column("(" + title.split(" (")[1] if " (" in title else "", ratio=1)
    for label, (number, share) in zip(labels, values, strict=True):
        table.add_row(label, f"{number:,}", Bar(1.0, 0.0, share, color="cyan"))
    return table
