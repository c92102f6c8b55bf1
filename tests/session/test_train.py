"""item2vec.train: planted clusters are found again, and the model says how it was made."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from made_data import clusters

import item2vec

jit = pytest.mark.jit
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("planted") / "clusters.txt"
    path.write_text("\n".join(" ".join(sequence) for sequence in clusters()) + "\n")
    return path


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"threads": 1}, marks=jit),
        pytest.param({"threads": 2}, marks=jit),
        pytest.param({"threads": 2, "tile": (1, 5)}, marks=jit),
        pytest.param({"threads": 1, "dim": 100, "sample": 1e-2, "window": 8, "negative": 15}, marks=jit),
        {"backend": "torch"},
    ],
)
def test_planted_clusters_are_found(planted: Path, options: dict[str, object]) -> None:
    """The seven nearest of each item are the seven others of its cluster, and the loss falls."""
    model = item2vec.train(planted, **({"dim": 16, "sample": 0.0, "epochs": 10, "preset": "words"} | options))
    losses = model.metadata["training"]["losses"]
    assert len(losses) == 10
    assert losses[-1] < 0.8 * losses[0]
    assert losses[0] < 4.3  # 6 log 2 is 4.16: knowing nothing
    right = [
        item.split(".")[0] == neighbour.split(".")[0]
        for item in model.vocabulary.index_to_key()
        for neighbour, _ in model.similar(item, k=7)
    ]
    assert len(right) == 64 * 7
    assert np.mean(right) == 1


@jit
def test_the_model_says_how_it_was_made(planted: Path, tmp_path: Path) -> None:
    reports = []
    model = item2vec.train([planted], dim=5, epochs=2, threads=2, seed=3, tile=(4, 6), report=reports.append)
    assert model.input.shape == model.output.shape == (64, 5)
    assert model.input.dtype == model.output.dtype == np.float32
    assert model.output.any()
    model.save(tmp_path / "m.safetensors")
    for metadata in (model.metadata, item2vec.load(tmp_path / "m.safetensors").metadata):
        config = metadata["config"]
        assert (config["dim"], config["epochs"], config["seed"], config["lr"]) == (5, 2, 3, 0.025)
        assert list(config["tile"]) == [4, 6]
        tokens = sum(map(len, clusters()))
        assert metadata["corpus"] == {"items": 64, "tokens": tokens, "kept_tokens": tokens, "sequences": 2000}
        training = metadata["training"]
        assert (training["threads"], training["tile"], training["done"]) == (2, [4, 6], 1.0)
        assert len(training["losses"]) == 2
        assert training["pairs"] > 0
        assert training["seconds"] >= 0


@jit
def test_min_count_and_max_items_apply(planted: Path, tmp_path: Path) -> None:
    path = tmp_path / "rare.txt"
    path.write_text(planted.read_text() + "c0.0 rare rare\n")
    model = item2vec.train(path, dim=4, epochs=1, min_count=3)
    assert len(model.vocabulary) == 64
    assert model.metadata["corpus"]["tokens"] == model.metadata["corpus"]["kept_tokens"] + 2
    assert len(item2vec.train(path, dim=4, epochs=1, max_items=10).vocabulary) == 10
    assert len(item2vec.train(path, dim=4, epochs=1, min_count=1).vocabulary) == 65


@jit
def test_sources_may_be_a_path_a_glob_or_several(planted: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x y\n" * 10 if name == "a.txt" else "y;z\n" * 10)
    one = item2vec.train(str(tmp_path / "a.txt"), dim=2, epochs=1, sample=0)
    assert one.vocabulary.index_to_key() == ["x", "y"]
    both = item2vec.train(tmp_path / "*.txt", dim=2, epochs=1, sample=0, min_count=1)
    assert set(both.vocabulary.index_to_key()) == {"x", "y", "y;z"}
    split = item2vec.train([tmp_path / "b.txt"], delimiter=";", dim=2, epochs=1, sample=0)
    assert split.vocabulary.index_to_key() == ["y", "z"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "`dim` is 0; it must be a whole number from 1 to 65,536"),
        ({"dim": True}, "`dim` is True; it must be a whole number from 1 to 65,536"),
        ({"window": 0}, "`window` is 0; it must be a whole number from 1 to 10,000"),
        ({"window": 2.5}, "`window` is 2.5; it must be a whole number from 1 to 10,000"),
        ({"negative": 0}, "`negative` is 0; it must be a whole number from 1 to 4,096"),
        ({"lr": float("nan")}, "`lr` is nan; it must be a number above 0 and at most 10"),
        ({"lr": 0.0}, "`lr` is 0.0; it must be a number above 0 and at most 10"),
        ({"min_lr": 0.5}, "`min_lr` is 0.5, above `lr`, 0.025; the learning rate falls from `lr` to `min_lr`"),
        ({"sample": -0.1}, "`sample` is -0.1; it must be a number from 0 to 1"),
        ({"ns_exponent": float("inf")}, "`ns_exponent` is inf; it must be a number from -1 to 1"),
        ({"min_count": 0}, "`min_count` is 0; it must be a whole number from 1 to 4,611,686,018,427,387,904"),
        ({"backend": "gpu"}, "`backend` is 'gpu'; it must be one of auto, kernel, torch"),
        (
            {"tile": (0, 5)},
            "`tile` is (0, 5); it must be CENTRES,NEGATIVES, whole numbers from 1 to 4,096, such as 32,16",
        ),
    ],
)
def test_options_are_checked_before_the_source_is_read(options: dict[str, object], message: str) -> None:
    with pytest.raises(item2vec.ConfigError) as caught:
        item2vec.train("no such file", **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("xyz", "the options are arch, backend, cache, context, dedupe"),
        ("epoch", "did you mean 'epochs'?"),
        ("vector_size", "here it is dim"),
        ("sentences", "here it is sources, the first argument"),
    ],
)
def test_an_unknown_option_names_what_was_meant(name: str, hint: str) -> None:
    with pytest.raises(item2vec.ConfigError, match=re.escape(f"unknown option {name!r}; {hint}")):
        item2vec.train("no such file", **{name: 3})


@pytest.mark.jit
def test_python_warns_of_odd_corpora_as_the_command_line_does(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("".join(f"id{line} {'a b c a d'[: 3 + 2 * (line % 4)]}\n" for line in range(200)))
    with pytest.warns(UserWarning, match="Each of the 200 sequences begins with a different item; if that is the id"):
        item2vec.train(path, dim=4, epochs=1, sample=0, min_count=1)


@pytest.mark.filterwarnings("error")
def test_a_corpus_that_subsampling_leaves_empty_is_an_error(planted: Path) -> None:
    with pytest.raises(item2vec.Item2VecError, match="sample"):
        item2vec.train(planted, dim=4, sample=1e-300, backend="torch")


def test_the_preset_that_suits_is_taken_but_for_what_is_given(planted: Path) -> None:
    """Items of the planted sequences come again within them, so that they are sessions."""
    model = item2vec.train(planted, dim=4, epochs=2, negative=3, backend="torch")
    taken = model.metadata["config"]
    assert model.metadata["training"]["preset"] == "sessions"
    assert (taken["negative"], taken["epochs"], taken["sample"], taken["ns_exponent"]) == (3, 2, 0.0, 0.25)
    assert (model.scoring.pool, model.scoring.reverse) == ("decay", 0.5)
    for left in ({"preset": "words"}, {"loss": "hs"}):
        model = item2vec.train(planted, dim=4, epochs=1, backend="torch", **left)
        assert (model.metadata["config"]["negative"], model.metadata["config"]["ns_exponent"]) == (5, 0.75)
        assert model.scoring == item2vec.Scoring()


def test_a_file_of_options_is_all_that_is_taken(planted: Path, tmp_path: Path) -> None:
    file = tmp_path / "best.toml"
    for line, preset in (("", None), ('preset = "auto"\n', "sessions")):
        file.write_text(f'{line}dim = 4\nepochs = 1\nbackend = "torch"\n')
        model = item2vec.train(planted, config=file)
        assert model.metadata["training"].get("preset") == preset
        assert model.metadata["config"]["epochs"] == 1
