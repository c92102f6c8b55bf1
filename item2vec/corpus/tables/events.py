"""read_events: event tables to a Corpus. DuckDB reads, numbers and sorts, on disk where memory is short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from item2vec.config.source import SourceConfig
from item2vec.corpus.cache import CacheEntry
from item2vec.corpus.codes import CodeStore, Part, TokenBudget, ids_in_memory, write_ids
from item2vec.corpus.corpus import Corpus, Facts
from item2vec.corpus.encoded import CorpusFileWriter
from item2vec.corpus.in_memory import Table
from item2vec.corpus.tables.columns import REAL, ticks_per_second
from item2vec.corpus.tables.database import Database
from item2vec.corpus.tables.event_table import EventTable, load_events
from item2vec.corpus.tables.item_values import names_of_vocabulary
from item2vec.corpus.tables.lay_out import MODES, OPEN, WEIGHT, count_tokens, lay_out, new_state, repeat_by_weight
from item2vec.corpus.trainable import check_kept
from item2vec.errors import ConfigError, CorpusError
from item2vec.files.machine import tokens_in_memory
from item2vec.files.paths import cache_folder
from item2vec.files.source import Source, check_unchanged
from item2vec.items.vocabulary import Vocabulary, divide_items

# When an encoded event table may be used again: what it follows from is known, and unchanged.

_NOT_OPTIONS = ("memory", "cache", "names")  # names of a file are read anew, by the vocabulary
# What a condition may ask that does not stand in the row: another file, a function of the time or of chance.
_FROM_ELSEWHERE = re.compile(r"[(]|\b(current|local|today|now)", re.IGNORECASE)


def event_entry(
    sources: Sequence[Source], config: SourceConfig, min_count: int, max_items: int | None
) -> CacheEntry | None:
    """Return the place of an event table's corpus in the cache; None if nothing may be kept.

    Parameters
    ----------
    sources : sequence of Source
    config : SourceConfig
        What a query reaches is not known, so that nothing is kept with ``sql``, nor with conditions that call
        functions.
    min_count, max_items
        As `TrainConfig` has them.
    """
    asked_elsewhere = config.sql is not None or _FROM_ELSEWHERE.search(config.where or "")
    if not config.cache or asked_elsewhere or any(source.pipe for source in sources):
        return None
    options = {name: value for name, value in config.set_options().items() if name not in _NOT_OPTIONS}
    if config.names is not None:
        options.pop("name_column", None)
    rules = {"min_count": min_count, "max_items": max_items, "duckdb": version("duckdb")}
    return CacheEntry(sources, {"events": options} | rules)


_LEAST_MEMORY = 64 * 10**6  # DuckDB's blocks and a sort's runs need about 50 MB


def read_events(
    sources: Sequence[Source] | Table, config: SourceConfig, *, min_count: int, max_items: int | None, threads: int
) -> Corpus:
    """Read event tables: all events of a user, in order of time, are a sequence.

    The result depends on the events and their order in the files alone, neither on the format nor on ``threads``
    or ``config.memory``. Users come in the order in which they first appear in the files, a user's sessions in
    order of time, events of the same time in the order of the files. Items are the text that the file has, 007
    included; numbers are as DuckDB writes them. Where the item column holds lists, each adds its items in their
    order, and without a user column each row is a sequence.

    Parameters
    ----------
    sources : sequence of Source, or Table
        Files of .csv, .tsv, .parquet or .jsonl, several one after another; with ``config.sql`` none, or DuckDB
        database files, which are attached under the names of the files and the first of which is in use.
    config : SourceConfig
    min_count, max_items, threads
        As `TrainConfig` has them; ``threads`` 1 or more.

    Returns
    -------
    Corpus
        Its ``notes`` say how many events were left out and why.

    Raises
    ------
    CorpusError
        If a source cannot be read, a column is missing, a value makes no sense, or there is nothing to train on.
    ConfigError
        If an option cannot work.
    """
    memory = config.memory_bytes
    if memory is not None and memory < _LEAST_MEMORY:
        raise ConfigError(f"`memory` is {config.memory!r}; to sort tables it must be 64MB or more")
    entry = None if isinstance(sources, Table) else event_entry(sources, config, min_count, max_items)
    if entry and (found := entry.open()):
        return found
    budget = TokenBudget(tokens_in_memory() if memory is None else memory, cache_folder())
    tokens = CodeStore(budget)
    with Database(threads, memory) as database:
        table = load_events(database, sources, config)
        if not isinstance(sources, Table):
            check_unchanged(sources)
        ticks = _sort(database, table, config)
        tally = _Tally(database.row("SELECT count(*) FROM item")[0])
        for block in _lay_out(database, config, ticks):
            tally.add(block)
            tokens.append(block)
        counts = tally.counts
        kept, dropped = tally.divide(min_count, max_items)
        rare = _vocabulary(database, dropped, counts[dropped])
        vocabulary = _vocabulary(database, kept, counts[kept])
        _refuse_newlines(vocabulary)
        names = names_of_vocabulary(database, "event") if config.name_column and not config.names else None
    ranks = np.full(len(counts), -1, np.int32)
    ranks[kept] = np.arange(len(kept), dtype=np.int32)
    facts = Facts(raw_tokens=tally.tokens, raw_sequences=tally.sequences, replaced=table.replaced)
    parts = [Part(tokens, tally.sequences)]

    def check(corpus: Corpus) -> Corpus:
        """Return a corpus that can be trained on; raise a CorpusError for any other."""
        if tally.tokens == tally.sequences:
            raise CorpusError(_single_events(tally.sequences, table.name, config))
        check_kept(corpus, int(counts.max()), table.name, min_count=min_count, max_items=max_items)
        return corpus

    if not budget.exceeded:
        ids = ids_in_memory(parts, [ranks], [int(vocabulary.counts.sum())])
        return check(Corpus(*ids, vocabulary, rare=rare, names=names, notes=table.notes, **facts))
    with CorpusFileWriter(budget.folder, named=entry is not None) as writer:
        write_ids(parts, [ranks], writer)
        corpus = check(writer.finish(vocabulary, rare, facts, entry.key if entry else "", names, table.notes))
        if entry:
            entry.keep(corpus, writer)
    return corpus


class _Tally:
    """What has been laid out.

    Attributes
    ----------
    counts : array, int64 [codes]
        How often each code occurs; no item has code 0.
    tokens, sequences : int
    """

    def __init__(self, items: int) -> None:
        self.counts = np.zeros(items + 1, np.int64)
        self.tokens = self.sequences = 0
        self._first = np.full(items + 1, -1, np.int64)  # where each code occurs first

    def add(self, block: NDArray[np.int32]) -> None:
        """Count a block of codes, the last of each sequence negative."""
        count_tokens(block, self.tokens, self.counts, self._first)
        self.tokens += len(block)
        self.sequences += int(np.count_nonzero(block < 0))

    def divide(self, min_count: int, max_items: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the codes that are kept, and those that are dropped, each by count; ties by first occurrence."""
        codes = np.argsort(self._first[1:], kind="stable") + 1
        codes = codes[self._first[codes] >= 0]
        kept, dropped = divide_items(self.counts[codes], min_count, max_items)
        return codes[kept], codes[dropped]


