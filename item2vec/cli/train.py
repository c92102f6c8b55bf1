"""``item2vec train``: its options, and what it says as the training goes."""

from __future__ import annotations

import atexit
import gc
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from click.core import ParameterSource

from item2vec.cli.corpora import short_form
from item2vec.cli.main import COMMAND_LINE, StopSignals
from item2vec.cli.options import (
    DEFAULT_MODEL,
    READING,
    SOURCE_EXAMPLES,
    TRAINING,
    SectionedCommand,
    config_option,
    layered_scoring,
    number_list,
    preset_is_open,
    preset_option,
    source_options,
    take_source_config,
)
from item2vec.cli.options import training_option as _option
from item2vec.cli.output import (
    ProgressShower,
    as_options,
    count,
    duration,
    print_json,
    remark,
    say,
    shell_command,
    shell_word,
)
from item2vec.config.train import Arch, Backend, Context, Device, Loss, TrainConfig, WindowMode
from item2vec.config.units import DEFAULT_INTERVAL, Interval
from item2vec.errors import ConfigError
from item2vec.files.atomic import check_writable
from item2vec.session.listener import Listener
from item2vec.session.session import Outcome, Plan, Session

if TYPE_CHECKING:
    from item2vec.corpus.corpus import Corpus
    from item2vec.corpus.inspection import Inspection
    from item2vec.corpus.kind import Suitable
    from item2vec.session.estimate import Estimate
    from item2vec.session.run import Run
    from item2vec.session.validation import Validation
    from item2vec.training.progress import Progress, TrainResult


def _again(line: list[str]) -> str:
    """Return the command that goes on where this one was stopped."""
    return shell_command(["item2vec", *line, *(["--resume"] if "--resume" not in line else [])])


def _checkpoint(output: str) -> Path:
    """Beside the output: item2vec.checkpoint.safetensors."""
    path = Path(output)
    return path.with_name(f"{path.stem}.checkpoint{path.suffix}")


