"""Every reader takes its file for hostile: an answer or one line of error, within bounded memory, and never a crash.

`benchmarks/stress/fuzz.py` does the same with far more inputs; the readers and the damage are its own.
"""

from __future__ import annotations

import gzip
import json
import random
import struct
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fuzz_inputs import fasttext_file
from fuzz_readers import DamagedError, Reader, model, readers, write_input
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import item2vec
from item2vec.config.source import SourceConfig
from item2vec.corpus.encoded import FORMAT, DamagedFileError, open_corpus
from item2vec.corpus.reading import read_corpus
from item2vec.corpus.text.text import read_text
from item2vec.errors import CorpusError, Item2VecError, ModelError
from item2vec.files.source import as_text, lines_of, look
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats import streams
from item2vec.vectors.formats.registry import read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors
from item2vec.vectors.model_file import METADATA_KEY

NAMES = (
    "model", "checkpoint", "safetensors", "any format", "fasttext", "text", "text, delimiter", "text, utf-16",
    "kept corpus", "sequences", "word pairs", "analogies", "word2vec", "word2vec-binary", "glove", "npy", "projector",
    "csv", "jsonl", "parquet events", "names", "names, csv", "split", "parquet",
)  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return readers(tmp_path_factory.mktemp("good"))


def test_all_readers_are_here(known: dict[str, Reader]) -> None:
    assert set(known) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_damage_is_refused_in_one_line(name: str, known: dict[str, Reader], tmp_path: Path) -> None:
    reader = known[name]
    path = tmp_path / f"input{reader.ending}"
    messages: list[str] = []

    @settings(
        max_examples=60 if reader.slow == 1 else 4,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**32))
    def check(seed: int) -> None:
        write_input(path, reader, random.Random(seed))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                reader.read(path)
        except DamagedError:
            messages.append("")
        except Item2VecError as error:
            messages.append(str(error))

    check()
    assert messages
    assert not [message for message in messages if "\n" in message or len(message) > 2000]


