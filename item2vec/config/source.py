"""SourceConfig: how sources are read, checked once. Defaults stand here and nowhere else."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Literal

from item2vec.config.units import parse_seconds
from item2vec.errors import ConfigError
from item2vec.files.encoding import UTF8, Errors, check_encoding

Format = Literal["auto", "text", "csv", "tsv", "parquet", "jsonl"]
Dedupe = Literal["none", "consecutive", "basket"]
Nulls = Literal["skip", "error"]
Quote = Literal["auto", "none", '"']

FORMATS: tuple[Format, ...] = ("auto", "text", "csv", "tsv", "parquet", "jsonl")
DEDUPES: tuple[Dedupe, ...] = ("none", "consecutive", "basket")
NULLS: tuple[Nulls, ...] = ("skip", "error")
QUOTES: tuple[Quote, ...] = ("auto", "none", '"')
ERRORS: tuple[Errors, ...] = ("strict", "replace")


@dataclass(frozen=True)
class SourceConfig:
    """How sources are read, with the names and the defaults of ``item2vec train``.

    Parameters
    ----------
    format : {"auto", "text", "csv", "tsv", "parquet", "jsonl"}
        auto goes by each file's ending, and takes what it does not know for text.
    delimiter : str or None
        Text: what separates items, if not white space. CSV: what separates columns, if not what its first line
        shows.
    quote : {"auto", "none", '"'}
        CSV and TSV: what stands around a value that has a delimiter or a newline in it. auto: the double quote; in a
        TSV only where every quote that begins a value also ends it, else quotes are characters like any other.
    encoding : str
        The encoding of text, CSV and JSON lines, by a name that Python knows. With UTF-8, a byte order mark of UTF-16
        or UTF-32 counts.
    errors : {"strict", "replace"}
        What is no character of the encoding is an error, or becomes U+FFFD and is counted.
    user, item, time : str or None
        The columns of an event table. All events of a user are one sequence, ordered by time; events of the same
        time, and all events where no time is given, stay in the order of the files.
    item_delimiter : str or None
        What separates the items in a cell of the item column, which is then a list.
    session_gap : str, float or None
        A new sequence begins where a user's next event comes more than this later: ``"30m"``, ``"2h"``, ``"1d"``
        or seconds.
    where : str or None
        SQL condition that rows must meet, such as ``"price > 0"``; it may use any column.
    dedupe : {"none", "consecutive", "basket"}
        consecutive: an item that follows itself at once counts once. basket: an item counts once a sequence.
    weight : str or None
        A column of numbers: an event of weight n counts n times (see `item2vec.corpus.tables.lay_out`).
    sql : str or None
        A DuckDB query whose result is the event table.
    nulls : {"skip", "error"}
        What to do with events that lack a user, an item, a time or a weight: leave them out and say how many, or
        refuse.
    names : str or None
        A file with items and their display names: a table, or text with ``item TAB name`` on each line.
    name_column : str or None
        The column of display names, in the event table or in the file of ``names``.
    memory : str, int or None
        Bytes, or a size such as ``"2GB"``: tokens above it lie in a mapped file, and tables are sorted on disk.
        None: 1/32 of the machine's memory for tokens, four fifths for sorting.
    cache : bool
        Keep a mapped file of tokens, and use one that was made from the same sources, unchanged, with the same
        options. With a query, or a condition that calls functions, none is kept: what they depend on is not known.

    Raises
    ------
    ConfigError
        If a value cannot work; the message names the option, the value and what is possible.
    """

    format: Format = "auto"
    delimiter: str | None = None
    quote: Quote = "auto"
    encoding: str = UTF8
    errors: Errors = "strict"
    user: str | None = None
    item: str | None = None
    item_delimiter: str | None = None
    time: str | None = None
    session_gap: str | float | None = None
    where: str | None = None
    dedupe: Dedupe = "none"
    weight: str | None = None
    sql: str | None = None
    nulls: Nulls = "skip"
    names: str | None = None
    name_column: str | None = None
    memory: str | int | None = None
    cache: bool = True

    def __post_init__(self) -> None:
        """Refuse values that cannot work, before any file is opened."""
        kinds = {"format": FORMATS, "dedupe": DEDUPES, "nulls": NULLS, "errors": ERRORS, "quote": QUOTES}
        for name, choices in kinds.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"`{name}` is {getattr(self, name)!r}; it must be one of {', '.join(choices)}")
        for name in ("user", "item", "time", "where", "weight", "sql", "names", "name_column", "encoding"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise ConfigError(f"`{name}` is {value!r}; it must be text, and not empty")
        for name in ("delimiter", "item_delimiter"):
            value = getattr(self, name)
            if value is not None and (not value or "\n" in value or "\0" in value):
                raise ConfigError(f"`{name}` is {value!r}; it must be one or more characters, without a newline or NUL")
        if self.item_delimiter is not None and self.item is None:
            raise ConfigError("`item_delimiter` separates items in the item column; name that column with `item`")
        _ = self.gap_seconds, self.memory_bytes, check_encoding(self.encoding, self.errors)
        if self.user is not None and self.user == self.item:
            raise ConfigError(
                f"user and item are both {self.user!r}; `item` must be another column, or each sequence would "
                "have one item"
            )
        if self.session_gap is not None and self.time is None:
            raise ConfigError(f"`session_gap` is {self.session_gap!r} but there is no `time`; add `time=COLUMN`")

    @classmethod
    def fields(cls) -> tuple[str, ...]:
        """Return the options' names."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @property
    def gap_seconds(self) -> float | None:
        """``session_gap`` in seconds."""
        gap = self.session_gap
        if gap is None:
            return None
        seconds = parse_seconds(gap)
        if not seconds:
            raise ConfigError(f"`session_gap` is {gap!r}; it must be a time above 0 such as 30m, 2h, 1d, or seconds")
        return seconds

    @property
    def memory_bytes(self) -> int | None:
        """``memory`` in bytes."""
        if self.memory is None:
            return None
        match = re.fullmatch(r"(\d{1,15}(?:\.\d*)?) ?(?:([KMGT])(I?))?B?", str(self.memory).strip().upper(), re.ASCII)
        if not match or isinstance(self.memory, bool):
            raise ConfigError(f"`memory` is {self.memory!r}; it must be a size such as 500MB or 4GB")
        power = " KMGT".index(match[2] or " ")
        return int(float(match[1]) * (1024 if match[3] else 1000) ** power)

    def set_options(self) -> dict[str, Any]:
        """Return the options that differ from their defaults."""
        pairs = ((field, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {field.name: value for field, value in pairs if value != field.default}
