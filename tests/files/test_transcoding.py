"""Encodings: every error with file, line and byte, counted by hand, and what is replaced with its count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packed import PACKERS

from item2vec.corpus.text.text import read_text
from item2vec.corpus.text.tokeniser import Sizes
from item2vec.errors import ConfigError, CorpusError
from item2vec.files.encoding import check_encoding, encoding_of
from item2vec.files.stream import Transcoder
from item2vec.files.utf8 import Utf8Check

REMEDY = "give its `encoding`, or `errors=replace`"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def message(content: bytes, **options: object) -> str:
    """The error, which is the same however the text is cut, and whether it is compressed."""
    Path("corpus.txt").write_bytes(content)
    Path("corpus.gz").write_bytes(PACKERS[".gz"](content))
    found = set()
    for size in (1, 2, 3, 7, 1 << 16):
        for name in ("corpus.txt", "corpus.gz"):
            with pytest.raises(CorpusError) as error:
                read_text([name], sizes=Sizes(stream=size), **options)  # type: ignore[arg-type]
            text = str(error.value).replace("corpus.gz", "corpus.txt")
            found.add(text.replace("of its unpacked text", "of the file"))
    assert len(found) == 1
    return found.pop()


def test_bytes_that_are_no_characters() -> None:
    assert message("crème\ncafé".encode("cp1252")) == (
        "'corpus.txt' is not UTF-8 text: line 1 has the byte 0xe8, at byte 2 of the file; "
        "give its encoding, perhaps `encoding=windows-1252`, or `errors=replace`"
    )
    assert message(b"\xef\xbb\xbfa b\n\xc3\xa9 \xe2\x82\n") == (  # the mark counts, as in every other tool
        "'corpus.txt' is not UTF-8 text: line 2 has the byte 0xe2, at byte 10 of the file; "
        "give its encoding, perhaps `encoding=windows-1252`, or `errors=replace`"
    )
    assert message(b"a b\n\xe2\x82").startswith("'corpus.txt' is not UTF-8 text: line 2 has the byte 0xe2, at byte 4 ")
    assert message(b"a b\nc\x81d", encoding="cp1252") == (
        "'corpus.txt' is not cp1252 text: line 2 has the byte 0x81, at byte 5 of the file "
        f"(character maps to <undefined>); {REMEDY}"
    )
    assert message("日本 語\n".encode("shift-jis") + b"a \x81", encoding="Shift_JIS") == (
        f"'corpus.txt' is not shift_jis text: line 2 has the byte 0x81, at byte 10 of the file "
        f"(incomplete multibyte sequence); {REMEDY}"
    )
    assert message("a b\n".encode("utf-16-le") + b"\x00\xdc", encoding="utf-16-le") == (
        f"'corpus.txt' is not utf-16-le text: line 2 has the byte 0x00, at byte 8 of the file "
        f"(illegal encoding); {REMEDY}"
    )
    assert message("a b\nc".encode("utf-16") + b"x") == (
        f"'corpus.txt' is not utf-16 text: line 2 has the byte 0x78, at byte 12 of the file (truncated data); {REMEDY}"
    )
    assert message(b"a b\n c+2AA-", encoding="utf-7") == (
        f"'corpus.txt' is not utf-7 text: line 2 has half a surrogate pair; {REMEDY}"
    )


def test_nul_in_another_encoding() -> None:
    for encoding, byte in (("utf-16-le", 140_012), ("utf-16-be", 140_012), ("cp1252", 70_006)):
        Path("corpus.txt").write_bytes(("a b\n" + "c" * 70_000 + "\nd\0e").encode(encoding))
        with pytest.raises(CorpusError) as error:
            read_text(["corpus.txt"], encoding=encoding)
        assert str(error.value) == (
            f"'corpus.txt' looks binary: line 3 has a NUL byte, at byte {byte:,} of the file; "
            "give a text file, or remove the byte"
        )


def test_marks_at_the_beginning() -> None:
    text = "a é\né a\n" * 5
    for encoding in ("utf-8-sig", "utf-16", "utf-32"):
        Path("corpus.txt").write_bytes(text.encode(encoding))
        assert read_text(["corpus.txt"]).vocabulary.index_to_key() == ["a", "é"]
        assert read_text(["corpus.txt"], encoding=encoding).vocabulary.index_to_key() == ["a", "é"]
    Path("corpus.txt").write_bytes(b"\xfe\xff" + text.encode("utf-16-be"))
    assert read_text(["corpus.txt"]).vocabulary.index_to_key() == ["a", "é"]
    assert encoding_of(b"\xff\xfea", "cp1252") == "cp1252"  # what is asked for counts


def test_what_is_replaced_is_counted() -> None:
    content = b"a caf\xe9 \xff\xfe\n\xe2\x82 a b\n" * 5
    for name, packed in (("corpus.txt", content), ("corpus.gz", PACKERS[".gz"](content))):
        Path(name).write_bytes(packed)
        for stream in (1, 5, 1 << 16):
            corpus = read_text([name], errors="replace", sizes=Sizes(stream=stream))
            assert corpus.replaced == 5 * 4
            assert corpus.vocabulary.index_to_key() == ["a", "caf\ufffd", "\ufffd\ufffd", "\ufffd", "b"]
    Path("corpus.txt").write_bytes("a \ufffd\n".encode() * 5)
    assert read_text(["corpus.txt"], errors="replace").replaced == 0  # it was there already
    Path("corpus.txt").write_bytes(b"a c+2AA-\n" * 5)
    assert read_text(["corpus.txt"], encoding="utf-7", errors="replace").replaced == 5


@settings(max_examples=300, deadline=None)
@given(
    content=st.lists(st.binary(max_size=3) | st.text(max_size=3).map(str.encode), max_size=8).map(b"".join),
    size=st.integers(1, 9),
    encoding=st.sampled_from(["utf-8", "cp1252", "utf-16-le", "shift_jis", "gb18030"]),
)
def test_as_python_decodes(content: bytes, size: int, encoding: str) -> None:
    expected = content.decode(encoding, "replace").removeprefix("\ufeff")
    if "\0" in expected:
        return
    transcoder = Transcoder(encoding, "replace", "'x'", "of the file")
    assert b"".join(transcoder(cut(content, size))).decode() == expected
    strict = [Transcoder(encoding, "strict", "'x'", "of the file")]
    strict += [Utf8Check("'x'", "of the file")] if encoding == "utf-8" else []  # type: ignore[list-item]
    error = strict_error(content, encoding)
    assert (transcoder.replaced > 0) == (error is not None)
    for check in strict:
        if error is None:
            assert b"".join(check(cut(content, size))).decode() == expected
            continue
        with pytest.raises(CorpusError) as found:
            list(check(cut(content, size)))
        assert f"has the byte 0x{content[error.start]:02x}, at byte {error.start:,} of the file" in str(found.value)


def strict_error(content: bytes, encoding: str) -> UnicodeDecodeError | None:
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        return error
    return None


def test_names_of_encodings() -> None:
    assert [check_encoding(name, "strict") for name in ("UTF8", "utf-8-sig", "latin1", "windows-1252")] == [
        *("utf-8", "utf-8", "iso8859-1", "cp1252")
    ]
    for name, hint in [
        ("latin-9x", "did you mean 'latin9'?"),
        ("base64", "some are utf-8, cp1252, shift-jis, utf-16"),
        ("utf\0", None),
        ("", "some are utf-8, cp1252, shift-jis, utf-16"),
        ("no-such-thing", "some are utf-8, cp1252, shift-jis, utf-16"),
    ]:
        with pytest.raises(ConfigError) as error:
            read_text(["never-looked-at.txt"], encoding=name)
        beginning = f"`encoding` is {name!r}, which Python does not know; "
        assert str(error.value).startswith(beginning)
        assert hint is None or str(error.value) == beginning + hint
    with pytest.raises(ConfigError, match=r"^`errors` is 'ignore'; it must be one of strict, replace$"):
        read_text(["never-looked-at.txt"], errors="ignore")  # type: ignore[arg-type]
