"""``item2vec tune``: the hyperparameters that matter, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from item2vec.cli.options import (
    READING,
    SOURCE_EXAMPLES,
    TRAINING,
    SectionedCommand,
    config_option,
    json_option,
    number_list,
    preset_option,
    source_options,
    take_source_config,
)
from item2vec.cli.output import ProgressShower, print_answer, print_json, remark, say, shell_command, table
from item2vec.cli.train import train
from item2vec.config.train import TrainConfig
from item2vec.config.tune import By, TuneConfig

if TYPE_CHECKING:
    from item2vec.config.scoring import Scoring
    from item2vec.config.source import SourceConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.evaluation.metrics import Estimate
    from item2vec.training.progress import Progress
    from item2vec.tuning.division import Division
    from item2vec.tuning.study import Record, TuneResult


# What ``item2vec tune`` says: a line a trial while it runs, and tables at the end.

_SHOWN = 5  # of the best trials
_SHORT = {"window_mode": "mode", "ns_exponent": "exponent"}


def describe_division(corpus: Corpus, division: Division, wanted: TuneConfig) -> str:
    """Return what is tried on, and by what it is judged."""
    training, held = division.training, len(division.validation) + len(division.test)
    sampled = bool(wanted.max_tokens) and len(corpus.items) > wanted.max_tokens
    part = f" of {len(corpus):,}" if sampled else ""
    what = "the last item" if division.ordered else f"{wanted.holdout:.0%} of the items"
    if wanted.validate_targets is not None:
        what = f"what {wanted.validate_targets} has"
    text = (
        f"Trials train on {len(training.items):,} tokens of {len(training):,}{part} sequences, "
        f"{len(training.vocabulary):,} items. Held out is {what}, of {held:,} sequences: "
        f"{len(division.validation.targets.items):,} items to choose by and {len(division.test.targets.items):,} for "
        "the comparison at the end."
    )
    if wanted.by == "auto":
        text += (
            "\nItems repeat within sequences, so the order of items is taken to matter. If it does not, use "
            "--by random."
            if division.ordered
            else "\nItems hardly ever repeat within a sequence, so their order is taken not to matter. If it does, use "
            "--by last."
        )
    return text


def describe_trial(record: Record, best: Record | None, metric: str) -> str:
    """One line: what came of a trial, and what it tried."""
    options = ", ".join(f"{_SHORT.get(name, name)} {_text(value)}" for name, value in record.options.items())
    if record.state != "done":
        return f"{record.number:4}  {record.state}: {record.reason}  [{options}]"
    mark = "*" if best is not None and best.number == record.number else " "
    return (
        f"{record.number:4}{mark} {metric} {record.value:.4f}, {_scoring(record.scoring)} "
        f"({record.plain:.4f} plain)  {record.seconds:.0f} s  [{options}]"
    )


def report_lines(result: TuneResult, sources: Sequence[str], output: str) -> list[str]:
    """Return the tables for people."""
    done = sorted((one for one in result.trials if one.state == "done"), key=lambda one: -(one.value or 0))
    lines = [_counts(result.trials)]
    if done:
        names = list(done[0].options)
        rows = [["trial", result.metric, "s", *(_SHORT.get(name, name) for name in names), "scoring"]]
        for one in done[:_SHOWN]:
            tried = [_text(one.options[name]) for name in names]
            rows.append([str(one.number), f"{one.value:.4f}", f"{one.seconds:.0f}", *tried, _scoring(one.scoring)])
        lines += ["", f"The best trials, {result.metric} in the validation:", *table(rows, "<")]
    if result.importance:
        lines += ["", "What mattered most for being among the best (PED-ANOVA, shares of 1):"]
        shares = result.importance.items()
        lines += table(
            ([name.replace("_", "-"), f"{share:.2f}", "#" * round(40 * share)] for name, share in shares), "<"
        )
    lines += ["", f"On {result.sequences:,} other sequences, which had no part in the choice, {result.metric}:"]
    lines += table(([name, _estimate(found, name == "gain")] for name, found in result.held_out.items()), "<")
    if done:
        lines += ["", f"Wrote {output}. Train with it: {train_command(sources, output)}"]
    return lines


def train_command(sources: Sequence[str], output: str) -> str:
    """Return the command that trains with what was found."""
    return shell_command(["item2vec", "train", *sources, "--config", output])


def _counts(trials: Sequence[Record]) -> str:
    """How many trials came to what; those that collapsed are named, so that nobody takes them for poor settings."""
    states = ("done", "given up", "collapsed", "learnt nothing", "failed")
    counts = {state: sum(one.state == state for one in trials) for state in states}
    text = f"{len(trials)} trials: " + ", ".join(f"{count} {state}" for state, count in counts.items() if count) + "."
    for state in ("collapsed", "learnt nothing", "failed"):
        for one in [one for one in trials if one.state == state][:3]:
            text += f"\nTrial {one.number} {state}: {one.reason}."
    return text


def _scoring(scoring: Scoring | None) -> str:
    if scoring is None:
        return ""
    pool = f"decay {scoring.decay:g}" if scoring.pool == "decay" else scoring.pool
    weight = f" {scoring.popularity:+g} log count" if scoring.popularity else ""
    back = f" +{scoring.reverse:g} reverse" if scoring.reverse else ""
    mixed = f", softmax {scoring.softmax:g}" if scoring.softmax else ""
    return f"{scoring.score}/{pool}{weight}{back}{mixed}"


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _estimate(found: Estimate, sign: bool) -> str:
    plus = "+" if sign else ""
    return f"{found.value:{plus}.4f}  ({found.low:{plus}.4f} to {found.high:{plus}.4f})"


def _option(name: str, help: str, **settings: Any) -> Any:
    """Make an option for a field of TuneConfig, with the default that stands there."""
    default = getattr(TuneConfig, name.lstrip("-").replace("-", "_"))
    shown = default not in (None, False, ())
    return click.option(name, default=None if default == () else default, help=help, show_default=shown, **settings)


def training_options(command: click.Command) -> click.Command:
    """Give a command the options of `TrainConfig`, as ``train`` has them, but not what a training begins with."""
    wanted = TrainConfig.__dataclass_fields__.keys() - {"init", "freeze"}
    command.params.extend(option for option in train.params if option.name in wanted)
    return command


@training_options
@click.command(
    cls=SectionedCommand,
    sections={"The search": tuple(TuneConfig.__dataclass_fields__)} | READING | TRAINING,
    epilog="""\b
