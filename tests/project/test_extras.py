"""Each extra, installed alone into a clean environment from the wheel, does on the command line what it is for.

pip needs a package index for this, so these tests run with pytest's --network only: `make test-extras`, and in CI.
Installing all of torch for each extra would take minutes. One environment holds the wheel and what it needs; that of an
extra sees these packages through a .pth file, and holds what the extra brings.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
RECIPES = str(ROOT / "corpora" / "recipes.txt")
# A command that needs the extra, and what must lie there when it has ended.
USES = {
    "index": (("index", "--json"), "item2vec.index", b""),
    "plot": (("plot", "map.png", "--top", "100", "--json"), "map.png", b"\x89PNG"),
    "tune": (("tune", RECIPES, "--trials", "2", "--quiet", "--json"), "best.toml", b""),
    "umap": (("plot", "map.html", "--top", "100", "--method", "umap", "--json"), "map.html", b"<!doctype html>"),
}

pytestmark = pytest.mark.network


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that sees nothing of this checkout or of the Python that runs the tests."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ITEM2VEC", "NUMBA"))}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)


def succeed(command: list[str], folder: Path) -> str:
    outcome = run(command, folder)
    assert outcome.returncode == 0, f"{shlex.join(command)}\n{outcome.stdout}{outcome.stderr}"
    return outcome.stdout


def pip(python: Path, command: str) -> list[str]:
    flags = shlex.split(os.environ.get("PIP_FLAGS", ""))  # as the Makefile takes them
    return [str(python), "-m", "pip", "--disable-pip-version-check", command, "--quiet", *flags]


def install(python: Path, requirement: str) -> None:
    succeed([*pip(python, "install"), "-c", str(ROOT / "constraints.txt"), requirement], python.parent)


def environment(folder: Path) -> Path:
    """Make a virtual environment; the path of its Python."""
    succeed([sys.executable, "-m", "venv", str(folder)], folder.parent)
    return folder / "bin" / "python"


def packages_of(python: Path) -> Path:
    return Path(
        succeed([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], python.parent)[:-1]
    )


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that the wheel without extras was installed into."""
    folder = tmp_path_factory.mktemp("base")
    python = environment(folder / "environment")
    quickly = ["--no-deps", "--no-cache-dir", "--retries", "1", "--timeout", "15"]
    probe = run([*pip(python, "download"), *quickly, "tomli-w"], folder)
    if probe.returncode:
        pytest.skip(f"pip reaches no package index: {probe.stderr.strip().splitlines()[-1]}")
    install(python, str(wheel))
    return python


@pytest.fixture(scope="module")
def folder(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a model of the recipes lies, trained by the program that pip installed."""
    folder = tmp_path_factory.mktemp("model")
    options = ["--preset", "baskets", "--epochs", "20", "--dim", "16", "--quiet"]
    succeed([str(base.with_name("item2vec")), "train", RECIPES, *options], folder)
    return folder


@pytest.fixture(params=sorted(EXTRAS))
def extra(request: pytest.FixtureRequest) -> Iterator[str]:
    return request.param


def test_the_wheel_alone_answers(base: Path, folder: Path) -> None:
    answer = json.loads(succeed([str(base), "-m", "item2vec", "similar", "basil", "-k", "3", "--json"], folder))
    assert len(answer["similar"]) == 3
    succeed([str(base), "-m", "pip", "check"], folder)


def test_without_an_extra_one_line_says_what_to_install(extra: str, base: Path, folder: Path) -> None:
    command, file, _ = USES[extra]
    outcome = run([str(base), "-m", "item2vec", *command], folder)
    assert outcome.returncode in (1, 2)
    assert f"pip install 'item2vec[{extra}]'" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1, outcome.stderr
    assert not (folder / file).exists()


def test_an_extra_alone_does_what_it_is_for(extra: str, base: Path, folder: Path, wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "environment")
    (packages_of(python) / "base.pth").write_text(f"{packages_of(base)}\n")
    install(python, f"{wheel}[{extra}]")
    assert not (packages_of(python) / "item2vec").exists()  # it is the one of the base
    model = folder / "item2vec.safetensors"
    (tmp_path / model.name).write_bytes(model.read_bytes())
    command, file, start = USES[extra]
    json.loads(succeed([str(python), "-m", "item2vec", *command], tmp_path))
    assert (tmp_path / file).read_bytes()[: len(start)].lower() == start.lower()
    succeed([str(python), "-m", "pip", "check"], tmp_path)
    if extra == "index":
        asked = ["similar", "basil", "-k", "3", "--approximate", "--json"]
        assert len(json.loads(succeed([str(python), "-m", "item2vec", *asked], tmp_path))["similar"]) == 3
