"""read_corpus: sources of any kind to a Corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from item2vec.config.source import SourceConfig
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.in_memory import Sequences, Table, read_sequences
from item2vec.errors import ConfigError
from item2vec.files.source import Source, as_text, look_at_all

_TABLE_OPTIONS = (
    "user",
    "item",
    "item_delimiter",
    "quote",
    "time",
    "session_gap",
    "where",
    "dedupe",
    "weight",
    "nulls",
)
_TEXT_OPTIONS = ("encoding", "errors")
_MEMORY_OPTIONS = ("memory", "names", "name_column")  # those that suit sequences in memory


def read_corpus(
    sources: Sequence[str | Path] | Sequences | Table,
    config: SourceConfig,
    *,
    min_count: int = 5,
    max_items: int | None = None,
    threads: int = 1,
) -> Corpus:
    """Read text files, or event tables.

    Parameters
    ----------
    sources : sequence of str or Path, Sequences or Table
        Files and globs, all text or all tables (`item2vec.corpus.text.text`, `item2vec.corpus.tables.events`), or what
        lies in memory.
    config : SourceConfig
    min_count, max_items, threads
        As `TrainConfig` has them; ``threads`` 1 or more.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        If a source cannot be read, or holds nothing to train on.
    ConfigError
        If an option cannot work, or not with such sources.
    """
    rest = {"min_count": min_count, "max_items": max_items, "threads": threads}
    found, tables = _look(sources, config)
    if isinstance(found, Sequences):
        corpus = read_sequences(found, min_count=min_count, max_items=max_items, memory=config.memory_bytes)
    elif not tables and not isinstance(found, Table):
        from item2vec.corpus.text.text import read_text

        corpus = read_text(
            found,
            delimiter=config.delimiter,
            encoding=config.encoding,
            errors=config.errors,
            memory=config.memory_bytes,
            cache=config.cache,
            **rest,  # type: ignore[arg-type]  # each value has the type of its name
        )
    else:
        from item2vec.corpus.tables.events import read_events

        corpus = read_events(found, config, **rest)  # type: ignore[arg-type]  # as above
    if config.names is not None:
        from item2vec.corpus.tables.item_values import read_names

        corpus = replace(corpus, names=read_names(corpus.vocabulary, config, threads))
    return corpus


def _look(
    sources: Sequence[str | Path] | Sequences | Table, config: SourceConfig
) -> tuple[list[Source] | Sequences | Table, bool]:
    """Look at each file once; say whether they are event tables."""
    if isinstance(sources, Table | Sequences):
        _refuse_file_options(sources, config)
        return sources, isinstance(sources, Table)
    if isinstance(sources, str | Path):
        raise ConfigError(f"`sources` is {str(sources)!r}, one name; give a list of names")
    if config.sql is not None:
        _refuse_text_options(config, "the result of `sql`")
        if config.format != "auto" or config.delimiter is not None:
            raise ConfigError("`sql` names its files itself; leave out `format` and `delimiter`")
        return look_at_all(sources) if sources else [], True
    found = look_at_all(sources)
    return found, _are_tables(found, config)


def _are_tables(sources: list[Source], config: SourceConfig) -> bool:
    """Whether all files are event tables, rather than all text."""
    from item2vec.corpus.tables.table_files import format_of

    paths = [source.path for source in sources]
    formats = [format_of(path, config.format) for path in paths]
    tables = [path for path, format_ in zip(paths, formats, strict=True) if format_ != "text"]
    if not tables:
        odd = [name for name in _TABLE_OPTIONS if name in config.set_options()]
        odd += ["name_column"] if config.name_column and not config.names else []
        if odd:
            as_text(sources[0])  # an archive, JSON: that is what is wrong then
            raise ConfigError(
                f"`{odd[0]}` is an option of event tables, and {str(paths[0])!r} is read as text; give "
                "`format=csv`, tsv, parquet or jsonl if it is a table"
            )
        return False
    if "parquet" in formats:
        _refuse_text_options(config, repr(str(paths[formats.index("parquet")])))
    if len(tables) < len(paths):
        text = paths[formats.index("text")]
        raise ConfigError(
            f"{str(tables[0])!r} is an event table and {str(text)!r} is text; read one kind at a time, or say with "
            "`format` what they are"
        )
    if Path("-") in tables and len(tables) > 1:
        raise ConfigError("'-', standard input, stands beside other tables; read it alone")
    return True


def _refuse_file_options(source: Table | Sequences, config: SourceConfig) -> None:
    if isinstance(source, Table):
        odd = [name for name in ("sql", "format", "delimiter", "quote", *_TEXT_OPTIONS) if name in config.set_options()]
        what = "files, and the source is a table in memory"
    else:
        odd = [name for name in config.set_options() if name not in _MEMORY_OPTIONS]
        what = "files and tables, and the source is sequences in memory"
    if odd:
        raise ConfigError(f"{odd[0]} is an option of {what}; leave it out")


def _refuse_text_options(config: SourceConfig, name: str) -> None:
    odd = [option for option in _TEXT_OPTIONS if option in config.set_options()]
    if odd:
        raise ConfigError(
            f"{odd[0]} is an option of text, CSV and JSON lines, and {name} is UTF-8 always; leave it out"
        )
