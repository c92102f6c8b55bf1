"""Small inputs that ask for much: bounds, and one line that names them. The bounds are passed in, and small."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest

from item2vec import ConfigError, CorpusError, KeyedVectors, ModelError
from item2vec.cli.output import _items
from item2vec.config.layers import with_layers
from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus
from item2vec.plot.map import listed
from item2vec.vectors.formats import fasttext


def test_a_query_of_a_batch_has_an_end() -> None:
    """No more than the bound is read of a line that goes on."""
    file = io.BytesIO(b"a b\n" + b"x" * 10_000)
    lines = _items(file, "queries.txt", None, longest=100)
    assert next(lines) == ["a", "b"]
    with pytest.raises(ModelError, match=r"cannot read queries\.txt: a line has over 100 bytes"):
        next(lines)
    assert file.tell() == 4 + 101
    assert list(_items(io.BytesIO(b"x" * 99 + b"\n\nb"), "-", None, longest=100)) == [["x" * 99], ["b"]]


def test_a_map_has_a_list_of_items_with_an_end(tmp_path: Path) -> None:
    model = KeyedVectors.from_items(list("abcd"), np.eye(4, dtype=np.float32))
    path = tmp_path / "items.txt"
    path.write_bytes("\ufeffa\r\nc\n\nd\nnone\nd".encode())
    ids, unknown = listed(model, path)
    assert (ids.tolist(), unknown) == ([0, 2, 3], 1)
    path.write_text("x" * 1000)
    with pytest.raises(ModelError, match=r"items\.txt has over 100 characters; a map has at most 100,000 items"):
        listed(model, path, most=100)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dim = " + "[" * 3000 + "]" * 3000, "is not valid TOML|nested too deep"),
        ("dim = " + "9" * 5000, "is not valid TOML: .*digits"),
        ("dim = " + "{a=" * 3000, "is not valid TOML|nested too deep"),
        ("#" * (1 << 20) + "#", "has over 1,048,576 characters"),
    ],
)
def test_a_config_is_bounded(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "options.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"options\.toml .*({message})") as error:
        with_layers({"config": path})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("together", [1, 7, 50, 1 << 16])
def test_fasttext_dictionaries_are_read_in_blocks(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As byte by byte: names, counts, and where the dictionary ends."""
    monkeypatch.setattr(fasttext, "_TOGETHER", together)
    words = [(b"a" * (number % 40), number, 0) for number in range(1, 60)]
    entries = [*words, (b"__label__x", 3, 1)]
    data = b"".join(name + b"\0" + struct.pack("<qb", count, kind) for name, count, kind in entries)
    file = io.BytesIO(b"head" + data + b"tail")
    file.seek(4)
    names, counts = fasttext._entries(file, 60, 59, "m.bin")
    assert (names, counts) == ([name for name, _, _ in words], [count for _, count, _ in words])
    assert file.read() == b"tail"
    for damaged in (data[:-1], data[:-12], data[:3], b"", b"b" * (fasttext._LETTERS + 1) + data):
        with pytest.raises(ModelError, match="cut off or damaged in its dictionary"):
            fasttext._entries(io.BytesIO(damaged), 60, 59, "m.bin")


@pytest.mark.parametrize("value", ["[" * 5000, "[" * 5000 + "]" * 5000, "9" * 6000 + "x", '{"a":' * 5000])
def test_json_lines_nested_deep_are_one_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "events.jsonl"
    for before in ("", '{"user":"a","item":"b"}\n'):
        path.write_text(before + '{"user":"a","item":' + value + "\n" + value + '\n{"user":"a","item\n')
        with pytest.raises(CorpusError, match=r"cannot read .*events\.jsonl") as error:
            read_corpus([path], SourceConfig(user="user", item="item", cache=False))
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 1000
