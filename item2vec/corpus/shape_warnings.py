"""Shapes of corpora that have fooled people: each is told in a sentence that ends in what to do.

A function a shape. Thresholds are set so that natural text, baskets and sessions pass in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from item2vec.config.source import SourceConfig
from item2vec.corpus.inspection import LONG, Inspection

_FEW = 20  # sequences, below which shares mean little
_HEADER_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        "user users item items id ids uid iid time timestamp ts date datetime day session sessions event events type "
        "customer client visitor member account product products sku asin isbn article track song artist album movie "
        "film book title name names category price quantity qty amount rating ratings score weight count order orders "
        "invoice basket store country text word words sentence label index key value query click clicks tag tags",
    )
)


def warnings_of(found: Inspection, source: SourceConfig, *, window: int, window_mode: str) -> tuple[str, ...]:
    """Say what looks wrong, most serious first; sentences without a final stop.

    Parameters
    ----------
    found : Inspection
    source : SourceConfig
        How the corpus was read.
    window, window_mode
        As a training has them, or would.
    """
    table = source.item is not None
    shapes: tuple[Callable[[Inspection, bool], str | None], ...] = (
        one_giant_sequence, single_items, unique_items, long_outlier, header, rows, own_beginnings, lookalikes,
        duplicates, repetitions,
    )  # fmt: skip
    told = [shape(found, table) for shape in shapes]
    told.append(None if table else other_delimiter(found, source.delimiter))
    told.append(None if rows(found, table) else wide_window(found, window, window_mode))
    return tuple(sentence for sentence in told if sentence)


def one_giant_sequence(found: Inspection, table: bool) -> str | None:
    """One sequence has most of the tokens: lines or users were not told apart."""
    longest, tokens = int(found.lengths[-1]), int(found.lengths.sum())
    if longest < 1000 or 2 * longest <= tokens:
        return None
    what = "The only sequence" if len(found.lengths) == 1 else "One sequence"
    todo = "look at the column of `user`, and at `session_gap`" if table else "put each sequence on a line of its own"
    return f"{what} has {longest / tokens:.0%} of all tokens, {longest:,}; if that is not one history or text, {todo}"


def single_items(found: Inspection, table: bool) -> str | None:
    """Most sequences have one item, which is no pair."""
    share = found.share_up_to(1)
    if len(found.lengths) < _FEW or share <= 0.5:
        return None
    todo = (
        "check that `user` is the right column, and that `session_gap` is long enough"
        if table
        else "check that items that belong together are on one line"
    )
    return f"{share:.0%} of the sequences have a single item, so there is nothing to learn from; {todo}"


def unique_items(found: Inspection, table: bool) -> str | None:
    """Most tokens are items that come once: keys of rows, times, free text."""
    if found.tokens < 100 or 2 * found.once <= found.tokens:
        return None
    todo = "check that `item` is the right column" if table else "check that they are not row ids or times"
    return f"{found.once / found.tokens:.0%} of the tokens are items that occur only once; {todo}"


def long_outlier(found: Inspection, table: bool) -> str | None:
    """Return a sequence many times as long as 99.99% of them: a bot, or all who are not logged in."""
    lengths = found.lengths
    if len(lengths) < _FEW or one_giant_sequence(found, table):
        return None
    others = int(lengths[-1 - max(1, len(lengths) // 10_000)])
    times = int(lengths[-1]) / others
    if times < 10 or lengths[-1] < 1000:
        return None
    todo = "leave it out with `where`" if table else "leave its line out"
    return (
        f"The longest sequence has {int(lengths[-1]):,} items, {times:,.0f} times the longest of the "
        f"other 99.99%; if it is a bot, or all visitors without an account, {todo}"
    )


def header(found: Inspection, table: bool) -> str | None:
    """Return the first sequence has names of columns for items."""
    words = [set(re.findall(r"[a-z]+", _spaced(item))) & _HEADER_WORDS for item in found.head]
    titles = sum(map(bool, words))
    numbers = found.numeric > 0.9 and not any(any(map(str.isdigit, item)) for item in found.head)
    if not found.head or found.tokens < 20 or not (2 * titles > len(words) or (numbers and len(words) > 1)):
        return None
    shown = " ".join(found.head[:6])
    todo = (
        "use the column names from that line, not column0"
        if table
        else "remove it; a table is read with `format=csv` or tsv, and `user` and `item`"
    )
    return f"The first sequence, {shown[:80]!r}, looks like a header line; {todo}"


def _spaced(item: str) -> str:
    """UserId as user id."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", item).lower()


