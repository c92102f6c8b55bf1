"""tune: it finds what is planted, keeps what it found, and tells a collapse from a poor setting."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from made_data import make_corpus

import item2vec
from item2vec.config.presets import PRESETS
from item2vec.config.scoring import Scoring
from item2vec.config.train import TrainConfig
from item2vec.config.tune import TuneConfig
from item2vec.config.validation import ValidationConfig
from item2vec.errors import ConfigError
from item2vec.session.validation import Validation
from item2vec.tuning.division import Division, divide
from item2vec.tuning.journal import mend_journal, open_journal
from item2vec.tuning.judge import Judge, best_scoring
from item2vec.tuning.space import Choice, make_space
from item2vec.tuning.study import Record, TuneResult, best, run_study
from item2vec.tuning.trial import Bench, GivenUpError, collapse_of, learnt_nothing

optuna = pytest.importorskip("optuna")
jit = pytest.mark.jit

SMALL = TrainConfig(dim=16, min_count=1, threads=1, sample=0.0, negative=4, lr=0.1)


def chains(count: int = 400, items: int = 60, seed: int = 1) -> list[list[int]]:
    """Sequences that walk: after item i comes i + 1, now and then any."""
    random = np.random.default_rng(seed)
    walks = []
    for _ in range(count):
        walk = [int(random.integers(items))]
        for _ in range(int(random.integers(3, 9))):
            walk.append((walk[-1] + 1) % items if random.random() < 0.9 else int(random.integers(items)))
        walks.append(walk)
    return walks


@pytest.fixture(scope="module")
def division() -> Division:
    return divide(make_corpus(chains()), TuneConfig(), 1, ordered=True)


@jit
def test_what_is_planted_is_found_and_the_study_goes_on(division: Division, tmp_path: Path) -> None:
    """With last items, pools that mind the order win; a second call knows the trials of the first."""
    fixed = ["dim", "min_count", "sample", "negative", "lr", "window_mode", "ns_exponent"]
    space = make_space(SMALL, fixed, (), ordered=True)
    assert set(space.dimensions) == {"window", "context", "epochs"}
    config = TuneConfig(trials=3, metric="hit@3", study=tmp_path / "study")
    first = run_study(division, space, config, 1, (PRESETS["sessions"] | {"context": "left"},))
    assert [one.number for one in first.trials] == [0, 1, 2]
    assert first.trials[0].options == {"window": 5, "context": "both", "epochs": 5}
    assert first.trials[1].options == {"window": 5, "context": "left", "epochs": 30}
    assert first.best is not None
    assert first.best.scoring is not None
    assert first.best.scoring.pool != "mean"
    assert first.held_out["tuned"].value > 0.6
    assert first.held_out["gain"].value == pytest.approx(
        first.held_out["tuned"].value - first.held_out["defaults"].value, abs=1e-6
    )
    assert first.held_out["gain"].low > 0
    second = run_study(division, space, TuneConfig(trials=2, metric="hit@3", study=tmp_path / "study"), 1)
    assert second.trials[:3] == first.trials
    assert len(second.trials) == 5
    assert len({str(one.options) for one in second.trials}) == 5  # the seed does not propose the same again
    assert second.held_out["defaults"] == first.held_out["defaults"]
    with pytest.raises(ConfigError, match=r"has metric 'hit@3', and this is 'mrr@3'"):
        run_study(division, space, TuneConfig(trials=1, metric="mrr@3", study=tmp_path / "study"), 1)


@jit
def test_trials_that_are_slow_or_worse_are_given_up(division: Division) -> None:
    judge = Judge(division.test, division.training.vocabulary, division.size, "ndcg@5")
    bench = Bench(division, judge, judge, 0.0, 0.0)
    with pytest.raises(GivenUpError, match=r"would take \d+ s of the 0 s") as error:
        bench.run(SMALL, lambda fifth, value: None, 1e-9)
    assert not error.value.collapsed
    looks = []
    with pytest.raises(GivenUpError, match="enough"):
        bench.run(SMALL, lambda fifth, value: looks.append(fifth) or ("enough" if fifth == 3 else None), 1e9)
    assert looks == [1, 2, 3]


@jit
def test_ctrl_c_keeps_what_was_found(division: Division) -> None:
    class Impatient:
        def begins(self, number: int, options: dict) -> None:
            if number == 2:
                raise KeyboardInterrupt

        def ended(self, record: Record, best: Record | None) -> None:
            pass

    space = make_space(SMALL, ["dim", "sample", "lr", "epochs"], (), ordered=True)
    result = run_study(division, space, TuneConfig(), 1, watcher=Impatient())
    assert result.interrupted
    assert len(result.trials) == 2
    assert {"defaults", "item-knn", "popularity"} <= set(result.held_out)


def test_collapse_is_told_from_not_having_learnt() -> None:
    fell = collapse_of(0.01, [0.05, 0.08], 0.02, "ndcg@20")
    assert fell == "ndcg@20 fell from 0.0800 to 0.0100; popularity finds 0.0200"
    assert collapse_of(0.06, [0.05, 0.08], 0.02, "ndcg@20") is None
    assert collapse_of(0.001, [0.02, 0.02], 0.02, "ndcg@20") is None  # it never was above popularity
    assert collapse_of(0.0, [], 0.02, "ndcg@20") is None
    assert learnt_nothing(0.02, 0.02, "ndcg@20") == "ndcg@20 0.0200 is no more than popularity's 0.0200"
    assert learnt_nothing(0.03, 0.02, "ndcg@20") is None


@jit
def test_numbers_that_are_not_finite_are_a_collapse(division: Division, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge(division.test, division.training.vocabulary, division.size, "ndcg@5")
    size = len(division.training.vocabulary)
    monkeypatch.setattr("item2vec.tuning.trial.as_arrays", lambda tables: (np.full((size, 2), np.nan, np.float32),) * 2)
    with pytest.raises(GivenUpError, match="not finite") as error:
        Bench(division, judge, judge, 0.0, 0.0).run(SMALL, lambda fifth, value: None, 1e9)
    assert error.value.collapsed


def test_the_best_scoring_finds_a_planted_one() -> None:
    """Output vectors that lack log(count) need it; those of a chain need the last item."""
    random = np.random.default_rng(2)
    sequences = [[int(random.zipf(1.5)) % 30 for _ in range(6)] for _ in range(400)]
    division = divide(make_corpus(sequences, 30), TuneConfig(), 1, ordered=True)
    judge = Judge(division.validation, division.training.vocabulary, division.size, "ndcg@10", keep_seen=True)
    size = len(division.training.vocabulary)
    noise = 0.5 * random.standard_normal((size, 4)).astype(np.float32)
    found = best_scoring(judge, (noise, noise), 0.3, ordered=True)
    assert found.popularity > 0.2
    assert judge.mean((noise, noise), found) > judge.mean((noise, noise), Scoring()) + 0.1
    chain = divide(make_corpus(chains(), 60), TuneConfig(), 1, ordered=True)
    judge = Judge(chain.validation, chain.training.vocabulary, chain.size, "hit@1", keep_seen=True)
    names = chain.training.vocabulary.index_to_key()
    follows = np.zeros((60, 60), np.float32)
    for row, name in enumerate(names):
        follows[row, names.index(f"i{(int(name[1:]) + 1) % 60}")] = 1
    found = best_scoring(judge, (np.eye(60, dtype=np.float32), np.ascontiguousarray(follows.T)), 0.3, ordered=True)
    assert found.pool != "mean"
    assert found.score == "next"
    assert judge.mean((np.eye(60, dtype=np.float32), np.ascontiguousarray(follows.T)), found) > 0.8


def test_the_best_scoring_averages_probabilities_where_sequences_mix() -> None:
    """Half of each sequence is of one kind, half of another: the mean of the two points where neither is."""
    random = np.random.default_rng(3)
    kinds, each = 24, 5
    sequences = []
    for _ in range(300):
        one, other = random.choice(kinds, 2, replace=False)
        both = np.concatenate([one * each + random.permutation(each)[:4], other * each + random.permutation(each)[:4]])
        sequences.append(random.permutation(both).tolist())
    division = divide(make_corpus(sequences), TuneConfig(by="random"), 1, ordered=False)
    judge = Judge(division.validation, division.training.vocabulary, division.size, "recall@4")
    kind = np.array([int(name[1:]) // each for name in division.training.vocabulary.index_to_key()])
    angle = kind / kinds * 2 * np.pi
    tables = (4 * np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32),) * 2
    found = best_scoring(judge, tables, 0.3, ordered=False)
    assert found.softmax > 0
    assert judge.mean(tables, found) > judge.mean(tables, Scoring()) + 0.2


def test_a_judge_and_validation_agree(tmp_path: Path) -> None:
    division = divide(make_corpus(chains(50)), TuneConfig(), 1, ordered=True)
    names = division.training.vocabulary.index_to_key() + ["?"] * division.size
    held = division.test
    for name, part in (("v", held.histories), ("t", held.targets)):
        rows = np.split(part.items, part.offsets[1:-1])
        (tmp_path / name).write_text("".join(" ".join(names[code] for code in row) + "\n" for row in rows))
    tables = np.random.default_rng(1).standard_normal((2, len(division.training.vocabulary), 5)).astype(np.float32)
    judge = Judge(held, division.training.vocabulary, division.size, "mrr@5")
    config = ValidationConfig(tmp_path / "v", tmp_path / "t", metric="mrr@5")
    expected = Validation(division.training.vocabulary, config).evaluate(*tables)
    assert judge.mean((tables[0], tables[1]), Scoring()) == pytest.approx(expected)


def test_the_space() -> None:
    base = TrainConfig(window=4)
    space = make_space(base, ["window"], (32, 64), ordered=False)
    assert "window" not in space.dimensions
    assert "context" not in space.dimensions
    assert space.dimensions["dim"] == Choice((32, 64))
    place = space.begin_with({"epochs": 1_000, "window": 9, "negative": 20})
    assert (place["epochs"], place["negative"], place["dim"], place["lr"]) == (60, 20, 64, 0.025)
    config = make_space(base, [], (), ordered=True).with_options(
        {"window_mode": "basket", "context": "left", "lr": 1e-5}
    )
    assert (config.context, config.min_lr) == ("both", 1e-5)
    everything = list(make_space(base, [], (), ordered=True).dimensions)
    with pytest.raises(ConfigError, match="every option that tune searches is given"):
        make_space(base, everything, (), ordered=True)
    with pytest.raises(ConfigError, match="`loss` is 'hs'"):
        make_space(TrainConfig(loss="hs"), [], (), ordered=True)
    with pytest.raises(ConfigError, match=r"`init` is .a.txt., but every trial starts from new vectors"):
        make_space(TrainConfig(init="a.txt"), [], (), ordered=True)
    with pytest.raises(ConfigError, match="`dim` is 100 and `dims` 32,64; give one of them"):
        make_space(base, ["dim"], (32, 64), ordered=True)
    with pytest.raises(ConfigError, match="`dim` is 0"):
        make_space(base, [], (0,), ordered=True)
    one_sided = make_space(TrainConfig(context="left"), ["context"], (), ordered=True)
    assert one_sided.dimensions["window_mode"] == Choice(("shrink", "fixed"))


def test_the_best_is_the_first_of_equals() -> None:
    found = [
        Record(0, "done", {}, 0.1),
        Record(1, "given up", {}),
        Record(2, "done", {}, 0.3),
        Record(3, "done", {}, 0.3),
    ]
    chosen = best(found)
    assert chosen is not None
    assert chosen.number == 2
    assert best(found[1:2]) is None


@jit
def test_from_python(tmp_path: Path) -> None:
    lines = [" ".join(f"i{item}" for item in walk) for walk in chains()]
    (tmp_path / "walks.txt").write_text("\n".join(lines) + "\n")
    fixed = {"dim": 8, "min_count": 1, "lr": 0.1, "negative": 4, "window_mode": "fixed", "sample": 0.0, "threads": 1}
    tuning = {"trials": 2, "by": "last", "metric": "hit@5"}
    found = item2vec.tune(tmp_path / "walks.txt", context="left", **fixed, **tuning)
    assert len(found.trials) == 2
    assert found.config is not None
    assert (found.config.dim, found.config.lr, found.config.sample) == (8, 0.1, 0.0)
    assert set(found.trials[0].options) == {"ns_exponent", "window", "epochs"}
    with pytest.raises(ConfigError, match="unknown option 'budgte'"):
        item2vec.tune(tmp_path / "walks.txt", budgte="1m")


def go_on(division: Division, path: Path) -> TuneResult:
    """Run one trial more."""
    space = make_space(SMALL, [name for name in SMALL.as_dict() if name != "window"], (), ordered=True)
    return run_study(division, space, TuneConfig(trials=1, metric="hit@3", study=path), 1)


@pytest.fixture(scope="module")
def journal(division: Division, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the file of a study of one trial."""
    path = tmp_path_factory.mktemp("study") / "s.study"
    go_on(division, path)
    return path.read_bytes()