Examples:
  item2vec tune baskets.txt
  item2vec tune baskets.txt --budget 30m --dims 64,128 --min-count 1 --study baskets.study
  item2vec tune sessions.txt --by last --metric recall@10 --window-mode shrink
"""
    + SOURCE_EXAMPLES.replace("COMMAND", "tune"),
)
@click.argument("sources", metavar="SOURCE...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="./best.toml",
    show_default=True,
    help="The file for the best options. Use it with `item2vec train --config`.",
)
@_option(
    "--budget",
    "How long to search: 90s, 10m, 2h. A plain number means seconds.  [default: 10m, if --trials is not given]",
    metavar="TIME",
)
@_option("--trials", "The most trials to run.", metavar="N", type=int)
@_option("--metric", "What to judge trials by: recall, ndcg, hit or mrr, at a cutoff K.", metavar="NAME@K")
@_option(
    "--by",
    "What to hold out. last: last items. random: any items. auto: random if sequences look like baskets.",
    type=click.Choice(get_args(By)),
)
@_option("--holdout", "For --by random: the share of each sequence to hold out.", metavar="SHARE", type=float)
@_option(
    "--validate", "Hold out the last item of each line of FILE instead, and train on all of SOURCE.", metavar="FILE"
)
@_option(
    "--validate-targets", "The held-out items for each line of --validate, instead of its last item.", metavar="FILE"
)
@_option("--id-column", "Each line of --validate and --validate-targets begins with an id.", is_flag=True)
@_option("--dims", "Search --dim too, among these values.", metavar="N,N...", callback=number_list("64,128,256", ()))
@_option(
    "--max-tokens", "Run trials on a sample of about this many tokens. 0 uses the whole corpus.", metavar="N", type=int
)
@_option("--keep-seen", "Let items of the history be recommended too.", is_flag=True)
@_option("--study", "Keep the trials in FILE. If it exists, continue from it.", metavar="FILE")
@config_option
@preset_option
@source_options
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option
@click.pass_context
def tune(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    output: str,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Find the hyperparameters that suit a corpus best.

    SOURCE is what `item2vec train` takes. Some items are held out of its sequences. Each trial trains on the rest with
    different options, and is judged by how well it finds the held-out items.

    The search covers --ns-exponent, --window, --window-mode, --context, --sample, --negative, --lr and --epochs, and
    with --dims also --dim. It also finds how each model is best asked for recommendations. An option that you give,
    such as --window 5, is not searched.

    The first trial uses the defaults. The gain over them is measured at the end, on held-out items that had no part in
    the choice.
    """
    source = take_source_config(options, sources)
    wanted = TuneConfig(**{name: options.pop(name) for name in TuneConfig.__dataclass_fields__})
    config = TrainConfig(**options)
    from item2vec.files.atomic import check_writable
    from item2vec.tuning.tune import prepare

    check_writable(output)
    typed = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    given = [name for name in options if ctx.get_parameter_source(name) in typed]
    prepared = prepare(sources, source, config, wanted, given)
    for note in prepared.notes:
        remark("Note", note)
    if not quiet:
        say(describe_division(prepared.corpus, prepared.division, wanted))
    with ProgressShower(quiet) as shower:
        result = prepared.search(_Watcher(shower, wanted.metric))
    if result.config is not None:
        _write(output, result.config, source, result, sources)
    if as_json:
        found = {} if result.best is None else {"output": output}
        print_json({"sources": list(sources), "ordered": prepared.division.ordered, **found, **result.as_dict()})
    else:
        print_answer("\n".join(report_lines(result, sources, output)))
    if result.interrupted:
        say(
            "Interrupted."
            + (
                f" The best so far is in {output}."
                if result.best
                else " No trial was finished, so nothing was written."
            )
            + (f" Run the same command again to continue from {wanted.study}." if wanted.study else "")
        )
        ctx.exit(130)


