"""``item2vec train``: its options, and what it says at its end. What it does is in `item2vec.cli.train_flow`."""

from __future__ import annotations

import os
import shlex
from typing import Any, get_args

import click
from click.core import ParameterSource

from item2vec.cli.main import COMMAND_LINE
from item2vec.cli.options import DEFAULT_MODEL, READING, TRAINING, SectionedCommand
from item2vec.cli.options import training_option as _option
from item2vec.cli.sources import (
    SOURCE_EXAMPLES,
    config_option,
    layered_scoring,
    preset_option,
    source_options,
    take_source_config,
)
from item2vec.cli.train_flow import Request, run_training
from item2vec.config.train import Arch, Backend, Context, Device, Loss, TrainConfig, WindowMode
from item2vec.config.units import DEFAULT_INTERVAL, Interval
from item2vec.errors import ConfigError


def _again(line: list[str]) -> str:
    """The command that goes on where this one was stopped."""
    return shlex.join(["item2vec", *line, *(["--resume"] if "--resume" not in line else [])])


def _tile(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Parse CENTRES,NEGATIVES."""
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"tile is {value!r}; it must be CENTRES,NEGATIVES, whole numbers such as 32,16")
    return tuple(int(part) for part in parts)


@click.command(
    cls=SectionedCommand,
    sections=READING
    | TRAINING
    | {
        "Beginning with other vectors": ("init", "freeze"),
        "Validation": ("validate", "validate_targets", "metric", "patience"),
        "Checkpoints": ("checkpoint_every", "resume"),
    },
    epilog="""\b
Examples:
  item2vec train corpus.txt
  item2vec train baskets.txt -o baskets.safetensors --window 20 --sample 0 --epochs 20
  item2vec train 'logs/*.txt' --delimiter ';' --dim 200 --negative 10
  item2vec train corpus.txt --epochs 50 --resume     # after Ctrl-C, or a kill
"""
    + SOURCE_EXAMPLES.replace("COMMAND", "train"),
)
@click.argument("sources", metavar="SOURCE...", nargs=-1)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@config_option
@preset_option
@source_options
@_option(
    "--arch", "skipgram: each context predicts the centre. cbow: their mean does.", type=click.Choice(get_args(Arch))
)
@_option(
    "--loss",
    "ns: negative sampling. hs: hierarchical softmax over a Huffman tree.",
    type=click.Choice(get_args(Loss)),
)
@_option("--dim", "Length of the vectors.", metavar="N", type=int)
@_option("--window", "Largest distance of a context from its centre.", metavar="N", type=int)
@_option(
    "--window-mode",
    "shrink: each centre draws its radius from 1 to the window. fixed: always the window. basket: order means nothing.",
    type=click.Choice(get_args(WindowMode)),
)
@_option("--context", "Which side of a centre its contexts stand on.", type=click.Choice(get_args(Context)))
@_option("--negative", "Negative samples a pair.", metavar="N", type=int)
@_option("--sample", "Subsampling threshold of frequent items; 0 is off.", metavar="X", type=float)
@_option("--ns-exponent", "The noise distribution is count to this power.", metavar="X", type=float)
@_option("--epochs", "Passes over the corpus.", metavar="N", type=int)
@click.option("--lr", metavar="X", type=float, help="Learning rate at the start.  [default: 0.025; cbow: 0.05]")
@_option("--min-lr", "Learning rate at the end.", metavar="X", type=float)
@_option("--min-count", "Drop items seen less often.", metavar="N", type=int)
@_option("--max-items", "Keep only the N commonest items.  [default: all]", metavar="N", type=int)
@_option("--threads", "Worker threads; 0 is one a core. One: same seed, same bits.", metavar="N", type=int)
@_option("--seed", "Seed of all random numbers.", metavar="N", type=int)
@_option("--device", "Where the tables lie.", type=click.Choice(get_args(Device)))
@_option(
    "--backend",
    "kernel: compiled, on the CPU. torch: plain torch on any device, slow.",
    type=click.Choice(get_args(Backend)),
)
@click.option(
    "--tile",
    metavar="P,N",
    callback=_tile,
    help="For experts: P neighbouring centres share N negatives.  [default: by a rule]",
)
@click.option(
    "--init",
    metavar="FILE",
    help="Begin with these vectors, of any format; a model grows. --dim is then that of the file.",
)
@click.option("--freeze", is_flag=True, help="Keep the rows of --init as they are; others train around them.")
@click.option(
    "--validate", metavar="FILE", help="After each epoch, look for the last item of its lines; keep the best epoch."
)
@click.option("--validate-targets", metavar="FILE", help="What is held out of the lines of --validate instead.")
@click.option("--metric", metavar="NAME@K", help="recall, ndcg, hit or mrr.  [default: ndcg@20]")
@click.option(
    "--patience", metavar="N", type=int, help="Epochs without a better value until a stop; 0: never.  [default: 3]"
)
@click.option(
    "--checkpoint-every",
    metavar="TIME",
    default=DEFAULT_INTERVAL,
    show_default=True,
    help="Write a checkpoint beside the output: 30s, 10m, 1h, a bare number of seconds, or 50% of an epoch; "
    "0: only when stopped.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint that an earlier run left.")
@click.option("--strict", is_flag=True, help="Warnings about the corpus are errors.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON document.")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    output: str,
    validate: str | None,
    validate_targets: str | None,
    metric: str | None,
    patience: int | None,
    checkpoint_every: str,
    resume: bool,
    strict: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn vectors from a corpus.

    SOURCE is a text file, a glob, or - for standard input: a sequence a line (a basket, a session, a playlist, a
    sentence), its items separated by white space. It may be compressed by gzip, bzip2, xz or zstd. Or it is a table of
    events, .csv .tsv .parquet or .jsonl: --user and --item name its columns, and all events of a user are a sequence.
    The model file holds the vectors; ask it with `item2vec similar ITEM`.
    """
    if len(sources) > 1 and sources[-1].endswith(".safetensors") and not os.path.exists(sources[-1]):
        raise click.UsageError(f"There is no file {sources[-1]!r}; to write the model there, put -o before it.", ctx)
    source = take_source_config(options, sources)
    config = TrainConfig(**options)
    choices = {"validate_targets": validate_targets, "metric": metric, "patience": patience}
    every = Interval.parse(checkpoint_every)
    from item2vec.session.train import validation_of

    run_training(
        Request(
            sources=sources,
            output=output,
            source=source,
            config=config,
            scoring=layered_scoring(ctx),
            any_dim=ctx.get_parameter_source("dim") == ParameterSource.DEFAULT,
            validation=validation_of(sources, source.delimiter, validate, choices),
            every=every,
            resume=resume,
            again=_again(ctx.meta.get(COMMAND_LINE, ["train", *sources])),
            strict=strict,
            quiet=quiet,
            as_json=as_json,
        )
    )
