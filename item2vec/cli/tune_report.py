"""What ``item2vec tune`` says: a line a trial while it runs, and tables at the end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.evaluation.intervals import Estimate
    from item2vec.tuning.division import Division
    from item2vec.tuning.record import Record, TuneResult
    from item2vec.tuning.tune_config import TuneConfig
    from item2vec.vectors.scoring import Scoring

_SHOWN = 5  # of the best trials
_SHORT = {"window_mode": "mode", "ns_exponent": "exponent"}


def describe_division(corpus: Corpus, division: Division, wanted: TuneConfig) -> str:
    """What is tried on, and by what it is judged."""
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
            "\nItems come again in a sequence, so their order is taken to mean something; else say --by random."
            if division.ordered
            else "\nHardly an item comes twice in a sequence, so order is taken to mean nothing; else say --by last."
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
    """The tables for people."""
    done = sorted((one for one in result.trials if one.state == "done"), key=lambda one: -(one.value or 0))
    lines = [_counts(result.trials)]
    if done:
        names = list(done[0].options)
        rows = [["trial", result.metric, "s", *(_SHORT.get(name, name) for name in names), "scoring"]]
        for one in done[:_SHOWN]:
            tried = [_text(one.options[name]) for name in names]
            rows.append([str(one.number), f"{one.value:.4f}", f"{one.seconds:.0f}", *tried, _scoring(one.scoring)])
        lines += ["", f"The best trials, {result.metric} in the validation:", _columns(rows)]
    if result.importance:
        lines += ["", "What mattered for being among the best (PED-ANOVA, shares of 1):"]
        lines.append(
            _columns(
                [name.replace("_", "-"), f"{share:.2f}", "#" * round(40 * share)]
                for name, share in result.importance.items()
            )
        )
    lines += ["", f"On {result.sequences:,} other sequences, which no trial was chosen by, {result.metric}:"]
    lines.append(_columns([name, _estimate(found, name == "gain")] for name, found in result.held_out.items()))
    if done:
        lines += ["", f"Wrote {output}. Train by it: {train_command(sources, output)}"]
    return lines


def train_command(sources: Sequence[str], output: str) -> str:
    """The command that trains with what was found."""
    return shlex.join(["item2vec", "train", *sources, "--config", output])


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


def _columns(rows: Iterable[Sequence[str]]) -> str:
    """Rows in columns, each as wide as its widest cell."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )
