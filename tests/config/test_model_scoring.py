"""A model knows how it is best asked: from preset or file into its metadata, and from there into the answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_data import clusters

import item2vec
from item2vec.cli.main import cli
from item2vec.config.presets import PRESETS, SCORES
from item2vec.config.scoring import Scoring
from item2vec.errors import ConfigError, ModelError

jit = pytest.mark.jit
QUICK = ("--dim", "8", "--epochs", "1", "--min-count", "1", "--threads", "1", "--quiet")
BASKETS = Scoring(**SCORES["baskets"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("train.txt").write_text("".join(" ".join(sequence) + "\n" for sequence in clusters(sequences=300)))
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def asked(model: item2vec.KeyedVectors, scoring: Scoring) -> list[tuple[str, float]]:
    options = asdict(scoring)
    del options["score"]
    return model.recommend(["c0.0", "c1.1"], 5, **options)


def made(said: object = None) -> item2vec.KeyedVectors:
    rng = np.random.default_rng(3)
    model = item2vec.KeyedVectors.from_items([f"i{i}" for i in range(20)], *rng.normal(size=(2, 20, 4)))
    model.metadata.update({} if said is None else {"scoring": said})
    return model


@jit
@pytest.mark.filterwarnings("ignore")
def test_a_model_of_a_preset_is_asked_as_the_preset_says() -> None:
    run("train", "train.txt", "--preset", "baskets", *QUICK)
    model = item2vec.load("item2vec.safetensors")
    assert model.scoring == BASKETS != Scoring()
    own = model.recommend(["c0.0", "c1.1"], 5)
    assert own == asked(model, BASKETS) != asked(model, Scoring())
    assert model.recommend(["c0.0", "c1.1"], 5, reverse=0) == asked(model, Scoring())
    for options, wanted in (((), BASKETS), (("--reverse", "0"), Scoring()), (("--pool", "last"), None)):
        answer = json.loads(run("recommend", "c0.0", "c1.1", "-k", "5", "--json", *options))
        found = [(entry["item"], entry["score"]) for entry in answer["recommended"]]
        assert found == asked(model, wanted or Scoring(pool="last", reverse=BASKETS.reverse))
    assert "reverse 0.5" in run("info")
    assert json.loads(run("info", "--json"))["scoring"] == asdict(BASKETS)
    ours, plain = (
        json.loads(run("evaluate", "items", "train.txt", "--json", "--no-baselines", "-k", "5", *options))
        for options in ((), ("--reverse", "0"))
    )
    assert ours["scoring"] == asdict(BASKETS)
    assert plain["scoring"] == asdict(Scoring())
    assert ours["metrics"] != plain["metrics"]


@jit
@pytest.mark.filterwarnings("ignore")
def test_the_file_counts_more_than_the_preset() -> None:
    Path("best.toml").write_text('preset = "sessions"\n[score]\npool = "last"\npopularity = 0.25\n')
    Path("plain.toml").write_text('preset = "sessions"\n')
    sessions = Scoring(**SCORES["sessions"])
    for options, wanted in (
        (("--config", "best.toml", "--preset", "baskets"), Scoring(pool="last", popularity=0.25)),
        (("--config", "plain.toml"), sessions),
        (("--preset", "words"), Scoring()),
        ((), sessions),  # which suit it
    ):
        run("train", "train.txt", *options, *QUICK)
        assert item2vec.load("item2vec.safetensors").scoring == wanted
        layers = dict(zip((name[2:] for name in options[::2]), options[1::2], strict=True))
        model = item2vec.train("train.txt", dim=8, epochs=1, min_count=1, threads=1, **layers)
        assert model.scoring == wanted
    given = Scoring(softmax=1.0)
    assert item2vec.train("train.txt", dim=8, epochs=1, min_count=1, preset="baskets", scoring=given).scoring == given


@jit
@pytest.mark.filterwarnings("ignore")
def test_validation_asks_as_the_model_will_be_asked() -> None:
    values = []
    for scoring in (None, Scoring(softmax=2.0)):
        model = item2vec.train(
            "train.txt",
            dim=8,
            epochs=2,
            min_count=1,
            threads=1,
            lr=0.3,
            validate="valid.txt" if Path("valid.txt").write_text("c0.0 c0.1 c1.1 c0.2\n" * 3) else None,
            scoring=scoring,
        )
        values.append(model.metadata["training"]["validation"]["values"])
    assert values[0] != values[1]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (3, "'scoring' is not a scoring option"),
        ({"reverse": "x"}, "`reverse` is 'x'; it must be a number"),
        ({"reverse": -1}, "`reverse` is -1"),
        ({"pool": 1}, "`pool` is 1; it must be text"),
        ({"pool": "none"}, "`pool` is 'none'"),
        ({"decay": True}, "`decay` is True"),
        ({"surprise": 1}, "'surprise' is not a scoring option; those are score, pool"),
        ({"popularity": float("nan")}, "`popularity` is nan"),
        ({"reverse": 10**400}, "`reverse` is 1000"),
    ],
)
def test_damaged_metadata_are_refused(said: object, why: str) -> None:
    with pytest.raises(ModelError, match=why):
        made(said).recommend(["i0"])


def test_cosines_are_no_recommendations() -> None:
    """What tune found for cosines is not taken over to inner products."""
    model = made({"score": "similar", "pool": "last"})
    assert model.scoring.score == "similar"
    assert model.recommend(["i0", "i1"]) == made().recommend(["i0", "i1"])


def test_a_wrong_score_table_fails_before_the_training() -> None:
    Path("c.toml").write_text("[score]\nreverse = -2\n")
    done = CliRunner().invoke(cli, ["train", "train.txt", "--config", "c.toml"])
    assert done.exit_code == 2
    assert "config c.toml, [score]: --reverse is -2" in done.stderr
    with pytest.raises(ConfigError, match="`reverse` is -2"):
        item2vec.train("train.txt", config="c.toml")


def test_every_preset_says_how() -> None:
    assert SCORES.keys() == PRESETS.keys()
