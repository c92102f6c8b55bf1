"""The vector files of other tools: which there are, which one a file has, and the ways in and out."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, get_args

from item2vec.errors import ConfigError, ModelError

if TYPE_CHECKING:
    from item2vec.vectors.keyed_vectors import KeyedVectors

# What is heavy is imported where it is needed: a command's help asks here which formats there are.

Table = Literal["input", "output", "sum", "concat"]
TABLES = get_args(Table)


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    module : str
        In this package; has ``read(path, items)`` and ``write(model, path, *, replace_spaces, precision)``,
        which raise ModelError, or ``read_KIND`` and ``write_KIND``.
    endings : tuple of str
        Names of such files end so; the first format with an ending is the one that is written.
    about : str
        What it is, in a few words.
    text : bool
        Whether numbers are text, so that their precision can be chosen.
    writes : bool
        Whether there is a writer.
    kind : str
        Which of the formats of its module it is, where there are several.
    """

    module: str
    endings: tuple[str, ...]
    about: str
    text: bool = False
    writes: bool = True
    kind: str = ""

    def part(self, name: str) -> Callable[..., Any]:
        """``read`` or ``write``, imported when it is needed."""
        module = import_module(f"{__package__}.{self.module}")
        found: Callable[..., Any] = getattr(module, f"{name}_{self.kind}" if self.kind else name)
        return found


FORMATS = {
    "word2vec": Format(
        "word2vec", (".txt", ".vec", ".txt.gz", ".vec.gz"), "text with a header; fastText's .vec too", True, kind="text"
    ),
    "word2vec-binary": Format("word2vec", (".bin", ".bin.gz"), "word2vec.c's binary file", kind="binary"),
    "glove": Format("word2vec", (".glove", ".glove.gz"), "text without a header", True, kind="glove"),
    "fasttext": Format("fasttext", (".bin",), "a fastText model: words with their subwords", writes=False),
    "npy": Format("arrays", (".npy",), "numpy's table, and its items in NAME.vocab.txt", kind="npy"),
    "safetensors": Format("arrays", (".safetensors",), "item2vec's model file with one table", kind="safetensors"),
    "parquet": Format("parquet", (".parquet",), "columns item and vector"),
    "projector": Format("arrays", (".tsv",), "for TensorFlow Projector, and NAME.metadata.tsv", True, kind="projector"),
}
WRITERS = [name for name, format in FORMATS.items() if format.writes]


def read_vectors(
    path: str | os.PathLike[str], format: str | None = None, *, items: str | os.PathLike[str] | None = None
) -> KeyedVectors:
    """Read vectors of any format: item2vec's model file, or another tool's.

    Parameters
    ----------
    path : str or path-like
    format : str, optional
        The name of the format. By default it is recognised by the file's content.
    items : str or path-like, optional
        The file with the items, one per line, for formats that keep them in a file of their own. By default it is
        looked for beside `path`.

    Returns
    -------
    KeyedVectors
        A model file comes with all it has, its tables mapped. Other formats give the input table and the items, in
        the order of the file. Their counts are 0 if the format has none.

    Raises
    ------
    ConfigError
        If there is no such format.
    ModelError
        If the file cannot be read or is damaged, or its format is not recognised.
    """
    shown = os.fspath(path)
    if format is None:
        format = detect(shown, items=items is not None)
    elif format not in FORMATS:
        raise ConfigError(f"`format` is {format!r}; it must be one of {', '.join(FORMATS)}")
    if items is not None and format not in ("npy", "safetensors", "projector"):
        raise ConfigError(f"the {format} format has its items in the file itself; leave out the file of items")
    model: KeyedVectors = FORMATS[format].part("read")(shown, None if items is None else os.fspath(items))
    return model


def export_vectors(
    model: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    table: Table = "input",
    normalize: bool = False,
    replace_spaces: str | None = None,
    precision: int | None = None,
) -> str:
    """Write one table of a model in another tool's format; the file appears whole or not at all.

    Parameters
    ----------
    model : KeyedVectors
    path : str or path-like
        The file to write. An existing file is replaced.
    format : str, optional
        The name of the format. By default it follows from the ending of `path`; without an ending it is word2vec.
    table : {"input", "output", "sum", "concat"}
        Which vectors to write: those of one table, the sum of both (as GloVe does), or both one after the other.
    normalize : bool
        Whether to scale each vector to length 1.
    replace_spaces : str, optional
        What to write for each white-space character of an item, if the format cannot carry them.
    precision : int, optional
        Significant digits in text formats, 1 to 9. The default is the fewest that read back as the same numbers.

    Returns
    -------
    str
        The format.

    Raises
    ------
    ConfigError
        If an option has a value that cannot work.
    ModelError
        If the format cannot carry an item, the model lacks the table, or the file cannot be written.
    """
    if format is None:
        format = format_of_name(path)
    if format not in WRITERS:
        raise ConfigError(f"`format` is {format!r}; it must be one of {', '.join(WRITERS)}")
    if table not in TABLES:
        raise ConfigError(f"`table` is {table!r}; it must be one of {', '.join(TABLES)}")
    if precision is not None:
        if isinstance(precision, bool) or not isinstance(precision, int) or not 1 <= precision <= 9:
            raise ConfigError(f"`precision` is {precision!r}; it must be a whole number from 1 to 9")
        if not FORMATS[format].text:
            raise ConfigError(f"`precision` is {precision}, but the {format} format holds whole float32 numbers")

    chosen = chosen_table(model, table, normalize)
    FORMATS[format].part("write")(chosen, path, replace_spaces=replace_spaces, precision=precision or 0)
    return format


