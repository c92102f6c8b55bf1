"""Compressed files and standard input as plain files, decompressed whole with their checksums compared."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path

from item2vec.corpus.compression import COMPRESSIONS, recognise, unpacked
from item2vec.corpus.sources import nearest
from item2vec.errors import CorpusError

_BLOCK = 1 << 20  # bytes
_SPARE = 1 << 28  # bytes of the disk that are left to others: a small file may unpack to any size
COMPRESSED_ENDINGS = tuple(compression.ending for compression in COMPRESSIONS)


def plain_file(path: Path, folder: Path) -> Path:
    """The file itself, or a plain copy in the folder, if its first bytes say that it is compressed or it is ``-``.

    Raises
    ------
    CorpusError
        If the file cannot be read, is damaged or cut short, or the folder has no room.
    """
    target = folder / f"plain{sum(1 for _ in folder.iterdir())}"
    try:
        if str(path) == "-":
            with target.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
            return plain_file(target, folder)
        with path.open("rb") as file:
            compression = recognise(file.read(10))
    except (FileNotFoundError, NotADirectoryError):
        raise CorpusError(f"no file {str(path)!r}{nearest(path)}") from None
    except OSError as error:
        raise CorpusError(f"cannot read {str(path)!r}: {error.strerror}; see its name, owner and permissions") from None
    if compression is None:
        return path
    try:
        with path.open("rb") as packed, target.open("wb") as file:
            for number, block in enumerate(unpacked(packed, compression, repr(str(path)), _BLOCK)):
                file.write(block)
                if number % 64 == 0 and shutil.disk_usage(folder).free < _SPARE:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        raise CorpusError(
            f"cannot decompress {str(path)!r} into {str(folder)!r}: {error.strerror}; set TMPDIR to a larger place"
        ) from None
    return target
