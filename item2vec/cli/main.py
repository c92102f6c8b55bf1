"""The ``item2vec`` command: finds the subcommands, and makes one line and an exit status of what goes wrong.

A subcommand's module is imported only when it runs, so that ``item2vec --help`` imports neither numpy nor
torch. Exit status: 0 for success, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C, 143
after SIGTERM.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from item2vec.cli.stop_signals import TERMINATION
from item2vec.errors import ConfigError, Item2VecError

# name: (module, first line of its help). The module's command has the module's name.
COMMANDS = {
    "train": ("item2vec.cli.train", "Learn vectors from a corpus."),
    "tune": ("item2vec.cli.tune", "Search for the hyperparameters that suit a corpus."),
    "inspect": ("item2vec.cli.inspect", "Say what shape a corpus has, and what would not train well."),
    "cache": ("item2vec.cli.cache", "Say what encoded corpora take on the disk, or remove them."),
    "similar": ("item2vec.cli.similar", "List the items most similar to one or more items."),
    "split": ("item2vec.cli.split", "Divide sequences into a part to train on and a part held out."),
    "evaluate": ("item2vec.cli.evaluate", "Say how good a model is, against baselines."),
    "recommend": ("item2vec.cli.recommend", "List what most likely comes next after a history of items."),
    "analogy": ("item2vec.cli.analogy", "List what is to C as B is to A."),
    "odd-one-out": ("item2vec.cli.odd_one_out", "Say which of three or more items is least like the others."),
    "similarity": ("item2vec.cli.similarity", "Print the cosine of two items' vectors, from -1 to 1."),
    "index": ("item2vec.cli.index", "Build an index for approximate answers from large models."),
    "plot": ("item2vec.cli.plot", "Draw a map of a model's items."),
    "info": ("item2vec.cli.info", "Say what a model is: sizes, corpus, settings."),
    "export": ("item2vec.cli.export", "Write a model's vectors in another tool's format."),
    "import": ("item2vec.cli.import_", "Make a model file of another tool's vectors."),
}


COMMAND_LINE = "item2vec.command_line"  # in click's meta: the arguments


class InterruptedRunError(Exception):
    """Ctrl-C, carried past click, which would print a line of its own for KeyboardInterrupt."""


EXPECTED = (
    click.ClickException,
    click.Abort,
    InterruptedRunError,
    KeyboardInterrupt,
    Item2VecError,
    OSError,
    MemoryError,
)


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, and whose errors are one line each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names, in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module = COMMANDS[cmd_name][0]
        command: click.Command = getattr(import_module(module), module.rpartition(".")[2])
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; name the closest one where there is none."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Keep the command line as it was, for a message that says how to go on."""
        line = list(args)
        context = super().make_context(info_name, args, parent, **extra)
        context.meta[COMMAND_LINE] = line
        return context

    def invoke(self, ctx: click.Context) -> None:
        """Run the command; what it returns is no exit status."""
        try:
            super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise InterruptedRunError from error

    def main(  # type: ignore[override]
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the command line, and leave with the exit status it earned."""
        for stream in (sys.stdout, sys.stderr):
            # An item that the terminal's encoding lacks is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            status = super().main(args, "item2vec", **(extra | {"standalone_mode": False})) or 0
        except BrokenPipeError:  # the reader, `head` say, has seen enough
            discard_output()
            status = 1
        except click.exceptions.NoArgsIsHelpError as error:  # its message is the help, of many lines
            click.echo(error.format_message(), err=True)
            status = 2
        except EXPECTED as error:
            message, status = explain(error)
            click.echo(" ".join(message.splitlines()), err=True)
        sys.exit(status)


def explain(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit status for an error that a user can cause."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "item2vec"
        return f"Error: {error.format_message()} See '{command} --help'.", 2
    if isinstance(error, click.ClickException):
        return f"Error: {error.format_message()}", error.exit_code
    if isinstance(error, Item2VecError):
        return f"Error: {error}", 2 if isinstance(error, ConfigError) else 1
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"Error: {error.filename}: {reason}" if error.filename else f"Error: {reason}", 1
    if isinstance(error, MemoryError):
        return f"Error: not enough memory: {str(error) or 'the system gives no more'}", 1
    return "Interrupted.", TERMINATION.status


def discard_output() -> None:
    """Send what is left for standard output nowhere, so that Python's own last flush cannot fail."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: item2vec train baskets.txt, then item2vec similar milk",
)
@click.option("--version", is_flag=True, help="Print the version and leave.")
@click.pass_context
def cli(ctx: click.Context, version: bool) -> None:
    """Learn vectors for items from sequences of items, and use them.

    `item2vec COMMAND --help` says more about a command.
    """
    if version:
        import item2vec

        click.echo(f"item2vec {item2vec.__version__}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line with the arguments of this process."""
    TERMINATION.catch()
    cli()
