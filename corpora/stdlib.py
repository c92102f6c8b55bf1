"""Make a corpus of identifiers from the standard library of the Python that runs this.

Each function or method becomes one line: the names, attributes, arguments and imported names in it, in order
of appearance and separated by spaces. A function inside another has a line of its own and adds nothing to the
outer one's; code outside of functions is left out. Test packages are read where this Python has them. Files
that do not parse are skipped and counted. The same library always makes the same file.

    python corpora/stdlib.py                 # writes stdlib.txt beside this program
    python corpora/stdlib.py ids.txt --root ~/src/project
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import site
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

DEFAULT_OUTPUT = Path(__file__).with_name("stdlib.txt")
DEFAULT_TOKENS = 1_000_000
LEFT_OUT = {"site-packages", "dist-packages", "__pycache__"}
# What ast.parse raises for a file that is no Python: nesting too deep and null bytes included.
UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)

# What a syntax node is made of, in the order of the source: identifiers as str, and nodes.
Parts = list["str | ast.AST | None"]


def arguments_parts(node: ast.arguments) -> Parts:
    """Arguments, each followed by its default."""
    positional = [*node.posonlyargs, *node.args]
    defaults = [None] * (len(positional) - len(node.defaults)) + node.defaults
    parts: Parts = [part for pair in zip(positional, defaults, strict=True) for part in pair]
    parts.append(node.vararg)
    parts += [part for pair in zip(node.kwonlyargs, node.kw_defaults, strict=True) for part in pair]
    return [*parts, node.kwarg]


def function_parts(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Parts:
    """Return decorators, type parameters (Python 3.12), arguments, annotation of the result, body."""
    type_parameters = getattr(node, "type_params", [])
    return [*node.decorator_list, *type_parameters, node.args, node.returns, *node.body]


def class_parts(node: ast.ClassDef) -> Parts:
    """Return decorators, type parameters (Python 3.12), bases, keywords, body."""
    type_parameters = getattr(node, "type_params", [])
    return [*node.decorator_list, *type_parameters, *node.bases, *node.keywords, *node.body]


def call_parts(node: ast.Call) -> Parts:
    """Return the function, then its arguments; ``f(*a, k=v, *b)`` mixes the two kinds."""
    arguments: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
    if node.keywords and any(isinstance(argument, ast.Starred) for argument in node.args):
        arguments.sort(key=lambda argument: (argument.lineno, argument.col_offset))
    return [node.func, *arguments]


def class_pattern_parts(node: ast.MatchClass) -> Parts:
    """``Class(pattern, name=pattern)``."""
    named = [part for pair in zip(node.kwd_attrs, node.kwd_patterns, strict=True) for part in pair]
    return [node.cls, *node.patterns, *named]


def mapping_pattern_parts(node: ast.MatchMapping) -> Parts:
    """``{key: pattern, **rest}``."""
    return [*(part for pair in zip(node.keys, node.patterns, strict=True) for part in pair), node.rest]


# The nodes that hold identifiers, or whose fields do not stand in the order of the source.
PARTS: dict[type, Callable[..., Parts]] = {
    ast.Name: lambda node: [node.id],
    ast.Attribute: lambda node: [node.value, node.attr],
    ast.Constant: lambda node: [],
    ast.arg: lambda node: [node.arg, node.annotation],
    ast.arguments: arguments_parts,
    ast.keyword: lambda node: [node.arg, node.value],
    ast.Call: call_parts,
    ast.FunctionDef: function_parts,
    ast.AsyncFunctionDef: function_parts,
    ast.ClassDef: class_parts,
    ast.alias: lambda node: [*node.name.replace("*", "").split("."), node.asname],
    ast.ImportFrom: lambda node: [*(node.module or "").split("."), *node.names],
    ast.Global: lambda node: [*node.names],
    ast.Nonlocal: lambda node: [*node.names],
    ast.ExceptHandler: lambda node: [node.type, node.name, *node.body],
    ast.IfExp: lambda node: [node.body, node.test, node.orelse],
    ast.Dict: lambda node: [part for pair in zip(node.keys, node.values, strict=True) for part in pair],
    ast.MatchAs: lambda node: [node.pattern, node.name],
    ast.MatchStar: lambda node: [node.name],
    ast.MatchClass: class_pattern_parts,
    ast.MatchMapping: mapping_pattern_parts,
}


def other_parts(node: ast.AST) -> Parts:
    """Children of a node whose fields stand in the order of the source."""
    parts: Parts = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            parts += value
        elif isinstance(value, ast.AST):
            parts.append(value)
    return parts


def identifiers(scope: ast.AST) -> tuple[list[str], list[ast.AST]]:
    """Return identifiers of a scope and the functions inside of it, both in order of appearance."""
    found: list[str] = []
    inner: list[ast.AST] = []
    # A stack of our own: expressions may nest deeper than Python lets functions call each other.
    waiting = PARTS.get(type(scope), other_parts)(scope)[::-1]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner.append(part)
        else:
            waiting += PARTS.get(type(part), other_parts)(part)[::-1]
    return found, inner


def functions(tree: ast.Module) -> Iterator[list[str]]:
    """Yield the identifiers of each function of a module that has any, outer functions before their inner ones."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        scope = waiting.pop()
        found, inner = identifiers(scope)
        if found and scope is not tree:
            yield found
        waiting += inner[::-1]


