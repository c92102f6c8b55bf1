"""Damaged files for fuzz.py: good files of every kind that is read, and what is done to them."""

from __future__ import annotations

import bz2
import copy
import gzip
import json
import lzma
import random
import re
import struct
import zlib
from collections.abc import Callable

import numpy as np

NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    255,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32,
    2**40,
    2**60,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**31),
)
TEXTS = (
    b"\n", b"\0", b" ", b"\t", b"\r\n", b",", b'"', b"nan", b"inf", b"-inf", b"1e999", b"1e-999", b"-0", b"1e400000000",
    b".", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80", b"\x80", b"a" * 300, b"9" * 5000, b"[" * 3000,
    b"{}", b"[]",
    b"null", b"true", b"-1", b"1.5", b"99999999999999999999", b"0x10", b"__metadata__", b"# ", b": ",
)  # fmt: skip
Mutation = Callable[[random.Random, bytearray], None]


def mutate(rng: random.Random, data: bytes, most: int = 6) -> bytes:
    """Damage a file in one to ``most`` ways; now and then it stays as it is."""
    content = bytearray(data)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, most))):
        rng.choice(MUTATIONS)(rng, content)
    return bytes(content)


def _place(rng: random.Random, content: bytearray) -> int:
    """Return a place, often near the beginning, where headers are."""
    size = len(content)
    return rng.randrange(min(size, 64) + 1) if rng.random() < 0.4 else rng.randrange(size + 1)


def _flip(rng: random.Random, content: bytearray) -> None:
    if content:
        content[min(_place(rng, content), len(content) - 1)] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, content: bytearray) -> None:
    if content:
        content[min(_place(rng, content), len(content) - 1)] = rng.choice(
            (0, 1, 9, 10, 32, 48, 127, 128, 255, rng.randrange(256))
        )


def _insert(rng: random.Random, content: bytearray) -> None:
    place = _place(rng, content)
    content[place:place] = rng.choice(TEXTS) if rng.random() < 0.7 else rng.randbytes(rng.randrange(1, 20))


def _cut(rng: random.Random, content: bytearray) -> None:
    place = _place(rng, content)
    del content[place : place + rng.randrange(1, 40)]


def _cut_off(rng: random.Random, content: bytearray) -> None:
    del content[_place(rng, content) :]


def _double(rng: random.Random, content: bytearray) -> None:
    place = _place(rng, content)
    part = content[place : place + rng.randrange(1, 60)]
    content[place:place] = part * rng.choice((1, 1, 2, 50))


def _binary_number(rng: random.Random, content: bytearray) -> None:
    width = rng.choice((2, 4, 8))
    place = _place(rng, content) // width * width
    content[place : place + width] = (rng.choice(NUMBERS) % (1 << 8 * width)).to_bytes(width, "little")


def _binary_float(rng: random.Random, content: bytearray) -> None:
    place = _place(rng, content)
    content[place : place + 4] = struct.pack("<f", rng.choice((float("nan"), float("inf"), -float("inf"), 3e38, 1e-45)))


def _decimal_number(rng: random.Random, content: bytearray) -> None:
    found = [match.span() for match in re.finditer(rb"\d+", content[:100_000])]
    if found:
        begin, end = found[0] if rng.random() < 0.2 else rng.choice(found)
        content[begin:end] = str(rng.choice(NUMBERS)).encode() if rng.random() < 0.8 else rng.choice(TEXTS)


def _swap(rng: random.Random, content: bytearray) -> None:
    a, b = sorted((_place(rng, content), _place(rng, content)))
    content[a:] = content[b:] + content[a:b]


MUTATIONS: tuple[Mutation, ...] = (
    _flip, _set, _insert, _cut, _cut_off, _double, _binary_number, _binary_float, _decimal_number, _swap,
)  # fmt: skip


def packed(rng: random.Random, data: bytes) -> bytes:
    """Sometimes the gzipped form, sometimes damaged once more."""
    if rng.random() < 0.85:
        return data
    zipped = gzip.compress(data, 1, mtime=0)
    return zipped if rng.random() < 0.6 else mutate(rng, zipped, 2)


def packed_stream(rng: random.Random, data: bytes) -> bytes:
    """Any compression that corpora may have, or none."""
    kind = rng.randrange(8)
    if kind > 3:
        return data
    zipped = (_gzip, bz2.compress, lzma.compress, _zstd)[kind](data)
    return zipped if rng.random() < 0.5 else mutate(rng, zipped, 2)


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _zstd(data: bytes) -> bytes:
    from backports import zstd

    return bytes(zstd.compress(data))


