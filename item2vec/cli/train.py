"""``item2vec train``: from text files to a model file."""

from __future__ import annotations

import os
import shlex
import threading
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import item2vec
from item2vec.cli.options import DEFAULT_MODEL
from item2vec.cli.output import print_json
from item2vec.cli.progress import ProgressShower, count
from item2vec.config import TrainConfig
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.training.trainer import TrainResult


def _tile(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Parse CENTRES,NEGATIVES."""
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"tile is {value!r}; it must be CENTRES,NEGATIVES, whole numbers such as 32,16")
    return tuple(int(part) for part in parts)


def _option(name: str, help: str, **settings: Any) -> Any:
    """Make an option for a field of TrainConfig, with the default that stands there."""
    field = name.lstrip("-").replace("-", "_")
    return click.option(name, field, default=getattr(TrainConfig, field), help=help, show_default=True, **settings)


@click.command(
    epilog="""\b
Examples:
  item2vec train corpus.txt
  item2vec train baskets.txt -o baskets.safetensors --window 20 --sample 0 --epochs 20
  item2vec train 'logs/*.txt' --delimiter ';' --dim 200 --negative 10
"""
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model file to write.",
)
@click.option("--delimiter", metavar="TEXT", help="What separates the items of a line.  [default: white space]")
@_option("--dim", "Length of the vectors.", metavar="N", type=int)
@_option("--window", "Largest distance of a context from its centre.", metavar="N", type=int)
@_option("--negative", "Negative samples a pair.", metavar="N", type=int)
@_option("--sample", "Subsampling threshold of frequent items; 0 is off.", metavar="X", type=float)
@_option("--ns-exponent", "The noise distribution is count to this power.", metavar="X", type=float)
@_option("--epochs", "Passes over the corpus.", metavar="N", type=int)
@_option("--lr", "Learning rate at the start.", metavar="X", type=float)
@_option("--min-lr", "Learning rate at the end.", metavar="X", type=float)
@_option("--min-count", "Drop items seen less often.", metavar="N", type=int)
@_option("--max-items", "Keep only the N commonest items.  [default: all]", metavar="N", type=int)
@_option("--threads", "Worker threads; 0 is one a core. One: same seed, same bits.", metavar="N", type=int)
@_option("--seed", "Seed of all random numbers.", metavar="N", type=int)
@_option("--device", "Where the tables lie.", type=click.Choice(["auto", "cpu", "cuda"]))
@_option(
    "--backend",
    "kernel: compiled, on the CPU. torch: plain torch on any device, slow.",
    type=click.Choice(["auto", "kernel", "torch"]),
)
@click.option(
    "--tile",
    metavar="P,N",
    callback=_tile,
    help="For experts: P neighbouring centres share N negatives.  [default: by a rule]",
)
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as one JSON document.")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    sources: tuple[str, ...],
    output: str,
    delimiter: str | None,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn vectors from a corpus.

    SOURCE is a text file or a glob: a sequence a line (a basket, a session, a playlist, a sentence), its items
    separated by white space. The model file holds the vectors; ask it with `item2vec similar ITEM`.
    """
    config = TrainConfig(**options)
    from item2vec.vectors.atomic import check_writable

    check_writable(output)
    _refuse_source_as_output(sources, output)
    # torch takes over a second to import, and reading does not need it
    importing = threading.Thread(target=import_module, args=("item2vec.training.trainer",))
    importing.start()
    if not quiet and not _compiled():
        click.echo("The first run compiles the kernels; that takes about half a minute, once.", err=True)
    try:
        from item2vec.api import check_device, read_corpus, start

        check_device(config)
        clock = [time.perf_counter()]
        corpus = read_corpus(sources, config, delimiter=delimiter)
        clock.append(time.perf_counter())
    finally:
        importing.join()
    if not quiet:
        click.echo(_describe_corpus(corpus, clock[1] - clock[0]), err=True)
    run = start(corpus, config)
    clock.append(time.perf_counter())
    with ProgressShower(quiet) as show:
        try:
            result = run.trainer.train(show)
        except KeyboardInterrupt:
            result = run.trainer.result()
            if not result.done:
                raise  # nothing learnt, nothing to keep
    clock.append(time.perf_counter())
    if result.done < 1:
        partial = _partial(output)
        run.model(result).save(partial)
        click.echo(
            f"Interrupted in epoch {result.epoch} of {config.epochs}, {result.done:.0%} of the training done. "
            f"The vectors as they were are in {partial}; {output} was not touched.",
            err=True,
        )
        ctx.exit(130)
    run.model(result).save(output)
    clock.append(time.perf_counter())
    if not quiet:
        click.echo(_describe_result(corpus, config, result, output), err=True)
    if as_json:
        print_json(_report(corpus, config, run.trainer.threads, result, clock, output))


def _refuse_source_as_output(sources: tuple[str, ...], output: str) -> None:
    """Keep a slip of the keyboard from writing the model over the corpus."""
    for source in sources:
        if os.path.exists(output) and os.path.exists(source) and os.path.samefile(source, output):
            raise ConfigError(f"output {output} is a source too; name another file with -o")


def _compiled() -> bool:
    """Whether numba's cache holds the training kernel, where it usually lies."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folder, pattern = (Path(kept), "**/") if kept else (Path(item2vec.__file__).parent, "model/__pycache__/")
    return any(folder.glob(pattern + "tile_kernel.train_tiles*.nbi"))


def _partial(output: str) -> str:
    """Where an interrupted run leaves its vectors: item2vec.partial.safetensors beside the target."""
    path = Path(output)
    return str(path.with_name(f"{path.stem}.partial{path.suffix}"))


def _describe_corpus(corpus: Corpus, seconds: float) -> str:
    kept = len(corpus.items) / corpus.raw_tokens
    return (
        f"Read {corpus.raw_sequences:,} sequences, {corpus.raw_tokens:,} tokens in {seconds:.1f} s: "
        f"{len(corpus.vocabulary):,} items, which are {kept:.1%} of the tokens."
    )


def _describe_result(corpus: Corpus, config: TrainConfig, result: TrainResult, output: str) -> str:
    example = corpus.vocabulary[min(len(corpus.vocabulary) - 1, 100)]
    quoted = ("-- " if example.startswith("-") else "") + shlex.quote(example)
    model = "" if output == DEFAULT_MODEL else f" -m {shlex.quote(output)}"
    return (
        f"Trained {config.epochs} epochs in {result.seconds:.1f} s, {count(result.tokens_per_second)} tokens/s, "
        f"loss {result.losses[0]:.4f} to {result.losses[-1]:.4f}. Wrote {output}.\n"
        f"Ask it: item2vec similar{model} {quoted}"
    )


def _report(
    corpus: Corpus, config: TrainConfig, threads: int, result: TrainResult, clock: list[float], output: str
) -> dict[str, Any]:
    """Return the document of --json."""
    read, _, train_, write = (round(after - before, 4) for before, after in pairwise(clock))
    return {
        "items": len(corpus.vocabulary),
        "tokens": corpus.raw_tokens,
        "sequences": corpus.raw_sequences,
        "epochs": config.epochs,
        "threads": threads,
        "loss": result.losses[-1] if result.losses else None,
        "losses": list(result.losses),
        "pairs": result.pairs,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "seconds": {"read": read, "train": train_, "write": write},
        "output": output,
    }
