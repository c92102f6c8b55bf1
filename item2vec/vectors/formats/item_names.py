"""The names of items as a file has them: what a format cannot carry, and what no vocabulary may hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ConfigError, ModelError, brief
from item2vec.files.utf8 import first_not_utf8
from item2vec.items.hash_index import HashIndex
from item2vec.items.vocabulary import Vocabulary
from item2vec.vectors.keyed_vectors import KeyedVectors

WHITE = b" \t\n\v\f\r"  # what C's isspace calls white space


def carried(model: KeyedVectors, format: str, forbidden: bytes, replacement: str | None) -> Vocabulary:
    """Return the vocabulary with its items as a format can carry them.

    Parameters
    ----------
    model : KeyedVectors
    format : str
        Its name, for messages.
    forbidden : bytes
        The white space that it cannot carry, of `WHITE`.
    replacement : str or None
        Written for each forbidden character.

    Raises
    ------
    ConfigError
        If `replacement` is empty or has white space itself.
    ModelError
        If an item cannot be carried, or two would become one.
    """
    substitute = None if replacement is None else _substitute(replacement)
    vocabulary = model.vocabulary
    blob, offsets = vocabulary.blob, vocabulary.offsets
    if np.any(offsets[1:] == offsets[:-1]):
        raise ModelError(f"the vocabulary has an empty item, which the {format} format cannot carry")
    places = np.flatnonzero(np.isin(np.arange(256, dtype=np.uint8), np.frombuffer(forbidden, np.uint8))[blob])
    indices = np.unique(np.searchsorted(offsets, places, "right") - 1).tolist()
    if not indices:
        return vocabulary
    if substitute is None:
        raise ModelError(
            f"the item {brief(vocabulary[indices[0]])} has white space, which the {format} format cannot "
            "carry; write another character for it with `replace_spaces=_`"
        )
    renamed = {index: _replaced(vocabulary.items_bytes(index), forbidden, substitute) for index in indices}
    _check_different(model, renamed)
    items = [renamed.get(index) or vocabulary.items_bytes(index) for index in range(len(vocabulary))]
    return Vocabulary.from_items(items, vocabulary.counts)


def checked(path: str, vocabulary: Vocabulary, table: NDArray[np.float32], format: str) -> KeyedVectors:
    """Return what was read as a model, if it can be one.

    Raises
    ------
    ModelError
        If there is nothing, an item is empty, not UTF-8, has a line end or comes twice, or a number is not
        finite: naming the item.
    """
    if len(vocabulary) == 0 or table.shape[1] == 0:
        raise ModelError(f"cannot read {path}: there are no vectors in it")
    blob, offsets = vocabulary.blob, vocabulary.offsets
    empty = np.flatnonzero(offsets[1:] == offsets[:-1])
    if len(empty):
        raise ModelError(f"cannot read {path}: item {empty[0] + 1:,} has no name")
    wrong = first_not_utf8(blob, offsets)
    if wrong is not None:
        name = vocabulary.items_bytes(wrong)[:60]
        raise ModelError(f"cannot read {path}: item {wrong + 1:,}, {name!r}, is not UTF-8; convert the file first")
    broken = np.flatnonzero(blob == 10)
    if len(broken):
        item = vocabulary[int(np.searchsorted(offsets, broken[0], "right")) - 1]
        raise ModelError(f"cannot read {path}: the item {brief(item)} contains a line end, which is not allowed")
    zeros = np.zeros(_rows(table) * table.shape[1], np.float32)
    for first in range(0, len(table), _rows(table)):
        block = table[first : first + _rows(table)]
        # Zero times what is not finite is no number; far faster than looking at each.
        with np.errstate(invalid="ignore"):
            suspect = np.isnan(np.dot(block.ravel(), zeros[: block.size]))
        if suspect:
            good = np.isfinite(block).all(axis=1)
            item = vocabulary[first + int(np.argmin(good))]
            raise ModelError(f"cannot read {path}: the vector of {brief(item)} has a number that is not finite")
    index = HashIndex.build(vocabulary)
    pair = index.first_duplicate(vocabulary)
    if pair is not None:
        raise ModelError(
            f"cannot read {path}: the item {brief(vocabulary[pair[0]])} comes twice, as number {pair[0] + 1:,} and "
            f"{pair[1] + 1:,}; remove one"
        )
    return KeyedVectors(table, None, vocabulary, {"imported": {"format": format}}, hash_index=index)


def cut_out(
    data: NDArray[np.uint8], starts: NDArray[np.int64], stops: NDArray[np.int64]
) -> tuple[bytes, NDArray[np.int64]]:
    """Return the bytes between some places end to end, and their lengths."""
    lengths = stops - starts
    ends = np.cumsum(lengths)
    indices = np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)
    return data[indices].tobytes(), lengths


def _rows(table: NDArray[np.float32]) -> int:
    """How many rows to look at together."""
    return max(1, (1 << 18) // int(table.shape[1]))


def _replaced(name: bytes, forbidden: bytes, substitute: bytes) -> bytes:
    return b"".join(substitute if code in forbidden else bytes([code]) for code in name)


def _check_different(model: KeyedVectors, renamed: dict[int, bytes]) -> None:
    """No renamed item may have the name of another."""
    owners: dict[bytes, int] = {}
    for index, name in renamed.items():
        other = owners.setdefault(name, index)
        if other == index:
            other = model.hash_index.find(name, model.vocabulary)
        if other not in (-1, index):
            raise ModelError(
                f"the items {brief(model.vocabulary[other])} and {brief(model.vocabulary[index])} would both become "
                f"{brief(name.decode())}; choose another text for `replace_spaces`"
            )


def _substitute(replacement: str) -> bytes:
    """Return the UTF-8 bytes to write for white space."""
    try:
        encoded = replacement.encode("utf-8")
    except UnicodeEncodeError:
        encoded = b""
    if not encoded or any(code in WHITE for code in encoded):
        raise ConfigError(f"`replace_spaces` is {replacement!r}; it must be text without white space, such as _")
    return encoded
