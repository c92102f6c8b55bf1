"""``item2vec evaluate``: how good a model is, on words or on held-out items."""

from __future__ import annotations

import click

from item2vec.cli.evaluate_items import items
from item2vec.cli.evaluate_words import words


@click.group(
    epilog="""\b
Examples:
  item2vec evaluate items test.txt
  item2vec evaluate words wordsim353.tsv questions-words.txt
"""
)
def evaluate() -> None:
    """Say how good a model is, against baselines.

    Items: is what was held out of sequences found again? Words: do cosines agree with people, are analogies solved?
    """


evaluate.add_command(items)
evaluate.add_command(words)
