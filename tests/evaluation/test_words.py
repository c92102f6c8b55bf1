"""Word similarity and analogies: gensim's figures on the same vectors, and cases by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from item2vec.errors import CorpusError
from item2vec.evaluation.words import Words, analogies, parse_pair, read_test, word_similarity

COUNT = 80
# Every third word comes again in another case, rarer.
NAMES = [f"Word{i}" if i % 2 else f"word{i}" for i in range(COUNT)] + [f"WORD{i}" for i in range(0, COUNT, 3)]
VECTORS = np.random.default_rng(5).normal(size=(len(NAMES), 4)).astype(np.float32)


@pytest.fixture(scope="module")
def keyed():
    vectors = pytest.importorskip("gensim.models").KeyedVectors(vector_size=4)
    vectors.add_vectors(NAMES, VECTORS)
    return vectors


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rng = np.random.default_rng(6)
    lines = [f"word{a}\tWoRd{b}\t{rng.random() * 10:.2f}" for a, b in rng.integers(0, COUNT + 9, (200, 2))]
    (tmp_path / "pairs.tsv").write_text("# a comment\nword 1\tword 2\tscore\n" + "\n".join(lines) + "\n")
    return tmp_path / "pairs.tsv"


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    lines = []
    for section in range(3):
        lines.append(f": section {section}")
        lines += [" ".join(f"word{i}" for i in rng.permutation(COUNT + 3)[:4]) for _ in range(1_500)]
    (tmp_path / "questions.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "questions.txt"


@pytest.mark.parametrize("restrict", [None, 40])
@pytest.mark.parametrize("case_sensitive", [False, True])
def test_similarity_is_gensims(keyed, pairs: Path, restrict: int | None, case_sensitive: bool) -> None:
    words = Words(NAMES, VECTORS, restrict=restrict, case_sensitive=case_sensitive)
    lines = read_test(pairs)
    if case_sensitive:  # so that some pairs are known
        pairs.write_text(pairs.read_text().replace("WoRd", "Word"))
        lines = read_test(pairs)
    found = word_similarity(words, lines)
    _, spearman, missing = keyed.evaluate_word_pairs(
        str(pairs), restrict_vocab=restrict, case_insensitive=not case_sensitive
    )
    assert found.spearman == pytest.approx(spearman.statistic, abs=1e-6)
    assert 100 * found.missing / (found.used + found.missing) == pytest.approx(missing)
    assert (found.used + found.missing, found.unreadable) == (200, 1)
    assert found.used > 2


@pytest.mark.parametrize("restrict", [30_000, 60])
@pytest.mark.parametrize("case_sensitive", [False, True])
def test_analogies_are_gensims(keyed, questions: Path, restrict: int, case_sensitive: bool) -> None:
    """Section by section, words in two cases, in both conventions."""
    words = Words(NAMES, VECTORS, restrict=restrict, case_sensitive=case_sensitive)
    *sections, total = analogies(words, read_test(questions))
    for as_wrong in (False, True):
        share, expected = keyed.evaluate_word_analogies(
            str(questions), restrict_vocab=restrict, case_insensitive=not case_sensitive, dummy4unknown=as_wrong
        )
        for section, theirs in zip([*sections, total], expected, strict=True):
            assert section.right == len(theirs["correct"]), theirs["section"]
            asked = section.questions if as_wrong else section.known
            assert asked == len(theirs["correct"]) + len(theirs["incorrect"])
        assert (total.unknown_wrong if as_wrong else total.skip_unknown) == pytest.approx(share)
    assert [section.name for section in sections] == ["section 0", "section 1", "section 2"]
    assert 0 < total.right < total.known < total.questions == 4_500


def test_an_analogy_by_hand() -> None:
    """b - a + c points at d; with the rarer KING at the same place nothing changes, as it is a word of the question."""
    names = ["man", "king", "woman", "queen", "KING"]
    vectors = np.array([[1, 0, 0], [1, 1, 0], [0.2, 0, 1], [0.2, 1, 1], [1, 1.1, 0.4]], np.float32)
    lines = [": royal", "man king woman queen", "man king woman lady", ": none", "a b c d"]
    royal, none, total = analogies(Words(names, vectors), lines)
    assert (royal.right, royal.known, royal.questions, royal.skip_unknown, royal.unknown_wrong) == (1, 1, 2, 1, 0.5)
    assert (none.name, none.known, none.unknown_wrong) == ("none", 0, 0)
    assert math.isnan(none.skip_unknown)
    assert (total.right, total.known, total.questions) == (1, 1, 3)


def test_similarity_by_hand() -> None:
    """Cosines 1, 0.8 and 0 against scores in another order: rho of ranks (3, 2, 1) and (3, 1, 2) is 0.5."""
    words = Words(["a", "b", "c", "d"], np.array([[1, 0], [2, 0], [4, 3], [0, 1]], np.float32))
    found = word_similarity(words, ["a b 9", "a,c,1", "a\td\t5", "a x 3", "nothing"])
    assert found.spearman == pytest.approx(0.5)
    assert (found.used, found.missing, found.unreadable) == (3, 1, 1)
    assert math.isnan(word_similarity(words, ["a b 1"]).spearman)
    assert math.isnan(word_similarity(words, ["a b 1", "a c 1"]).spearman)


def test_lines_of_pairs() -> None:
    assert parse_pair("olive oil\tbutter\t3.5") == ("olive oil", "butter", 3.5)
    assert parse_pair("old, new ,1.58") == ("old", "new", 1.58)
    assert parse_pair("a b 1 more") == ("a", "b", 1.0)
    for line in ("a b", "a b c", "a\t\t1", "a b nan"):
        assert parse_pair(line) is None


def test_files_that_are_no_tests(tmp_path: Path) -> None:
    words = Words(["a"], np.ones((1, 2), np.float32))
    (tmp_path / "empty").write_text("# only this\n\n")
    with pytest.raises(CorpusError, match=r"there is nothing in .*empty"):
        read_test(tmp_path / "empty")
    (tmp_path / "latin").write_bytes(b"a b \xe4")
    with pytest.raises(CorpusError, match="not UTF-8 at byte 4"):
        read_test(tmp_path / "latin")
    with pytest.raises(CorpusError, match="no line has two words and a score; the first is 'a b'"):
        word_similarity(words, ["a b"])
    with pytest.raises(CorpusError, match="'a b c' has 3 words; an analogy has four"):
        analogies(words, [": s", "a b c"])
    with pytest.raises(CorpusError, match="no analogy to solve"):
        analogies(words, [": s"])