def format_of_name(path: str | os.PathLike[str]) -> str:
    """Return the format to write for a file of this name.

    Raises
    ------
    ModelError
        If its ending is of no format that can be written.
    """
    name = os.path.basename(os.fspath(path)).lower()
    for format in WRITERS:
        if name.endswith(FORMATS[format].endings):
            return format
    ending = os.path.splitext(name)[1]
    if ending:
        known = ", ".join(ending for format in WRITERS for ending in FORMATS[format].endings)
        raise ModelError(
            f"the ending {ending!r} of {os.fspath(path)} belongs to no known format ({known}); name the format "
            "with `format`"
        )
    return "word2vec"


# What format a file has, by its first bytes; and the vectors that an export writes.

# What format a file has, by its first bytes; by its name only where the bytes leave it open.

_LONGEST_LINE = 1 << 22
_LOOKED_AT = 1000  # lines
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95cC}\]()K(]")  # the protocol, and what a pickle may begin with
_UNPICKLED = (
    "write its vectors as text where it was made: `KeyedVectors.load(FILE).save_word2vec_format(OUT)` of gensim's .kv, "
    "`Word2Vec.load(FILE).wv.save_word2vec_format(OUT)` of its .model, `Wikipedia2Vec.load(FILE).save_text(OUT)` of "
    "wikipedia2vec, and import that"
)


def detect(path: str, *, items: bool = False) -> str:
    """Return the format of a file; its items may be in another file that was named.

    Raises
    ------
    ModelError
        If it cannot be read, or is none of the known ones.
    """
    from item2vec.vectors.formats.arrays import METADATA, beside
    from item2vec.vectors.formats.fasttext import MAGIC as FASTTEXT
    from item2vec.vectors.formats.streams import open_vectors
    from item2vec.vectors.formats.word2vec import header_of

    with open_vectors(path) as file:
        head = file.readline(_LONGEST_LINE)
        more = file.read(8 - len(head)) if len(head) < 8 else b""
        magic = (head + more)[:9]
        if _PICKLE.match(magic):
            raise ModelError(f"cannot read {path}: it is a Python pickle, which could run anything; {_UNPICKLED}")
        if magic[:6] == b"\x93NUMPY":
            return "npy"
        if magic[:4] == b"PAR1":
            return "parquet"
        if magic[:4] == FASTTEXT:
            return "fasttext"
        if len(head + more) >= 9 and magic[8:9] == b"{" and int.from_bytes(magic[:8], "little") < 1 << 32:
            return "safetensors"
        header = header_of(head)
        if header is not None:
            line = more + file.readline(_LONGEST_LINE)
            if _is_row(line, header[1]):
                return "word2vec"
            if line.count(b"\0") or len(line.split()) != 2 or not _is_number(line.split()[1]):
                return "word2vec-binary"
            told = f"{path} begins with two whole numbers and has two fields a line; it is read as items and one number"
            warnings.warn(f"{told}, without a header", stacklevel=3)
            return "glove"
        start = [head, *islice(iter(lambda: file.readline(_LONGEST_LINE), b""), _LOOKED_AT)]
    if path.lower().endswith(".tsv") and head and all(map(_is_number, head.split(b"\t"))):
        if items or os.path.exists(beside(path, METADATA)) or not _has_whole_ids(start):
            return "projector"
        told = f"{path} has whole numbers in its first column and no {METADATA} beside it; these are the items"
        warnings.warn(told, stacklevel=3)
        return "glove"
    fields = head.split()
    if len(fields) > 1 and _is_number(fields[-1]) and not head.startswith((b" ", b"\t")):
        return "glove"
    if not head:
        raise ModelError(f"cannot read {path}: it is empty")
    raise ModelError(f"cannot read {path}: its format is not recognised; name it with `format`")


def _has_whole_ids(lines: list[bytes]) -> bool:
    """Whether lines begin with different whole numbers, and go on with some that are not whole."""
    rows = [line.split() for line in lines if line.strip()]
    ids = [row[0] for row in rows]
    rest = [field for row in rows for field in row[1:]]
    return all(map(bytes.isdigit, ids)) and len(set(ids)) == len(ids) and not all(map(bytes.isdigit, rest))


def _is_row(line: bytes, dim: int) -> bool:
    """Whether a line has at least an item and as many numbers, as text."""
    fields = line.split()
    return len(fields) > dim and all(map(_is_number, fields[-dim:]))


def _is_number(text: bytes) -> bool:
    from item2vec.vectors.formats.decimal_text import exact_float32

    return exact_float32(text.strip()) is not None


# The vectors that an export writes: of one table or both, scaled or not.


def chosen_table(model: KeyedVectors, table: str, normalize: bool) -> KeyedVectors:
    """Return a model whose input table is the chosen one; without a copy where nothing is computed.

    Parameters
    ----------
    model : KeyedVectors
    table : {"input", "output", "sum", "concat"}
    normalize : bool
        Whether to scale each vector to length 1; one without a direction stays as it is.

    Raises
    ------
    ModelError
        If the model lacks the table.
    """
    import numpy as np

    from item2vec.vectors.keyed_vectors import KeyedVectors

    if table == "input":
        vectors = model.input
    else:
        output = model.output_rows(f"table {table} needs", "export the input table")
        if table == "output":
            vectors = output
        else:
            vectors = model.input + output if table == "sum" else np.hstack([model.input, output])
    if normalize:
        vectors = vectors.copy() if vectors is model.input or vectors is model.output else vectors
        step = max(1, (1 << 18) // vectors.shape[1])
        for first in range(0, len(vectors), step):
            rows = vectors[first : first + step].astype(np.float64)
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            norms[~((norms > 0) & np.isfinite(norms))] = 1.0
            vectors[first : first + step] = rows / norms[:, None]
    index = model.__dict__.get("hash_index")
    return KeyedVectors(vectors, None, model.vocabulary, model.metadata, names=model.names, hash_index=index)
