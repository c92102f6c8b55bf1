"""Every format: read back equal to the bit, in both directions with gensim, layouts by hand, tables and scaling."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from item2vec.errors import ConfigError, ModelError
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.formats import streams, text_rows
from item2vec.vectors.formats.registry import FORMATS, WRITERS, export_vectors, format_of_name, read_vectors
from item2vec.vectors.keyed_vectors import KeyedVectors

ITEMS = ["🥑", "a\u00a0b", "مرحبا", '"', "漢字", "#", "it's", "-1.5", "12"] + [
    f"item_{number}" for number in range(491)
]
SPACED = ["olive oil", "vitamin 12", " x", "two  spaces"]


def make(items: list[str] = ITEMS, dim: int = 30, output: bool = False) -> KeyedVectors:
    """A model of random bits that are finite numbers."""
    bits = np.random.default_rng(2).integers(0, 2**32, (len(items), dim), np.uint32).view(np.float32)
    table = np.where(np.isfinite(bits), bits, np.float32(-0.0))
    return KeyedVectors(table, table[::-1].copy() if output else None, Vocabulary.from_items(items, [7] * len(items)))


def equal(table: np.ndarray, other: np.ndarray) -> bool:
    """Whether two tables are equal to the bit."""
    return np.array_equal(np.asarray(table).view(np.uint32), np.asarray(other).view(np.uint32))


NAMES = [f"v{ending}" for name in WRITERS for ending in FORMATS[name].endings] + ["v", "V.TXT"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_back(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_rows, "_BLOCK", 1000)  # several blocks, the last one short
    monkeypatch.setattr(streams, "BLOCK", 5000)
    model = make()
    written = export_vectors(model, tmp_path / name)
    for format in (None, written):
        back = read_vectors(tmp_path / name, format)
        assert list(back.vocabulary) == ITEMS
        assert equal(back.input, model.input)
        assert back.output is None
    assert back.metadata.get("imported", {"format": "safetensors"})["format"] == written


@pytest.mark.parametrize("name", ["v.npy", "v.tsv", "v.parquet", "v.safetensors"])
def test_items_with_spaces(tmp_path: Path, name: str) -> None:
    model = make(SPACED, 3)
    export_vectors(model, tmp_path / name)
    assert list(read_vectors(tmp_path / name).vocabulary) == SPACED


@pytest.mark.parametrize("name", ["v.txt", "v.bin", "v.glove"])
def test_formats_that_cannot_carry_spaces(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=r"the item 'olive oil' has white space.*`replace_spaces=_`"):
        export_vectors(make(SPACED), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    export_vectors(make(SPACED), tmp_path / name, replace_spaces="_")
    assert list(read_vectors(tmp_path / name).vocabulary) == ["olive_oil", "vitamin_12", "_x", "two__spaces"]


@pytest.mark.parametrize(("name", "item"), [("v.npy", "a\rb"), ("v.tsv", "a\tb"), ("v.tsv", "a\rb")])
def test_items_a_list_cannot_carry(tmp_path: Path, name: str, item: str) -> None:
    with pytest.raises(ModelError, match="has white space"):
        export_vectors(make(["x y", item]), tmp_path / name)
    export_vectors(make(["x y", item]), tmp_path / name, replace_spaces="_")
    assert list(read_vectors(tmp_path / name).vocabulary) == ["x y", "a_b"]


@pytest.mark.parametrize("text", [b"2 2\nolive oil 1 2\nx 3 4\n", b"x 3 4\nolive oil 1 2\n"])
def test_the_last_fields_are_the_vector(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "v.txt").write_bytes(text)
    model = read_vectors(tmp_path / "v.txt")
    assert model["olive oil"].tolist() == [1, 2]
    assert model["x"].tolist() == [3, 4]


def test_binary_layouts(tmp_path: Path) -> None:
    rows = [struct.pack("<3f", 1, 2, 3), b"\n\n\n\n" + struct.pack("<2f", 1e-30, -7)]  # numbers made of line ends too
    numbers = np.frombuffer(b"".join(rows), "<f4").reshape(2, 3)
    for end in (b"\n", b""):  # as word2vec.c and as gensim write it
        data = b"2 3\n" + b"a " + rows[0] + end + "größe".encode() + b" " + rows[1] + end
        (tmp_path / "v").write_bytes(data)
        model = read_vectors(tmp_path / "v")
        assert (list(model.vocabulary), model.input.tolist()) == (["a", "größe"], numbers.tolist())
    export_vectors(model, tmp_path / "w.bin")
    assert (tmp_path / "w.bin").read_bytes() == b"2 3\na " + rows[0] + b"\n" + "größe ".encode() + rows[1] + b"\n"


def test_text_as_word2vec_c_and_fasttext_end_their_lines(tmp_path: Path) -> None:
    (tmp_path / "v.vec").write_bytes(b"2 2\n</s> 0.5 -1 \nb 1e-3 4 \n")
    model = read_vectors(tmp_path / "v.vec")
    assert model.input.tolist() == [[0.5, -1], [np.float32(1e-3), 4]]


def test_gensim_reads_what_we_write(tmp_path: Path) -> None:
    gensim_models = pytest.importorskip("gensim.models")
    model = make()
    for name, options in (
        ("v.txt", {}),
        ("v.txt.gz", {}),
        ("v.bin", {"binary": True}),
        ("v.bin.gz", {"binary": True}),
        ("v.glove", {"no_header": True}),
    ):
        export_vectors(model, tmp_path / name)
        theirs = gensim_models.KeyedVectors.load_word2vec_format(str(tmp_path / name), **options)
        assert theirs.index_to_key == ITEMS
        assert equal(theirs.vectors, model.input)


def test_we_read_what_gensim_writes(tmp_path: Path) -> None:
    gensim_models = pytest.importorskip("gensim.models")
    model = make()
    theirs = gensim_models.KeyedVectors(30)
    theirs.add_vectors(ITEMS, model.input)
    for name, options in (
        ("v.txt", {}),
        ("v.txt.gz", {}),
        ("v.bin", {"binary": True}),
        ("v.bin.gz", {"binary": True}),
        ("v.glove", {"write_header": False}),
    ):
        theirs.save_word2vec_format(str(tmp_path / name), **options)
        back = read_vectors(tmp_path / name)
        assert list(back.vocabulary) == ITEMS
        assert equal(back.input, model.input)


@pytest.mark.parametrize(("shortest", "longest"), [(3, 6), (1, 3), (2, 2)])
def test_fasttext_models_as_gensim_writes_and_reads_them(tmp_path: Path, shortest: int, longest: int) -> None:
    fasttext = pytest.importorskip("gensim.models.fasttext")
    words = ["größe", "牛乳", "milk", "bread", "🥑a", "x", "ab", "</s>"]
    sentences = [[words[(i * j) % 8] for j in range(7)] for i in range(60)]
    model = fasttext.FastText(
        sentences, vector_size=8, min_count=1, epochs=1, workers=1, bucket=500, min_n=shortest, max_n=longest
    )
    fasttext.save_facebook_model(model, str(tmp_path / "v.bin"))
    back = read_vectors(tmp_path / "v.bin")
    assert list(back.vocabulary) == model.wv.index_to_key
    assert back.vocabulary.counts.tolist() == [model.wv.get_vecattr(word, "count") for word in back.vocabulary]
    for word in set(words) - {"</s>"}:
        assert back[word] == pytest.approx(model.wv[word], abs=1e-6)
    # fastText itself leaves the line's end without n-grams; gensim does not know of it.
    assert equal(back["</s>"], model.wv.vectors_vocab[model.wv.key_to_index["</s>"]])


def fasttext_file(path: Path, **change: int) -> None:
    """A model of two words and a label without n-grams, as fasttext.cc writes it; some numbers changed."""
    value = {"version": 12, "dim": 2, "entries": 3, "words": 2, "quantised": 0, "rows": 2, "maxn": 0, "pruned": -1}
    value |= change
    with path.open("wb") as file:
        file.write(struct.pack("<ii", 793_712_314, value["version"]))
        file.write(struct.pack("<12id", value["dim"], 5, 5, 1, 5, 1, 2, 2, 10, 3, value["maxn"], 100, 1e-4))
        file.write(struct.pack("<iiiqq", value["entries"], value["words"], 1, 30, value["pruned"]))
        for name, count, kind in (("milk", 9, 0), ("bread", 4, 0), ("__label__x", 2, 1)):
            file.write(name.encode() + b"\0" + struct.pack("<qb", count, kind))
        file.write(struct.pack("<?qq", value["quantised"], value["rows"], 2))
        file.write(struct.pack("<4f", 1, 2, 3, 4))


def test_fasttext_model_by_hand(tmp_path: Path) -> None:
    fasttext_file(tmp_path / "v.bin")
    model = read_vectors(tmp_path / "v.bin")
    assert (list(model.vocabulary), model.vocabulary.counts.tolist()) == (["milk", "bread"], [9, 4])
    assert model.input.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "fastText model of version 99"),
        ({"quantised": 1}, "it is quantised"),
        ({"rows": 2**60}, "is cut off or damaged"),
        ({"rows": 1}, "is cut off or damaged"),
        ({"dim": 3}, "is cut off or damaged"),
        ({"entries": 2**30}, "for which it is too short"),
        ({"words": 3}, "its dictionary is damaged"),
        ({"words": 0}, "for which it is too short"),
        ({"maxn": 6}, "2 rows for 2 words and 10 buckets"),
        ({"maxn": 1000}, "n-grams of 3 to 1000"),
        ({"pruned": 2**40}, "for which it is too short"),
    ],
)
def test_damaged_fasttext_models(tmp_path: Path, change: dict[str, int], message: str) -> None:
    fasttext_file(tmp_path / "v.bin", **change)
    with pytest.raises(ModelError, match=message):
        read_vectors(tmp_path / "v.bin")


def test_tables_and_scaling(tmp_path: Path) -> None:
    table = np.array([[3, 4], [0, 0], [1, 0]], np.float32)
    model = KeyedVectors(table, table * 2, Vocabulary.from_items("abc", [3, 2, 1]))
    for options, expected in (
        ({"table": "output"}, [[6, 8], [0, 0], [2, 0]]),
        ({"table": "sum"}, [[9, 12], [0, 0], [3, 0]]),
        ({"table": "concat"}, [[3, 4, 6, 8], [0, 0, 0, 0], [1, 0, 2, 0]]),
        ({"normalize": True}, [[0.6, 0.8], [0, 0], [1, 0]]),
    ):
        export_vectors(model, tmp_path / "v.npy", **options)
        assert np.load(tmp_path / "v.npy") == pytest.approx(np.array(expected))
    assert model.input.tolist() == table.tolist()
    export_vectors(model, tmp_path / "v.txt", normalize=True, precision=2)
    assert (tmp_path / "v.txt").read_text() == "3 2\na 0.6 0.8\nb 0 0\nc 1 0\n"


def test_projector_by_hand(tmp_path: Path) -> None:
    model = KeyedVectors(np.array([[0.5, 2], [3, 4]], np.float32), None, Vocabulary.from_items(["a b", "c"], [2, 1]))
    export_vectors(model, tmp_path / "v.tsv")
    assert (tmp_path / "v.tsv").read_text() == "0.5\t2\n3\t4\n"
    assert (tmp_path / "v.metadata.tsv").read_text() == "a b\nc\n"
    (tmp_path / "m.tsv").write_text("item\tcount\na b\t7\nc\t8\n")  # several columns have names
    assert list(read_vectors(tmp_path / "v.tsv", items=tmp_path / "m.tsv").vocabulary) == ["a b", "c"]


@pytest.mark.parametrize("kind", ["<f2", ">f4", "<f8"])
def test_other_kinds_of_npy(tmp_path: Path, kind: str) -> None:
    np.save(tmp_path / "v.npy", np.asfortranarray(np.array([[1, 2], [3, 4]], kind)))
    (tmp_path / "words").write_text("x\r\ny\r\n")
    model = read_vectors(tmp_path / "v.npy", items=tmp_path / "words")
    assert (list(model.vocabulary), model.input.tolist()) == (["x", "y"], [[1, 2], [3, 4]])


def test_safetensors_of_another_tool(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"embeddings": np.ones((2, 3), np.float16)}, tmp_path / "v.safetensors")
    (tmp_path / "v.vocab.txt").write_text("x\ny\n")
    assert read_vectors(tmp_path / "v.safetensors")["y"].tolist() == [1, 1, 1]
    save_file({name: np.ones((2, 3), np.float32) for name in "ab"}, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"one table of float32, and its tensors are a \(2, 3\), b \(2, 3\)"):
        read_vectors(tmp_path / "w.safetensors")


def test_a_model_file_is_read_whole(tmp_path: Path) -> None:
    model = make(output=True)
    model.save(tmp_path / "m")
    back = read_vectors(tmp_path / "m")
    assert back.output is not None
    assert equal(back.output, model.output)
    assert back.vocabulary == model.vocabulary


def test_options_that_cannot_work(tmp_path: Path) -> None:
    model = make()
    with pytest.raises(ConfigError, match="`precision` is 10; it must be a whole number from 1 to 9"):
        export_vectors(model, tmp_path / "v.txt", precision=10)
    with pytest.raises(ConfigError, match="`precision` is 3, but the npy format"):
        export_vectors(model, tmp_path / "v.npy", precision=3)
    with pytest.raises(ConfigError, match="`format` is 'odd'; it must be one of word2vec"):
        read_vectors(tmp_path / "v.txt", "odd")
    export_vectors(model, tmp_path / "v.txt")
    with pytest.raises(ConfigError, match="has its items in the file itself"):
        read_vectors(tmp_path / "v.txt", items=tmp_path / "x")
    with pytest.raises(ModelError, match=r"the ending '\.csv' of a/b\.csv belongs to no known format"):
        format_of_name("a/b.csv")
    assert format_of_name("a.b/vectors") == "word2vec"


def test_gzip_depends_on_the_vectors_alone(tmp_path: Path) -> None:
    for name in ("a.txt.gz", "b.txt.gz"):
        export_vectors(make(), tmp_path / name)
    assert (tmp_path / "a.txt.gz").read_bytes() == (tmp_path / "b.txt.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.txt.gz").read_bytes()).startswith(b"500 30\n")