def mutate_safetensors(rng: random.Random, data: bytes) -> bytes:
    """Damage the file anywhere, or only its header, whose length is then right, or only its tensors."""
    kind = rng.randrange(4)
    size = int.from_bytes(data[:8], "little")
    head, body = data[8 : 8 + size], data[8 + size :]
    if kind == 0:
        return mutate(rng, data)
    if kind == 1:
        head = mutate(rng, head)
    elif kind == 2:
        content = bytearray(body)
        for _ in range(rng.randrange(1, 4)):
            rng.choice((_flip, _set, _binary_number, _binary_float))(rng, content)
        body = bytes(content[: len(body)]).ljust(len(body), b"\0")
    else:
        document = json.loads(head)
        _edit(rng, document)
        head = json.dumps(document).encode()
    return len(head).to_bytes(8, "little") + head + body


def _edit(rng: random.Random, document: dict) -> None:
    """Put something else in a member of a JSON object, at any depth; metadata is JSON in JSON."""
    values = (
        None,
        True,
        -1,
        0,
        1.5,
        2**31,
        2**62,
        10**400,
        "",
        "x",
        [],
        {},
        [[[]]],
        [0, 2**60],
        "\ud800",
        [[]] * 50,
        float("nan"),
    )
    for _ in range(rng.randrange(1, 3)):
        holder: object = document
        while isinstance(holder, dict) and holder:
            name = rng.choice(list(holder))
            inner = holder[name]
            if name == "item2vec" and isinstance(inner, str) and inner.startswith("{"):
                parsed = json.loads(inner)
                _edit(rng, parsed)
                holder[name] = json.dumps(parsed)
                break
            if isinstance(inner, dict) and rng.random() < 0.8:
                holder = inner
                continue
            if isinstance(inner, list) and inner and rng.random() < 0.7:
                inner[rng.randrange(len(inner))] = copy.deepcopy(rng.choice(values))
            elif rng.random() < 0.3:
                del holder[name]
            else:
                holder[name] = copy.deepcopy(rng.choice(values))
            break


def mutate_corpus_file(rng: random.Random, data: bytes) -> bytes:
    """Damage a kept corpus, and mostly put its sum right afterwards, as somebody would who means harm."""
    damaged = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        begin = 0 if rng.random() < 0.5 else 4096
        part = damaged[begin : begin + 600] if begin == 0 else damaged[begin:]
        rng.choice(MUTATIONS)(rng, part)
        if begin == 0:
            damaged[:600] = part[:600].ljust(600)
        else:
            damaged[begin:] = part
    if rng.random() < 0.2:
        return bytes(damaged)
    lines = bytes(damaged[:4096]).split(b"\n")
    if len(lines) > 2:
        lines[1] = b"%08x" % zlib.crc32(lines[2], zlib.crc32(bytes(damaged[4096:])))
        damaged[:4096] = b"\n".join(lines)[:4096].ljust(4096)
    return bytes(damaged)


def fasttext_file(*, pruned: bool = False, minn: int = 2, maxn: int = 4, buckets: int = 20) -> bytes:
    """Return a fastText model of four words, as `fasttext_bin` describes it."""
    words = [b"</s>", b"milk", "größe".encode(), b"a"]
    kept = {3: 0, 7: 1, 12: 2} if pruned else {}
    rows = len(words) + (len(kept) if pruned else buckets)
    table = np.linspace(-1, 1, rows * 3).astype("<f4")
    entries = b"".join(word + b"\0" + struct.pack("<qb", 9 - i, 0) for i, word in enumerate(words))
    return b"".join(
        [
            struct.pack("<2i", 793_712_314, 12),
            struct.pack("<12i", 3, 5, 5, 1, 5, 1, 2, 1, buckets, minn, maxn, 100),
            struct.pack("<d", 1e-4),
            struct.pack("<3i2q", len(words), len(words), 0, 30, len(kept) if pruned else -1),
            entries,
            b"".join(struct.pack("<2i", *pair) for pair in kept.items()),
            b"\0",
            struct.pack("<2q", rows, 3),
            table.tobytes(),
            b"\0",
            struct.pack("<2q", len(words), 3),
            table[: len(words) * 3].tobytes(),
        ]
    )
