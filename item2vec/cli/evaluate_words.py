"""``item2vec evaluate words``: word similarity and analogies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from item2vec.cli.options import json_option, model_option, open_model
from item2vec.cli.output import print_answer, print_json, printable
from item2vec.errors import CorpusError

if TYPE_CHECKING:
    from item2vec.evaluation.analogies import Section
    from item2vec.evaluation.word_similarity import Similarity


@click.command(
    epilog="""\b
Examples:
  item2vec evaluate words wordsim353.tsv simlex999.txt
  item2vec evaluate words questions-words.txt --restrict 30000 --json
"""
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@model_option
@click.option("--restrict", metavar="N", type=click.IntRange(min=1), default=30_000, show_default=True,
              help="Words that ask and answer analogies, the commonest ones; similarity uses all.")  # fmt: skip
@click.option("--case-sensitive", is_flag=True, help="Otherwise the commonest word alike but for case answers.")
@json_option
def words(files: tuple[str, ...], model_path: str, restrict: int, case_sensitive: bool, as_json: bool) -> None:
    """Compare word vectors with people's judgements.

    A FILE of word pairs has two words and a score a line, separated by a tab, a comma or spaces: printed is Spearman's
    rho between cosines and scores. A FILE of analogies has four words a line and sections that begin with a colon:
    printed is the share right, of the questions whose words are known (skip unknown, as word2vec.c and gensim count)
    and of all questions (unknown wrong).
    """
    from item2vec.evaluation.words import read_test

    tests = [read_test(path) for path in files]
    model = open_model(model_path)
    from item2vec.evaluation.analogies import analogies
    from item2vec.evaluation.word_similarity import word_similarity
    from item2vec.evaluation.words import Words

    names = model.vocabulary.index_to_key()
    everything = Words(names, model.input, case_sensitive=case_sensitive)
    commonest = Words(names, model.input, restrict=restrict, case_sensitive=case_sensitive)
    documents: list[dict[str, Any]] = []
    texts = []
    longest = max(
        (len(printable(path)) for path, lines in zip(files, tests, strict=True) if not _are_analogies(lines)), default=0
    )
    for path, lines in zip(files, tests, strict=True):
        try:
            if _are_analogies(lines):
                sections = analogies(commonest, lines)
                documents.append({"file": path, "kind": "analogies", "restrict": restrict} | _sections(sections))
                texts.append("\n".join([f"{printable(path)}, {min(restrict, len(names)):,} words", *_table(sections)]))
            else:
                pairs = word_similarity(everything, lines)
                documents.append({"file": path, "kind": "similarity"} | _pairs(pairs))
                unread = f", {pairs.unreadable:,} lines not understood" if pairs.unreadable else ""
                counts = f"{pairs.used:,} pairs used, {pairs.missing:,} missing{unread}"
                texts.append(f"{printable(path):{longest}}  spearman {_share(pairs.spearman)}  ({counts})")
        except CorpusError as error:
            raise CorpusError(f"{path}: {error}") from None
    if as_json:
        print_json({"model": model_path, "tests": documents})
    else:
        print_answer("\n".join(texts))


def _are_analogies(lines: list[str]) -> bool:
    """Whether a test file has analogies: headings, or four words a line, none of which is a score."""
    from item2vec.evaluation.word_similarity import parse_pair

    return lines[0].startswith(":") or (len(lines[0].split()) == 4 and not any(map(parse_pair, lines[:10])))


def _pairs(pairs: Similarity) -> dict[str, Any]:
    spearman = None if math.isnan(pairs.spearman) else pairs.spearman
    return {"spearman": spearman, "used": pairs.used, "missing": pairs.missing, "unreadable": pairs.unreadable}


def _sections(sections: list[Section]) -> dict[str, Any]:
    *parts, total = [
        {
            "name": section.name,
            "right": section.right,
            "known": section.known,
            "questions": section.questions,
            "skip_unknown": section.skip_unknown if section.known else None,
            "unknown_wrong": section.unknown_wrong,
        }
        for section in sections
    ]
    return {"sections": parts, "total": total}


def _table(sections: list[Section]) -> list[str]:
    """A line a section."""
    left = max(len(printable(section.name)) for section in sections)
    lines = [f"  {'':{left}}   right   known  questions  skip unknown  unknown wrong"]
    for section in sections:
        counts = f"{section.right:>6,}  {section.known:>6,}  {section.questions:>9,}"
        shares = f"{_share(section.skip_unknown):>12}  {_share(section.unknown_wrong):>13}"
        lines.append(f"  {printable(section.name):{left}}  {counts}  {shares}")
    return lines


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
