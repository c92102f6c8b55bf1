"""Run after run in one process: nothing is left behind."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest
from made_data import clusters

import item2vec
from item2vec.vectors.formats.registry import export_vectors, read_vectors


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted in /proc")
@pytest.mark.jit
def test_no_run_leaves_a_file_or_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers after the first run, of each kind, are those after the last; many_runs.py looks at the memory."""
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("".join(" ".join(line) + "\n" for line in clusters(sequences=300)))
    held = set()
    for _ in range(5):
        for options in ({}, {"memory": 1000}):
            model = item2vec.train(corpus, dim=8, epochs=1, threads=2, **options)
            model.save(tmp_path / "m.safetensors")
            found = item2vec.load(tmp_path / "m.safetensors")
            assert found.similar_many([["c0.1"], ["c1.1"]], k=3)
            for name in ("v.txt.gz", "v.npy", "v.parquet"):
                export_vectors(found, tmp_path / name)
                read_vectors(tmp_path / name)
            del model, found
        held.add((len(os.listdir("/proc/self/fd")), threading.active_count()))
    assert len(held) == 1
