"""train `init`: pretrained rows, models that grow, and rows that stay; through the Python interface on files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_data import clusters

import item2vec
from item2vec.errors import ConfigError, CorpusError, ModelError

pytestmark = pytest.mark.jit
OPTIONS = {"epochs": 2, "threads": 1, "sample": 0.0, "min_count": 2}


def write(path: Path, lines: list[list[str]]) -> Path:
    path.write_text("".join(" ".join(line) + "\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """A model file, and what it was trained on: clusters 0 to 5, and items that come once."""
    folder = tmp_path_factory.mktemp("old")
    lines = [line for line in clusters(sequences=600) if line[0][1] < "6"]
    lines += [["once", lines[0][0]], ["twice", lines[0][1]]]
    item2vec.train(write(folder / "old.txt", lines), dim=12, **OPTIONS).save(folder / "old.safetensors")
    return folder / "old.safetensors", lines


def new_lines() -> list[list[str]]:
    """Clusters 4 to 7, of which 6 and 7 are new, and one item for the second time."""
    lines = [line for line in clusters(sequences=400, seed=9) if line[0][1] >= "4"]
    return [*lines, ["once", lines[0][0]], ["never", lines[0][0]]]


@pytest.mark.parametrize("mode", [{}, {"arch": "cbow"}, {"loss": "hs"}, {"backend": "torch"}])
@pytest.mark.parametrize("freeze", [False, True])
def test_a_model_grows(tmp_path: Path, old: tuple[Path, list[list[str]]], freeze: bool, mode: dict[str, str]) -> None:
    path, lines = old
    before = item2vec.load(path)
    grown = item2vec.train(write(tmp_path / "new.txt", new_lines()), init=str(path), freeze=freeze, **OPTIONS, **mode)
    counts = Counter(item for line in lines + new_lines() for item in line)
    expected = {item: count for item, count in counts.items() if count >= 2}
    assert grown.dim == 12  # the file's
    assert dict(zip(grown.vocabulary, grown.vocabulary.counts.tolist(), strict=True)) == expected
    assert grown.rare is not None
    assert list(grown.rare) == ["twice", "never"]
    assert "once" in grown  # once in each, so its merged count reaches min-count
    moved = [item for item in before.vocabulary if not np.array_equal(grown[item], before[item])]
    assert freeze == (not moved)
    if freeze and not mode.get("loss"):
        assert before.output is not None
        assert grown.output is not None
        for item in before.vocabulary:
            assert np.array_equal(grown.output[grown.index(item)], before.output[before.index(item)])
    assert np.isfinite(grown.input).all()
    newcomer = next(item for line in new_lines() for item in line if item.startswith("c7"))
    assert np.abs(grown[newcomer]).max() > 0.5 / 12  # it learnt


def test_growing_again_and_again_counts_everything_once(tmp_path: Path) -> None:
    lines = clusters(sequences=300)
    third = len(lines) // 3
    parts = [write(tmp_path / f"{i}.txt", lines[i * third : (i + 1) * third]) for i in range(3)]
    model = item2vec.train(parts[0], dim=8, **OPTIONS)
    for part in parts[1:]:
        model.save(tmp_path / "m.safetensors")
        model = item2vec.train(part, init=str(tmp_path / "m.safetensors"), **OPTIONS)
    whole = Counter(item for line in lines[: 3 * third] for item in line)
    expected = {item: count for item, count in whole.items() if count >= 2}
    assert dict(zip(model.vocabulary, model.vocabulary.counts.tolist(), strict=True)) == expected


def test_other_formats_give_their_rows_to_the_corpus_s_items(tmp_path: Path, old: tuple[Path, list[list[str]]]) -> None:
    given = tmp_path / "given.txt"
    item2vec_rows = {"c7.1": [0.5] * 6, "c6.2": [0.25] * 6, "elsewhere": [1.0] * 6}
    given.write_text(
        f"{len(item2vec_rows)} 6\n"
        + "".join(f"{item} {' '.join(map(str, row))}\n" for item, row in item2vec_rows.items())
    )
    corpus = write(tmp_path / "new.txt", new_lines())
    model = item2vec.train(corpus, init=str(given), freeze=True, **OPTIONS)
    assert "elsewhere" not in model
    assert model.dim == 6
    assert model["c7.1"].tolist() == [0.5] * 6
    assert model["c6.2"].tolist() == [0.25] * 6
    assert model["c7.2"].tolist() != [0.5] * 6
    assert model.output is not None
    assert np.abs(model.output[model.index("c7.1")]).max() > 0  # no output row was given: it trains
    free = item2vec.train(corpus, init=str(given), **OPTIONS)
    assert free["c7.1"].tolist() != [0.5] * 6


def test_what_cannot_begin_a_training_is_refused(tmp_path: Path, old: tuple[Path, list[list[str]]]) -> None:
    path, _ = old
    corpus = write(tmp_path / "new.txt", new_lines())
    with pytest.raises(ConfigError, match=r"`dim` is 100 and the vectors of .*old\.safetensors have 12; use `dim=12`"):
        item2vec.train(corpus, init=str(path), dim=100, **OPTIONS)
    with pytest.raises(ConfigError, match="`freeze` keeps the vectors of a file as they are"):
        item2vec.train(corpus, freeze=True)
    with pytest.raises(ModelError, match=r"gone\.txt"):
        item2vec.train(corpus, init=str(tmp_path / "gone.txt"))
    strange = tmp_path / "strange.txt"
    strange.write_text("1 3\nQ17 1 2 3\n")
    with pytest.raises(ConfigError, match=r"none of the corpus's \d+ items is among the 1 of .*, such as 'Q17'"):
        item2vec.train(corpus, init=str(strange), **OPTIONS)
    strange.write_text("1 3\nc7.1 1 nan 3\n")
    with pytest.raises(ModelError):
        item2vec.train(corpus, init=str(strange), **OPTIONS)
    with pytest.raises(CorpusError, match="no sequence has two items"):
        item2vec.train(write(tmp_path / "few.txt", [["x", "y"], ["c0.1", "z"]]), init=str(path), **OPTIONS)
