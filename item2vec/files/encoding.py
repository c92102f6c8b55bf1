"""Which encoding a text has: what the user names, and what a byte order mark says. Nothing heavy is imported."""

from __future__ import annotations

import codecs
import difflib
from encodings.aliases import aliases
from typing import Literal

from item2vec.errors import ConfigError

Errors = Literal["strict", "replace"]
UTF8 = "utf-8"

# The longer ones first, as UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def check_encoding(name: str, errors: str) -> str:
    """Return Python's name of an encoding.

    Raises
    ------
    ConfigError
        If there is no such encoding of text, or ``errors`` is neither strict nor replace.
    """
    if errors not in ("strict", "replace"):
        raise ConfigError(f"`errors` is {errors!r}; it must be one of strict, replace")
    try:
        info = codecs.lookup(name)
        if not info._is_text_encoding or info.incrementaldecoder is None:  # base64 and the like
            raise LookupError(name)
    except (LookupError, ValueError):  # ValueError: a NUL
        of_text = {alias: target for alias, target in aliases.items() if not target.endswith(("_codec", "rot_13"))}
        close = difflib.get_close_matches(name.lower().replace("-", "_"), [*of_text, *of_text.values()], n=1)
        hint = f"did you mean {close[0].replace('_', '-')!r}?" if close else "some are utf-8, cp1252, shift-jis, utf-16"
        raise ConfigError(f"`encoding` is {name!r}, which Python does not know; {hint}") from None
    return UTF8 if info.name == "utf-8-sig" else info.name


def encoding_of(block: bytes, asked: str) -> str:
    """Return the encoding of a text that begins with ``block``: what a byte order mark says, where UTF-8 is asked."""
    if asked != UTF8:
        return asked
    return next((encoding for mark, encoding in _MARKS if block.startswith(mark)), UTF8)


def replaced_notes(places: int) -> tuple[str, ...]:
    """Return what to say about places that were no characters, if there were any."""
    some = "1 place was" if places == 1 else f"{places:,} places were"
    return (f"{some} not valid in this encoding and became U+FFFD",) if places else ()
