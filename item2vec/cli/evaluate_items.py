"""``item2vec evaluate items``: held-out items, against baselines."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.items_report import bucket_table, facts, method_tables
from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_answer, print_json
from item2vec.cli.progress import working
from item2vec.cli.scoring_options import scoring_options
from item2vec.cli.source_options import event_options, open_events, refuse_for_text, take_event_config
from item2vec.corpus.source_config import SourceConfig
from item2vec.errors import ConfigError, CorpusError
from item2vec.vectors.scoring import Score, Scoring, score_options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from item2vec.evaluation.sequences import Catalogue, Sequences
    from item2vec.vectors.keyed_vectors import KeyedVectors


def _cutoffs(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Parse 10,20,50."""
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise ConfigError(f"k is {value!r}; it must be whole numbers with commas between them, such as 10,20,50")
    return tuple(map(int, parts))


@click.command(
    short_help="How held-out items are ranked, against baselines.",
    epilog="""\b
Examples:
  item2vec evaluate items sessions.txt
  item2vec evaluate items train.txt --targets test.txt --id-column -k 20
  item2vec evaluate items train.parquet --targets test.parquet --user listener --item track --time started
  item2vec evaluate items sessions.txt --pool last --popularity 0.5 --json
""",
)
@click.argument("sequences", metavar="SEQUENCES")
@model_option
@click.option("--targets", metavar="FILE", help="Held-out items, a line for each line of SEQUENCES.")
@click.option("--train", "train_path", metavar="FILE", help="What baselines learn from.  [default: the histories]")
@click.option("--id-column", is_flag=True, help="Lines begin with an id, by which SEQUENCES and targets are paired.")
@click.option("--delimiter", metavar="TEXT", help="What separates the items of a line.  [default: white space]")
@event_options
@click.option("-k", "--topk", "cutoffs", metavar="N,N...", default="10,20,50", show_default=True, callback=_cutoffs,
              help="Lengths of the lists that are looked at.")  # fmt: skip
@click.option("--score", type=click.Choice(["next", "similar"]),
              help="next: input times output vectors. similar: cosine of input vectors.  "
              "[default: the model's, or next]")  # fmt: skip
@scoring_options
@click.option("--keep-seen", is_flag=True, help="Let items of the history be recommended again.")
@click.option("--no-baselines", is_flag=True, help="The model alone.")
@json_option
def items(
    sequences: str,
    model_path: str,
    targets: str | None,
    train_path: str | None,
    id_column: bool,
    delimiter: str | None,
    cutoffs: tuple[int, ...],
    keep_seen: bool,
    no_baselines: bool,
    as_json: bool,
    score: Score | None,
    **options: Any,
) -> None:
    """Rank all items for each history, and look where the held-out ones come.

    SEQUENCES is text, a sequence a line. Without --targets the last item of each line is held out, and the rest of the
    line is its history; with it, line i of FILE has what was held out of line i. Each file may be an event table
    instead (.csv .tsv .parquet .jsonl): all events of a user are a line, and users are paired.

    Recall, NDCG, hit rate, MRR, coverage and mean popularity rank come with 95% intervals, by a bootstrap over lines.
    Items that the model does not know are misses. The baselines are popularity, cosine ItemKNN and, when the
    last item is held out, the most frequent successor of the one before.
    """
    model = open_model(model_path)
    from item2vec.evaluation.heldout import HeldOut, leave_last_out, with_targets
    from item2vec.evaluation.items import evaluate_items, standard_baselines
    from item2vec.evaluation.metrics import check_cutoffs
    from item2vec.evaluation.sequences import Catalogue

    cutoffs = check_cutoffs(cutoffs)
    table = take_event_config(options)
    own = model.scoring if score in (None, model.scoring.score) else Scoring()
    scoring = own.with_given(score=score, **options)
    catalogue = Catalogue(model.vocabulary)
    read = partial(_read, catalogue=catalogue, table=table, delimiter=delimiter, id_column=id_column)

    if _is_text(sequences, table):
        refuse_for_text(sequences, table)
    whole = read(sequences)
    held = with_targets(whole, read(targets)) if targets else leave_last_out(whole)
    if train_path:
        held = HeldOut(held.histories, held.targets, read(train_path), held.skipped)
    elif not targets:
        _warn_of_leak(model.metadata.get("corpus"), len(whole.items), sequences)
    _refuse_strangers(held.targets.items, model, targets or sequences)
    with working(f"Ranking {len(catalogue):,} items for {len(held):,} histories"):
        result = evaluate_items(
            model,
            held,
            len(catalogue),
            cutoffs=cutoffs,
            scoring=scoring,
            keep_seen=keep_seen,
            baselines={} if no_baselines else standard_baselines(next_item=not targets),
        )
    if as_json:
        asked = {"model": model_path, "sequences": sequences, "targets_file": targets, "scoring": asdict(scoring)}
        print_json(asked | result.as_dict())
        return
    click.echo(facts(result, keep_seen, score_options(scoring)), err=True)
    print_answer("\n".join([*method_tables(result), *bucket_table(result)]))


def _is_text(source: str, table: SourceConfig) -> bool:
    from item2vec.corpus.file_names import expand
    from item2vec.corpus.table_files import format_of

    return format_of(next(iter(expand(source))), table.format) == "text"


def _read(
    source: str, *, catalogue: Catalogue, table: SourceConfig, delimiter: str | None, id_column: bool
) -> Sequences:
    """The lines of a text file, or all events of each user of a table, with the user for an id."""
    from item2vec.corpus.file_names import expand
    from item2vec.evaluation.sequences import named_sequences, read_sequences

    paths = list(expand(source))
    if _is_text(source, table):
        if len(paths) > 1:
            raise ConfigError(f"{source} is {len(paths):,} files of text; evaluate one at a time")
        return read_sequences(paths[0], catalogue, delimiter=delimiter, id_column=id_column)
    with open_events(paths, table) as events:
        return named_sequences(events.by_user(), catalogue)


def _refuse_strangers(targets: NDArray[np.int32], model: KeyedVectors, name: str) -> None:
    """Refuse held-out items that the model knows none of: all figures would be 0."""
    if len(targets) and bool((targets >= len(model.vocabulary)).all()):
        raise CorpusError(
            f"the model knows none of the {len(targets):,} held-out items of {name}; is it the right model, and "
            "does --delimiter or --id-column say how lines are divided, or --item which column it is?"
        )


def _warn_of_leak(corpus: Any, tokens: int, sequences: str) -> None:
    """Say so if the model has probably been trained on what is now held out."""
    if isinstance(corpus, dict) and corpus.get("tokens") == tokens:
        click.echo(
            f"Warning: the model was trained on {tokens:,} tokens, as many as {sequences} has with its last items. If "
            "it was this file, the held-out items were trained on; divide it first: item2vec split",
            err=True,
        )
