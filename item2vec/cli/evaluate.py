"""``item2vec evaluate``: how good a model is, on words or on held-out items."""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.options import (
    event_options,
    json_option,
    model_option,
    number_list,
    open_events,
    open_model,
    refuse_for_text,
    scoring_options,
    take_event_config,
)
from item2vec.cli.output import print_answer, print_json, printable, say, table, working
from item2vec.config.scoring import Score, Scoring, score_options
from item2vec.config.source import SourceConfig
from item2vec.errors import ConfigError, CorpusError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from item2vec.evaluation.items import ItemsResult, Metrics
    from item2vec.evaluation.metrics import Estimate
    from item2vec.evaluation.sequences import Catalogue, Sequences
    from item2vec.evaluation.words import Section, Similarity
    from item2vec.vectors.keyed_vectors import KeyedVectors


# What ``item2vec evaluate items`` says: a line of facts, and a table for each k and for each popularity.


def facts(result: ItemsResult, keep_seen: bool, asked: str) -> str:
    """Return what was evaluated, in sentences."""
    share = result.unknown / result.targets
    text = f"{result.users:,} users, {result.targets:,} held-out items, {share:.1%} of them unknown to the model."
    if result.repeated and not keep_seen:
        text += (
            f" {result.repeated / result.targets:.1%} are in the user's history, so they cannot be found; "
            "--keep-seen allows them."
        )
    if asked:
        text += f" Scoring options: {asked}."
    if result.skipped:
        text += " Left out: " + ", ".join(f"{count:,} ({why})" for why, count in result.skipped.items()) + "."
    return text


def method_tables(result: ItemsResult) -> list[str]:
    """For each k the methods and metrics."""
    names = next(iter(result.methods.values())).keys()
    lines = []
    for k in dict.fromkeys(name.split("@")[1] for name in names):
        columns = [name for name in names if name.endswith(f"@{k}")]
        lines += _method_rows(f"@{k}", result.methods, {name: name.split("@")[0] for name in columns})
        lines.append("")
    return lines


