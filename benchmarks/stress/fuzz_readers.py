"""The readers that fuzz.py feeds: for each some good files, how they are damaged, how what was read is used."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_inputs import fasttext_file, mutate, mutate_corpus_file, mutate_safetensors, packed, packed_stream

from item2vec.files.source import look
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats.registry import export_vectors, read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors, load_model
from item2vec.vectors.model_file import save_model

COLUMNS = {"user": "user", "item": "item"}
ITEMS = ["milk", "größe", "a", "b c", "007", "x" * 40]
TEXT = b"milk bread eggs\nbread milk\neggs flour milk bread sugar\nflour \xc3\xa9t\xc3\xa9 milk\n" * 3
CSV = b"""user,item,time,weight
u1,milk,2024-01-01 10:00:00,1
u1,bread,2024-01-01 10:05:00,2
u2,milk,2024-01-02,1
u2,eggs,2024-01-03,1
"""
JSONL = b"""{"user": "u1", "item": "milk", "time": 1}
{"user": "u1", "item": "eggs", "time": 2}
{"user": 2, "item": "milk", "time": 3}
{"user": 2, "item": 7, "time": 4.5}
"""


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes
    ----------
    files : tuple of (bytes, bytes or None)
        Good files, and the file beside each where a format has two.
    read : callable
        Reads a path, and uses what it read.
    damage : callable
        Makes another file of one.
    ending, beside : str
        Of the files' names.
    slow : int
        How many fewer inputs it gets: the number asked for is divided by this.
    """

    files: tuple[tuple[bytes, bytes | None], ...]
    read: Callable[[Path], Any]
    damage: Callable[[random.Random, bytes], bytes] = lambda rng, data: packed(rng, mutate(rng, data))
    ending: str = ""
    beside: str = ""
    slow: int = 1


def readers(folder: Path) -> dict[str, Reader]:
    """All readers by name; good files are made in the folder."""
    made = _vector_files(folder)
    found = {
        "model": Reader(made["model"], _use_model, mutate_safetensors),
        "checkpoint": Reader(((_checkpoint_file(folder), None),), _use_checkpoint, mutate_safetensors),
        "safetensors": Reader(made["safetensors"], _vectors("safetensors"), mutate_safetensors, "", ".vocab.txt"),
        "any format": Reader(
            sum((made[name] for name in made if name != "parquet"), ()), _vectors(None), beside=".vocab.txt"
        ),
        "fasttext": Reader(tuple((data, None) for data in _fasttext_files()), _vectors("fasttext")),
        "text": Reader(((TEXT, None),), _corpus(), lambda rng, data: packed_stream(rng, mutate(rng, data))),
        "text, delimiter": Reader(((TEXT.replace(b" ", b";"), None),), _corpus(delimiter=";")),
        "text, utf-16": Reader(
            ((TEXT.decode().encode("utf-16"), None),), _corpus(encoding="utf-16", errors="replace"),
            lambda rng, data: packed_stream(rng, mutate(rng, data)),
        ),
        "kept corpus": Reader(((_corpus_file(folder), None),), _use_kept, mutate_corpus_file),
        "sequences": Reader(((TEXT, None),), _use_sequences, lambda rng, data: packed_stream(rng, mutate(rng, data))),
        "word pairs": Reader(((b"# pairs\nmilk\ta\t7.5\na,b c,3\nmilk 007 2\n", None),), _use_pairs),
        "analogies": Reader(((b": one\nmilk a 007 b\n: two\na milk milk a\n", None),), _use_analogies),
        "csv": Reader(((CSV, None),), _events(**COLUMNS, time="time", weight="weight"), ending=".csv", slow=20),
        "jsonl": Reader(((JSONL, None),), _events(**COLUMNS, time="time"), ending=".jsonl", slow=20),
        "parquet events": Reader(((_parquet(folder), None),), _events(**COLUMNS), mutate, ".parquet", slow=20),
        "names": Reader(((b"milk\tMilk, whole\nbread\tBread\n", None),), _use_names, ending=".txt", slow=20),
        "names, csv": Reader(((b'item,name\nmilk,"a ""b"""\n', None),), _use_names, ending=".csv", slow=20),
        "split": Reader(((CSV, None),), _use_split, mutate, ".csv", slow=20),
    }  # fmt: skip
    for name in ("word2vec", "word2vec-binary", "glove", "npy", "projector", "parquet"):
        beside = {"npy": ".vocab.txt", "projector": ".metadata.tsv"}.get(name, "")
        slow = 20 if name == "parquet" else 1
        found[name] = Reader(
            made[name], _vectors(name), ending=".tsv" if beside == ".metadata.tsv" else "", beside=beside, slow=slow
        )
    return found


