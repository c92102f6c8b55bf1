"""The model's tests as on a machine with other vector registers: ``python tests/lanes.py 4|16 [pytest's options]``.

Registers of 4 numbers are SSE's and NEON's, of 16 AVX-512's; LLVM makes such code for any machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
from unittest import mock

import pytest

FEATURES = {"4": {}, "16": {"avx512f": True}}


def main(lanes: str, *options: str) -> int:
    with tempfile.TemporaryDirectory() as cache:  # compiled code does not say for what registers it is
        os.environ["NUMBA_CACHE_DIR"] = cache
        import numba

        numba.njit(main)  # now numba asks what the machine has, and is to hear the truth
        with mock.patch("llvmlite.binding.get_host_cpu_features", return_value=FEATURES[lanes]):
            from item2vec.model.cpu.simd import LANES
        if int(lanes) != LANES:
            raise SystemExit(f"registers of {LANES} numbers, not {lanes}")
        return int(pytest.main(["tests/model", *options]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
