"""The ``item2vec`` command: finds the subcommands, and makes one line and an exit status of what goes wrong.

A subcommand's module is imported only when it runs, so that ``item2vec --help`` imports neither numpy nor
torch. Exit status: 0 for success, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C, 143
after SIGTERM.
"""

from __future__ import annotations

import _thread
import contextlib
import errno
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from types import FrameType, TracebackType
from typing import Any, NoReturn

import click

from item2vec.cli.output import as_options, say
from item2vec.errors import ConfigError, Item2VecError

# Ctrl-C, SIGTERM and a closed terminal. The first one ends a command in order, so that no temporary file is left, or
# stops a training, which then writes a checkpoint. The second ends the process, whatever it is doing.

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_HANGUP = getattr(signal, "SIGHUP", None)  # comes twice when a terminal is closed: from the shell and from the kernel
_RETRY = 0.05  # seconds until an interrupt that was swallowed is raised again
_GRACE = 0.5  # seconds that the second signal leaves for tidying up


class Termination:
    """Makes the first signal a KeyboardInterrupt that nothing swallows, and the second the end of the process.

    An exception raised by a handler is lost where it falls into a callback of LLVM, a destructor, or an import with a
    bare ``except``. So the handler looks again a little later, until the exception has got through.

    Attributes
    ----------
    received : int
        The signal; SIGINT before any.
    """

    def __init__(self) -> None:
        self.received = int(signal.SIGINT)
        self._signalled = False
        self._caught: list[int] = []
        self._report = sys.unraisablehook

    @property
    def status(self) -> int:
        """The exit status of an interrupted command, as a shell has it."""
        return 128 + self.received

    def catch(self) -> None:
        """Begin, in the main thread; a signal that the process was started to ignore stays ignored."""
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._handle)
                self._caught.append(number)
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._look_again)
            self._report, sys.unraisablehook = sys.unraisablehook, self._unraisable
        _end_at_the_second(self._caught)

    def release(self) -> None:
        """End: what comes from now on has the system's effect."""
        if self._caught and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = self._report
        for number in self._caught:
            signal.signal(number, signal.SIG_DFL)
        self._caught.clear()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._signalled:
            self._signalled, self.received = True, number
            self._interrupt(frame)

    def _look_again(self, number: int, frame: FrameType | None) -> None:
        error = sys.exception()
        while error is not None and not isinstance(error, KeyboardInterrupt):
            error = error.__cause__ or error.__context__
        if error is None:
            self._interrupt(frame)
        signal.setitimer(signal.ITIMER_REAL, _RETRY)

    def _interrupt(self, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
            frame = frame.f_back
        if frame is not None and hasattr(signal, "setitimer"):  # modules catch what they like while they are imported
            signal.setitimer(signal.ITIMER_REAL, _RETRY)
        raise KeyboardInterrupt

    def _unraisable(self, lost: sys.UnraisableHookArgs) -> None:
        """Python could not pass an exception on, and calls this in its place."""
        if self._signalled and issubclass(lost.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, _RETRY)
        else:
            self._report(lost)


def _end_at_the_second(numbers: Sequence[int]) -> None:
    """Have a thread end the process at the second of these signals.

    Python calls a handler only between two steps of the main thread, and so not during a compilation. A thread that
    waits at the wakeup pipe hears of a signal at once.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)

    def wait() -> None:
        count = 0
        while True:
            for number in os.read(heard, 64):
                count += number in numbers and (number != _HANGUP or not count)
                if count == 2:
                    time.sleep(_GRACE)
                    os._exit(128 + number)

    with contextlib.suppress(RuntimeError):  # no more threads: the first signal still works
        _thread.start_new_thread(wait, ())
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)


TERMINATION = Termination()


class StopSignals:
    """Catches signals while it is open; one that the process was started to ignore, by nohup say, stays ignored.

    Parameters
    ----------
    stop : callable
        Called at the first signal, from its handler: it sets a flag. The second signal is a KeyboardInterrupt.

    Attributes
    ----------
    received : int
        The first signal; 0 before.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.received = 0
        self._stop = stop
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status that tells of the signal, as a shell has it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.received

    def __enter__(self) -> StopSignals:
        """Begin to catch; outside of the main thread nothing can be."""
        try:
            for number in _SIGNALS:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        except ValueError:
            self._before.clear()
        return self

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self.received:
            self.received = number
            self._stop()
        elif number != _HANGUP:
            signal.signal(number, signal.SIG_DFL)
            raise KeyboardInterrupt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put the handlers back; an interrupted SIGTERM keeps its exit status."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if isinstance(error, KeyboardInterrupt) and self.received not in (0, signal.SIGINT):
            raise click.exceptions.Exit(self.status) from error


# Standard streams that are closed, full or broken. Answers on standard output must arrive, or the command fails with a
# line; progress and warnings on standard error are dropped, and the work goes on.


class _Answers(io.FileIO):
    """Standard output: what cannot be written is one error, and what follows is dropped, Python's last flush too."""

    failed = False

    def write(self, data: Any) -> int:
        if self.failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self.failed = True
            if isinstance(error, BrokenPipeError):
                raise
            reason = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
            raise click.ClickException(f"cannot write to standard output: {reason}") from error


class _Remarks(io.FileIO):
    """Standard error: what cannot be written is dropped."""

    def write(self, data: Any) -> int:
        written: int | None
        try:
            written = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def guard_streams() -> None:
    """Make standard output and error such streams; a closed one is opened, so that no file gets its number."""
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):  # a closed output refuses what is written
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    sys.stdout = _text(_Answers(1, "w", closefd=False), sys.stdout)
    sys.stderr = _text(_Remarks(2, "w", closefd=False), sys.stderr, line_buffering=True)