def rows(found: Inspection, table: bool) -> str | None:
    """Each line has as many items, and other ones at each place: the rows of a table."""
    if table or found.sequences < 100 or not found.columns or found.columns_alike > 0.5:
        return None
    return (
        f"Each of the {found.sequences:,} sequences has {found.columns} items, with different items in each "
        "position, like the rows of a table; if each is an event, read it as a table: `format=tsv`, or csv with "
        "`delimiter`, `user=column0` "
        "`item=column1`, say"
    )


def own_beginnings(found: Inspection, table: bool) -> str | None:
    """No two sequences begin with the same item: it is the id of the line."""
    if table or len(found.lengths) < 100 or not found.own_beginnings or unique_items(found, table):
        return None
    return (
        f"Each of the {len(found.lengths):,} sequences begins with a different item; if that is the id of a "
        "user or line, "
        "remove it: cut -d' ' -f2-"
    )


def lookalikes(found: Inspection, table: bool) -> str | None:
    """One thing under several spellings, whose vectors share its occurrences."""
    alike = found.lookalikes
    if alike.items < 2 or (alike.tokens < 0.005 * found.tokens and alike.items < 0.02 * found.items):
        return None
    todo = "by `sql` with lower(trim(column))" if table else "in lower case, say"
    return (
        f"{alike.items:,} items differ from more frequent ones only in case, white space or Unicode form, such as "
        f"{alike.example[1]!r} from {alike.example[0]!r}; if they are the same item, spell them the same way, {todo}"
    )


def duplicates(found: Inspection, table: bool) -> str | None:
    """Long sequences that come again word for word: a file read twice, a log written twice."""
    if found.long_sequences < _FEW or found.long_duplicates <= 0.2 * found.long_sequences:
        return None
    todo = "check whether sources overlap" if table else "check whether sources overlap, or remove them: sort -u"
    return (
        f"{found.long_duplicates / found.long_sequences:.0%} of the sequences of {LONG} items or more are exact copies "
        f"of earlier ones; {todo}"
    )


def repetitions(found: Inspection, table: bool) -> str | None:
    """Items that follow themselves become their own context: reloads, plays on repeat."""
    tokens = int(found.lengths.sum())
    if tokens < 100 or found.consecutive <= 0.2 * tokens:
        return None
    todo = "count such runs once with `dedupe=consecutive`" if table else "keep one item of each such run"
    return f"{found.consecutive / tokens:.0%} of the tokens repeat the one before; unless that matters, {todo}"


def other_delimiter(found: Inspection, delimiter: str | None) -> str | None:
    """Most items have a mark in them that stands between items elsewhere."""
    mark, share = found.mark
    if share <= 0.5 or found.tokens < 20:
        return None
    between = "white space" if delimiter is None else repr(delimiter)
    return (
        f"{share:.0%} of the tokens have {mark!r} in them, but {between} is the separator; if "
        f"{mark!r} does, give `delimiter={mark!r}`"
    )


def wide_window(found: Inspection, window: int, window_mode: str) -> str | None:
    """Most sequences fit into the window, so that order and window mean little."""
    if window_mode == "basket" or len(found.lengths) < _FEW:
        return None
    pairs = found.share_up_to(1)
    share = found.share_up_to(window) - pairs
    if share <= 0.5 * (1 - pairs):
        return None
    return (
        f"The window of {window} covers the whole of {share / (1 - pairs):.0%} of the sequences; if order means "
        "nothing, use `window_mode=basket`, else a smaller `window`"
    )
