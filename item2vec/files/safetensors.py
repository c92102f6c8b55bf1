""".safetensors files: read in place, their headers checked; written block by block."""

from __future__ import annotations

import json
import math
import mmap
import os
import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.errors import ModelError
from item2vec.files.machine import run_in_threads

# Read a .safetensors file in place: its header checked, its tensors as views of the mapped file.
#
# The format (https://github.com/huggingface/safetensors): 8 bytes, the header's length as a little-endian
# number; the header, a JSON object of ``name: {dtype, shape, data_offsets}`` with text pairs under
# ``__metadata__``; then the tensors' bytes without gaps. The safetensors library reads the same files, but
# copies each tensor.

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U64": "<u8", "U8": "|u1"}
CHECKSUMS = "crc32"  # in the metadata: a JSON object of each tensor's CRC-32 (zlib's), as 8 hexadecimal digits
_OF_METADATA = "__metadata__"  # in that object: of the other metadata
_MUCH = 1 << 22  # bytes: below, a thread is not worth its start
_MAX_HEADER = 1 << 25  # bytes; parsed JSON takes up to sixty times as much, and a model's header hardly a thousand


def map_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Map a file and return its tensors and its metadata.

    Parameters
    ----------
    path : str or path-like
        A .safetensors file whose tensors have the types of `DTYPES`.

    Returns
    -------
    tensors : dict of str to ndarray
        Read-only views of the file, in the file's order; nothing is copied.
    metadata : dict of str to str

    Raises
    ------
    ModelError
        If the file cannot be read or breaks the format: naming it and what is wrong.
    """
    shown = os.fspath(path)
    data = _map(shown)
    header, start = _header(shown, data)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise damaged(shown, "its metadata is not text")
    tensors = {}
    end = 0
    for name, entry in sorted(header.items(), key=_place):
        dtype, shape, begin, stop = _entry(shown, name, entry)
        if begin != end or stop > len(data) - start:
            raise damaged(shown, f"the bytes of tensor {name!r} are not where they should be")
        if stop - begin != math.prod(shape) * dtype.itemsize:
            raise damaged(shown, f"tensor {name!r} has {stop - begin:,} bytes, which its shape {shape} does not fit")
        tensors[name] = data[start + begin : start + stop].view(dtype).reshape(shape)
        end = stop
    if end != len(data) - start:
        raise damaged(shown, f"{len(data) - start - end:,} bytes at its end belong to no tensor")
    return tensors, metadata


def check_sums(
    path: str | os.PathLike[str],
    tensors: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    names: Iterable[str] | None = None,
) -> int:
    """Compare tensors, and the metadata, with the checksums that were written with them.

    Parameters
    ----------
    path : str or path-like
        For messages.
    tensors, metadata
        What `map_tensors` gave.
    names : iterable of str, optional
        The tensors to read and compare; all if not given.

    Returns
    -------
    int
        How many tensors were compared: 0 in a file of an earlier version, which has no checksums.

    Raises
    ------
    ModelError
        If a checksum differs or is missing: naming the file and the tensor.
    """
    shown = os.fspath(path)
    if CHECKSUMS not in metadata:
        return 0
    try:
        sums = json.loads(metadata[CHECKSUMS])
    except (ValueError, RecursionError):
        sums = None
    if not isinstance(sums, dict) or sums.keys() != {*tensors, _OF_METADATA}:
        raise damaged(shown, "its checksums cannot be read")
    if sums[_OF_METADATA] != _hexadecimal(_metadata_sum(metadata)):
        raise damaged(shown, "its metadata do not match their checksum")
    chosen = list(tensors if names is None else (name for name in names if name in tensors))
    for name, value in zip(chosen, _tensor_sums([tensors[name] for name in chosen]), strict=True):
        if sums[name] != _hexadecimal(value):
            raise damaged(shown, f"tensor {name!r} does not match its checksum")
    return len(chosen)


def _metadata_sum(metadata: Mapping[str, str]) -> int:
    """Return the CRC-32 of all metadata but the checksums, as compact JSON with sorted keys."""
    rest = {name: text for name, text in metadata.items() if name != CHECKSUMS}
    return zlib.crc32(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


def _tensor_sum(tensor: NDArray[Any]) -> int:
    value = 0
    for block in _blocks(tensor):
        value = zlib.crc32(block, value)
    return value


def _tensor_sums(tensors: Sequence[NDArray[Any]]) -> list[int]:
    """Return the CRC-32 of each tensor: where there is much to read, by a thread each."""
    if sum(tensor.nbytes for tensor in tensors) > _MUCH:
        with suppress(RuntimeError):  # no thread can be started
            return run_in_threads([partial(_tensor_sum, tensor) for tensor in tensors])
    return [_tensor_sum(tensor) for tensor in tensors]


def _hexadecimal(value: int) -> str:
    return f"{value:08x}"


def damaged(path: str, what: str) -> ModelError:
    """Return the error for a file that is there but broken."""
    return ModelError(f"cannot read {path}: {what}; it is damaged or not a model file")


def _map(path: str) -> NDArray[np.uint8]:
    """Return the whole file as bytes, mapped read-only."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise ModelError(f"cannot read {path}: it is a folder; name a model file")
            if not stat.S_ISREG(status.st_mode):
                raise ModelError(f"cannot read {path}: it is not a regular file; name a model file")
            if status.st_size < 8:
                raise damaged(path, f"it has only {status.st_size} bytes")
            mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        if isinstance(error, ValueError):
            raise ModelError(f"cannot read {path!r}: it is not a file name") from error
        raise ModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    return np.frombuffer(mapped, np.uint8)


