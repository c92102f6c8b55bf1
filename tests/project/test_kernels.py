"""How kernels are written: typed throughout, and documented where their arguments are many."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "item2vec").rglob("*.py"))
DECORATORS = {"kernel", "fast_kernel", "inlined"}
MANY = 7  # arguments, from which on a kernel says what each of them is
MOST = 12


def kernels_of(source: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            names = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
            if DECORATORS & {name.id for name in names if isinstance(name, ast.Name)}:
                yield node


def undocumented(kernel: ast.FunctionDef) -> set[str]:
    """Arguments that no entry of the Parameters section names; of few arguments none has to."""
    arguments = [*kernel.args.posonlyargs, *kernel.args.args, *kernel.args.kwonlyargs]
    if len(arguments) < MANY:
        return set()
    section = re.search(r"^Parameters\n-+\n(.*?)(?:\n\n|\Z)", ast.get_docstring(kernel) or "", re.MULTILINE | re.DOTALL)
    heads = re.findall(r"^(\w[\w, ]*)(?= :|$)", section[1] if section else "", re.MULTILINE)
    return {argument.arg for argument in arguments} - {name for head in heads for name in head.split(", ")}


def any_aliases(source: str) -> list[str]:
    """Names that stand for ``Any``, at the top of a module."""
    return [
        ast.unparse(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Name) and node.value.id == "Any"
    ]


@pytest.mark.parametrize(
    ("section", "missing"),
    [("", set("abcdefg")), ("a, b, c : int\nd : float32 [V, d]\n    With e : int.\nf, g\n    As for x.\n", {"e"})],
)
def test_what_is_not_documented_is_found(section: str, missing: set[str]) -> None:
    heading = "    Parameters\n    ----------\n"
    body = "".join(f"    {line}\n" for line in section.splitlines())
    source = f'@kernel(inline="always")\ndef k(a, b, c, d, e, f, g):\n    """Do it.\n\n{heading}{body}    """\n'
    assert [undocumented(kernel) for kernel in kernels_of(source)] == [missing]
    assert [undocumented(kernel) for kernel in kernels_of(source.replace(", f, g", ""))] == [set()]


def test_kernels_say_what_their_arguments_are_where_there_are_many() -> None:
    kernels = [(path.stem, kernel) for path in MODULES for kernel in kernels_of(path.read_text("utf-8"))]
    assert len(kernels) > 50
    assert {f"{module}.{kernel.name}": gap for module, kernel in kernels if (gap := undocumented(kernel))} == {}
    assert [kernel.name for _, kernel in kernels if len(kernel.args.args) > MOST] == []


def test_nothing_stands_for_any() -> None:
    assert any_aliases("Array = Any\nThing: TypeAlias = Any\nx: Any = 3\n") == ["Array = Any", "Thing: TypeAlias = Any"]
    assert {path.name: found for path in MODULES if (found := any_aliases(path.read_text("utf-8")))} == {}


def test_arrays_have_one_spelling() -> None:
    others = re.compile(r"import numpy\.typing|(?:->|:|\|) np\.ndarray\b|\bnp\.ndarray\[")
    assert {path.name: found for path in MODULES if (found := others.findall(path.read_text("utf-8")))} == {}


def test_mypy_looks_at_every_module_and_ignores_have_a_reason() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    assert settings["files"] == ["item2vec"]
    assert settings["strict"]
    overrides = settings.pop("overrides")
    assert not {"ignore_errors", "exclude"} & {key for table in (settings, *overrides) for key in table}
    assert [module for table in overrides for module in table["module"] if module.startswith("item2vec")] == []
    lines = [line for path in MODULES for line in path.read_text("utf-8").splitlines() if "type: ignore" in line]
    assert [line for line in lines if not re.search(r"# type: ignore\[[\w-]+\]  # \w", line)] == []
    assert [path.name for path in MODULES if re.search(r"^# mypy:", path.read_text("utf-8"), re.MULTILINE)] == []
