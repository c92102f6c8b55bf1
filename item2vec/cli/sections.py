"""Help of commands with many options: those that belong together stand under a title of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from item2vec.config import TrainConfig

READING = {
    "Reading": ("format", "delimiter", "encoding", "errors", "names", "name_column", "memory", "cache"),
    "Event tables": ("user", "item", "time", "session_gap", "where", "dedupe", "weight", "sql", "nulls"),
}
TRAINING = {"Training": tuple(name for name in TrainConfig.__dataclass_fields__ if name not in ("init", "freeze"))}


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections, the general ones first.

    Parameters
    ----------
    sections : mapping of str to tuple of str
        Titles, and the names of the parameters under each; what is in none of them is general.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, tuple[str, ...]], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        places = {name: title for title, names in self.sections.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *self.sections)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                rows[places.get(parameter.name or "", "Options")].append(record)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
