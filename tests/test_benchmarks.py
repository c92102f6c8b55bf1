"""The benchmarks' own arithmetic: quality against gensim's, files of other tools, medians of ratios."""

from __future__ import annotations

import json
import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import race
import runs
import word_quality

WORDS = 60


@pytest.fixture
def keyed():
    """Random vectors of words that differ in case too, in gensim's keeping."""
    models = pytest.importorskip("gensim.models")
    names = [f"Word{index}" if index % 3 else f"word{index}" for index in range(WORDS)]
    vectors = models.KeyedVectors(vector_size=4)
    vectors.add_vectors(names, np.random.default_rng(5).normal(size=(WORDS, 4)).astype(np.float32))
    return vectors


def word_files(folder: Path) -> None:
    """Pairs and analogies with some words that no vocabulary has."""
    random = np.random.default_rng(6)
    pairs = [f"word{a}\tWORD{b}\t{random.random() * 10:.2f}" for a, b in random.integers(0, WORDS + 5, (80, 2))]
    (folder / "EN-WS-353-ALL.txt").write_text("\n".join(pairs) + "\n")
    questions = [" ".join(f"word{index}" for index in random.permutation(WORDS + 2)[:4]) for _ in range(3_000)]
    (folder / "questions-words.txt").write_text(": section\n" + "\n".join(questions) + "\n")


def test_quality_is_what_gensim_computes(keyed, tmp_path: Path) -> None:
    word_files(tmp_path)
    keyed.save(str(tmp_path / "model.kv"))
    found = word_quality.evaluate(tmp_path / "model.kv", tmp_path)
    _, expected, missing = keyed.evaluate_word_pairs(str(tmp_path / "EN-WS-353-ALL.txt"))
    right, sections = keyed.evaluate_word_analogies(str(tmp_path / "questions-words.txt"), restrict_vocab=30_000)
    assert set(found) == {"WS-353", "analogies"}
    assert found["WS-353"]["score"] == pytest.approx(expected.statistic, abs=1e-6)
    assert found["WS-353"]["used"] / 80 == pytest.approx(1 - missing / 100)
    assert found["analogies"]["used"] == sum(len(sections[-1][side]) for side in ("correct", "incorrect"))
    assert right > 0
    assert found["analogies"]["score"] == pytest.approx(right)


def test_only_the_most_frequent_words_ask_and_answer(keyed, tmp_path: Path, monkeypatch) -> None:
    word_files(tmp_path)
    keyed.save(str(tmp_path / "model.kv"))
    monkeypatch.setattr(word_quality, "MOST_FREQUENT", 30)
    found = word_quality.evaluate(tmp_path / "model.kv", tmp_path)["analogies"]
    right, sections = keyed.evaluate_word_analogies(str(tmp_path / "questions-words.txt"), restrict_vocab=30)
    assert found["used"] == sum(len(sections[-1][side]) for side in ("correct", "incorrect"))
    assert found["score"] == pytest.approx(right)


def test_every_format_gives_the_same_words_and_vectors(keyed, tmp_path: Path) -> None:
    keyed.save(str(tmp_path / "model.kv"))
    keyed.save_word2vec_format(str(tmp_path / "model.txt"))
    keyed.save_word2vec_format(str(tmp_path / "plain.bin"), binary=True)
    with (tmp_path / "fasttext.bin").open("wb") as file:  # as fasttext.cc and dictionary.cc write it
        file.write(struct.pack("<ii12id", 793_712_314, 12, 4, *[0] * 11, 1e-4))
        file.write(struct.pack("<iiiqq", WORDS + 1, WORDS + 1, 0, 1_000, -1))
        for name in ("</s>", *keyed.index_to_key):
            file.write(name.encode() + b"\0" + struct.pack("<qb", 7, 0))
        file.write(struct.pack("<?qq", False, WORDS + 1, 4))
        file.write(np.vstack([np.full((1, 4), 9, np.float32), keyed.vectors]).tobytes())
    for name in ("model.kv", "model.txt", "plain.bin", "fasttext.bin"):
        words, vectors = word_quality.read_vectors(tmp_path / name)
        assert words == keyed.index_to_key, name
        np.testing.assert_allclose(vectors, keyed.vectors, rtol=1e-5, err_msg=name)


def test_the_head_of_a_corpus_ends_at_a_line_end(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c\n\nd e\nf g h i\n")
    head = runs.write_head(corpus, 4, tmp_path / "head.txt")
    assert head.read_text() == "a b c\n\nd e\n"
    found = runs.facts_of(corpus)
    assert (found.tokens, found.lines, found.longest_line) == (9, 4, 4)


def test_copies_of_a_corpus_have_no_item_in_common(tmp_path: Path) -> None:
    corpus, target = tmp_path / "corpus.txt", tmp_path / "copies.txt"
    corpus.write_text("a b a\nc b\n")
    assert runs.write_copies(corpus, target, 2) == 2
    assert target.read_text() == "a0 b0 a0\nc0 b0\na1 b1 a1\nc1 b1\n"
    assert runs.write_copies(corpus, target, 5, size=12) == 1
    assert target.read_text() == "a0 b0 a0\nc0 b0\n"


def test_a_race_reports_the_median_of_the_ratios(tmp_path: Path, monkeypatch, capsys) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a b c d\n" * 25)
    # The first of each is the warm-up. The ratio of the medians is 35 / 4, the median of the ratios 8.
    train = {"item2vec": iter([1.0, 2.0, 4.0, 5.0]), "gensim": iter([1.0, 16.0, 40.0, 35.0])}

    def run_trainer(trainer, settings, tokens, peer_python):
        seconds = {"read": 1.0, "train": next(train[trainer]), "write": 1.0, "whole": 4.0}
        speed = tokens * settings["epochs"] / seconds["train"]
        return runs.Run(trainer, settings["seed"], "1.0", 4, seconds, speed, 10_000_000)

    monkeypatch.setattr(race, "run_trainer", run_trainer)
    monkeypatch.setattr(race, "missing_peers", lambda peers, python: [])
    out = tmp_path / "out.json"
    options = ["--pairs", "3", "--seeds", "7,8", "--peers", "gensim", "--json", str(out), "--epochs", "2"]
    assert race.main([str(corpus), *options]) == 0
    document = json.loads(out.read_text())
    assert document["summary"]["ratios"]["gensim"]["train"] == {"median": 8.0, "low": 7.0, "high": 10.0}
    assert document["summary"]["tokens_per_second"]["item2vec"] == 200 / 4
    assert [runs["item2vec"]["seed"] for runs in document["rounds"]] == [7, 8, 7]
    assert document["corpus"]["tokens"] == 100
    assert "train 8.00 (7.00 to 10.00)" in capsys.readouterr().out


def test_item2vec_gets_the_settings_as_options() -> None:
    settings = {"corpus": "c.txt", "output": "m", "stage": "whole", "dim": 3, "window": 4, "negative": 2}
    settings |= {"arch": "cbow", "loss": "ns"}
    settings |= {"sample": 0.0, "epochs": 1, "min_count": 1, "threads": 2, "seed": 9, "lr": 0.05}
    settings |= {"min_lr": 0.001, "tile": "8,4"}
    command = runs.command_of("item2vec", settings, "python")
    given = dict(pairwise(command))
    assert given["--arch"] == "cbow"
    assert given["--min-count"] == "1"
    assert given["--min-lr"] == "0.001"
    assert given["--tile"] == "8,4"
    assert given["-o"] == "m.safetensors"
    assert runs.command_of("item2vec-one-thread", settings, "python")[-2:] == ["--threads", "1"]