def bucket_table(result: ItemsResult) -> list[str]:
    """Recall and NDCG by the popularity of the held-out item, for the middle k."""
    names = [name for name in next(iter(result.methods.values())) if name.startswith("recall@")]
    k = names[len(names) // 2].split("@")[1]
    lines = [f"Held-out items by popularity, @{k}: each bucket has a third of all occurrences"]
    methods: dict[str, Metrics] = {method: {} for method in result.methods}
    titles = {}
    for name, bucket in result.buckets.items():
        if bucket.users:
            lines.append(f"  {name}: {bucket.items:,} items, {bucket.targets:,} held out of {bucket.users:,} users")
        for method, metrics in bucket.methods.items():
            for metric in ("recall", "ndcg"):
                methods[method][f"{name}.{metric}"] = metrics[f"{metric}@{k}"]
                titles[f"{name}.{metric}"] = f"{name} {metric}"
    return [*lines, *_method_rows("", methods, titles), "", "± is half the 95% interval."]


def _method_rows(corner: str, methods: dict[str, Metrics], titles: dict[str, str]) -> list[str]:
    """Return a line a method, a column a metric."""
    rows = [[method, *(_cell(metrics[name]) for name in titles)] for method, metrics in methods.items()]
    return table([[corner, *titles.values()], *rows], "<>")


def _cell(estimate: Estimate) -> str:
    half = (estimate.high - estimate.low) / 2
    if estimate.value > 1:
        return f"{estimate.value:,.0f} ±{half:,.0f}"
    return f"{estimate.value:.4f} ±{half:.4f}".replace("0.", ".")


# ``item2vec evaluate items``: held-out items, against baselines.


@click.command(
    short_help="Measure how well held-out items are found, next to baselines.",
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
@click.option("--targets", metavar="FILE", help="The held-out items, one line for each line of SEQUENCES.")
@click.option(
    "--train", "train_path", metavar="FILE", help="The sequences that baselines learn from.  [default: the histories]"
)
@click.option(
    "--id-column", is_flag=True, help="Each line begins with an id. It pairs the lines of SEQUENCES and --targets."
)
@click.option("--delimiter", metavar="TEXT", help="The separator between the items of a line.  [default: white space]")
@event_options
@click.option("-k", "--topk", "cutoffs", metavar="N,N...", default="10,20,50", show_default=True,
              callback=number_list("10,20,50"), help="The lengths of the lists to measure.")  # fmt: skip
@click.option("--score", type=click.Choice(["next", "similar"]),
              help="How to score. next: input times output vectors. similar: the cosine of input vectors.  "
              "[default: the model's, or next]")  # fmt: skip
@scoring_options
@click.option("--keep-seen", is_flag=True, help="Let items of the history be recommended too.")
@click.option("--no-baselines", is_flag=True, help="Measure the model only, without baselines.")
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
    """Measure how well a model finds held-out items, next to baselines.

    SEQUENCES is text with one sequence per line. The last item of each line is held out, and the rest is its history.
    With --targets, line i of that file has the items held out of line i. Each file may instead be an event table (.csv
    .tsv .parquet .jsonl). Then all events of one user are a line, and the lines are paired by user.

    The model ranks all items for each history. The report has recall, NDCG, hit rate, MRR, coverage and mean popularity
    rank, with 95% intervals from a bootstrap over lines. Items that the model does not know count as misses. The
    baselines are popularity and cosine ItemKNN. Without --targets there is one more: the most frequent successor of the
    last item.
    """
    model = open_model(model_path)
    from item2vec.evaluation.items import evaluate_items, standard_baselines
    from item2vec.evaluation.metrics import check_cutoffs
    from item2vec.evaluation.sequences import Catalogue, HeldOut, leave_last_out, with_targets

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
    say(facts(result, keep_seen, score_options(scoring)))
    print_answer("\n".join([*method_tables(result), *bucket_table(result)]))


def _is_text(source: str, table: SourceConfig) -> bool:
    from item2vec.corpus.tables.table_files import format_of
    from item2vec.files.paths import expand

    return format_of(next(iter(expand(source))), table.format) == "text"


def _read(
    source: str, *, catalogue: Catalogue, table: SourceConfig, delimiter: str | None, id_column: bool
) -> Sequences:
    """Return the lines of a text file, or all events of each user of a table, with the user for an id."""
    from item2vec.evaluation.sequences import named_sequences, read_sequences
    from item2vec.files.paths import expand

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
        say(
            f"Warning: the model was trained on {tokens:,} tokens, as many as {sequences} has with its last items. If "
            "it was this file, the held-out items were trained on; divide it first: item2vec split"
        )


# ``item2vec evaluate words``: word similarity and analogies.


@click.command(
    epilog="""\b
Examples:
  item2vec evaluate words wordsim353.tsv simlex999.txt
  item2vec evaluate words questions-words.txt --restrict 30000 --json
"""
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@model_option
@click.option("--restrict", metavar="N", type=click.IntRange(min=1), default=30_000, show_default=True,
              help="Use only the N most frequent words for analogies. Word pairs use all words.")  # fmt: skip
@click.option(
    "--case-sensitive",
    is_flag=True,
    help="Tell upper and lower case apart. Otherwise a word stands for its most frequent spelling.",
)
@json_option
def words(files: tuple[str, ...], model_path: str, restrict: int, case_sensitive: bool, as_json: bool) -> None:
    """Compare word vectors with people's judgements.

    A FILE of word pairs has two words and a score per line, separated by a tab, a comma or spaces. Its result is
    Spearman's rho between cosines and scores.

    A FILE of analogies has four words per line. A line with a colon begins a section. Its result is the share of right
    answers, counted in two ways. "skip unknown" leaves out questions with unknown words, as word2vec.c and gensim do.
    "unknown wrong" counts them as wrong.
    """
    from item2vec.evaluation.words import read_test

    tests = [read_test(path) for path in files]
    model = open_model(model_path)
    from item2vec.evaluation.words import Words, analogies, word_similarity

    names = model.vocabulary.index_to_key()
    everything = Words(names, model.input, case_sensitive=case_sensitive)
    commonest = Words(names, model.input, restrict=restrict, case_sensitive=case_sensitive)
    documents: list[dict[str, Any]] = []
    texts = []
    longest = max(
        (len(printable(path)) for path, lines in zip(files, tests, strict=True) if not _are_analogies(lines)), default=0
    )
    for path, lines in zip(files, tests, strict=True):
        try:
            if _are_analogies(lines):
                sections = analogies(commonest, lines)
                documents.append({"file": path, "kind": "analogies", "restrict": restrict} | _sections(sections))
                texts.append("\n".join([f"{printable(path)}, {min(restrict, len(names)):,} words", *_table(sections)]))
            else:
                pairs = word_similarity(everything, lines)
                documents.append({"file": path, "kind": "similarity"} | _pairs(pairs))
                unread = f", {pairs.unreadable:,} lines not understood" if pairs.unreadable else ""
                counts = f"{pairs.used:,} pairs used, {pairs.missing:,} missing{unread}"
                texts.append(f"{printable(path):{longest}}  spearman {_share(pairs.spearman)}  ({counts})")
        except CorpusError as error:
            raise CorpusError(f"{path}: {error}") from None
    if as_json:
        print_json({"model": model_path, "tests": documents})
    else:
        print_answer("\n".join(texts))


def _are_analogies(lines: list[str]) -> bool:
    """Whether a test file has analogies: headings, or four words a line, none of which is a score."""
    from item2vec.evaluation.words import parse_pair

    return lines[0].startswith(":") or (len(lines[0].split()) == 4 and not any(map(parse_pair, lines[:10])))


def _pairs(pairs: Similarity) -> dict[str, Any]:
    spearman = None if math.isnan(pairs.spearman) else pairs.spearman
    return {"spearman": spearman, "used": pairs.used, "missing": pairs.missing, "unreadable": pairs.unreadable}


def _sections(sections: list[Section]) -> dict[str, Any]:
    *parts, total = [
        {
            "name": section.name,
            "right": section.right,
            "known": section.known,
            "questions": section.questions,
            "skip_unknown": section.skip_unknown if section.known else None,
            "unknown_wrong": section.unknown_wrong,
        }
        for section in sections
    ]
    return {"sections": parts, "total": total}


def _table(sections: list[Section]) -> list[str]:
    """Return a line a section."""
    rows = [["", "right", "known", "questions", "skip unknown", "unknown wrong"]]
    for section in sections:
        counts = (f"{number:,}" for number in (section.right, section.known, section.questions))
        rows.append([section.name, *counts, _share(section.skip_unknown), _share(section.unknown_wrong)])
    return [f"  {line}" for line in table(rows, "<>")]


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"


class _TwoKinds(click.Group):
    """A group that says what its commands are, where a file stands in their place."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(
                f"No such command {args[0]!r}; say whether it is `item2vec evaluate items FILE`, of held-out items, or "
                "`item2vec evaluate words FILE`, of word pairs or analogies.",
                ctx,
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=_TwoKinds,
    epilog="""\b
Examples:
  item2vec evaluate items test.txt
  item2vec evaluate words wordsim353.tsv questions-words.txt
""",
)
def evaluate() -> None:
    """Measure how good a model is, next to baselines.

    items: how well are items found that were held out of sequences? words: do cosines agree with people's judgements,
    and are analogies solved?
    """


evaluate.add_command(items)
evaluate.add_command(words)