def _header(path: str, data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    """Return the header's JSON object, and where the tensors' bytes start."""
    length = int.from_bytes(data[:8].tobytes(), "little")
    if length > min(len(data) - 8, _MAX_HEADER):
        # The usual end of a file of another kind, whose first bytes are no length.
        raise ModelError(
            f"cannot read {path}: it is damaged or not a model file; to read another tool's vectors, "
            "use `item2vec import`"
        )
    try:
        header = json.loads(data[8 : 8 + length].tobytes().decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise damaged(path, "its header is not a JSON object")
    return header, 8 + length


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make the dictionary of a JSON object, refusing a key that comes twice."""
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _place(named_entry: tuple[str, Any]) -> tuple[int, int]:
    """Sort key: where a tensor lies, 0 for an entry that will be refused anyway."""
    entry = named_entry[1]
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if isinstance(offsets, list) and len(offsets) == 2 and all(type(offset) is int for offset in offsets):
        return offsets[0], offsets[1]
    return 0, 0


def _entry(path: str, name: str, entry: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Return the type, shape and place of one tensor."""
    # Only the name is quoted, and no long one: a hostile header may hold megabytes of anything.
    if len(name) > 100:
        raise damaged(path, "a tensor's name is too long")
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise damaged(path, f"tensor {name!r} is not described by dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in DTYPES:
        raise damaged(path, f"the type of tensor {name!r} is not one of {', '.join(DTYPES)}")
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 2:
        raise damaged(path, f"the shape of tensor {name!r} is not that of a vector or a table")
    if (
        not isinstance(offsets, list)
        or len(offsets) != 2
        or not all(type(offset) is int for offset in offsets)
        or not 0 <= offsets[0] <= offsets[1]
    ):
        raise damaged(path, f"the data_offsets of tensor {name!r} are not a valid range")
    return np.dtype(DTYPES[kind]), tuple(shape), offsets[0], offsets[1]


# Write a .safetensors file block by block: tables whose rows do not lie end to end take no second copy.
#
# The safetensors library writes the same format, but only of contiguous arrays; a training's tables have padded rows,
# and
# a checkpoint must not double the memory that it needs.

_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
_BLOCK = 1 << 23  # bytes


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write tensors, those of the largest numbers first as the library has them, so that all lie aligned.

    Parameters
    ----------
    path : str or path-like
        Written over; see `item2vec.files.atomic` for files that appear whole or not at all.
    tensors : mapping of str to ndarray
        Of a type in `DTYPES`; rows of a table may have gaps between them.
    metadata : mapping of str to str
        A checksum of each tensor, and of these, is added under `CHECKSUMS`.
    """
    ordered = sorted(tensors.items(), key=lambda pair: (-pair[1].dtype.itemsize, pair[0]))
    # The checksums stand before the tensors, so that room is left for them, and they are filled in at the end.
    sums = {_OF_METADATA: _hexadecimal(_metadata_sum(metadata))} | dict.fromkeys(tensors, _hexadecimal(0))
    header: dict[str, Any] = {}
    end = 0
    for name, tensor in ordered:
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    with open(path, "wb") as file:
        file.write(_head(header, metadata, sums))
        for name, tensor in ordered:
            value = 0
            for block in _blocks(tensor):
                value = zlib.crc32(block, value)
                file.write(block)
            sums[name] = _hexadecimal(value)
        file.seek(0)
        file.write(_head(header, metadata, sums))


def _head(entries: Mapping[str, Any], metadata: Mapping[str, str], sums: Mapping[str, str]) -> bytes:
    """Return what comes before the tensors' bytes; as long for any checksums."""
    header = {"__metadata__": {**metadata, CHECKSUMS: json.dumps(sums, separators=(",", ":"))}, **entries}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _blocks(tensor: NDArray[Any]) -> Iterator[memoryview]:
    """Yield the tensor's bytes, row after row, in blocks."""
    rows = max(1, _BLOCK // max(1, tensor.nbytes // max(1, len(tensor))))
    for first in range(0, len(tensor), rows):
        yield np.ascontiguousarray(tensor[first : first + rows]).reshape(-1).view(np.uint8).data
