"""What a user can get wrong about a corpus: one line with the value and the way out."""

from __future__ import annotations

import pickle
import socket
import zipfile
from pathlib import Path

import pytest

from item2vec.corpus.text.text import read_text
from item2vec.errors import CorpusError
from item2vec.files import source as sources


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def message(*names: str, **options: object) -> str:
    with pytest.raises(CorpusError) as error:
        read_text(names, **options)  # type: ignore[arg-type]
    text = str(error.value)
    assert "\n" not in text
    return text


def write(content: bytes | str, name: str = "corpus.txt") -> None:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_missing_file() -> None:
    assert message("corpus.txt") == "no file 'corpus.txt'; check its name and folder"
    write("a b\n")
    assert message("corpsu.txt") == "no file 'corpsu.txt'; did you mean 'corpus.txt'?"
    assert message("data/corpus.txt") == "no file 'data/corpus.txt'; there is no folder 'data'"
    assert message("corpus.txt/x") == "no file 'corpus.txt/x'; there is no folder 'corpus.txt'"


def test_no_source_at_all() -> None:
    assert message() == "no source is given; name at least one text file"


def test_glob_without_files() -> None:
    Path("folder.d").mkdir()
    assert message("*.txt") == "no file matches '*.txt'; check the pattern and the current folder"
    assert message("*.d") == "only directories match '*.d'; check the pattern and the current folder"


def test_directory() -> None:
    Path("data").mkdir()
    assert message("data") == "'data' is a directory; name its files, such as 'data/*.txt'"


def test_socket() -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert message("socket") == ("'socket' is not a regular file but a device or socket; write it to a file first")


def test_unreadable_file(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a b\n")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # chmod would not stop root
    assert message("corpus.txt") == "cannot read 'corpus.txt': Permission denied; see its owner and permissions"


def test_file_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    write("a b\n")
    found = sources.as_text(Path("corpus.txt"))
    for content in ("", "a b c\n"):
        write(content)
        with pytest.raises(CorpusError, match=r"^(cannot read 'corpus.txt'|'corpus.txt' changed while it was read)"):
            list(sources.lines_of(found))


@pytest.mark.parametrize("content", ["", "\ufeff"])
def test_empty_file(content: str) -> None:
    write(content)
    expected = "there is nothing in 'corpus.txt'; a corpus needs one sequence of items per line"
    assert message("corpus.txt") == expected
    write("", "other.txt")
    assert message("*.txt") == expected.replace("txt'", "txt' and 1 more file")


def test_only_separators() -> None:
    write(" \n\t\r\n\n")
    assert message("corpus.txt") == "'corpus.txt' has only white space; a corpus needs one sequence of items per line"
    write(",\n,,\r\n")
    assert message("corpus.txt", delimiter=",") == (
        "'corpus.txt' has only newlines and the delimiter ','; a corpus needs one sequence of items per line"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"7z\xbc\xaf\x27\x1c\0\4", "is a 7z archive, not text; unpack it first: 7z e 'a b'"),
        (b"\x04\x22\x4d\x18abc", "is lz4 data, not text; decompress it first: lz4 -dc 'a b' > corpus.txt"),
        (b"\x1f\x9dabc", "is compress data, not text; decompress it first: uncompress -c 'a b' > corpus.txt"),
        (b"x" * 257 + b"ustar\0" + b"00", "is a tar archive, not text; unpack it first: tar -xf 'a b'"),
        (b"PAR1\x15\x04\x00", "is a Parquet file, not text; give `format=parquet`, with `user` and `item`"),
        (
            bytes(8) + b"DUCK" + bytes(4),
            'is a DuckDB database, not text; say what to read of it: `sql` "SELECT * FROM ...", with `user` and `item`',
        ),
        (
            b"SQLite format 3\0",
            "is an SQLite database, not text; write a table of it as CSV: sqlite3 -header -csv 'a b' 'SELECT ...'",
        ),
        (
            b'{"user": 1, "item": 2}\n{"u',
            "is JSON, not text; if each line is an event, give `format=jsonl`, with `user` and `item`",
        ),
        (
            b'[\n  {"user": 1',
            "is JSON, not text; it is one JSON array; make a line of each of its events: jq -c '.[]' "
            "'a b' > events.jsonl",
        ),
        (
            b'["a", "b"]\n["b"]\n',
            "is JSON, not text; if each line is a list of items, write it as text: jq -r "
            "'join(\"\\t\")' 'a b' > corpus.txt",
        ),
        (pickle.dumps([1]), "is a Python pickle, not text; write it as text first, one sequence per line"),
        (b"\x93NUMPY\x01\x00", "is a numpy array, not text; write it as text first, one sequence per line"),
    ],
)
def test_formats_that_are_not_text(content: bytes, expected: str) -> None:
    write(content, "a b")
    assert message("a b") == f"'a b' {expected}"


def test_what_only_looks_like_json_is_text() -> None:
    for text in ("[1] {a} b\n[1] {a}\n", "{ a b }\na b\n", "[1]\n[1] [2]\n", '"a" : "b"\n"a" :\n'):
        write(text.encode(), "brackets.txt")
        assert len(read_text(["brackets.txt"], min_count=1))