class _Watcher:
    """Shows how trials go: a line each, and a bar on a terminal."""

    def __init__(self, shower: ProgressShower, metric: str) -> None:
        self._shower = shower
        self._metric = metric

    def begins(self, number: int, options: dict[str, Any]) -> Callable[[Progress], None] | None:
        return self._shower.on_terminal()

    def ended(self, record: Record, best: Record | None) -> None:
        self._shower.say(describe_trial(record, best, self._metric))


def _write(
    output: str, config: TrainConfig, source: SourceConfig, result: TuneResult, sources: tuple[str, ...]
) -> None:
    """Write the best options, with what came of them and what to do with them as comments."""
    from item2vec.config.layers import write_best
    from item2vec.config.scoring import score_options

    best, held = result.best, result.held_out
    assert best is not None
    assert best.scoring is not None
    comments = [
        f"item2vec tune, trial {best.number} of {len(result.trials)}: {result.metric} {best.value:.4f} in validation"
    ]
    if "gain" in held:
        gain = held["gain"]
        comments.append(
            f"held out: {held['tuned'].value:.4f}, defaults {held['defaults'].value:.4f}; "
            f"gain {gain.value:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"
        )
    comments.append(f"train:    {train_command(sources, output)}")
    asked = score_options(best.scoring) or "no options"
    comments.append(f"ask:      item2vec recommend, item2vec evaluate items; the model knows [score], which is {asked}")
    write_best(output, config, source, best.scoring, tuple(comments))
