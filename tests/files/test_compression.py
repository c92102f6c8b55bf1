"""Compressed files: recognised by content, whole or refused with one line that says how far it got."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import pytest
from corpus_twin import read_twin
from hypothesis import given, settings
from hypothesis import strategies as st
from packed import PACKERS, in_members
from test_read_text import agree

from item2vec.corpus.text.text import read_text
from item2vec.corpus.text.tokeniser import Sizes
from item2vec.errors import CorpusError
from item2vec.files.compression import COMPRESSIONS, recognise, unpacked

NAMES = {compression.ending: compression.name for compression in COMPRESSIONS}
LINES = "".join(f"{random.Random(i).random()} milk bread\n" for i in range(8000)).encode()  # hardly compressible
LONG = LINES * 2


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITEM2VEC_CACHE", "cache")


def message(name: str, **options: object) -> str:
    with pytest.raises(CorpusError) as error:
        read_text([name], **options)  # type: ignore[arg-type]
    text = str(error.value)
    assert "\n" not in text
    return text


def unpack(content: bytes, size: int) -> list[bytes]:
    compression = recognise(content)
    assert compression is not None
    return list(unpacked(io.BytesIO(content), compression, "'x'", size))


@pytest.mark.parametrize("ending", PACKERS)
@settings(max_examples=30, deadline=None)
@given(text=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=4), size=st.integers(1, 300))
def test_members_follow_each_other_in_blocks_of_any_size(ending: str, text: bytes, cuts: list[int], size: int) -> None:
    content = in_members(text, ending, cuts)
    blocks = unpack(content, size)
    assert b"".join(blocks) == text
    assert all(0 < len(block) <= size for block in blocks)
    assert b"".join(unpack(content + bytes(512), size)) == text  # padded, as tapes are


@pytest.mark.parametrize("ending", PACKERS)
def test_blocks_stay_small_whatever_a_file_unpacks_to(ending: str) -> None:
    blocks = unpack(PACKERS[ending](b"a" * 3_000_000), 1000)
    assert sum(map(len, blocks)) == 3_000_000
    assert max(map(len, blocks)) == 1000


@pytest.mark.parametrize("name", ["corpus", "corpus.txt", "corpus.text.log"])
@pytest.mark.parametrize("ending", PACKERS)
def test_the_content_decides_and_not_the_name(name: str, ending: str) -> None:
    text = b"milk bread\nbread eggs\n" * 5
    Path(name).write_bytes(PACKERS[ending](text))
    agree(read_text([name]), read_twin([text]))


def test_zstd_frames_to_be_skipped() -> None:
    text = b"milk bread\n" * 5
    Path("corpus.zst").write_bytes(b"\x5a\x2a\x4d\x18\x04\0\0\0skip" + PACKERS[".zst"](text))
    assert read_text(["corpus.zst"]).raw_tokens == 10


@pytest.mark.parametrize("ending", PACKERS)
def test_a_name_that_promises_what_is_not_there(ending: str) -> None:
    name = f"corpus{ending}"
    Path(name).write_bytes(b"milk bread\n" * 5)
    remedy = "; rename it if that is right, or make it again"
    assert message(name) == f"'{name}' ends in {ending} but is not compressed{remedy}"
    Path(name).write_bytes(b"")
    assert message(name) == f"'{name}' ends in {ending} but is empty{remedy}"
    other = ".gz" if ending != ".gz" else ".xz"
    Path(name).write_bytes(PACKERS[other](b"milk bread\n" * 5))
    assert message(name) == f"'{name}' ends in {ending} but is {NAMES[other]} data{remedy}"


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("text", [LINES[:300], LONG])
def test_cut_off(ending: str, text: bytes) -> None:
    content = PACKERS[ending](text)
    for size in {len(content) - 1, len(content) // 2, 20}:
        Path("corpus.log").write_bytes(content[:size])
        found = message("corpus.log", sizes=Sizes(stream=1000))
        before, after = found.split("after ")
        assert before == f"'corpus.log' is cut off: its {NAMES[ending]} data ends at byte {size:,}, "
        assert after.endswith(" bytes of text; get the whole file")
        got = int(after.split()[0].replace(",", ""))
        assert got <= len(text)
        if size == len(content) - 1 and ending == ".gz":
            assert got == len(text)  # only the sum is lacking


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("text", [LINES[:3000], LONG])
def test_damaged(ending: str, text: bytes) -> None:
    content = bytearray(PACKERS[ending](text))
    middle = len(content) // 2
    content[middle : middle + 8] = bytes(byte ^ 0xFF for byte in content[middle : middle + 8])
    Path("corpus.log").write_bytes(content)
    found = message("corpus.log", threads=2)
    assert found.startswith(f"'corpus.log' is damaged: its {NAMES[ending]} data cannot be unpacked at about byte ")
    assert found.endswith("; get the file again")


def test_what_follows_an_archive_is_not_left_out() -> None:
    Path("corpus.gz").write_bytes(PACKERS[".gz"](b"milk bread\n" * 5) + b"bread milk\n")
    assert message("corpus.gz") == (
        "'corpus.gz' is damaged: its gzip data cannot be unpacked at about byte 45, after 55 bytes of text "
        "(Error -3 while decompressing data: incorrect header check); get the file again"
    )


def test_what_is_inside_must_be_text() -> None:
    Path("corpus.gz").write_bytes(PACKERS[".gz"](PACKERS[".xz"](b"milk bread\n")))
    assert message("corpus.gz") == (
        "'corpus.gz' is compressed twice, xz data within gzip data; decompress it once first"
    )
    with tarfile.open("corpus.tar", "w") as archive:
        Path("x").write_text("milk bread\n")
        archive.add("x")
    Path("corpus.tar.gz").write_bytes(PACKERS[".gz"](Path("corpus.tar").read_bytes()))
    assert message("corpus.tar.gz") == (
        "'corpus.tar.gz' is a tar archive inside, not text; unpack it first: tar -xf corpus.tar.gz"
    )
    Path("corpus.bz2").write_bytes(PACKERS[".bz2"](b"a b\nc\0d\n"))
    assert message("corpus.bz2") == (
        "'corpus.bz2' looks binary: line 2 has a NUL byte, at byte 5 of its unpacked text; "
        "give a text file, or remove the byte"
    )
    Path("corpus.gz").write_bytes(PACKERS[".gz"](b""))
    assert message("corpus.gz") == "there is nothing in 'corpus.gz'; a corpus needs one sequence of items per line"
