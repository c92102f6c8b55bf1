"""``item2vec evaluate``: how good a model is, on words or on held-out items."""

from __future__ import annotations

import click

from item2vec.cli.evaluate_items import items
from item2vec.cli.evaluate_words import words


class _TwoKinds(click.Group):
    """A group that says what its commands are, where a file stands in their place."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(
                f"No such command {args[0]!r}; say whether it is `item2vec evaluate items FILE`, of held-out items, or "
                "`item2vec evaluate words FILE`, of word pairs or analogies.",
                ctx,
            )
        return super().resolve_command(ctx, args)


@click.group(
    cls=_TwoKinds,
    epilog="""\b
Examples:
  item2vec evaluate items test.txt
  item2vec evaluate words wordsim353.tsv questions-words.txt
""",
)
def evaluate() -> None:
    """Say how good a model is, against baselines.

    Items: is what was held out of sequences found again? Words: do cosines agree with people, are analogies solved?
    """


evaluate.add_command(items)
evaluate.add_command(words)
