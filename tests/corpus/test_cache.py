"""Corpora in files: kept, found again while nothing changed, made again when damaged; and what clears them."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packed import PACKERS
from test_read_text import zipf_text
from test_streams import pipe_in, same

from item2vec.corpus import cache
from item2vec.corpus import encoded as corpus_file
from item2vec.corpus.corpus import Corpus
from item2vec.corpus.encoded import CorpusFileWriter
from item2vec.corpus.text import text
from item2vec.corpus.text.text import read_text
from item2vec.corpus.text.tokeniser import Sizes
from item2vec.errors import CorpusError
from item2vec.files import machine as memory_module
from item2vec.files.machine import machine_memory
from item2vec.items.vocabulary import Vocabulary

SIZES = Sizes(block=50, part=1)
TEXT = zipf_text(1, 200, 50)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    Path("corpus.txt").write_bytes(TEXT)
    return tmp_path / "cache"


def read(*names: str, **options: object) -> Corpus:
    settings = {"min_count": 2, "memory": 0, "sizes": SIZES} | options
    return read_text(names or ["corpus.txt"], **settings)  # type: ignore[arg-type]


def found(**options: object) -> bool:
    corpus = read(**options)
    assert corpus.file
    return corpus.file.found


def kept(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_the_file_is_as_the_memory_and_is_found_again(folder: Path) -> None:
    plain = read(memory=None)
    assert plain.file is None
    assert kept(folder) == []  # below the limit nothing is written
    first = read()
    assert first.file
    assert (first.file.found, first.file.remade, first.file.path) == (False, False, kept(folder)[0])
    assert first.file.size == kept(folder)[0].stat().st_size
    assert same(plain, first)
    assert len(kept(folder)) == 1
    # neither threads nor memory nor the sizes of blocks matter
    second = read(threads=3, memory=1 << 30, sizes=Sizes())
    assert second.file
    assert second.file.found
    assert same(plain, second)


def test_options_that_change_the_corpus_change_the_file(folder: Path) -> None:
    read()
    for options in [
        {"min_count": 3},
        {"max_items": 9},
        {"delimiter": "e"},
        {"encoding": "cp1252"},
        {"errors": "replace"},
    ]:
        assert not found(**options)
        assert found(**options)
    assert found()
    assert len(kept(folder)) == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(TEXT + b"\n"),
        lambda path: os.utime(path, ns=(1, 1)),
        lambda path: (path.rename("away"), shutil.copy2("away", path)),  # same contents, size and time, another file
    ],
)
def test_a_file_that_changed_is_read_again(change: Callable[[Path], object]) -> None:
    read()
    change(Path("corpus.txt"))
    assert not found()
    assert found()


def test_other_files_and_another_order_are_another_corpus() -> None:
    Path("more.txt").write_bytes(zipf_text(2, 100, 50))
    for names in (["corpus.txt"], ["corpus.txt", "more.txt"], ["more.txt", "corpus.txt"]):
        for expected in (False, True):
            corpus = read(*names)
            assert corpus.file
            assert corpus.file.found == expected


def test_a_new_format_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    read()
    monkeypatch.setattr(cache, "FORMAT", corpus_file.FORMAT + 1)
    assert not found()


def test_what_was_replaced_is_still_known() -> None:
    Path("corpus.txt").write_bytes(TEXT + b"\n\xff\xfe\n")
    Path("corpus.xz").write_bytes(PACKERS[".xz"](TEXT + b"\n\xff\xfe\n"))
    for name in ("corpus.txt", "corpus.xz"):
        assert [read(name, errors="replace").replaced for _ in range(2)] == [2, 2]


def test_without_cache_nothing_is_found_or_left(folder: Path) -> None:
    read()
    before = kept(folder)
    corpus = read(cache=False)
    assert corpus.file
    assert (corpus.file.found, corpus.file.path) == (False, None)
    assert kept(folder) == before
    shutil.rmtree(folder)
    assert same(read(cache=False), read(memory=None))
    assert kept(folder) == []


def test_standard_input_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        pipe_in(monkeypatch, TEXT)
        corpus = read("-")
        assert corpus.file
        assert (corpus.file.found, corpus.file.path) == (False, None)
    assert kept(folder) == []
    assert same(corpus, read(memory=None))


def test_a_digit_of_the_sum_in_another_case_is_damage(folder: Path) -> None:
    read()
    (path,) = kept(folder)
    head, crc, rest = path.read_bytes().split(b"\n", 2)
    for sum_ in (crc.upper() if crc.upper() != crc else b"+" + crc[1:], b" " + crc[1:]):
        path.write_bytes(b"\n".join((head, sum_, rest)))
        with pytest.raises(corpus_file.DamagedFileError):
            corpus_file.open_corpus(path, json.loads(rest.split(b"\n")[0])["key"])


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_noticed_and_made_good(folder: Path, data: st.DataObject) -> None:
    expected = read(memory=None, cache=False)
    read()
    (path,) = kept(folder)
    content = bytearray(path.read_bytes())
    header = len(content[:4096].rstrip(b" "))
    place = data.draw(st.integers(0, header - 1) | st.integers(4096, len(content) - 1))
    damage = data.draw(st.sampled_from(["flip", "cut", "more"]))
    if damage == "flip":
        content[place] ^= 1 << data.draw(st.integers(0, 7))
    content = {"flip": content, "cut": content[:place], "more": content + b"\0"}[damage]
    path.write_bytes(content)
    corpus = read()
    assert corpus.file
    assert (corpus.file.found, corpus.file.remade) == (False, True)
    assert same(corpus, expected)
    assert found()


@pytest.mark.parametrize("array", ["items", "offsets", "counts", "item_offsets", "rare_counts", "rare_offsets"])
def test_a_file_with_a_right_sum_leads_nowhere_outside(
    folder: Path, monkeypatch: pytest.MonkeyPatch, array: str
) -> None:
    corpus = read(cache=False)
    assert corpus.rare
    numbers = {
        "items": corpus.items, "offsets": corpus.offsets,
        "item_offsets": corpus.vocabulary.offsets, "rare_offsets": corpus.rare.offsets,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    with CorpusFileWriter(folder, named=True) as writer:
        changed = {name: values.copy() for name, values in numbers.items()}
        if array in changed:
            changed[array][len(changed[array]) // 2] = 1_000_000
        vocabulary, rare = (
            Vocabulary(items.blob, changed[f"{name}_offsets"], items.counts[array == f"{prefix}counts" :])
            for name, prefix, items in (("item", "", corpus.vocabulary), ("rare", "rare_", corpus.rare))
        )
        writer.add_items(changed["items"])
        writer.add_offsets(changed["offsets"])
        made = writer.finish(vocabulary, rare, {"raw_tokens": 1, "raw_sequences": 1, "replaced": 0}, "key")
        writer.keep(made, folder / "hostile.corpus", remade=False)
    with pytest.raises(corpus_file.DamagedFileError):
        corpus_file.open_corpus(folder / "hostile.corpus", "key")


def test_a_foreign_file_makes_room(folder: Path) -> None:
    read()
    (path,) = kept(folder)
    other = b"item2vec corpus\n" + b"[" * 5000
    for content in (b"", b"not a corpus\n" * 1000, other):
        path.write_bytes(content)
        assert not found()
        assert found()


def test_sources_that_cannot_be_trained_on_leave_nothing(folder: Path) -> None:
    with pytest.raises(CorpusError, match=r"lower `min_count`$"):
        read(min_count=10_000)
    assert kept(folder) == []


def test_a_source_that_changes_meanwhile_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write_and_change(*arguments: object) -> None:
        write_ids(*arguments)  # type: ignore[arg-type]
        os.utime("corpus.txt", ns=(1, 1))

    write_ids = text.write_ids
    monkeypatch.setattr(text, "write_ids", write_and_change)
    corpus = read()
    assert corpus.file
    assert corpus.file.path is None
    assert kept(folder) == []
    assert len(corpus.items) > 0


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    folder.write_text("a file in its place")
    with pytest.raises(CorpusError) as error:
        read()
    assert str(error.value) == (
        f"cannot write the encoded corpus to {str(folder)!r}: file exists; name a folder with room for 8 bytes per "
        "token with ITEM2VEC_CACHE, or give more `memory`"
    )


def test_a_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(CorpusFileWriter, "_append", fail)
    with pytest.raises(CorpusError, match=r"^cannot write the encoded corpus to .*: no space left on device; "):
        read()
    assert kept(folder) == []


def _read_often(barrier: object, results: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    for _ in range(5):
        corpus = read()
        results.put((corpus.items.tobytes(), corpus.offsets.tobytes()))  # type: ignore[attr-defined]
        cache.clear(cache.cache_folder(), everything=True)


def test_runs_at_the_same_time_do_not_disturb_each_other(folder: Path) -> None:
    expected = read(memory=None)
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(3), context.Queue()
    runs = [context.Process(target=_read_often, args=(barrier, results)) for _ in range(3)]
    for run in runs:
        run.start()
    got = [results.get(timeout=60) for _ in range(15)]
    for run in runs:
        run.join()
        assert run.exitcode == 0
    assert set(got) == {(expected.items.tobytes(), expected.offsets.tobytes())}


def test_old_files_go_when_new_ones_come(folder: Path) -> None:
    read()
    (first,) = kept(folder)
    (folder / "killed.part").write_bytes(b"x" * 10)
    (folder / "mine.txt").write_bytes(b"x")
    now = time.time()
    os.utime(first, (now, now - 40 * 24 * 3600))
    assert found()  # which makes it young
    os.utime(folder / "killed.part", (now, now - 2 * 24 * 3600))
    read(min_count=3)
    assert len(kept(folder)) == 3
    os.utime(first, (now, now - 40 * 24 * 3600))
    read(min_count=4)
    assert first not in kept(folder)
    assert [path.name for path in kept(folder) if path.suffix != ".corpus"] == ["mine.txt"]
    removed = cache.clear(folder, everything=True)
    assert len(removed) == 2
    assert kept(folder) == [folder / "mine.txt"]


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nowhere")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    monkeypatch.setenv("ITEM2VEC_CACHE", "~/own")
    assert cache.cache_folder() == Path("/nowhere/own")
    monkeypatch.delenv("ITEM2VEC_CACHE")
    assert cache.cache_folder() == Path("/xdg/item2vec")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path("/nowhere/.cache/item2vec")
    monkeypatch.setattr("sys.platform", "darwin")
    assert cache.cache_folder() == Path("/nowhere/Library/Caches/item2vec")


def test_the_folder_is_private(folder: Path) -> None:
    read()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert kept(folder)[0].stat().st_mode & 0o077 == 0


def test_the_default_limit_is_a_share_of_the_memory(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert machine_memory() > 1 << 26
    for memory, in_file in ((32 * 4_000_000, False), (32 * 400, True)):
        monkeypatch.setattr(memory_module, "machine_memory", lambda memory=memory: memory)
        assert (read(memory=None).file is not None) == in_file


@pytest.mark.jit
def test_the_sampler_compiles_nothing_new_for_a_mapped_corpus() -> None:
    from item2vec.sampling import sampler
    from item2vec.sampling.sampler import Window, sample_windows

    batches = []
    for memory in (None, 0):
        corpus = read(memory=memory, cache=False)
        one = sampler.Sampler(corpus, window=Window(3), sample=0, ns_exponent=0.75, tile=(8, 8))
        worker = one.worker(np.random.SeedSequence(1), 500)
        batch = one.batch(worker, 0, 500)
        centres = slice(batch.tiles[0], batch.tiles[-1])
        batches.append([batch.items.copy(), batch.start[centres].copy(), batch.negatives.copy()])
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(*batches, strict=True))
    assert len({str(signature[0]) for signature in sample_windows.signatures}) == 1
