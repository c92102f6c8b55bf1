"""``item2vec train``: from text files to a model file."""

from __future__ import annotations

import os
import shlex
import threading
import time
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

import item2vec
from item2vec.cli.corpus_report import short_form, warn
from item2vec.cli.layers import config_option, preset_option
from item2vec.cli.options import DEFAULT_MODEL
from item2vec.cli.options import training_option as _option
from item2vec.cli.output import print_json
from item2vec.cli.progress import ProgressShower, count
from item2vec.cli.source_options import SOURCE_EXAMPLES, source_options, take_source_config
from item2vec.config import Arch, Backend, Context, Device, Loss, TrainConfig, WindowMode
from item2vec.errors import ConfigError

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.evaluation.validation import Validation, ValidationConfig
    from item2vec.training.trainer import TrainResult


def _tile(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Parse CENTRES,NEGATIVES."""
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(f"tile is {value!r}; it must be CENTRES,NEGATIVES, whole numbers such as 32,16")
    return tuple(int(part) for part in parts)


@click.command(
    epilog="""\b
Examples:
  item2vec train corpus.txt
  item2vec train baskets.txt -o baskets.safetensors --window 20 --sample 0 --epochs 20
  item2vec train 'logs/*.txt' --delimiter ';' --dim 200 --negative 10
"""
    + SOURCE_EXAMPLES.replace("COMMAND", "train")
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
    source = take_source_config(options, sources)
    config = TrainConfig(**options)
    choices = {"validate_targets": validate_targets, "metric": metric, "patience": patience}
    validation = _validation(sources, source.delimiter, validate, choices)
    from item2vec.vectors.atomic import check_writable

    check_writable(output)
    _refuse_source_as_output(sources, output)
    # torch takes over a second to import, and reading does not need it
    importing = threading.Thread(target=import_module, args=("item2vec.training.trainer",))
    importing.start()
    if not quiet and not _compiled(config):
        click.echo("The first run compiles the kernels; that takes about half a minute, once.", err=True)
    try:
        from item2vec.api import check_device, open_init, read, start

        check_device(config)
        config, given = open_init(config, any_dim=ctx.get_parameter_source("dim") == ParameterSource.DEFAULT)
        clock = [time.perf_counter()]
        corpus, initial = read(sources, source, config, given)
        clock.append(time.perf_counter())
        from item2vec.corpus.inspection import inspect_corpus
        from item2vec.corpus.shape_warnings import basket_hint, warnings_of

        found = inspect_corpus(corpus, config.min_count)  # while torch is still being imported
    finally:
        importing.join()
    if not quiet:
        click.echo(short_form(corpus, found, clock[1] - clock[0]), err=True)
        if hint := basket_hint(found, config.window_mode):
            click.echo(f"Hint: {hint}.", err=True)
    told = warnings_of(found, source, window=config.window, window_mode=config.window_mode)
    warn((*corpus.notes, *told), strict)
    if initial is not None and not quiet:
        click.echo(initial.about, err=True)
    run = start(corpus, config, initial, validation)
    clock.append(time.perf_counter())
    interrupted = False
    with ProgressShower(quiet) as show:
        try:
            result = run.train(show, lambda found: show.say(_describe_validation(found, config.epochs)))
        except KeyboardInterrupt:
            result = run.trainer.result()
            interrupted = result.done < 1
            if not result.done:
                raise  # nothing learnt, nothing to keep
    clock.append(time.perf_counter())
    if interrupted:
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
        click.echo(_describe_result(corpus, run.validation, result, output), err=True)
    if as_json:
        report = _report(corpus, config, run.trainer.threads, result, clock, output) | {"warnings": list(told)}
        print_json(report | ({"validation": run.validation.as_dict()} if run.validation else {}))


def _refuse_source_as_output(sources: tuple[str, ...], output: str) -> None:
    """Keep a slip of the keyboard from writing the model over the corpus."""
    for source in sources:
        if os.path.exists(output) and os.path.exists(source) and os.path.samefile(source, output):
            raise ConfigError(f"output {output} is a source too; name another file with -o")


def _compiled(config: TrainConfig) -> bool:
    """Whether numba's cache holds the training kernel, where it usually lies."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    folder, pattern = (Path(kept), "**/") if kept else (Path(item2vec.__file__).parent, "model/__pycache__/")
    name = "tile_kernel.train_tiles" if config.loss == "ns" else "path_kernel.train_paths"
    return any(folder.glob(f"{pattern}{name}*.nbi"))


def _partial(output: str) -> str:
    """Where an interrupted run leaves its vectors: item2vec.partial.safetensors beside the target."""
    path = Path(output)
    return str(path.with_name(f"{path.stem}.partial{path.suffix}"))


def _validation(
    sources: tuple[str, ...], delimiter: str | None, validate: str | None, options: dict[str, Any]
) -> ValidationConfig | None:
    """Make the validation's configuration of the options that were given; files are looked at before long work."""
    given = {name: value for name, value in options.items() if value is not None}
    if validate is None:
        if given:
            raise ConfigError(f"--{next(iter(given)).replace('_', '-')} needs --validate FILE")
        return None
    from item2vec.corpus.sources import check_source
    from item2vec.evaluation.validation import ValidationConfig

    for path in filter(None, (validate, given.get("validate_targets"))):
        check_source(Path(path))
    if "validate_targets" not in given and any(
        os.path.exists(path) and os.path.samefile(path, validate) for path in sources
    ):
        raise ConfigError(f"{validate} is trained on, its last items too; divide it first with `item2vec split`")
    return ValidationConfig(validate, delimiter=delimiter, **given)


def _describe_validation(validation: Validation, epochs: int) -> str:
    epoch, value = len(validation.values), validation.values[-1]
    best = "the best so far" if validation.best_epoch == epoch else f"best {max(validation.values):.4f}"
    return f"epoch {epoch}/{epochs}  {validation.config.metric} {value:.4f}  ({best})"


def _describe_result(corpus: Corpus, validation: Validation | None, result: TrainResult, output: str) -> str:
    example = corpus.vocabulary[min(len(corpus.vocabulary) - 1, 100)]
    quoted = ("-- " if example.startswith("-") else "") + shlex.quote(example)
    model = "" if output == DEFAULT_MODEL else f" -m {shlex.quote(output)}"
    kept = ""
    if validation is not None:
        kept = f"Kept epoch {validation.best_epoch}, {validation.config.metric} {max(validation.values):.4f}. "
    return (
        f"Trained {result.epoch} epochs in {result.seconds:.1f} s, {count(result.tokens_per_second)} tokens/s, "
        f"loss {result.losses[0]:.4f} to {result.losses[-1]:.4f}. {kept}Wrote {output}.\n"
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
