"""The layout: what may import what, how large files and folders are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "item2vec"
GROUND = ("errors", "version", "items", "files", "kernels", "config")
LEARN = ("corpus", "sampling", "model", "training")
ASK = ("vectors", "serve")
BOTH = ("evaluation", "ranking", "plot", "session", "tuning", "cli")
ORDER = (*GROUND, *LEARN, *ASK, *BOTH)
LONGEST_MODULE, LARGEST_FOLDER, MOST_MODULES = 700, 15, 150


def modules() -> dict[str, Path]:
    """Every module but the package itself and ``__main__``, by its dotted name below ``item2vec``."""
    named = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}
    return {
        name.replace("/", ".").removesuffix(".__init__"): path
        for name, path in named.items()
        if name not in ("__init__", "__main__")
    }


def imports_of(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """What a module imports of ours, wherever it does so: at its top, in a function, for types only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            if (node.module or "").partition(".")[0] == "item2vec":
                within = (node.module or "").partition(".")[2]
                for alias in node.names:
                    whole = f"{within}.{alias.name}".strip(".")
                    yield whole if whole in known else within
        elif isinstance(node, ast.Import):
            yield from (a.name.partition(".")[2] for a in node.names if a.name.startswith("item2vec."))


def arrows() -> dict[str, set[str]]:
    known = modules()
    return {name: set(imports_of(path, known)) - {"", name} for name, path in known.items()}


def place(module: str) -> int:
    return ORDER.index(module.partition(".")[0])


def wing(module: str) -> str:
    top = module.partition(".")[0]
    return "learn" if top in LEARN else "ask" if top in ASK else ""


def test_every_module_has_a_place() -> None:
    assert [name for name in modules() if name.partition(".")[0] not in ORDER] == []


def test_imports_run_one_way_and_the_wings_do_not_know_each_other() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in arrows().items()
        for other in others
        if place(other) > place(module) or {wing(module), wing(other)} == {"learn", "ask"}
    ]
    assert wrong == []


def test_no_imports_go_in_circles() -> None:
    """Those of types count as well: who cannot be read without the other is one thing with it."""
    left = arrows()
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    assert {name: others & set(left) for name, others in left.items()} == {}


def test_a_concept_is_a_file_and_a_folder_is_small() -> None:
    paths = [*modules().values(), PACKAGE / "__init__.py", PACKAGE / "__main__.py"]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in paths}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}
    folders = {path.parent for path in paths}
    assert {str(folder): n for folder in folders if (n := len(list(folder.glob("*.py")))) > LARGEST_FOLDER} == {}
    assert len(paths) <= MOST_MODULES