def _sort(database: Database, table: EventTable, config: SourceConfig) -> int:
    """Make ``item`` (i, code) and, in order, ``sorted`` (u, c, t, w); how many of its times are a second."""
    good = f"WHERE {table.complete}"
    ticks, columns = 1, "usr.first AS u, item.code AS c"
    if config.session_gap is not None and config.time is not None:
        ticks = ticks_per_second(database, table.time_kind, config.time)
        if table.time_kind == REAL:
            columns += f", CAST(t * {10**6 / ticks!r} AS BIGINT) AS t"
            ticks = 10**6
        else:
            columns += ", t"
    columns += ", w" if config.weight else ""
    order = "usr.first, t, event.rowid" if config.time else "usr.first, event.rowid"
    database.run(f"CREATE TABLE usr AS SELECT u, min(rowid) AS first FROM event {good} GROUP BY u")
    database.run(
        "CREATE TABLE item AS SELECT i, CAST(row_number() OVER () AS INTEGER) AS code "
        f"FROM (SELECT DISTINCT i FROM event {good})"
    )
    database.run(
        f"CREATE TABLE sorted AS SELECT {columns} FROM event JOIN usr USING (u) JOIN item USING (i) {good} "
        f"ORDER BY {order}"
    )
    database.run("DROP TABLE usr")
    if not config.name_column or config.names:
        database.run("DROP TABLE event")
    return ticks


