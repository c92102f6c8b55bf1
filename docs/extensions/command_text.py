"""What the reference says of the command line, as MyST text, from click's commands and from the tables in item2vec.

Nothing here needs Sphinx, so that the tests can hold these texts to the commands without building the pages.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

import click

_DETAILS = re.compile(r"\s*\[((?:env var|default|required|x[<>]|\d+<).*)\]$")
_CODE = re.compile(r"(`[^`]+`)")
_OPTION_IN_TEXT = re.compile(r"(?<![\w/-])(--?[a-z][\w-]*|--(?![\w-]))")
_SPECIAL = re.compile(r"([*_<>\[\]])")


def commands(group: click.Group, name: str = "item2vec") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its whole name: ``item2vec evaluate items``."""
    context = click.Context(group)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if command is None:
            raise LookupError(f"{name} lists {word}, which it does not have")
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def sections(command: click.Command) -> dict[str, list[click.Option]]:
    """The options under the titles that they have in the command's help, the general ones under none.

    ``--help``, which every command has, is left out.
    """
    titles: Mapping[str, tuple[str, ...]] = getattr(command, "sections", {})
    places = {name: title for title, names in titles.items() for name in names}
    found: dict[str, list[click.Option]] = {title: [] for title in ("", *titles)}
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            found[places.get(parameter.name or "", "")].append(parameter)
    return {title: options for title, options in found.items() if options}


def command_text(name: str, command: click.Command) -> str:
    """A command's part of the reference: its usage, what it does, its options and examples."""
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"```text\n{usage}\n```", paragraphs(command.help or ""), f"```{{program}} {name}\n```"]
    for title, options in sections(command).items():
        if title:
            parts.append(f"```{{rubric}} {title}\n```")
        parts += [option_text(option, context) for option in options]
    examples = example_lines(command)
    if examples:
        parts += ["```{rubric} Examples\n```", "```sh\n" + "\n".join(examples) + "\n```"]
    return "\n\n".join(parts) + "\n"


def option_text(option: click.Option, context: click.Context) -> str:
    """One option, as Sphinx's directive of that name."""
    record = option.get_help_record(context)
    if record is None:
        raise LookupError(f"{option.name} has no help")
    names, text = record
    details = _DETAILS.search(text)
    body = inline(text[: details.start()] if details else text)
    if details:
        body += "\n\n" + " ".join(_detail(part) for part in _split_details(details[1]))
    return f"```{{option}} {names}\n{body}\n```"


def _split_details(text: str) -> list[str]:
    """``env var: A; default: b; c`` in its parts; a default may have a semicolon itself."""
    return re.split(r"; (?=default:|x[<>]|\d+<|required)", text)


def _detail(part: str) -> str:
    name, _, value = part.partition(": ")
    if name == "default":
        whole = re.fullmatch(r"[\w./@-]+", value)
        return f"Default: `{value}`." if whole else f"Default: {inline(value)}."
    if name == "env var":
        return f"Environment variable: `{value}`."
    return f"At least {part.removeprefix('x>=')}." if part.startswith("x>=") else f"{inline(part)}."


def paragraphs(help: str) -> str:
    """A command's help as paragraphs; what click keeps as it is becomes a block of code."""
    found = []
    for block in inspect.cleandoc(help).split("\n\n"):
        if block.startswith("\b"):
            found.append("```text\n" + block.removeprefix("\b").strip("\n") + "\n```")
        else:
            found.append(inline(" ".join(block.split())))
    return "\n\n".join(found)


def inline(text: str) -> str:
    """Text of a help page as MyST: options as code, and nothing taken for markup."""
    parts = _CODE.split(text)
    for index in range(0, len(parts), 2):
        plain = _OPTION_IN_TEXT.split(parts[index])
        plain[0::2] = [_SPECIAL.sub(r"\\\1", part) for part in plain[0::2]]
        plain[1::2] = [f"`{part}`" for part in plain[1::2]]
        parts[index] = "".join(plain)
    return "".join(parts)


def example_lines(command: click.Command) -> list[str]:
    """The command lines at the end of a command's help."""
    lines = (line.strip() for line in (command.epilog or "").replace("\b", "").splitlines())
    return [line for line in lines if line.startswith("item2vec ")]


def spelled(options: Mapping[str, Any]) -> str:
    """Options by their Python names as the command line spells them."""
    return " ".join(
        f"--{name.replace('_', '-')} {value:g}" if isinstance(value, float) else f"--{name.replace('_', '-')} {value}"
        for name, value in options.items()
    )


def presets_text() -> str:
    """The table of presets."""
    from item2vec.config.presets import PRESETS, SCORES

    lines = ["| preset | options of training | how the model is then asked |", "|---|---|---|"]
    for name, options in PRESETS.items():
        asked = spelled(SCORES[name])
        lines.append(
            f"| `{name}` | {f'`{spelled(options)}`' if options else 'the defaults'} "
            f"| {f'`{asked}`' if asked else 'the defaults'} |"
        )
    return "\n".join(lines) + "\n"


def formats_text() -> str:
    """The table of the formats of vector files."""
    from item2vec.vectors.formats.registry import FORMATS

    lines = ["| format | endings | what it is | `import` | `export` |", "|---|---|---|---|---|"]
    for name, format in FORMATS.items():
        endings = " ".join(f"`{ending}`" for ending in format.endings)
        lines.append(f"| `{name}` | {endings} | {format.about} | yes | {'yes' if format.writes else 'no'} |")
    return "\n".join(lines) + "\n"
