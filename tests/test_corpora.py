"""The corpora that ship: the program that makes one of identifiers, and the dishes."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

CORPORA = Path(__file__).resolve().parents[1] / "corpora"
TOKEN = re.compile(r"[a-z][a-z0-9_]*")
OFTEN = 10

MODULE = '''\
import os
TABLE = {"outside": os}

@decorate(level=1)
def outer(first, /, second: Kind = fallback, *rest, only=None, **named) -> Result:
    """Words of a docstring are no identifiers."""
    import package.module as short
    from .sibling import thing

    def inner(value):
        return value.size

    try:
        return left if test else right
    except ValueError as error:
        raise Other(error, *rest, key=word, *second) from None


def nothing(): ...


class Store(Base):
    limit = 10

    async def get(self, name):
        return {name: self.items[name] for name in [f"{name}"]}

    def match(self):
        match self.shape:
            case Point(x, y=up) | {KEY.one: up, **others} | [up, *tail] as whole if large:
                global count
'''

EXPECTED = [
    "decorate level first second Kind fallback rest only named Result package module short sibling thing "
    "left test right ValueError error Other error rest key word second",
    "value value size",
    "self name name self items name name name",
    "self self shape Point x y up KEY one up others up tail whole large count",
]


def run_program(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CORPORA / "stdlib.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "library"
    (root / "b" / "site-packages").mkdir(parents=True)
    (root / "b" / "module.py").write_text(MODULE, encoding="utf-8")
    (root / "b" / "site-packages" / "other.py").write_text("def f(never_read): ...\n", encoding="utf-8")
    (root / "a.py").write_text("def größe(naïve): return naïve\n", encoding="utf-8")
    (root / "latin.py").write_bytes(b"# coding: latin-1\ndef f(\xe9t\xe9): ...\n")
    (root / "notes.txt").write_text("def f(never_read): ...\n", encoding="utf-8")
    (root / "wrong.py").write_text("def broken(:\n", encoding="utf-8")
    (root / "null.py").write_bytes(b"x = 1\0\n")
    (root / "bytes.py").write_bytes(b"def f(\xff): ...\n")
    return root


def test_stdlib_writes_a_line_for_each_function(library: Path, tmp_path: Path) -> None:
    target = tmp_path / "ids.txt"
    outcome = run_program(target, "--root", library)
    # Files of a folder come before those of the folders in it.
    lines = ["naïve naïve", "été", *EXPECTED]
    tokens = [token for line in lines for token in line.split()]
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout == ""
    assert target.read_text(encoding="utf-8") == "\n".join(lines) + "\n"
    assert outcome.stderr == (
        f"{target}: 3 files (3 skipped that do not parse), {len(lines)} functions, {len(tokens)} tokens, "
        f"{len(set(tokens))} distinct; fewer than the 1,000,000 tokens asked for\n"
    )


def test_stdlib_makes_the_same_file_again_and_leaves_no_other(library: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    first, second = folder / "first.txt", folder / "second.txt"
    for target in (first, second, second):
        assert run_program(target, "--root", library, "--tokens", "10").returncode == 0
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in folder.iterdir()) == ["first.txt", "second.txt"]


@pytest.mark.parametrize("root", ["empty", "missing"])
def test_stdlib_keeps_the_old_file_where_there_is_nothing_to_write(root: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    target = tmp_path / "ids.txt"
    target.write_text("old\n", encoding="utf-8")
    outcome = run_program(target, "--root", tmp_path / root)
    assert outcome.returncode == 1
    assert "--root" in outcome.stderr.splitlines()[-1]
    assert "Traceback" not in outcome.stderr
    assert target.read_text(encoding="utf-8") == "old\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "ids.txt"]


def test_stdlib_says_what_it_cannot_write(library: Path, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "ids.txt"
    outcome = run_program(target, "--root", library)
    assert outcome.returncode == 1
    assert outcome.stderr == f"stdlib.py: cannot write {target}: No such file or directory\n"


# The corpus has one name for each of these; the others would split an item's occurrences in two.
BANNED = """
    scallion green_onion spring_onions cilantro eggplant zucchini shrimp yogurt yoghurts chili chile
    chilies chillies cornstarch corn_starch garbanzo garbanzo_bean confectioners_sugar powdered_sugar
    arugula rutabaga beet beets ground_beef ground_pork heavy_cream soya_sauce shoyu all_purpose_flour
    plain_flour vegetable_stock_cube bicarbonate_of_soda gelatin cacao_powder cocoa_powder parmigiano
    parmigiano_reggiano tomatoes onions carrots potatoes eggs prawns lemons limes mushrooms peppers
    peanuts almonds raisins lentils chickpeas capsicum sweetcorn_flour ladyfinger lady_finger filo
    phyllo hing ajwain jeera haldi methi coriander beansprout chickpea_flour crawfish
"""


@pytest.fixture(scope="module")
def dishes() -> list[str]:
    return (CORPORA / "recipes.txt").read_text(encoding="utf-8").splitlines()


def frozen(line: str) -> frozenset[str]:
    return frozenset(line.split())


def test_recipes_are_a_thousand_different_dishes(dishes: list[str]) -> None:
    assert len(dishes) >= 1000
    assert [line for line, times in Counter(dishes).items() if times > 1] == []
    assert [line for line, times in Counter(map(frozen, dishes)).items() if times > 1] == []


def test_recipes_are_lists_of_items(dishes: list[str]) -> None:
    assert [line for line in dishes if line != " ".join(line.split())] == []
    assert [line for line in dishes if len(line.split()) < 3] == []
    assert [line for line in dishes if len(frozen(line)) < len(line.split())] == []
    assert {item for line in dishes for item in line.split() if not TOKEN.fullmatch(item)} == set()


def test_recipes_have_one_name_for_an_item(dishes: list[str]) -> None:
    items = {item for line in dishes for item in line.split()}
    assert items & set(BANNED.split()) == set()
    assert {item for item in items if item + "s" in items or item + "es" in items} == set()


def test_most_occurrences_are_of_items_with_neighbours(dishes: list[str]) -> None:
    counts = Counter(item for line in dishes for item in line.split())
    often = sum(times for times in counts.values() if times >= OFTEN)
    assert often >= 0.6 * counts.total()