def write_input(path: Path, reader: Reader, rng: random.Random, *, damaged: bool = True) -> None:
    """Write a file, and the one beside it, of which one or both are damaged."""
    data, beside = rng.choice(reader.files)
    which = rng.random() if damaged else 2.0
    path.write_bytes(reader.damage(rng, data) if which < 0.8 else data)
    if beside is not None:
        path.with_name(path.stem + reader.beside).write_bytes(
            reader.damage(rng, beside) if 0.6 < which <= 1 and reader.damage.__name__ == "<lambda>" else beside
        )
    elif 0.8 <= which <= 1:
        path.write_bytes(reader.damage(rng, data))


def model() -> KeyedVectors:
    """Return a small model with all that one may have."""
    table = np.linspace(-1, 1, 6 * 4).astype(np.float32).reshape(6, 4)
    rare = Vocabulary.from_items(["rare", "r2"], [1, 1])
    names = Names(np.frombuffer(b"MilkSize", np.uint8), [0, 4, 8, 8, 8, 8, 8])
    metadata = {"config": {"loss": "ns", "dim": 4}, "corpus": {"tokens": 21}, "training": {"losses": [1.5, 1.25]}}
    return KeyedVectors(
        table, -table, Vocabulary.from_items(ITEMS, [6, 5, 4, 3, 2, 1]), metadata, names=names, rare=rare
    )


def use(found: KeyedVectors) -> None:
    """Ask all kinds of questions: what was read must serve, whatever numbers it has."""
    names = list(found)
    assert len(names) == len(found)
    answers = [found.similar(names[0], k=3), *found.similar_many([[names[0]], [names[-1]]], k=2)]
    answers.append([("", found.similarity(names[0], names[-1]))])
    found[names[-1]]
    found.find_any("Milk")
    assert "none such" not in found
    found._closest("mlik")
    if found.output is not None and found.loss == "ns":
        answers.append(found.recommend([names[0]], k=3))
    assert all(np.isfinite(score) for answer in answers for _, score in answer)


def _vector_files(folder: Path) -> dict[str, tuple[tuple[bytes, bytes | None], ...]]:
    full = model()
    plain = KeyedVectors.from_items(["milk", "größe", "a", "b.c"], np.linspace(-1, 1, 12).reshape(4, 3))
    path = folder / "model"
    full.save(path)
    made: dict[str, tuple[tuple[bytes, bytes | None], ...]] = {"model": ((path.read_bytes(), None),)}
    save_model(path, input=plain.input, output=None, vocabulary=plain.vocabulary, metadata={})
    made["model"] += ((path.read_bytes(), None),)
    for name in ("word2vec", "word2vec-binary", "glove", "npy", "projector", "parquet"):
        export_vectors(plain, folder / "v", format=name)
        beside = {"npy": ".vocab.txt", "projector": ".metadata.tsv"}.get(name)
        made[name] = (((folder / "v").read_bytes(), (folder / f"v{beside}").read_bytes() if beside else None),)
    from safetensors.numpy import save_file

    save_file({"weight": np.array(plain.input)}, path)
    made["safetensors"] = ((path.read_bytes(), "milk\ngröße\na\nb.c\n".encode()),)
    return made


def _fasttext_files() -> tuple[bytes, ...]:
    return fasttext_file(), fasttext_file(pruned=True), fasttext_file(minn=0, maxn=0)


def _parquet(folder: Path) -> bytes:
    import duckdb

    (folder / "events.csv").write_bytes(CSV)
    duckdb.sql(f"SELECT * FROM read_csv('{folder / 'events.csv'}')").write_parquet(str(folder / "events.parquet"))
    return (folder / "events.parquet").read_bytes()


def _corpus_file(folder: Path) -> bytes:
    from item2vec.corpus.encoded import CorpusFileWriter

    vocabulary, rare = Vocabulary.from_items(["milk", "größe", "a"], [3, 2, 1]), Vocabulary.from_items(["r"], [1])
    with CorpusFileWriter(folder, named=True) as writer:
        writer.add_items(np.array([0, 1, 2, 0, 1, 0], np.int32))
        writer.add_offsets(np.array([0, 3, 6], np.int64))
        corpus = writer.finish(vocabulary, rare, {"raw_tokens": 7, "raw_sequences": 2, "replaced": 0}, "key")
        writer.keep(corpus, folder / "kept", remade=False)
    return (folder / "kept").read_bytes()