def _text(raw: io.FileIO, before: Any, *, line_buffering: bool = False) -> io.TextIOWrapper:
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, line_buffering=line_buffering or raw.isatty())


# name: (module, first line of its help). The command there has this name, as Python can spell it.
COMMANDS = {
    "train": ("item2vec.cli.train", "Learn vectors from a corpus."),
    "tune": ("item2vec.cli.tune", "Find the hyperparameters that suit a corpus best."),
    "inspect": ("item2vec.cli.corpora", "Describe a corpus, and warn of what would not train well."),
    "cache": ("item2vec.cli.corpora", "Show the disk space that cached corpora take, or clear them."),
    "similar": ("item2vec.cli.ask", "List the items most similar to one or more items."),
    "split": ("item2vec.cli.corpora", "Split sequences into a training part and a held-out part."),
    "evaluate": ("item2vec.cli.evaluate", "Measure how good a model is, next to baselines."),
    "recommend": ("item2vec.cli.ask", "Recommend the items most likely to follow a history."),
    "analogy": ("item2vec.cli.ask", "Solve an analogy: find what is to C as B is to A."),
    "odd-one-out": ("item2vec.cli.ask", "Find the item that is least like the others."),
    "similarity": ("item2vec.cli.ask", "Print how similar two items are: a cosine from -1 to 1."),
    "index": ("item2vec.cli.model", "Build an index for fast, approximate answers from a large model."),
    "plot": ("item2vec.cli.plot", "Draw a map of a model's items."),
    "info": ("item2vec.cli.model", "Show a model's size, corpus and settings."),
    "export": ("item2vec.cli.model", "Write a model's vectors in a format that other tools read."),
    "import": ("item2vec.cli.model", "Make a model file from another tool's vectors."),
    "warmup": ("item2vec.cli.train", "Compile the kernels now, so that later runs need not wait."),
}


COMPLETING = "_ITEM2VEC_COMPLETE"  # in the environment: a shell asks what could come next
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
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(COMMANDS[cmd_name][0]), "import_" if name == "import" else name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the closest name."""
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

    def main(  # type: ignore[override]  # click declares more arguments, which come with ``extra``
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run the command line, and leave with the exit status it earned."""
        for stream in (sys.stdout, sys.stderr):
            # An item that the terminal's encoding lacks is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        if COMPLETING in os.environ:
            from item2vec.cli.options import quote_completions

            quote_completions()
        try:
            status = super().main(args, "item2vec", **(extra | {"standalone_mode": False})) or 0
        except BrokenPipeError:  # the reader, `head` say, has seen enough
            status = 1
        except click.exceptions.NoArgsIsHelpError as error:  # its message is the help, of many lines
            click.echo(error.format_message(), err=True)
            status = 2
        except EXPECTED as error:
            message, status = explain(error)
            say(" ".join(message.splitlines()))
        TERMINATION.release()
        sys.exit(status)


def explain(error: BaseException) -> tuple[str, int]:
    """Return the line and the exit status for an error that a user can cause."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx else "item2vec"
        return f"Error: {error.format_message()} See '{command} --help'.", 2
    if isinstance(error, click.ClickException):
        return f"Error: {error.format_message()}", error.exit_code
    if isinstance(error, Item2VecError):
        return f"Error: {as_options(str(error))}", 2 if isinstance(error, ConfigError) else 1
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"Error: {error.filename}: {reason}" if error.filename else f"Error: {reason}", 1
    if isinstance(error, MemoryError):
        return f"Error: not enough memory: {str(error) or 'the system gives no more'}", 1
    return "Interrupted.", TERMINATION.status


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: `item2vec train baskets.txt`, then `item2vec similar milk`",
)
@click.option("--version", is_flag=True, help="Print the version and exit.")
@click.pass_context
def cli(ctx: click.Context, version: bool) -> None:
    """Learn vectors for items from sequences of items, and use them.

    Run `item2vec COMMAND --help` for help with a command.
    """
    if version:
        import item2vec

        click.echo(f"item2vec {item2vec.__version__}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line with the arguments of this process."""
    guard_streams()
    TERMINATION.catch()
    cli()
