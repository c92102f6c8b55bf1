"""The text format of word2vec.c: a line ``items dim``, then a line an item: the item and its numbers.

Its readers (word2vec.c itself, gensim, fastText, ...) end an item at the first white space, so an item that
has any cannot be carried. Numbers are written with nine significant digits, which every float32 survives
unchanged.
"""

from __future__ import annotations

import os
import re

import numpy as np

from item2vec.errors import ConfigError, ModelError
from item2vec.vectors.atomic import atomic_path
from item2vec.vectors.keyed_vectors import KeyedVectors

_BLOCK = 1 << 18  # numbers formatted between two writes
_WHITE = re.compile(rb"[ \t\n\v\f\r]")  # what C's isspace, and so the format, calls white space
_IS_WHITE = np.array([bool(_WHITE.match(bytes([code]))) for code in range(256)])


def write(
    model: KeyedVectors,
    path: str | os.PathLike[str],
    *,
    table: str = "input",
    replace_spaces: str | None = None,
) -> None:
    """Write the vectors as word2vec text.

    Parameters
    ----------
    model : KeyedVectors
    path : str or path-like
        The target; it appears whole or not at all.
    table : {"input", "output"}
        Which vectors.
    replace_spaces : str, optional
        Written for each white-space character of an item.

    Raises
    ------
    ConfigError
        If `replace_spaces` is empty or has white space itself.
    ModelError
        If an item cannot be carried, two would become one, the model lacks the table, or the file cannot be
        written.
    """
    vectors = model.input if table == "input" else model.output
    if vectors is None:
        raise ModelError(f"the model has no {table} table; export the input table")
    renamed = _renamed(model, replace_spaces)
    items, dim = vectors.shape
    numbers = b" %.9g" * dim + b"\n"
    step = max(1, _BLOCK // dim)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(b"%d %d\n" % (items, dim))
        for first in range(0, items, step):
            lines = []
            for index, row in enumerate(vectors[first : first + step].tolist(), first):
                lines.append(renamed.get(index) or model.vocabulary.items_bytes(index))
                lines.append(numbers % tuple(row))
            file.write(b"".join(lines))


def _renamed(model: KeyedVectors, replacement: str | None) -> dict[int, bytes]:
    """The items that the format cannot carry, by id, as they are to be written."""
    substitute = None if replacement is None else _substitute(replacement)
    blob, offsets = model.vocabulary.blob, model.vocabulary.offsets
    if np.any(offsets[1:] == offsets[:-1]):
        raise ModelError("the vocabulary has an item without a character, which the word2vec format cannot carry")
    places = np.flatnonzero(_IS_WHITE[blob])
    indices = np.unique(np.searchsorted(offsets, places, "right") - 1).tolist()
    if not indices:
        return {}
    if substitute is None:
        raise ModelError(
            f"the item {model.vocabulary[indices[0]]!r} has white space, which the word2vec format cannot "
            "carry; write another character for it with --replace-spaces _"
        )
    renamed: dict[int, bytes] = {}
    owners: dict[bytes, int] = {}
    for index in indices:
        name = _WHITE.sub(lambda _: substitute, model.vocabulary.items_bytes(index))
        other = owners.setdefault(name, index)
        if other == index:
            other = model.hash_index.find(name, model.vocabulary)
        if other not in (-1, index):
            raise ModelError(
                f"the items {model.vocabulary[other]!r} and {model.vocabulary[index]!r} would both become "
                f"{name.decode()!r}; choose another text for --replace-spaces"
            )
        renamed[index] = name
    return renamed


def _substitute(replacement: str) -> bytes:
    """The UTF-8 bytes to write for white space."""
    try:
        encoded = replacement.encode("utf-8")
    except UnicodeEncodeError:
        encoded = b""
    if not encoded or _WHITE.search(encoded):
        raise ConfigError(f"replace-spaces is {replacement!r}; it must be text without white space, such as _")
    return encoded