@contextmanager
def memory(most: int) -> Iterator[None]:
    """At most so many bytes at once, of Python's and numpy's."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_rows_are_not_believed_for_line_ends(tmp_path: Path) -> None:
    """A million empty lines of a million numbers each would be four terabytes."""
    path = tmp_path / "v.txt"
    path.write_bytes(b"1 500000\n" + b"\n" * 1_000_000)
    with memory(200_000_000), pytest.raises(ModelError, match="says 1 items and 0 are there"):
        read_vectors(path, "word2vec")


@pytest.mark.parametrize("data", [b"a " + b"1" * 300_000 + b"x 1\n", b"2 2\na " + b"1" * 300_000 + b"x 1\nb 1 2\n"])
def test_a_long_number_that_is_none_takes_no_hours(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(data)
    for format in (None, "word2vec"):
        with pytest.raises(ModelError):
            read_vectors(path, format)


def test_first_lines_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "v.txt.gz"
    path.write_bytes(gzip.compress(b"a 1 2\n" + (b"x" * 999_999 + b"\n") * 100, 1))
    with memory(80_000_000), pytest.raises(ModelError):
        read_vectors(path, "glove")


@pytest.mark.parametrize("pruned", [True, False])
def test_buckets_are_not_believed(tmp_path: Path, pruned: bool) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(
        fasttext_file(pruned=pruned, buckets=20).replace(
            struct.pack("<3i", 20, 2, 4), struct.pack("<3i", 2**31 - 1, 2, 4)
        )
    )
    with memory(50_000_000):
        if pruned:  # buckets that were pruned take no room
            assert len(read_vectors(path)) == 4
        else:
            with pytest.raises(ModelError, match="24 rows for 4 words and 2,147,483,647 buckets"):
                read_vectors(path)


def test_a_word_of_very_many_subwords(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    path.write_bytes(fasttext_file(minn=1, maxn=64).replace(b"milk\0", b"milk" * 10_000 + b"\0"))
    with memory(400_000_000):
        assert read_vectors(path)["milk" * 10_000].shape == (3,)


def test_kept_subwords_count(tmp_path: Path) -> None:
    """Of a pruned model only the buckets that were kept are added in; by hand, from fastText's hashes."""
    data = fasttext_file(pruned=True)
    path = tmp_path / "v.bin"
    path.write_bytes(data)
    table = np.linspace(-1, 1, 7 * 3).astype(np.float32).reshape(7, 3)
    kept = {3: 0, 7: 1, 12: 2}

    def fnv(text: bytes) -> int:
        value = 2166136261
        for byte in text:
            value = (value ^ (byte | (0xFFFFFF00 if byte > 127 else 0))) * 16777619 % 2**32
        return value

    word = "<milk>"
    grams = [word[i : i + n].encode() for n in (2, 3, 4) for i in range(len(word) - n + 1)]
    rows = [table[1]] + [table[4 + kept[fnv(gram) % 20]] for gram in grams if fnv(gram) % 20 in kept]
    assert len(rows) > 1
    np.testing.assert_allclose(read_vectors(path)["milk"], np.mean(rows, axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    ("items", "what"), [(b"\n" * 50_000_000, "more than 2 items"), (b"x" * 50_000_000, "1,048,576 bytes")]
)
def test_items_that_unpack_to_very_much(tmp_path: Path, items: bytes, what: str) -> None:
    np.save(tmp_path / "v.npy", np.ones((2, 3), np.float32))
    (tmp_path / "v.vocab.txt").write_bytes(gzip.compress(items, 1))
    with memory(20_000_000), pytest.raises(ModelError, match=what):
        read_vectors(tmp_path / "v.npy")


@pytest.mark.parametrize("format", ["word2vec", "word2vec-binary", "glove", "npy", "fasttext", "parquet"])
def test_what_does_not_fit_into_memory(
    tmp_path: Path, format: str, known: dict[str, Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file may be good and all its claims true; a few bytes may stand for many."""
    reader = known[format]
    path = tmp_path / "v"
    write_input(path, reader, random.Random(1), damaged=False)
    monkeypatch.setattr(streams, "_SMALL", 10)
    monkeypatch.setattr(streams, "available_memory", lambda: 11)
    with pytest.raises(
        ModelError, match=r"cannot read .*v: its vectors would take 0\.0 GB of memory, and 0\.0 GB are left"
    ):
        read_vectors(path, format)
    monkeypatch.undo()
    read_vectors(path, format)


@pytest.mark.parametrize("dim", [2**20 + 1, 2**40])
def test_vectors_that_are_too_long(tmp_path: Path, dim: int) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(b"1 %d\na" % dim + b" 1" * 2**21)
    with pytest.raises(ModelError, match=f"its header claims 1 items of {dim:,} numbers"):
        read_vectors(path, "word2vec")


def changed(path: Path, change: Callable[[dict[str, np.ndarray]], None], metadata: str | None = None) -> Path:
    """Save the small model with other tensors or metadata."""
    model().save(path)
    tensors = {name: tensor.copy() for name, tensor in load_file(path).items()}
    change(tensors)
    text = metadata or '{"format": 1, "version": "1"}'
    save_file(tensors, path, {METADATA_KEY: text})
    return path


def test_an_item_that_comes_twice(tmp_path: Path) -> None:
    table = np.ones((2, 2), np.float32)
    twice = KeyedVectors(table, None, Vocabulary.from_items(["a", "a"], [2, 1]))
    twice.save(tmp_path / "m")
    with pytest.raises(ModelError, match="the item 'a' comes twice; it is damaged"):
        item2vec.load(tmp_path / "m")


def test_hashes_that_would_make_each_question_a_search(tmp_path: Path) -> None:
    path = changed(tmp_path / "m", lambda tensors: tensors["hash_keys"].fill(7))
    with pytest.raises(ModelError, match="its hash_keys are not those of its items"):
        item2vec.load(path)


@pytest.mark.parametrize("config", ["[1]", "null", '"hs"', '{"loss": ["hs"]}', "3"])
def test_settings_of_any_kind(tmp_path: Path, config: str) -> None:
    path = changed(tmp_path / "m", lambda tensors: None, f'{{"format": 1, "config": {config}}}')
    found = item2vec.load(path)
    assert found.loss == "ns"
    assert found.recommend(["milk"])


@pytest.mark.parametrize("value", ["NaN", "1e999", "-Infinity"])
def test_settings_that_json_does_not_have(tmp_path: Path, value: str) -> None:
    path = changed(tmp_path / "m", lambda tensors: None, f'{{"format": 1, "config": {{"lr": {value}}}}}')
    with pytest.raises(ModelError, match="its item2vec metadata is not JSON"):
        item2vec.load(path)


def test_vectors_that_are_not_finite_score_nothing(tmp_path: Path) -> None:
    """The tables of a model are not looked through when it is opened; such a row is near to none."""

    def spoil(tensors: dict[str, np.ndarray]) -> None:
        tensors["input"][1] = np.nan
        tensors["input"][2, 0] = np.inf

    found = item2vec.load(changed(tmp_path / "m", spoil))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = dict(found.similar("milk", k=5))
        many = dict(found.similar_many([["milk"]], k=5)[0])
        told = dict(found.recommend(["größe"], k=5))
    assert scores["größe"] == scores["a"] == many["größe"] == 0
    assert all(np.isfinite([*scores.values(), *told.values()]))


def test_an_item_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt.gz"
    path.write_bytes(gzip.compress(b"a b c\n" + b"x" * (70 << 20), 1))
    with pytest.raises(
        CorpusError, match=r"corpus.txt.gz' has an item of over 67,108,864 bytes; it is not text, or its items"
    ):
        read_text([path], min_count=1)


def test_lines_across_blocks_and_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [b"a" * n for n in (0, 5, 3_000_000, 0, 1_048_576, 7)]
    path = tmp_path / "lines.gz"
    for text in (b"\n".join(lines), b"\n".join(lines) + b"\n"):
        path.write_bytes(gzip.compress(text, 1))
        assert list(lines_of(as_text(path))) == lines
    monkeypatch.setattr("item2vec.files.source._LONGEST_LINE", 2_999_999)
    with pytest.raises(CorpusError, match="has a line of over 2,999,999 bytes"):
        list(lines_of(as_text(path)))


def test_a_table_that_unpacks_to_very_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from item2vec.corpus.tables import table_files as plain_files

    path, folder = tmp_path / "events.csv.gz", tmp_path / "folder"
    folder.mkdir()
    path.write_bytes(gzip.compress(b"user,item\n" * 200_000, 1))
    plain = plain_files.plain_file(look(path), folder).path
    assert plain.stat().st_size == 2_000_000
    monkeypatch.setattr(plain_files, "_SPARE", 1 << 62)
    with pytest.raises(
        CorpusError, match=r"cannot unpack .*events\.csv\.gz' into .*: No space left on device; set TMPDIR"
    ):
        plain_files.plain_file(look(path), folder)


def test_more_items_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from item2vec.corpus.text import tokeniser as item_table

    path = tmp_path / "corpus.txt"
    path.write_text("".join(f"{i} {i + 1}\n" for i in range(30_000)))
    monkeypatch.setattr(item_table, "_SMALL", 100_000)
    monkeypatch.setattr(item_table, "available_memory", lambda: 200_000)
    with pytest.raises(CorpusError, match="there is no memory left for the corpus's distinct items"):
        read_text([path], min_count=1)


def test_long_items_make_no_long_messages(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("2 1\n" + f"{'x' * 5000} 1\n" * 2)
    with pytest.raises(ModelError, match=rf"the item '{'x' * 60}'\.\.\. comes twice") as caught:
        read_vectors(path)
    assert len(str(caught.value)) < 400


def test_a_kept_corpus_without_an_offset(tmp_path: Path) -> None:
    """With the right sum, as somebody would who means harm; such an array has even one offset less than none."""
    arrays = {"items": 4, "offsets": 8, "vocabulary_counts": 8, "vocabulary_offsets": 8, "vocabulary_blob": 1,
              "rare_counts": 8, "rare_offsets": 8, "rare_blob": 1}  # fmt: skip
    lengths = dict.fromkeys(arrays, 0)
    text = json.dumps(
        {"format": FORMAT, "key": "key", "lengths": lengths, "raw_tokens": 0, "raw_sequences": 0, "replaced": 0}
    ).encode()
    path = tmp_path / "kept"
    path.write_bytes((b"item2vec corpus\n%08x\n%s\n" % (zlib.crc32(text), text)).ljust(4096))
    with pytest.raises(DamagedFileError):
        open_corpus(path, "key")


@pytest.mark.parametrize("header", ['user,it"em\r"', '"' + "x" * 200_000 + '",item'])
def test_header_lines_that_are_none(tmp_path: Path, header: str) -> None:
    path = tmp_path / "events.csv"
    path.write_text(header + "\nu,i\n", newline="")
    with pytest.raises(CorpusError, match=r"the first line of .*events\.csv' has a quote within a name, or a name"):
        read_corpus([path], SourceConfig(user="user", item="item"))
