"""Files of events as they come: of any encoding, by a pipe."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

from test_events import items_of, read, same

from item2vec.config.source import SourceConfig
from item2vec.corpus.reading import read_corpus


def test_tables_of_any_encoding(tmp_path: Path) -> None:
    text = 'user,item\n1,caf\u00e9\n1,"th\u00e9 noir"\n'
    (tmp_path / "e.csv").write_text(text)
    expected = read(tmp_path / "e.csv")
    assert items_of(expected) == [["caf\u00e9", "th\u00e9 noir"]]
    for encoding in ("latin-1", "cp1252", "utf-16", "utf-8-sig", "mac-roman"):
        (tmp_path / "o.csv").write_bytes(text.encode(encoding))
        (tmp_path / "o.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
        given = {} if encoding.startswith("utf") else {"encoding": encoding}
        for name in ("o.csv", "o.csv.gz"):
            assert same(read(tmp_path / name, **given), expected)
    (tmp_path / "o.jsonl").write_bytes('{"user": 1, "item": "caf\u00e9"}\n{"user": 1, "item": "t"}\n'.encode("latin-1"))
    assert items_of(read(tmp_path / "o.jsonl", encoding="latin-1")) == [["caf\u00e9", "t"]]
    (tmp_path / "o.csv").write_bytes(text.encode("latin-1"))
    (tmp_path / "p.csv").write_bytes(text.encode("latin-1"))
    corpus = read_corpus(
        [tmp_path / "o.csv", tmp_path / "e.csv", tmp_path / "p.csv"],
        SourceConfig(user="user", item="item", errors="replace"),
        min_count=1,
    )
    assert corpus.replaced == 4
    assert corpus.notes == ("4 places were not valid in this encoding and became U+FFFD",)
    assert "caf\ufffd" in corpus.vocabulary.key_to_index


def test_a_pipe_is_a_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    content = gzip.compress(b"user,item\n1,a\n1,b\n")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert items_of(read(tmp_path / "pipe", format="csv")) == [["a", "b"]]
    writer.join()
