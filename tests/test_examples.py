"""The examples that users copy: those in docstrings, and the recipes of the README."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import item2vec
from item2vec.items.vocabulary import Vocabulary

ROOT = Path(item2vec.__file__).parent.parent
SOURCES = [path for path in sorted((ROOT / "item2vec").rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]
RECIPES = re.findall(
    r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8").partition("#### Recipes")[2], re.DOTALL
)


# api's example trains a model.
CASES = [pytest.param(path, marks=pytest.mark.jit if path.stem == "api" else (), id=path.stem) for path in SOURCES]


@pytest.mark.parametrize("path", CASES)
def test_docstrings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"))
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_there_are_recipes_for_each_tool() -> None:
    text = "\n".join(RECIPES)
    for tool in ("sklearn", "torch", "EmbeddingBag", "faiss", "gensim"):
        assert tool in text


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: re.findall(r"(?:import|from) (\w+)", recipe)[1])
def test_recipes(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in re.findall(r"^(?:import|from) (\w+)", recipe, re.MULTILINE):
        pytest.importorskip(name)
    items = ["milk", "bread", "tea", *(f"item {number}" for number in range(60))]
    tables = np.random.default_rng(4).standard_normal((2, 63, 8)).astype(np.float32)
    model = item2vec.KeyedVectors(*tables, Vocabulary.from_items(items, range(63, 0, -1)))
    monkeypatch.chdir(tmp_path)
    model.save("item2vec.safetensors")
    # gensim's file cannot carry items with spaces, which the recipe has no reason to speak of.
    if "export_vectors" in recipe:
        names = [item.replace(" ", "_") for item in items]
        item2vec.KeyedVectors(*tables, Vocabulary.from_items(names, range(63, 0, -1))).save("item2vec.safetensors")
    found: dict[str, object] = {}
    exec(recipe, found)
    if "torch" in recipe:
        recommended = model.recommend_many(found["histories"], 1, include_seen=True)
        best = [model.vocabulary[row] for row in found["scores"].argmax(dim=1).tolist()]
        assert best == [answer[0][0] for answer in recommended]
    elif "faiss" in recipe:
        assert found["neighbours"][0] == "milk"
    elif "gensim" in recipe:
        assert np.array_equal(found["again"].input, model.input)
        assert np.array_equal(found["words"].vectors, model.input)
    elif "sklearn" in recipe:
        assert set(found["clusters"]) == set(items)
