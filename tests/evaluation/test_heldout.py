"""Reading sequences, and dividing them into histories and what is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from evaluation_twins import lists_of, make_sequences

from item2vec.errors import CorpusError
from item2vec.evaluation.sequences import Catalogue, Sequences, leave_last_out, read_sequences, with_targets
from item2vec.items.vocabulary import Vocabulary


def test_lines_keep_their_places_and_items_their_ids(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_bytes("\ufeffb a  new\n\n c\tb\r\nnew ä\n".encode())
    catalogue = Catalogue(Vocabulary.from_items(["a", "b", "c"], [3, 2, 1]))
    assert lists_of(read_sequences(path, catalogue)) == [[1, 0, 3], [], [2, 1], [3, 4]]
    assert (catalogue.known, len(catalogue)) == (3, 5)
    named = read_sequences(path, catalogue, id_column=True)
    assert named.names == [b"b", b"", b"c", b"new"]
    assert lists_of(named) == [[0, 3], [], [1], [4]]


def test_a_delimiter_leaves_spaces_in_items(tmp_path: Path) -> None:
    path = tmp_path / "s.txt"
    path.write_text("olive oil;;salt\nsalt;olive oil\n")
    catalogue = Catalogue(Vocabulary.from_items(["salt", "olive oil"], [2, 2]))
    assert lists_of(read_sequences(path, catalogue, delimiter=";")) == [[1, 0], [0, 1]]
    assert len(catalogue) == 2


def test_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"a\nb \xe4\n")
    catalogue = Catalogue(Vocabulary.from_items(["a"], [1]))
    with pytest.raises(CorpusError, match=r"line 2 of .*latin' is not UTF-8"):
        read_sequences(tmp_path / "latin", catalogue)
    with pytest.raises(CorpusError, match=r"no file .*none'"):
        read_sequences(tmp_path / "none", catalogue)


def test_select_keep_and_distinct() -> None:
    sequences = make_sequences([[3, 1, 3], [], [2], [5, 5, 0]])
    assert lists_of(sequences.select(np.array([3, 1, 0]))) == [[5, 5, 0], [], [3, 1, 3]]
    assert lists_of(sequences.keep(sequences.items != 3)) == [[1], [], [2], [5, 5, 0]]
    assert lists_of(sequences.distinct()) == [[1, 3], [], [2], [0, 5]]


def test_leave_last_out() -> None:
    held = leave_last_out(make_sequences([[1, 2, 3], [7], [], [4, 4]]))
    assert lists_of(held.histories) == [[1, 2], [4]]
    assert lists_of(held.targets) == [[3], [4]]
    assert held.skipped == {"shorter than 2 items": 2}
    # Nothing held out is there to learn from.
    assert lists_of(held.training) == [[1, 2], [7], [], [4]]
    with pytest.raises(CorpusError, match="no sequence has two items"):
        leave_last_out(make_sequences([[1], []]))


def test_targets_line_by_line() -> None:
    held = with_targets(make_sequences([[1, 2], [3], [], [4]]), make_sequences([[5, 6, 5], [], [7], [4, 8]]))
    assert lists_of(held.histories) == [[1, 2], [4]]
    assert lists_of(held.targets) == [[5, 6], [4, 8]]
    assert lists_of(held.training) == [[1, 2], [3], [], [4]]
    assert held.skipped == {"no history": 1, "no target": 1}
    with pytest.raises(CorpusError, match=r"2 sequences and 1 lines of targets; .*`id_column`"):
        with_targets(make_sequences([[1], [2]]), make_sequences([[1]]))


def named(names: list[bytes], lists: list[list[int]]) -> Sequences:
    plain = make_sequences(lists)
    return Sequences(plain.items, plain.offsets, names)


def test_targets_by_id() -> None:
    sequences = named([b"u1", b"u2", b"u3"], [[1], [2], [3]])
    held = with_targets(sequences, named([b"u3", b"u9", b"u1"], [[30], [90], [10]]))
    assert lists_of(held.histories) == [[1], [3]]
    assert lists_of(held.targets) == [[10], [30]]
    assert held.skipped == {"id without targets": 1, "id of targets without a sequence": 1}
    with pytest.raises(CorpusError, match="the id 'u3' begins 2 lines of the targets"):
        with_targets(sequences, named([b"u3", b"u3"], [[1], [2]]))
    with pytest.raises(CorpusError, match="no id of the sequences is an id of the targets"):
        with_targets(sequences, named([b"x"], [[1]]))
