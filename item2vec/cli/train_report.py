"""What ``item2vec train`` says at its end: lines for people, a document for programs."""

from __future__ import annotations

import shlex
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from item2vec.cli.options import DEFAULT_MODEL
from item2vec.cli.progress import count
from item2vec.config import TrainConfig

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.evaluation.validation import Validation
    from item2vec.training.progress import TrainResult


def describe_validation(validation: Validation, epochs: int) -> str:
    """An epoch's value, a line."""
    epoch, value = len(validation.values), validation.values[-1]
    best = "the best so far" if validation.best_epoch == epoch else f"best {max(validation.values):.4f}"
    return f"epoch {epoch}/{epochs}  {validation.config.metric} {value:.4f}  ({best})"


def describe_result(corpus: Corpus, validation: Validation | None, result: TrainResult, output: str) -> str:
    """What was trained, what was kept, and what to do next."""
    example = corpus.vocabulary[min(len(corpus.vocabulary) - 1, 100)]
    quoted = ("-- " if example.startswith("-") else "") + shlex.quote(example)
    model = "" if output == DEFAULT_MODEL else f" -m {shlex.quote(output)}"
    kept = ""
    if validation is not None:
        kept = f"Kept epoch {validation.best_epoch}, {validation.config.metric} {max(validation.values):.4f}. "
    epochs = "1 epoch" if result.epoch == 1 else f"{result.epoch:,} epochs"
    loss = " to ".join(f"{loss:.4f}" for loss in (result.losses[0], result.losses[-1])[: len(result.losses)])
    return (
        f"Trained {epochs} in {result.seconds:.1f} s, {count(result.tokens_per_second)} tokens/s, "
        f"loss {loss}. {kept}Wrote {output}.\n"
        f"Ask it: item2vec similar{model} {quoted}"
    )


def describe_checkpoints(written: int, seconds: float, training: float) -> str:
    """What they cost."""
    what = "1 checkpoint" if written == 1 else f"{written:,} checkpoints"
    return f"{what} took {seconds:.1f} s, {seconds / training:.2%} of the time."


def report(
    corpus: Corpus, config: TrainConfig, threads: int, result: TrainResult, clock: list[float], output: str
) -> dict[str, Any]:
    """The document of --json; ``clock`` holds the instants between reading, preparing, training and writing."""
    read, _, train_, write = (round(after - before, 4) for before, after in pairwise(clock))
    return {
        "items": len(corpus.vocabulary),
        "tokens": corpus.raw_tokens,
        "sequences": corpus.raw_sequences,
        "replaced": corpus.replaced,
        "notes": list(corpus.notes),
        "epochs": result.epoch,
        "threads": threads,
        "loss": result.losses[-1] if result.losses else None,
        "losses": list(result.losses),
        "pairs": result.pairs,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "seconds": {"read": read, "train": train_, "write": write},
        "output": output,
    }
