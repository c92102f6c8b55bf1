"""Write the table of contents of LOG.md, made from its headings: python benchmarks/log_contents.py."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

LOG = Path(__file__).resolve().parent / "LOG.md"
BEGIN = "<!-- contents: python benchmarks/log_contents.py -->\n"
END = "<!-- end of contents -->\n"


def contents(log: str) -> str:
    """Return a list of links to the log's sections, with the anchors that GitHub gives them."""
    seen: Counter[str] = Counter()
    lines = []
    for title in re.findall(r"^## (.+)$", log, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        number = f"-{seen[anchor]}" if seen[anchor] else ""
        seen[anchor] += 1
        lines.append(f"- [{title}](#{anchor}{number})\n")
    return "".join(lines)


def with_contents(log: str) -> str:
    """Return the log with the table of contents that its headings ask for."""
    before, _, rest = log.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{contents(after)}\n{END}{after}"


def main() -> None:
    LOG.write_text(with_contents(LOG.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
