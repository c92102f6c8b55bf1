"""When an encoded event table may be used again: what it follows from is known, and unchanged."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from item2vec.corpus.cache import CacheEntry
from item2vec.corpus.source_config import SourceConfig
from item2vec.corpus.sources import Source

_NOT_OPTIONS = ("memory", "cache", "names")  # names of a file are read anew, by the vocabulary
# What a condition may ask that does not stand in the row: another file, a function of the time or of chance.
_FROM_ELSEWHERE = re.compile(r"[(]|\b(current|local|today|now)", re.IGNORECASE)


def event_sources(paths: Sequence[Path]) -> list[Source] | None:
    """The files as they are now; None if one is no file that stays."""
    sources = []
    for path in paths:
        try:
            status = path.stat()
        except OSError:  # standard input, or missing: who reads it says so
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        sources.append(Source(path, status.st_size, 0, (status.st_mtime_ns, status.st_ctime_ns)))
    return sources


def event_entry(
    sources: Sequence[Source] | None, config: SourceConfig, min_count: int, max_items: int | None
) -> CacheEntry | None:
    """The place of an event table's corpus in the cache; None if nothing may be kept.

    Parameters
    ----------
    sources : sequence of Source or None
        As `event_sources` returns them.
    config : SourceConfig
        What a query reaches is not known, so that nothing is kept with ``sql``, nor with conditions that call
        functions.
    min_count, max_items
        As `TrainConfig` has them.
    """
    asked_elsewhere = config.sql is not None or _FROM_ELSEWHERE.search(config.where or "")
    if not config.cache or not sources or asked_elsewhere:
        return None
    options = {name: value for name, value in config.set_options().items() if name not in _NOT_OPTIONS}
    if config.names is not None:
        options.pop("name_column", None)
    rules = {"min_count": min_count, "max_items": max_items, "duckdb": version("duckdb")}
    return CacheEntry(sources, {"events": options} | rules)