def _lay_out(database: Database, config: SourceConfig, ticks: int) -> Iterator[NDArray[np.int32]]:
    """Yield the sorted events as blocks of codes, the last of each sequence negative."""
    columns = "u, c" + (", t" if config.session_gap is not None else "") + (", w" if config.weight else "")
    gap = (config.gap_seconds or 0.0) * ticks
    seen = np.zeros(database.row("SELECT count(*) FROM item")[0] + 1, np.int64)
    state, none = new_state(), np.empty(0, np.int64)
    blocks, weights = [], []  # all of them, where layers take each sequence apart
    for users, codes, *rest in database.batches(columns, "sorted"):
        times = rest.pop(0) if config.session_gap is not None else none
        own_weights = rest.pop() if config.weight else none
        tokens = np.empty(len(codes), np.int32)
        token_weights = np.empty(len(own_weights), np.int64)
        written = lay_out(
            users, times, gap, codes, own_weights, MODES[config.dedupe], seen, state, tokens, token_weights
        )
        if config.weight:
            blocks.append(tokens[:written])
            weights.append(token_weights[:written])
        else:
            yield tokens[:written]
    database.run("DROP TABLE sorted")
    last = np.array([-state[OPEN]], np.int32)
    if config.weight:
        yield repeat_by_weight(np.concatenate([*blocks, last]), np.concatenate([*weights, state[[WEIGHT]]]))
    else:
        yield last


def _vocabulary(database: Database, chosen: NDArray[np.int64], counts: NDArray[np.int64]) -> Vocabulary:
    """Return the chosen items, in order; they stay in the database as ``vocabulary`` (rank, item)."""
    database.run("DROP TABLE IF EXISTS vocabulary")
    database.register("chosen", {"code": chosen.astype(np.int32), "rank": np.arange(len(chosen))})
    database.run(
        "CREATE TABLE vocabulary AS SELECT rank, CAST(i AS VARCHAR) AS item FROM chosen JOIN item USING (code) "
        "ORDER BY rank"
    )
    return Vocabulary(*database.text_column("item", "vocabulary"), counts)


def _refuse_newlines(vocabulary: Vocabulary) -> None:
    lines = np.flatnonzero(vocabulary.blob == ord("\n"))
    if len(lines):
        item = vocabulary[int(np.searchsorted(vocabulary.offsets, lines[0], "right")) - 1]
        shown = item if len(item) <= 40 else item[:40] + "..."
        raise CorpusError(
            f"the item {shown!r} has a newline, which no model file carries; replace it, by `sql` with "
            "replace(column, chr(10), ' ') say"
        )


def _single_events(sequences: int, name: str, config: SourceConfig) -> str:
    """Why no sequence has two events."""
    if config.session_gap is not None:
        hint = f"give a longer `session_gap` than {config.session_gap}"
    elif config.dedupe != "none":
        hint = f"without `dedupe={config.dedupe}` repetitions count"
    else:
        hint = f"is {config.user!r} the column that says which events belong together?"
    return f"there is nothing to learn in {name}: each of its {sequences:,} sequences is a single event; {hint}"
