"""Directives that write the reference from what item2vec has: its commands, presets, formats and public names.

```{item2vec-command} train           a command, or a command of a command: evaluate items
```{item2vec-presets}
```{item2vec-formats}
```{item2vec-api} functions           one of `api_text.GROUPS`
"""

from __future__ import annotations

from typing import Any, ClassVar

import api_text
import command_text
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from item2vec.cli.main import cli


class MystText(SphinxDirective):
    """A directive that stands for MyST text."""

    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Any]] = {}

    def text(self) -> str:
        """What it stands for."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse the text where the directive stands."""
        node = nodes.container()
        node.document = self.state.document
        self.state.nested_parse(StringList(self.text().splitlines(), "item2vec"), self.content_offset, node)
        return node.children


class Command(MystText):
    """A command's usage, options and examples."""

    def text(self) -> str:
        """The command's text."""
        name = f"item2vec {self.arguments[0]}"
        return command_text.command_text(name, dict(command_text.commands(cli))[name])


class Presets(MystText):
    """The table of presets."""

    def text(self) -> str:
        """The table."""
        return command_text.presets_text()


class Formats(MystText):
    """The table of vector formats."""

    def text(self) -> str:
        """The table."""
        return command_text.formats_text()


class Api(MystText):
    """Public names of one kind."""

    def text(self) -> str:
        """The directives of autodoc."""
        return api_text.group_text(self.arguments[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directives."""
    app.add_directive("item2vec-command", Command)
    app.add_directive("item2vec-presets", Presets)
    app.add_directive("item2vec-formats", Formats)
    app.add_directive("item2vec-api", Api)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
