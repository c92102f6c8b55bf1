"""``item2vec cache``: the encoded corpora on the disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.options import json_option
from item2vec.cli.output import aligned, print_answer, print_json

if TYPE_CHECKING:
    from item2vec.corpus.cache import KeptFile


@click.command(
    epilog="""\b
Examples:
  item2vec cache
  item2vec cache --clear
"""
)
@click.option("--clear", "everything", is_flag=True, help="Remove them all.")
@json_option
def cache(everything: bool, as_json: bool) -> None:
    """Say what encoded corpora take on the disk, or remove them.

    Corpora above `item2vec train --memory` are kept encoded, so that the next run need not read them again. They go
    when they were not used for 30 days. They lie in the folder that ITEM2VEC_CACHE names, else in the user's cache.
    """
    from item2vec.corpus.cache import cache_folder, clear, kept_files

    folder = cache_folder()
    removed = clear(folder, everything=True) if everything else []
    kept = kept_files(folder)
    if as_json:
        print_json({"folder": str(folder), "removed": _document(removed), "kept": _document(kept)})
    elif everything:
        print_answer(f"Removed {_sum(removed)} from {folder}.")
    else:
        print_answer(f"{folder} has {_sum(kept)}.")
        if kept:
            days = (time.strftime("%Y-%m-%d", time.localtime(file.used)) for file in kept)
            print_answer(
                aligned((f"{file.name}  {day}", f"{file.size:,}") for file, day in zip(kept, days, strict=True))
            )


def _sum(files: list[KeptFile]) -> str:
    return f"{len(files):,} file{'' if len(files) == 1 else 's'}, {sum(file.size for file in files):,} bytes"


def _document(files: list[KeptFile]) -> list[dict[str, Any]]:
    return [{"file": file.name, "bytes": file.size, "used": round(file.used)} for file in files]
