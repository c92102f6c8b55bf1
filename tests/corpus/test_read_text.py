"""read_text against its plain-Python twin, on nasty bytes, however the work is cut up."""

from __future__ import annotations

import itertools
import random
import threading
from pathlib import Path

import numpy as np
import pytest
from corpus_twin import Twin, read_twin
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from item2vec.corpus.codes import CodeStore, TokenBudget
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.text.part_reader import PartReader, split_at_lines
from item2vec.corpus.text.text import read_text
from item2vec.corpus.text.tokeniser import Sizes
from item2vec.errors import ConfigError, CorpusError
from item2vec.files.machine import run_in_threads
from item2vec.files.source import find_texts

TINY = Sizes(scan=64, chunk=1, block=1, slots=2, part=1)

SEPARATORS = [" ", " ", "\t", "\n", "\n", "\r\n", "\r", "\v", "\f", ",", ", ", "::", ":", "→"]
LETTERS = [
    "a",
    "b",
    "ab",
    "é",
    "e\u0301",
    "😀",
    "👩\u200d🍳",
    "שלום",
    "مرحبا",
    "\u3000",
    "\xa0",
    "\x1c",
    "\x7f",
    "\ufeff",
]
LENGTHS = [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 63, 64, 65, 200]
LONG = ["x" * length for length in LENGTHS] + ["x" * (length - 1) + "y" for length in LENGTHS]
nasty_text = st.lists(st.sampled_from(SEPARATORS * 3 + LETTERS + LONG), max_size=60).map("".join)
some_sizes = st.builds(
    Sizes,
    scan=st.sampled_from([64, 128, 2048]),
    chunk=st.integers(1, 300),
    block=st.integers(1, 40),
    slots=st.sampled_from([2, 4, 64]),
    part=st.just(1),
)


def agree(corpus: Corpus, twin: Twin) -> None:
    assert corpus.items.dtype == np.int32
    assert corpus.offsets.dtype == np.int64
    assert corpus.vocabulary.index_to_key() == [item.decode() for item in twin.items]
    assert corpus.vocabulary.counts.tolist() == twin.counts
    assert corpus.items.tolist() == list(itertools.chain.from_iterable(twin.sequences))
    assert corpus.offsets.tolist() == [0, *itertools.accumulate(map(len, twin.sequences))]
    assert (corpus.raw_tokens, corpus.raw_sequences) == (twin.raw_tokens, twin.raw_sequences)
    assert len(corpus) == len(twin.sequences)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(nasty_text, min_size=1, max_size=3),
    delimiter=st.sampled_from([None, None, ",", ", ", "::", "→", "é", "\r"]),
    min_count=st.integers(1, 3),
    max_items=st.sampled_from([None, None, 1, 3]),
    threads=st.integers(1, 4),
    sizes=some_sizes,
)
def test_any_text_becomes_what_the_twin_says(
    tmp_path: Path,
    texts: list[str],
    delimiter: str | None,
    min_count: int,
    max_items: int | None,
    threads: int,
    sizes: Sizes,
) -> None:
    paths = [tmp_path / f"{i}.txt" for i in range(len(texts))]
    encoded = [text.encode() for text in texts]
    for path, content in zip(paths, encoded, strict=True):
        path.write_bytes(content)
    twin = read_twin(encoded, delimiter, min_count, max_items)
    options = {"delimiter": delimiter, "min_count": min_count, "max_items": max_items}
    if twin.trainable:
        agree(read_text(paths, **options, threads=threads, sizes=sizes), twin)
    else:
        with pytest.raises(CorpusError, match=r"^[^\n]+$"):
            read_text(paths, **options, threads=threads, sizes=sizes)


def zipf_text(seed: int, sequences: int, items: int) -> bytes:
    rng = random.Random(seed)
    lines = []
    for _ in range(sequences):
        ranks = [int(items ** rng.random()) for _ in range(rng.randrange(12))]
        lines.append(" ".join(f"item{rank:0{rank % 23}d}" for rank in ranks))
    return "\n".join(lines).encode()


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("sizes", [TINY, Sizes(part=1), Sizes(scan=128, chunk=1000, block=17, slots=4, part=1)])
def test_result_does_not_depend_on_threads_or_sizes(tmp_path: Path, threads: int, sizes: Sizes) -> None:
    texts = [zipf_text(seed, 120, 60) for seed in range(2)]
    for i, text in enumerate(texts):
        (tmp_path / f"part{i}.txt").write_bytes(text)
    corpus = read_text([tmp_path / "part*.txt"], min_count=2, threads=threads, sizes=sizes)
    agree(corpus, read_twin(texts, min_count=2))


@pytest.mark.parametrize("tail", range(18))
def test_items_at_every_distance_from_the_end_of_the_file(tmp_path: Path, tail: int) -> None:
    text = b"shared abcdefghijklmnopqrst " + b"z" * tail + b" shared abcdefghijklmnopqrst"
    (tmp_path / "corpus.txt").write_bytes(text)
    agree(read_text([tmp_path / "corpus.txt"], min_count=1), read_twin([text], min_count=1))


@pytest.mark.parametrize("distance", range(60, 68))
def test_separators_across_the_border_of_a_block(tmp_path: Path, distance: int) -> None:
    pad = "x" * (distance - 3)
    for delimiter, text in (
        (None, "a b" + " " * (distance - 3) + "\nc d\na b\n"),
        ("::", f"a::{pad}::b::c\n{pad}::a"),
        ("::", f"a::{pad}:::b::::c\n:::{pad}::a:::"),
        (", ", f"a, {pad}, b\r\n{pad}\r\n, \r\na"),
        ("→", f"a→{'x' * (distance - 4)}→b→→c\na"),
    ):
        (tmp_path / "corpus.txt").write_text(text, newline="")
        corpus = read_text([tmp_path / "corpus.txt"], delimiter=delimiter, min_count=1, sizes=TINY)
        agree(corpus, read_twin([text.encode()], delimiter, min_count=1))