class TestStudyFile:
    """A study's file after a kill, a full disk, damage, or when it is another file."""

    @jit
    def test_an_unfinished_line_is_dropped_and_said(self, division: Division, journal: bytes, tmp_path: Path) -> None:
        path = tmp_path / "s.study"
        path.write_bytes(journal + b'{"op_code":6,"worker')
        (tmp_path / "s.study.lock").symlink_to(path)  # of Optuna's, from a killed run; it is waited for 30 s
        began = time.perf_counter()
        with pytest.warns(UserWarning, match=r"the last line of the study .*s.study was not finished; it was dropped"):
            storage = open_journal(path)
        assert path.read_bytes() == journal
        assert len(storage.get_all_trials(storage.get_all_studies()[0]._study_id)) == 1
        assert len(go_on(division, path).trials) == 2
        assert path.read_bytes().startswith(journal)
        assert time.perf_counter() - began < 25

    @jit
    def test_damage_is_one_line(self, division: Division, journal: bytes, tmp_path: Path) -> None:
        path = tmp_path / "s.study"
        lines = journal.splitlines(keepends=True)
        for number in range(len(lines)):
            for one in (b"{}\n", b"\x00\xff\n", b"[" * 3000 + b"\n", lines[number][:-9] + b"\n", b'{"op_code":77}\n'):
                path.write_bytes(b"".join([*lines[:number], one, *lines[number + 1 :]]))
                with pytest.raises(ConfigError, match=r"s\.study") as error:
                    go_on(division, path)
                assert "\n" not in str(error.value)

    @pytest.mark.parametrize("name", ["value", "options", "state"])
    @jit
    def test_damaged_records_are_one_line(self, division: Division, journal: bytes, tmp_path: Path, name: str) -> None:
        path = tmp_path / "s.study"
        damaged = journal.replace(f'"{name}":'.encode(), f'"x{name}":'.encode())
        assert damaged != journal
        path.write_bytes(damaged)
        with pytest.raises(ConfigError, match=r"the study .*s\.study is damaged"):
            go_on(division, path)

    @pytest.mark.parametrize("content", [b"milk bread butter\n", b"milk", b"\x40\0\0\0\0\0\0\0{}", b'{"a": 1}\n'])
    def test_another_file_stays_as_it_is(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "s.study").write_bytes(content)
        with pytest.raises(ConfigError, match=r"s.study is not a study of `item2vec tune`"):
            mend_journal(tmp_path / "s.study")
        assert (tmp_path / "s.study").read_bytes() == content

    def test_lines_and_file_are_bounded(self, tmp_path: Path) -> None:
        path = tmp_path / "s.study"
        path.write_bytes(b'{"op_code":0,"name":"' + b"x" * 500 + b'"}\n')
        assert mend_journal(path) is None
        with pytest.raises(ConfigError, match="line 1 has over 100 bytes"):
            mend_journal(path, longest=100)
        with pytest.raises(ConfigError, match="has 524 bytes, and may have 200"):
            mend_journal(path, most=200)