@click.command(
    cls=SectionedCommand,
    sections=READING
    | TRAINING
    | {
        "Starting from other vectors": ("init", "freeze"),
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
    "--arch",
    "skipgram: each context item predicts the centre item. cbow: the mean of the contexts predicts it.",
    type=click.Choice(get_args(Arch)),
)
@_option(
    "--loss",
    "ns: negative sampling. hs: hierarchical softmax over a Huffman tree.",
    type=click.Choice(get_args(Loss)),
)
@_option("--dim", "The dimension of the vectors.", metavar="N", type=int)
@_option("--window", "The largest distance between a centre item and its contexts.", metavar="N", type=int)
@_option(
    "--window-mode",
    "shrink: draw a radius from 1 to the window for each centre. fixed: always use the whole window. "
    "basket: the order of items means nothing.",
    type=click.Choice(get_args(WindowMode)),
)
@_option("--context", "Which side of the centre to take contexts from.", type=click.Choice(get_args(Context)))
@_option("--negative", "Negative samples per pair.", metavar="N", type=int)
@_option("--sample", "The threshold for subsampling frequent items. 0 turns it off.", metavar="X", type=float)
@_option(
    "--ns-exponent", "Draw negative samples in proportion to an item's count to this power.", metavar="X", type=float
)
@_option("--epochs", "Passes over the corpus.", metavar="N", type=int)
@click.option("--lr", metavar="X", type=float, help="The learning rate at the start.  [default: 0.025; cbow: 0.05]")
@_option("--min-lr", "The learning rate at the end.", metavar="X", type=float)
@_option("--min-count", "Drop items that occur less often than this.", metavar="N", type=int)
@_option("--max-items", "Keep only the N most frequent items.  [default: all]", metavar="N", type=int)
@_option(
    "--threads",
    "Worker threads; 0 means one per core. With one thread, the same seed gives the same vectors to the bit.",
    metavar="N",
    type=int,
)
@_option("--seed", "The seed for all random numbers.", metavar="N", type=int)
@_option("--device", "The device to train on.", type=click.Choice(get_args(Device)))
@_option(
    "--backend",
    "kernel: compiled code, on the CPU. torch: plain torch, on any device; slow.",
    type=click.Choice(get_args(Backend)),
)
@click.option(
    "--tile",
    metavar="P,N",
    callback=number_list("32,16"),
    help="For experts: P neighbouring centres share N negative samples.  [default: chosen for the corpus]",
)
@click.option(
    "--init",
    metavar="FILE",
    help="Start from the vectors in FILE: a model, or any format that `item2vec import` reads. New items are added. "
    "--dim is then that of FILE.",
)
@click.option("--freeze", is_flag=True, help="Keep the vectors of --init as they are, and train only the new items.")
@click.option(
    "--validate",
    metavar="FILE",
    help="After each epoch, test on the last item of each line of FILE. Keep the best epoch.",
)
@click.option(
    "--validate-targets",
    metavar="FILE",
    help="The held-out items for each line of --validate, instead of its last item.",
)
@click.option(
    "--metric",
    metavar="NAME@K",
    help="What to validate by: recall, ndcg, hit or mrr, at a cutoff K.  [default: ndcg@20]",
)
@click.option(
    "--patience",
    metavar="N",
    type=int,
    help="Stop after N epochs without a better value. 0 never stops early.  [default: 3]",
)
@click.option(
    "--checkpoint-every",
    metavar="TIME",
    default=DEFAULT_INTERVAL,
    show_default=True,
    help="How often to write a checkpoint beside the output: 30s, 10m, 1h, a plain number of seconds, or 50% of an "
    "epoch. 0: only when the run is stopped.",
)
@click.option("--log", metavar="FILE", help="Append the progress of the training to FILE, as one JSON object per line.")
@click.option("--resume", is_flag=True, help="Continue from the checkpoint of an earlier run.")
@click.option("--strict", is_flag=True, help="Treat warnings about the corpus as errors.")
@click.option("--quiet", is_flag=True, help="Show no progress and no summary.")
@click.option("--json", "as_json", is_flag=True, help="Print a report of the training as one JSON document.")
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
    log: str | None,
    strict: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Learn vectors from a corpus.

    SOURCE is text with one sequence per line: a basket, a session, a playlist, a sentence. White space separates the
    items. SOURCE may also be a table of events (.csv .tsv .parquet .jsonl). Then --user and --item name its columns,
    and all events of one user are one sequence. Give files, globs, or - for standard input. Files may be compressed
    with gzip, bzip2, xz or zstd.

    The vectors go to a model file. Ask it with `item2vec similar ITEM`.
    """
    if len(sources) > 1 and sources[-1].endswith(".safetensors") and not os.path.exists(sources[-1]):
        raise click.UsageError(f"There is no file {sources[-1]!r}; to write the model there, put -o before it.", ctx)
    source = take_source_config(options, sources)
    config = TrainConfig(**options)
    choices = {"validate_targets": validate_targets, "metric": metric, "patience": patience}
    from item2vec.session.train import validation_of

    check_writable(output)
    plan = Plan(
        list(sources),
        source,
        config,
        layered_scoring(ctx),
        given=frozenset(name for name in options if ctx.get_parameter_source(name) != ParameterSource.DEFAULT),
        auto=preset_is_open(ctx),
        validation=validation_of(list(sources), source.delimiter, validate, choices),
        output=output,
        checkpoint=_checkpoint(output),
        every=Interval.parse(checkpoint_every),
        resume=resume,
        strict=strict,
        log=log,
    )
    _run(plan, output, _again(ctx.meta.get(COMMAND_LINE, ["train", *sources])), quiet=quiet, as_json=as_json)


_LONG = 10  # seconds of training from which their number is said beforehand


class _Told(Listener):
    """Says on standard error how a training goes."""

    def __init__(self, *, quiet: bool, resume: bool) -> None:
        self._quiet = quiet
        self._resume = resume
        self._epochs = 0
        self.shower = ProgressShower(quiet)

    def reading(self, config: TrainConfig) -> None:
        """Say if the compiler has to run."""
        self._epochs = config.epochs
        if not self._quiet:
            _say_what_compiles(config)

    def read(self, corpus: Corpus, found: Inspection, seconds: float) -> None:
        """Say what was read."""
        if self._quiet:
            return
        say(short_form(corpus, found, seconds))

    def chosen(self, suitable: Suitable) -> None:
        """Say which preset was taken, why, and what to do for another."""
        self._epochs = suitable.options.get("epochs", self._epochs)
        if self._quiet:
            return
        if suitable.preset == "words":
            say(f"{suitable.reason}. Training with word2vec's own defaults.")
            return
        taken = " ".join(f"--{name.replace('_', '-')} {_shown(value)}" for name, value in suitable.options.items())
        says = f" ({taken})" if taken else ""
        say(f"{suitable.reason}. Taking --preset {suitable.preset}{says}; --preset words has word2vec's own defaults.")

    def warned(self, sentence: str) -> None:
        """Warn, quiet or not."""
        remark("Warning", sentence)

    def noted(self, sentence: str) -> None:
        """Note, quiet or not."""
        remark("Note", sentence)

    def initialised(self, about: str) -> None:
        """Say what --init gave."""
        if not self._quiet:
            say(about)

    def estimated(self, needs: Estimate) -> None:
        """Say what it needs."""
        if not self._quiet:
            say(str(needs))

    def begins(self, run: Run) -> None:
        """Say how long a training will take that is long; one that goes on says so as it goes."""
        if not self._quiet and not self._resume and (seconds := run.trainer.expected_seconds()) >= _LONG:
            say(f"Training will take about {duration(seconds)}.")

    def resumed(self, progress: Progress) -> None:
        """Say where it goes on."""
        if not self._quiet:
            at = f"epoch {progress.epoch} of {progress.epochs}, {progress.done:.0%} of the training done"
            say(f"Continuing in {at}.")

    def progressed(self, progress: Progress) -> None:
        """Show a bar, or a line now and then."""
        self.shower(progress)

    def validated(self, validation: Validation) -> None:
        """Say a line an epoch."""
        self.shower.say(describe_validation(validation, self._epochs))


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _run(plan: Plan, output: str, again: str, *, quiet: bool, as_json: bool) -> None:
    """Train, and say what came of it."""
    told = _Told(quiet=quiet, resume=plan.resume)
    session = Session(plan, told)
    session.prepare()
    gc.freeze()  # what was imported stays: the garbage collector need not look through it again
    atexit.register(gc.unfreeze)  # for extension modules that look at the end for what is left
    with StopSignals(session.stop) as signals:
        with told.shower:
            outcome = session.train()
        if outcome.model is None:
            _stopped(session, outcome, again)
            raise click.exceptions.Exit(signals.status)
    checkpoints, result = session.checkpoints, outcome.result
    assert checkpoints is not None
    if not quiet:
        say(describe_result(session.corpus, session.run.validation, result, output))
        if checkpoints.written:
            cost = describe_checkpoints(checkpoints.written, checkpoints.seconds, session.seconds["train"])
            say(cost)
    if as_json:
        print_json(_report(session, result, output))


def _stopped(session: Session, outcome: Outcome, again: str) -> None:
    """Say what was kept of a training that a signal stopped, and how to go on."""
    checkpoints, result = session.checkpoints, outcome.result
    assert checkpoints is not None
    if outcome.kept is None:
        say("Stopped before anything was learnt; no file was written.")
        return
    at = f"Stopped in epoch {result.epoch} of {session.config.epochs}, {result.done:.0%} of the training done"
    if outcome.kept:
        kept = f" and kept in {checkpoints.path}, a model like any other"
    else:
        kept = f"; {checkpoints.path}, of an earlier run, has {checkpoints.kept:.0%} and stays"
    say(f"{at}{kept}. Go on with:\n{again}")


def describe_validation(validation: Validation, epochs: int) -> str:
    """Return an epoch's value, a line."""
    epoch, value = len(validation.values), validation.values[-1]
    best = "the best so far" if validation.best_epoch == epoch else f"best {max(validation.values):.4f}"
    return f"epoch {epoch}/{epochs}  {validation.config.metric} {value:.4f}  ({best})"


def describe_result(corpus: Corpus, validation: Validation | None, result: TrainResult, output: str) -> str:
    """Return what was trained, what was kept, and what to do next."""
    example = corpus.vocabulary[min(len(corpus.vocabulary) - 1, 100)]
    quoted = ("-- " if example.startswith("-") else "") + shell_word(example)
    model = "" if output == DEFAULT_MODEL else f" -m {shell_word(output)}"
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
    """Return what they cost."""
    what = "1 checkpoint" if written == 1 else f"{written:,} checkpoints"
    return f"{what} took {seconds:.1f} s, {seconds / training:.2%} of the time."


def _report(session: Session, result: TrainResult, output: str) -> dict[str, Any]:
    """Return the document of --json."""
    corpus, checkpoints = session.corpus, session.checkpoints
    assert checkpoints is not None
    document = {
        "items": len(corpus.vocabulary),
        "tokens": corpus.raw_tokens,
        "sequences": corpus.raw_sequences,
        "replaced": corpus.replaced,
        "notes": [as_options(note) for note in corpus.notes],
        "preset": session.suitable and session.suitable.preset,
        "epochs": result.epoch,
        "threads": session.run.trainer.threads,
        "loss": result.losses[-1] if result.losses else None,
        "losses": list(result.losses),
        "pairs": result.pairs,
        "tokens_per_second": round(result.tokens_per_second, 1),
        "seconds": {name: round(seconds, 4) for name, seconds in session.seconds.items()},
        "output": output,
        "warnings": [as_options(sentence) for sentence in session.warnings],
        "checkpoints": {"written": checkpoints.written, "seconds": round(checkpoints.seconds, 4)},
    }
    return document | ({"validation": session.run.validation.as_dict()} if session.run.validation else {})


def _say_what_compiles(config: TrainConfig) -> None:
    """Say that a first run waits for its compiler; so does every run where no code can be kept."""
    from item2vec.kernels import is_compiled, keeps_code
    from item2vec.session.precompile import step_kernel

    kernel = step_kernel(config.arch, config.loss)
    if not keeps_code(kernel):
        say(
            "Compiling the kernels, about half a minute. No folder can be written to keep them for the next run; name "
            "one with NUMBA_CACHE_DIR."
        )
    elif not is_compiled(kernel):
        say("The first run compiles the kernels, which takes about 20 s. Later runs find them compiled.")


@click.command(
    epilog="""\b
Examples:
  item2vec warmup
  item2vec warmup --quiet       # in a Dockerfile, built on the kind of processor that it runs on
"""
)
@click.option("--quiet", is_flag=True, help="Show no summary.")
def warmup(quiet: bool) -> None:
    """Compile the kernels now, so that later runs need not wait.

    The first training on a machine compiles the code that reads, samples and trains, and keeps it for later runs. This
    command compiles all of it, for every --arch and --loss. That takes about a minute on two cores. The code fits the
    kind of processor that it is compiled on.
    """
    from item2vec.kernels import code_folder
    from item2vec.session.warmup import compile_all

    began = time.perf_counter()
    folder = code_folder()
    if folder is None:
        raise ConfigError("no folder can be written to keep the kernels in; name one with NUMBA_CACHE_DIR")
    compile_all()
    if not quiet:
        say(f"Compiled the kernels in {duration(time.perf_counter() - began)}; they are kept in {folder}.")
