"""Reading holds each token once, as four bytes, and lets go of the file's pages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from item2vec.corpus.text import read_text

def kilobytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))

small, large, threads = sys.argv[1:]
read_text([small], threads=int(threads))
before = kilobytes("VmHWM")
corpus = read_text([large], threads=int(threads))
peak = kilobytes("VmHWM")
print(corpus.raw_tokens, (peak - before) * 1024, (kilobytes("VmRSS") - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak resident size")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="too long without compiled kernels")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_peak_memory(tmp_path: Path, threads: str) -> None:
    lines = b"".join(b" ".join(b"item%04d" % (i * j % 997) for j in range(20)) + b"\n" for i in range(2000))
    (tmp_path / "small.txt").write_bytes(lines)
    (tmp_path / "large.txt").write_bytes(lines * 200)  # 72 MB, 8,000,000 tokens
    paths = [str(tmp_path / "small.txt"), str(tmp_path / "large.txt")]
    run = subprocess.run([sys.executable, "-c", SCRIPT, *paths, threads], check=True, capture_output=True, text=True)
    tokens, peak, after = map(int, run.stdout.split())
    assert tokens == 8_000_000
    assert peak < 4 * tokens + 16_000_000
    assert after < 4 * tokens + 8_000_000