def _vectors(format: str | None) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        found = read_vectors(path, format)
        assert np.isfinite(found.input).all() or found.output is not None or format in (None, "safetensors")
        use(found)

    return read


def _use_model(path: Path) -> None:
    import contextlib
    import io

    from click.testing import CliRunner

    from item2vec.cli.model import info

    use(load_model(path))
    with contextlib.redirect_stdout(io.StringIO()):
        result = CliRunner().invoke(info, ["-m", str(path)], catch_exceptions=False)
    assert result.exit_code == 0


def _corpus(**options: Any) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        from item2vec.corpus.inspection import inspect_corpus
        from item2vec.corpus.text.text import read_text

        corpus = read_text([path], min_count=1, cache=False, **options)
        list(corpus.vocabulary)
        assert corpus.items.max() < len(corpus.vocabulary)
        inspect_corpus(corpus, 1)

    return read


@cache
def _run() -> Any:
    """Return a small training that is half done."""
    from item2vec.config.train import TrainConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.session.run import start

    items = np.array([0, 1, 2, 0, 1, 0, 2, 1] * 300, np.int32)
    vocabulary = Vocabulary.from_items(["milk", "größe", "a"], [900, 900, 600])
    corpus = Corpus(items, np.arange(0, len(items) + 1, 8), vocabulary, len(items), len(items) // 8)
    return start(corpus, TrainConfig(dim=4, epochs=2, threads=1, backend="torch", sample=0))


def _checkpoints(path: Path) -> Any:
    from item2vec.config.units import Interval
    from item2vec.session.checkpoints import Checkpoints

    return Checkpoints(path, _run(), Interval())


def _checkpoint_file(folder: Path) -> bytes:
    run = _run()
    run.train(lambda progress: run.trainer.stop())
    _checkpoints(folder / "checkpoint").save()
    return (folder / "checkpoint").read_bytes()


def _use_checkpoint(path: Path) -> None:
    use(load_model(path))
    _checkpoints(path).leftover()
    _checkpoints(path).resume()
    _run().trainer.check_tables()


class DamagedError(Exception):
    """A kept corpus was refused: it is read again from its sources, without a word."""


def _use_kept(path: Path) -> None:
    from item2vec.corpus.encoded import DamagedFileError, open_corpus

    try:
        corpus = open_corpus(path, "key")
    except DamagedFileError as error:
        raise DamagedError from error
    list(corpus.vocabulary)
    assert corpus.rare is not None
    list(corpus.rare)
    for first, last in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True):
        corpus.vocabulary.counts[corpus.items[first:last]].sum()


def _use_sequences(path: Path) -> None:
    from item2vec.evaluation.sequences import Catalogue, leave_last_out, read_sequences

    held = leave_last_out(read_sequences(path, Catalogue(model().vocabulary)))
    held.targets.distinct()


def _use_pairs(path: Path) -> None:
    from item2vec.evaluation.words import Words, read_test, word_similarity

    word_similarity(Words(ITEMS, model().input), read_test(path))


def _use_analogies(path: Path) -> None:
    from item2vec.evaluation.words import Words, analogies, read_test

    analogies(Words(ITEMS, model().input), read_test(path))


def _events(**columns: Any) -> Callable[[Path], None]:
    def read(path: Path) -> None:
        from item2vec.config.source import SourceConfig
        from item2vec.corpus.reading import read_corpus

        list(read_corpus([path], SourceConfig(cache=False, **columns), min_count=1).vocabulary)

    return read


def _use_names(path: Path) -> None:
    from item2vec.config.source import SourceConfig
    from item2vec.corpus.tables.item_values import read_names

    names = read_names(Vocabulary.from_items(["milk", "bread"], [2, 1]), SourceConfig(names=str(path)), 1)
    assert [names[index] for index in range(2)]


def _use_split(path: Path) -> None:
    from item2vec.config.source import SourceConfig
    from item2vec.corpus.tables.database import Database
    from item2vec.evaluation.split import Events, write_parts

    with Database(1, None) as database:
        events = Events(database, [look(path)], SourceConfig(user="user", item="item", time="time"))
        write_parts(events.divided_at(events.cut("0.5")), str(path.with_suffix("")), None)
