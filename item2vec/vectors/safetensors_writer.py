"""Write a .safetensors file block by block: tables whose rows do not lie end to end take no second copy.

The safetensors library writes the same format, but only of contiguous arrays; a training's tables have padded rows, and
a checkpoint must not double the memory that it needs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from item2vec.vectors.safetensors_map import DTYPES

_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
_BLOCK = 1 << 23  # bytes


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write tensors, those of the largest numbers first as the library has them, so that all lie aligned.

    Parameters
    ----------
    path : str or path-like
        Written over; see `item2vec.vectors.atomic` for files that appear whole or not at all.
    tensors : mapping of str to ndarray
        Of a type in `DTYPES`; rows of a table may have gaps between them.
    metadata : mapping of str to str
    """
    ordered = sorted(tensors.items(), key=lambda pair: (-pair[1].dtype.itemsize, pair[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, tensor in ordered:
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, tensor in ordered:
            rows = max(1, _BLOCK // max(1, tensor.nbytes // max(1, len(tensor))))
            for first in range(0, len(tensor), rows):
                file.write(np.ascontiguousarray(tensor[first : first + rows]).data)
