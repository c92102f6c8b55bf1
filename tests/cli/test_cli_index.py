"""``item2vec index``, and ``similar --approximate``."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import item2vec
from item2vec.cli.main import cli

pytestmark = pytest.mark.skipif(not find_spec("usearch"), reason="usearch is not installed")


def run(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(cli, arguments, **options)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model of 900 items."""
    rng = np.random.default_rng(1)
    table = rng.standard_normal((20, 8))[np.arange(900) % 20] + 0.4 * rng.standard_normal((900, 8))
    monkeypatch.chdir(tmp_path)
    item2vec.KeyedVectors.from_items([f"i{row}" for row in range(900)], table).save("item2vec.safetensors")
    return tmp_path


def test_index_and_answers() -> None:
    done = run("index", "--threads", "1")
    assert (done.exit_code, done.stdout) == (0, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("Wrote item2vec.index: 900 items, ")
    found = item2vec.load("item2vec.safetensors").open_index().facts
    words = f"Approximate: the index finds {found.recall:.1%} of the 10 nearest (measured on 900 items)."
    assert second == words
    exact = run("similar", "i5", "-k", "4")
    done = run("similar", "i5", "-k", "4", "--approximate")
    assert (done.exit_code, done.stdout, done.stderr) == (0, exact.stdout, words + "\n")
    document = json.loads(run("similar", "i5", "-k", "4", "--approximate", "--json").stdout)
    assert document.pop("approximate") == {"recall@10": round(found.recall, 4), "sample": 900, "effort": found.effort}
    assert document == json.loads(run("similar", "i5", "-k", "4", "--json").stdout)


def test_batch() -> None:
    run("index", "--threads", "1")
    asked = "i1\ni2 i3\nno-such\n"
    done = run("similar", "--approximate", "--batch", "-", "-k", "3", input=asked)
    exact = run("similar", "--batch", "-", "-k", "3", input=asked)
    assert done.exit_code == 0
    lines, right = ([json.loads(line) for line in one.stdout.splitlines()] for one in (done, exact))
    for line, other in zip(lines, right, strict=True):
        assert line.get("error") == other.get("error")
        assert [entry["item"] for entry in line.get("similar", [])] == [e["item"] for e in other.get("similar", [])]
    assert done.stderr.splitlines()[-1].startswith("Approximate: the index finds ")


def test_json() -> None:
    document = json.loads(run("index", "--json", "--recall", "0.9").stdout)
    assert document["output"] == "item2vec.index"
    assert document["bytes"] == Path("item2vec.index").stat().st_size
    assert document["items"] == 900
    assert document["recall@10"] >= 0.9


def test_what_goes_wrong_is_one_line() -> None:
    done = run("similar", "i1", "--approximate")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        done.stderr
        == "Error: there is no index at item2vec.index; build one with `item2vec index -m ./item2vec.safetensors`\n"
    )
    Path("my model.safetensors").write_bytes(Path("item2vec.safetensors").read_bytes())
    done = run("similar", "i1", "--approximate", "-m", "my model.safetensors")
    assert done.stderr == (
        "Error: there is no index at my model.index; build one with `item2vec index -m 'my model.safetensors'`\n"
    )
    run("index")
    whole = Path("item2vec.index").read_bytes()
    Path("item2vec.index").write_bytes(whole[:-1])
    done = run("similar", "i1", "--approximate")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: cannot read item2vec.index: ")
    assert done.stderr.endswith("; build the index again with `item2vec index -m ./item2vec.safetensors`\n")
    Path("item2vec.index").write_bytes(whole)
    model = item2vec.load("item2vec.safetensors")
    item2vec.KeyedVectors.from_items(list(model), model.input * [[-1]]).save("item2vec.safetensors")
    done = run("similar", "i1", "--approximate")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: the index was built from other vectors than the model has now; build it again with "
        "`item2vec index -m ./item2vec.safetensors`\n"
    )
    assert run("index", "--recall", "0").exit_code == 2
    Path("words.index").write_bytes(Path("item2vec.safetensors").read_bytes())
    done = run("index", "-m", "words.index")
    assert done.stderr == "Error: cannot write words.index: it is the model itself; give the model another ending\n"


def test_a_recall_out_of_reach_is_a_warning() -> None:
    rng = np.random.default_rng(2)
    table = rng.standard_normal((2000, 50))
    item2vec.KeyedVectors.from_items([f"i{row}" for row in range(2000)], table).save("item2vec.safetensors")
    done = run("index", "--recall", "1", "--connectivity", "2", "--threads", "1")
    assert done.exit_code == 0
    assert done.stderr.splitlines()[-1] == (
        "Warning: that is less than --recall 1; a larger --connectivity than 2 finds more."
    )


def test_queries_by_index_import_neither_torch_nor_numba() -> None:
    run("index")
    program = "import sys\nfrom item2vec.cli.main import cli\ntry: cli(['similar', 'i1', '--approximate'])\n"
    program += "except SystemExit: print(*sys.modules)"
    root = Path(item2vec.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(root)}
    )
    modules = set(done.stdout.split())
    assert "usearch.index" in modules
    assert not modules & {"torch", "numba", "llvmlite", "rich", "scipy"}
