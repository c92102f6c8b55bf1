"""The errors that item2vec raises for what a user can cause.

Every message is one line: what is wrong, the offending value, and what to do about it. The library raises these;
only ``item2vec.cli`` turns them into an exit status.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SHOWN = 60  # letters of an item in a message


def brief(item: str) -> str:
    """Return an item in quotes for a message, cut off where it is long: no file makes a message longer than a line."""
    return repr(item) if len(item) <= _SHOWN else repr(item[:_SHOWN]) + "..."


FIELD = re.compile(r"""(?<!['"])`([a-z][a-z_0-9]*)(?:=([^`]*))?`(?!['"])""")
"""A field in a message: its name in backquotes, or with a value to give it, ```epochs=50```.

The library speaks of fields as Python spells them; the command line finds them here and spells its options instead.
What stands in quotes, such as an item, is nobody's field.
"""


class Item2VecError(Exception):
    """Base of all errors that item2vec raises on purpose.

    Attributes
    ----------
    field : str or None
        The option that cannot work, as Python spells it: the first one that the message names.
    """

    @property
    def field(self) -> str | None:
        """The first field that the message names."""
        found = FIELD.search(str(self))
        return found[1] if found else None


class ConfigError(Item2VecError):
    """An option has a value that cannot work."""


class CorpusError(Item2VecError):
    """A source cannot be read, or holds nothing to train on."""


class ModelError(Item2VecError):
    """A model or vector file is missing, damaged, or cannot be written."""


class TrainingError(Item2VecError):
    """Training cannot start or cannot go on."""


class DivergenceError(TrainingError):
    """Training made numbers that are not finite, or lost all that was learnt; its steps were too large."""


class UnknownItemError(Item2VecError):
    """An item is not in the vocabulary.

    Attributes
    ----------
    item : str
        What was asked for.
    suggestions : tuple of str
        The closest items that the vocabulary does have, best first; may be empty.
    """

    def __init__(self, item: str, suggestions: Sequence[str] = ()) -> None:
        self.item = item
        self.suggestions = tuple(suggestions)
        hint = "; did you mean " + ", ".join(map(repr, self.suggestions)) + "?" if self.suggestions else ""
        super().__init__(f"{item!r} is not in the vocabulary{hint}")


class AmbiguousNameError(Item2VecError):
    """A display name is that of several items.

    Attributes
    ----------
    name : str
        What was asked for.
    items : tuple of str
        The items of this name, commonest first; at most ten.
    """

    def __init__(self, name: str, items: Sequence[str], count: int) -> None:
        self.name = name
        self.items = tuple(items)
        more = f" and {count - len(self.items):,} more" if count > len(self.items) else ""
        super().__init__(
            f"{name!r} is the name of {count:,} items: {', '.join(map(repr, self.items))}{more}; ask for one of these"
        )
