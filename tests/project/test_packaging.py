"""What is shipped: the wheel and the sdist, and that the metadata names what the package imports and no more."""

from __future__ import annotations

import ast
import sys
import tarfile
import tomllib
import zipfile
from collections import defaultdict
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "item2vec"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Where the name of the import is not that of the distribution.
DISTRIBUTIONS = {"backports": "backports-zstd", "umap": "umap-learn"}
STANDARD = sys.stdlib_module_names | {"compression"}  # Python 3.14's


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def package_files() -> set[str]:
    paths = (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("py.typed"), *PACKAGE.glob("plot/page/*"))
    return {name_of(path) for path in paths}


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(requirement).name) for requirement in requirements}


def imported(nodes: list[ast.stmt], *, at_once: bool = False) -> set[str]:
    """Distributions that code imports; ``at_once``: only what runs when the module is imported."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        if at_once and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if at_once and isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
    return {canonicalize_name(DISTRIBUTIONS.get(name, name)) for name in found - STANDARD - {"item2vec"}}


def imports_by_distribution(*, at_once: bool = False) -> dict[str, list[str]]:
    """Each distribution that the package imports, and the modules that do."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for distribution in imported(ast.parse(path.read_text(encoding="utf-8")).body, at_once=at_once):
            found[distribution].append(name_of(path))
    return dict(found)


@pytest.fixture(scope="module")
def metadata(built: Path) -> Message:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(wheel.read(name).decode())


def test_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        information = {name for name in names if ".dist-info/" in name}
        assert names - information == package_files()
        assert "item2vec/py.typed" in names
        folder = next(iter(information)).split("/")[0]
        scripts = wheel.read(f"{folder}/entry_points.txt").decode()
        assert f"{folder}/licenses/LICENSE" in names
    assert "item2vec = item2vec.cli:main" in scripts


def test_the_metadata_of_the_wheel_is_that_of_the_project(metadata: Message) -> None:
    assert metadata["Name"] == "item2vec"
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert set(metadata.get_all("Provides-Extra", [])) == set(EXTRAS)
    wanted = {(None, *parts(requirement)) for requirement in PROJECT["dependencies"]}
    wanted |= {(extra, *parts(requirement)) for extra, all_of in EXTRAS.items() for requirement in all_of}
    shown = set()
    for requirement in metadata.get_all("Requires-Dist", []):
        extra = next((name for name in EXTRAS if f'extra == "{name}"' in requirement), None)
        shown.add((extra, *parts(requirement)))
    assert shown == wanted


def parts(requirement: str) -> tuple[str, SpecifierSet]:
    parsed = Requirement(requirement)
    return canonicalize_name(parsed.name), parsed.specifier


def test_sdist_builds_a_wheel_and_leaves_the_tests_out(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    assert package_files() <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"} <= names
    assert not [name for name in names if name.startswith("tests")]


def test_every_import_is_declared_and_everything_declared_is_imported() -> None:
    used = imports_by_distribution()
    extras = set().union(*(names(requirements) for requirements in EXTRAS.values()))
    declared = names(PROJECT["dependencies"]) | extras
    assert {name: used[name] for name in set(used) - declared} == {}
    assert declared - set(used) == set()
    assert names(PROJECT["dependencies"]) & extras == set()


def test_what_an_extra_brings_is_imported_only_where_it_is_used() -> None:
    at_once = imports_by_distribution(at_once=True)
    extras = set().union(*(names(requirements) for requirements in EXTRAS.values()))
    assert {name: at_once[name] for name in extras & set(at_once)} == {}


def test_the_search_for_imports_finds_what_there_is() -> None:
    code = """
import a.b, os
from c import d
if TYPE_CHECKING:
    from e import f
else:
    import g
def function():
    try:
        import umap
    except ImportError:
        from . import h
class Class:
    import i
from item2vec import j
"""
    body = ast.parse(code).body
    assert imported(body) == {"a", "c", "e", "g", "umap-learn", "i"}
    assert imported(body, at_once=True) == {"a", "c", "g", "i"}


def test_constraints_pin_every_requirement_within_its_range() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    versions = {canonicalize_name(name): version for name, version in pins.items()}
    wanted = [*PROJECT["dependencies"]]
    for group in (*EXTRAS.values(), *PYPROJECT["dependency-groups"].values()):
        wanted += group
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement
    # A local version (+cpu) could be installed from nowhere but the place that it came from.
    assert [name for name, version in pins.items() if "+" in version] == []


def test_the_classifiers_name_the_versions_of_python_that_the_tests_are_run_with() -> None:
    """From the oldest that pip accepts on, without a gap."""
    prefix = "Programming Language :: Python :: 3."
    minors = sorted(int(name.removeprefix(prefix)) for name in PROJECT["classifiers"] if name.startswith(prefix))
    assert PROJECT["requires-python"] == f">=3.{minors[0]}"
    assert minors == list(range(minors[0], minors[-1] + 1))
    assert sys.version_info[1] in minors
