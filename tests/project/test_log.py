"""The log of experiments: its table of contents is that of its headings."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PROGRAM = runpy.run_path(str(BENCHMARKS / "log_contents.py"))


def test_the_contents_are_the_headings() -> None:
    log = (BENCHMARKS / "LOG.md").read_text(encoding="utf-8")
    assert log == PROGRAM["with_contents"](log), "python benchmarks/log_contents.py writes the contents anew"
    assert len(re.findall(r"^- \[", log, re.MULTILINE)) >= len(re.findall("^## ", log, re.MULTILINE)) > 30


def test_links_are_github_s_anchors() -> None:
    log = "# Log\n\n## 2026-11-21: Ctrl-C, and `train`'s 6 -> 7\ntext\n### no\n## again\n## again\n"
    assert PROGRAM["contents"](log).splitlines() == [
        "- [2026-11-21: Ctrl-C, and `train`'s 6 -> 7](#2026-11-21-ctrl-c-and-trains-6---7)",
        "- [again](#again)",
        "- [again](#again-1)",
    ]


def test_contents_that_are_old_are_seen() -> None:
    log = PROGRAM["with_contents"]((BENCHMARKS / "LOG.md").read_text(encoding="utf-8"))
    assert PROGRAM["with_contents"](log + "\n## another\n") != log + "\n## another\n"
    assert PROGRAM["with_contents"](log) == log
