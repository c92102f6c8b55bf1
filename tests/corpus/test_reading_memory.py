"""Reading holds each token once, as four bytes, or none of them; it lets go of the file's pages and of streams."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from packed import PACKERS

SCRIPT = """
import sys
from item2vec.corpus.text.text import read_text

def kilobytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))

small, large, threads, memory = sys.argv[1:]
options = {"threads": int(threads), "memory": int(memory)}
read_text([small], **options)
before = kilobytes("VmHWM")
corpus = read_text([large], **options)
peak = kilobytes("VmHWM")
print(corpus.raw_tokens, (peak - before) * 1024, (kilobytes("VmRSS") - before) * 1024)
if corpus.file:
    read_text([large], **options)
    print(corpus.file.found, (kilobytes("VmHWM") - before) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the peak resident size")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="too long without compiled kernels")
@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_peak_memory(tmp_path: Path, threads: str, ending: str, memory: int) -> None:
    lines = b"".join(b" ".join(b"item%04d" % (i * j % 997) for j in range(20)) + b"\n" for i in range(2000))
    member = PACKERS[ending](lines) if ending else lines
    (tmp_path / f"small{ending}").write_bytes(member)
    (tmp_path / f"large{ending}").write_bytes(member * 200)  # 72 MB, 8,000,000 tokens
    arguments = [str(tmp_path / f"small{ending}"), str(tmp_path / f"large{ending}"), threads, str(memory)]
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"ITEM2VEC_CACHE": str(tmp_path / "cache")},
    )
    tokens, peak, after, *again = run.stdout.split()
    in_memory = 4 * int(tokens) if memory else 8_000_000  # buffers of what goes to files
    assert int(tokens) == 8_000_000
    assert int(peak) < in_memory + 16_000_000
    assert int(after) < in_memory + 8_000_000
    if not memory:
        assert int(again[1]) < in_memory + 16_000_000
