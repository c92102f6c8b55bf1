"""Files of vectors as streams of bytes: plain or gzipped, in blocks, with one line for what goes wrong."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, BinaryIO, TypeVar

from item2vec.errors import ModelError
from item2vec.files.compression import recognise
from item2vec.files.machine import available_memory, cores

BLOCK = 1 << 22  # bytes read at once
_GZIP_LEVEL = 1  # digits hardly compress: level 9 takes ten times as long for 3% less
_LONGEST_LINE = 1 << 26  # bytes; a row of 65,536 numbers takes a tenth of it
MOST_DIM = 1 << 20  # numbers of a vector: what claims more is no table of vectors
_SMALL = 1 << 26  # bytes that are taken without a look at what is left
_OPENERS: dict[str, Any] = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
# Bytes unpacked of one packed, at most: zlib's own bound is 1032 (zlib.net, "Maximum Compression Factor"); of bzip2 a
# block of 900,000 runs of 255 letters takes some 40 bytes; LZMA packs some 7,000 bytes into one.
_RATIOS = {"": 1, "gzip": 1100, "bzip2": 1 << 21, "xz": 1 << 15}

Given = TypeVar("Given")
Made = TypeVar("Made")


@contextmanager
def open_vectors(path: str) -> Iterator[BinaryIO]:
    """Open a file for reading; what gzip, bzip2 or xz has packed is unpacked.

    Raises
    ------
    ModelError
        If it cannot be read, in the body too.
    """
    name = ""
    try:
        if os.path.isdir(path):
            raise ModelError(f"cannot read {path}: it is a folder; name a file")
        with open(path, "rb") as file:
            name = _packed(file.peek(10))
            opener = _OPENERS.get(name)
            if opener is None:
                yield file
            else:
                with opener(file) as unpacked:
                    yield unpacked
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError) as error:
        raise ModelError(f"cannot read {path}: its {name} data is damaged or cut off") from error
    except OSError as error:
        if name == "bzip2" and error.errno is None:
            raise ModelError(f"cannot read {path}: its {name} data is damaged") from error
        raise ModelError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except ValueError as error:  # a NUL in the name
        if "\0" in path:
            raise ModelError(f"cannot read {path!r}: it is not a file name") from error
        raise


def content_bound(path: str) -> int:
    """Return the most bytes that a file can hold, unpacked."""
    with open(path, "rb") as file:
        return os.path.getsize(path) * _RATIOS[_packed(file.read(10))]


def _packed(head: bytes) -> str:
    """Return what has packed a file that begins so; nothing if it is as it is."""
    found = recognise(head)
    return found.name if found is not None and found.name in _OPENERS else ""


def check_room(path: str, size: int, what: str = "its vectors") -> None:
    """Raise an error if something would not fit into the memory that is left, before it is allocated.

    A file may claim anything, and a gzipped one may even keep its word.

    Raises
    ------
    ModelError
        If `size` bytes are more than there are.
    """
    if size > _SMALL and size > (left := available_memory()):
        raise ModelError(
            f"cannot read {path}: {what} would take {size / 1e9:,.1f} GB of memory, and {left / 1e9:,.1f} GB are left"
        )


@contextmanager
def create_text(path: str | os.PathLike[str], zipped: bool) -> Iterator[BinaryIO]:
    """Open a file for writing, through gzip if asked; the gzip data depends on nothing but what is written."""
    with open(path, "wb") as file:
        if zipped:
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as unzipped:
                yield unzipped  # type: ignore[misc]  # it has what a BinaryIO is used for here
        else:
            yield file


def is_gzip_name(path: str | os.PathLike[str]) -> bool:
    """Whether a file of this name is to be gzipped."""
    return os.fspath(path).lower().endswith(".gz")


def line_blocks(file: BinaryIO, path: str) -> Iterator[bytes]:
    """Blocks of whole lines, the last line with or without its end."""
    rest = b""
    while block := file.read(BLOCK):
        cut = block.rfind(b"\n") + 1
        if cut == 0:
            rest += block
            if len(rest) > _LONGEST_LINE:
                raise ModelError(
                    f"cannot read {path}: a line has over {_LONGEST_LINE:,} bytes; it is not text with vectors"
                )
            continue
        yield rest + block[:cut]
        rest = block[cut:]
    if rest:
        yield rest


def in_order(function: Callable[[Given], Made], inputs: Iterable[Given], workers: int | None = None) -> Iterator[Made]:
    """Yield ``function(input)`` of all inputs in order, computed by threads that run a little ahead."""
    workers = workers or cores()
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for given in inputs:
                waiting.append(pool.submit(function, given))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
