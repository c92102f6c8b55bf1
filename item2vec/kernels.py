"""How numba compiles the kernels: ``@kernel`` for functions, ``@inlined`` for parts of their callers."""

from __future__ import annotations

from typing import Any

from numba import njit

_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy", "cache": True}
kernel = njit(**_OPTIONS)
inlined = njit(forceinline=True, **_OPTIONS)