def python_files(root: Path) -> Iterator[Path]:
    """Python files below a directory, in an order that does not depend on the file system."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - LEFT_OUT)
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(".py"))


@dataclass
class Summary:
    """What went into the corpus."""

    files: int = 0
    skipped: int = 0
    functions: int = 0
    tokens: int = 0
    distinct: set[str] = field(default_factory=set)

    def line(self) -> str:
        """One line for a person."""
        return (
            f"{self.files:,} files ({self.skipped:,} skipped that do not parse), "
            f"{self.functions:,} functions, {self.tokens:,} tokens, {len(self.distinct):,} distinct"
        )


def add_file(path: Path, output: TextIO, summary: Summary) -> None:
    """Write the functions of one file, or count it as skipped."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes and the like are no matter of ours
            tree = ast.parse(path.read_bytes())
    except (*UNPARSABLE, OSError):
        summary.skipped += 1
        return
    summary.files += 1
    for found in functions(tree):
        output.write(" ".join(found) + "\n")
        summary.functions += 1
        summary.tokens += len(found)
        summary.distinct.update(found)


def write_corpus(output: TextIO, root: Path | None, tokens: int) -> tuple[Summary, str]:
    """Write the corpus; return what it holds and a remark on how the token target was met or missed."""
    summary = Summary()
    for path in python_files(root or Path(sysconfig.get_path("stdlib"))):
        add_file(path, output, summary)
    remark = ""
    if root is None and summary.tokens < tokens:
        before = summary.files
        for folder in site.getsitepackages():
            for path in python_files(Path(folder)):
                if summary.tokens >= tokens:
                    break
                add_file(path, output, summary)
        remark = f"; {summary.files - before:,} of the files are from installed packages"
    if summary.tokens < tokens:
        remark += f"; fewer than the {tokens:,} tokens asked for"
    return summary, remark


def arguments() -> argparse.ArgumentParser:
    """Command line of this program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "output", metavar="OUTPUT", nargs="?", type=Path, default=DEFAULT_OUTPUT, help="default: %(default)s"
    )
    parser.add_argument(
        "--root",
        metavar="DIR",
        type=Path,
        help="read this directory alone, in place of the library",
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=DEFAULT_TOKENS,
        help="add installed packages while the library gives fewer tokens than this (default: %(default)s)",
    )
    return parser


def main() -> int:
    """Run the program; return its exit status."""
    options = arguments().parse_args()
    if options.root is not None and not options.root.is_dir():
        print(f"stdlib.py: --root {options.root} is not a directory", file=sys.stderr)
        return 1
    temporary = options.output.with_name(f".{options.output.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "w", encoding="utf-8", newline="\n") as stream:
            summary, remark = write_corpus(stream, options.root, options.tokens)
            stream.flush()
            os.fsync(stream.fileno())
        if summary.functions:
            os.replace(temporary, options.output)
    except OSError as error:
        print(f"stdlib.py: cannot write {options.output}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    print(f"{options.output}: {summary.line()}{remark}", file=sys.stderr)
    if not summary.functions:
        print("stdlib.py: no functions found, nothing written; name a directory with --root", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