def test_zip_archive() -> None:
    with zipfile.ZipFile("corpus.txt", "w") as archive:
        archive.writestr("x", "a b\n")
    assert message("corpus.txt") == (
        "'corpus.txt' is a zip archive, not text; unpack it first: unzip -p corpus.txt > corpus.txt"
    )


@pytest.mark.parametrize("word", ["BZh", "BZh91AY&", "PAR1"])
def test_text_may_begin_like_a_format(word: str) -> None:
    write(f"{word} gene\n{word} gene\n")
    assert read_text(["corpus.txt"], min_count=1).vocabulary.index_to_key() == [word, "gene"]


@pytest.mark.parametrize("far", [0, 17_000])
def test_nul_byte(far: int) -> None:
    write(b"a b\n" * far + b"a b\nc\0d\n")
    line, byte = far + 2, 4 * far + 5
    assert message("corpus.txt") == (
        f"'corpus.txt' looks binary: line {line:,} has a NUL byte, at byte {byte:,} of the file; "
        "give a text file, or remove the byte"
    )


@pytest.mark.parametrize("far", [0, 17_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_bytes_that_are_not_utf8(far: int, threads: int) -> None:
    write(b"a b\n", "1.txt")
    write(b"\xef\xbb\xbf" + b"a b\n" * far + b"caf\xc3\xa9 b\ncaf\xe9 b\n", "2.txt")
    line, byte = far + 2, 3 + 4 * far + 11
    assert message("*.txt", threads=threads, min_count=100) == (
        f"'2.txt' is not UTF-8 text: line {line:,} has the byte 0xe9, at byte {byte:,} of the file; "
        "give its encoding, perhaps `encoding=windows-1252`, or `errors=replace`"
    )


def test_character_that_is_cut_by_a_delimiter() -> None:
    # The items' bytes end to end would be valid.
    write(b"\xc3,\xa9\n\xc3,\xa9\n")
    assert message("corpus.txt", delimiter=",").startswith("'corpus.txt' is not UTF-8 text: line 1 has the byte 0xc3")


def test_one_item_a_line() -> None:
    write("milk\nbread\n")
    assert message("corpus.txt") == (
        "there is nothing to learn in 'corpus.txt': each of its 2 lines is a single item; "
        "put the items that belong together on one line, with white space between them"
    )
    write("milk,bread\nbread;milk\neggs,milk\n")
    assert message("corpus.txt") == (
        "there is nothing to learn in 'corpus.txt': each of its 3 lines is a single item; "
        "if ',' stands between the items, give `delimiter=','`; if each line is an event, `format=csv`, "
        "`delimiter=','`, `user` and `item`"
    )
    write("everything")
    assert message("corpus.txt", min_count=1) == (
        "there is nothing to learn in 'corpus.txt': its only line is a single item; "
        "put the items that belong together on one line, with white space between them"
    )


def test_delimiter_that_never_occurs() -> None:
    write("milk bread\nbread milk\n")
    assert message("corpus.txt", delimiter=";") == (
        "the delimiter ';' never occurs in 'corpus.txt', so each of its 2 lines is one item; "
        "leave it out to split at white space"
    )
    write("milk,bread\nbread,milk\n")
    assert message("corpus.txt", delimiter=";") == (
        "the delimiter ';' never occurs in 'corpus.txt', so each of its 2 lines is one item; "
        "give the one that stands between the items"
    )
    write("milk;\n;bread\n")
    assert message("corpus.txt", delimiter=";") == (
        "there is nothing to learn in 'corpus.txt': each of its 2 lines is a single item; "
        "put the items that belong together on one line, with ';' between them"
    )


def test_everything_under_min_count() -> None:
    write("a b c\nb c d\nc e\n")
    assert message("corpus.txt") == (
        "no item of 'corpus.txt' occurs 5 times or more, the most frequent one 3; lower `min_count`"
    )


def test_vocabulary_of_one() -> None:
    write("a b\na c\n")
    assert message("corpus.txt", min_count=2) == (
        "only one item of 'corpus.txt', 'a', occurs 2 times or more; lower `min_count`"
    )
    assert message("corpus.txt", min_count=1, max_items=1) == (
        "`max_items` 1 leaves only 'a', and one item has no neighbours; raise `max_items`"
    )
    write("a a a\n" + "a" * 50)
    assert message("corpus.txt", min_count=3).startswith("only one item of 'corpus.txt', 'a', occurs")
    write(("b" * 50 + " ") * 3)
    assert message("corpus.txt", min_count=1) == (
        f"'corpus.txt' has only one distinct item, '{'b' * 40}...'; learning needs items that differ"
    )


def test_sequences_of_one_after_min_count() -> None:
    write("a x\nb y\na z\nb u\n")
    expected = (
        "every sequence of 'corpus.txt' is left with a single item: 2 items occur 2 times or more, "
        "no two of them in one sequence; lower `min_count`"
    )
    assert message("corpus.txt", min_count=2) == expected
    assert message("corpus.txt", min_count=1, max_items=2) == (
        expected.replace("2 times", "1 times") + " or raise `max_items`"
    )
