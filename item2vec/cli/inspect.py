"""``item2vec inspect``: what shape a corpus has, before anything is trained on it."""

from __future__ import annotations

from typing import Any, get_args

import click

from item2vec.cli.options import json_option, training_option
from item2vec.cli.output import print_json
from item2vec.cli.sections import READING, SectionedCommand
from item2vec.cli.source_options import SOURCE_EXAMPLES, source_options, take_source_config
from item2vec.config import TrainConfig, WindowMode


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
@training_option("--min-count", "What training would drop: items seen less often.", metavar="N", type=int)
@training_option("--window", "What training would take: is it longer than most sequences?", metavar="N", type=int)
@training_option("--window-mode", "What training would take.", type=click.Choice(get_args(WindowMode)))
@training_option("--threads", "Threads; 0 is one a core.", metavar="N", type=int)
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@json_option
def inspect(sources: tuple[str, ...], strict: bool, as_json: bool, **options: Any) -> None:
    """Say what shape a corpus has, and what would not train well.

    Sequences and how long they are, items and how common, repetitions, duplicates; on a terminal with pictures. It
    warns of shapes that have fooled people, and says what to do: a header line read as data, the wrong delimiter, bots,
    items spelt in several ways. Warnings go to standard error; with --strict they make the exit status 1.
    """
    source = take_source_config(options, sources)
    config = TrainConfig(**options)
    from item2vec.cli.corpus_report import document, print_report, warn
    from item2vec.corpus.inspection import inspect_corpus
    from item2vec.corpus.reading import read_corpus
    from item2vec.corpus.shape_warnings import basket_hint, warnings_of

    corpus = read_corpus(sources, source, min_count=1, threads=config.worker_count)
    found = inspect_corpus(corpus, config.min_count)
    facts = document(corpus, found)
    told = [*corpus.notes, *warnings_of(found, source, window=config.window, window_mode=config.window_mode)]
    hint = basket_hint(found, config.window_mode)
    if as_json:
        print_json(facts | {"hint": hint, "warnings": told})
    else:
        print_report(facts)
    if hint and not as_json:
        click.echo(f"Hint: {hint}.", err=True)
    warn(told, strict)