def test_no_length_limits(tmp_path: Path) -> None:
    # gensim drops what follows the 10,000th item of a line, word2vec.c splits lines at 1,000.
    text = b"a b c " * 4_000 + b"z" * 3_000 + b" " + b"z" * 2_999 + b"y " + b"z" * 3_000
    (tmp_path / "corpus.txt").write_bytes(text)
    corpus = read_text([tmp_path / "corpus.txt"], min_count=1)
    assert len(corpus) == 1
    agree(corpus, read_twin([text], min_count=1))


def mix_in(rest: int, word: int) -> int:
    mixed = rest * 0x9E3779B97F4A7C15 % 2**64
    return mixed ^ (mixed >> 32) ^ word


def test_items_of_equal_hash_stay_apart(tmp_path: Path) -> None:
    # Two items of 24 bytes with the same first 8, the same length, and the same hash of the rest.
    rng = random.Random(1)
    letters = b"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    first = bytes(rng.choices(letters, k=16))
    wanted = mix_in(int.from_bytes(first[:8], "little"), int.from_bytes(first[8:], "little"))
    while True:
        start = bytes(rng.choices(letters, k=8))
        end = (mix_in(int.from_bytes(start, "little"), 0) ^ wanted).to_bytes(8, "little")
        if start != first[:8] and all(33 <= byte < 127 for byte in end):
            break
    text = (b"12345678" + first + b" 12345678" + start + end + b" ") * 4
    (tmp_path / "corpus.txt").write_bytes(text)
    corpus = read_text([tmp_path / "corpus.txt"], min_count=1, sizes=TINY)
    assert corpus.items.tolist() == [0, 1] * 4
    agree(corpus, read_twin([text], min_count=1))


def test_byte_order_mark_is_no_item(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfa b\na b\n"
    (tmp_path / "corpus.txt").write_bytes(text)
    corpus = read_text([tmp_path / "corpus.txt"], min_count=1)
    assert corpus.vocabulary.index_to_key() == ["a", "b"]


def test_delimiter_keeps_spaces_and_drops_empty_fields(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"olive oil||sea salt|| \r\n||||\r\nolive oil||||sea salt")
    corpus = read_text([tmp_path / "corpus.txt"], delimiter="||", min_count=1)
    assert corpus.vocabulary.index_to_key() == ["olive oil", "sea salt", " "]
    assert corpus.items.tolist() == [0, 1, 2, 0, 1]
    assert corpus.offsets.tolist() == [0, 3, 5]
    assert corpus.raw_sequences == 2


def test_files_end_sequences(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_bytes(b"a b")
    (tmp_path / "2.txt").write_bytes(b"")
    (tmp_path / "3.txt").write_bytes(b"b a")
    corpus = read_text([tmp_path / "*.txt"], min_count=1)
    assert corpus.items.tolist() == [0, 1, 1, 0]
    assert corpus.offsets.tolist() == [0, 2, 4]


def test_too_many_distinct_items(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"a b c\nd e f\n")
    for threads in (1, 2):
        assert len(read_text([tmp_path / "corpus.txt"], min_count=1, sizes=Sizes(distinct=6, part=1)).vocabulary) == 6
        with pytest.raises(CorpusError) as error:
            read_text([tmp_path / "corpus.txt"], min_count=1, threads=threads, sizes=Sizes(distinct=5, part=1))
        assert str(error.value) == (
            "the corpus has more than 5 distinct items, the most that item2vec can handle; train on a part of it"
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"delimiter": ""},
            "`delimiter` is ''; it must be one or more characters, without a newline or NUL",
        ),
        (
            {"delimiter": "a\nb"},
            "`delimiter` is 'a\\nb'; it must be one or more characters, without a newline or NUL",
        ),
        ({"min_count": 0}, "`min_count` is 0; it must be 1 or more"),
        ({"max_items": 0}, "`max_items` is 0; it must be 1 or more"),
        ({"threads": 0}, "`threads` is 0; it must be 1 or more"),
    ],
)
def test_options_that_cannot_work(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_text(["never-looked-at.txt"], **options)  # type: ignore[arg-type]
    assert str(error.value) == message


def test_an_error_in_one_thread_stops_the_others() -> None:
    stopped = threading.Event()

    def fail() -> bool:
        raise CorpusError("no good")

    ended_early = []
    with pytest.raises(CorpusError, match="no good"):
        run_in_threads([fail, lambda: ended_early.append(stopped.wait(20))], stopped)
    assert ended_early == [True]


def test_a_stopped_reader_reads_no_further(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_bytes(b"a b\n" * 1000)
    stopped = threading.Event()
    stopped.set()
    reader = PartReader(b"", TINY, stopped, CodeStore(TokenBudget(1 << 20, tmp_path)))
    reader.read(split_at_lines(find_texts([tmp_path / "corpus.txt"]), 1, 1)[0])
    assert reader.sequences == 0


def test_one_name_is_not_a_list_of_names() -> None:
    with pytest.raises(ConfigError, match=r"^`sources` is 'corpus\.txt', one name; give a list of names$"):
        read_text("corpus.txt")
