"""The README and the pages in ``docs``: their commands and programs work, their reference is that of the code.

The pages themselves are built by `make docs`, where a warning is an error.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import api_text
import click
import command_text
import numpy as np
import pytest
from click.testing import CliRunner

import item2vec
from item2vec.cli.main import cli
from item2vec.items.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
TUTORIALS = sorted((DOCS / "tutorial").glob("*.md"))
PAGES = [*sorted(DOCS.rglob("*.md")), README, *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md"))]
PAGES = [path for path in PAGES if "_build" not in path.parts]
COMMANDS = dict(command_text.commands(cli))

FENCE = re.compile(r"(<!-- not run: [^\n]+ -->\n)?^( *)```(\S*)[^\n]*\n(.*?)^\2```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A fenced block of a page."""

    path: Path
    language: str
    text: str
    run: bool

    @property
    def name(self) -> str:
        """Which it is, for the list of tests."""
        return f"{self.path.stem}-{self.text.strip().splitlines()[-1][:40]}"


def blocks(path: Path, *languages: str) -> Iterator[Block]:
    """The blocks of a page in one of the languages."""
    for skipped, _, language, text in FENCE.findall(path.read_text(encoding="utf-8")):
        if language in languages:
            yield Block(path, language, text, not skipped)


def command_lines(path: Path) -> Iterator[list[str]]:
    """The words of every ``item2vec`` command in the blocks of a page, or indented in it."""
    texts = [block.text for block in blocks(path, "sh", "bash", "console")]
    texts += re.findall(r"^    ([^\n]*\bitem2vec .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    for text in texts:
        for line in text.splitlines():
            yield from commands_of(line)


def commands_of(line: str) -> Iterator[list[str]]:
    """The words after ``item2vec`` of each command of a line for the shell, without redirections."""
    reader = shlex.shlex(line, punctuation_chars="|&;<>")  # keeps quotes, so that ';' is not taken for an operator
    reader.whitespace_split = True
    found: list[list[str]] = [[]]
    redirected = False
    for word in reader:
        if set(word) <= set("|&;"):
            found.append([])
            redirected = False
        elif set(word) <= set("<>"):
            redirected = True
        elif not redirected:
            found[-1] += shlex.split(word)
    yield from (words[1:] for words in found if words[:1] == ["item2vec"])


def parse(words: list[str]) -> str:
    """Parse the arguments of a command as it would itself; its name."""
    command: click.Command = cli
    name = "item2vec"
    while isinstance(command, click.Group):
        word, *words = words
        found = command.get_command(click.Context(command), word)
        assert found is not None, f"{name} {word}"
        command, name = found, f"{name} {word}"
    command.make_context(name, words)
    return name


def plain_words(text: str) -> list[str]:
    """The words of a piece of code on one line, up to what only a shell could read."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_is_one(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is parsed, with its options and their values."""
    monkeypatch.chdir(tmp_path)
    Path("best.toml").touch()
    for words in command_lines(path):
        parse(words)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_and_option_in_a_sentence_is_one(path: Path) -> None:
    options = {name for command in COMMANDS.values() for p in command.params for name in (*p.opts, *p.secondary_opts)}
    groups = {"--version", "--help", *(f"item2vec {name}" for name in cli.list_commands(click.Context(cli)))}
    for code in INLINE.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        words = plain_words(code)
        if words and words[0] == "item2vec" and len(words) > 1 and re.fullmatch(r"[a-z][a-z-]*", words[1]):
            assert f"item2vec {words[1]}" in groups, code
        if words and words[0].startswith("--") and words[0] != "--":
            assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options | groups, code


def test_the_readme_is_short_and_names_every_command() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 180
    assert [name for name in COMMANDS if name not in text and name.split()[1] not in ("evaluate",)] == []
    assert "item2vec evaluate items" in text
    assert "item2vec evaluate words" in text
    assert "make demo" in text
    assert "make test" in text
    assert sum(1 for _ in command_lines(README)) > 20


# The reference


def directives(name: str) -> list[str]:
    """The arguments of a directive, in all pages."""
    pattern = re.compile(rf"^```\{{{name}\}} ?(.*)$", re.MULTILINE)
    return [found for path in PAGES for found in pattern.findall(path.read_text(encoding="utf-8"))]


def test_the_reference_has_each_command_once() -> None:
    assert sorted(f"item2vec {name}" for name in directives("item2vec-command")) == sorted(COMMANDS)
    index = (DOCS / "reference" / "commands" / "index.md").read_text(encoding="utf-8")
    for name in cli.list_commands(click.Context(cli)):
        assert f"[{name}](" in index


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_examples_and_its_options_in_the_reference(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    lines = command_text.example_lines(command)
    assert lines
    for line in lines:
        for words in commands_of(line):
            parse(words)
    assert any(line.startswith(name) for line in lines)
    text = command_text.command_text(name, command)
    shown = re.findall(r"^```\{option\} (.+)\n(.+)", text, re.MULTILINE)
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    assert len(shown) == len(options) > 0
    for option in options:
        assert any(option.opts[0] in re.split(r"[ ,]+", names) and help for names, help in shown), option.opts
    for option, (_, help) in zip(sorted(options, key=lambda o: o.opts[0]), sorted(shown), strict=True):
        assert len(help) > 5, option.opts


def test_the_words_of_an_option_come_whole() -> None:
    context = click.Context(click.Command("train"))
    option = click.Option(
        ["-x", "--ex"], metavar="N", type=click.IntRange(min=1), default=4, show_default=True, help="Give *N* to --why."
    )
    assert command_text.option_text(option, context) == (
        "```{option} -x, --ex N\nGive \\*N\\* to `--why`.\n\nDefault: `4`. At least 1.\n```"
    )
    option = click.Option(["--lr"], type=float, help="The rate.  [default: 0.025; cbow: 0.05]", metavar="X")
    assert command_text.option_text(option, context) == (
        "```{option} --lr X\nThe rate.\n\nDefault: 0.025; cbow: 0.05.\n```"
    )


def test_presets_and_formats_are_those_of_the_code() -> None:
    assert "| `baskets` | `--window-mode basket --window 10 --negative 20 --sample 0 " in command_text.presets_text()
    for row in command_text.presets_text().splitlines()[3:]:
        _, _, training, asking, _ = row.split("|")
        parse(["train", "x.txt", *shlex.split(training.strip(" `"))])
        parse(["recommend", "x", *shlex.split(asking.strip(" `"))])
    assert len(command_text.formats_text().splitlines()) == 2 + 8
    assert directives("item2vec-presets") == directives("item2vec-formats") == [""]


def test_every_public_name_has_a_place_in_the_api_pages() -> None:
    assert sorted(directives("item2vec-api")) == sorted(api_text.GROUPS)
    documented = [name for group in api_text.GROUPS for name in api_text.members()[group]]
    public = {f"item2vec.{name}" for name in item2vec.__all__ if name != "__version__"}
    assert public <= set(documented)
    assert len(documented) == len(set(documented))
    for group in api_text.GROUPS:
        assert api_text.members()[group]
        assert all(f":: {name}\n" in api_text.group_text(group) for name in api_text.members()[group])


# Links


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in LINK.findall(FENCE.sub("", text)):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.is_file(), target
        assert not anchor or anchor in anchors(found), target


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = {
        (path.parent / f"{name}.md").resolve()
        for path in DOCS.rglob("index.md")
        for tree in re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
        for name in tree.split()
    }
    pages = {path for path in PAGES if DOCS in path.parents and path != DOCS / "index.md"}
    assert listed == pages


def test_files_that_are_named_are_there() -> None:
    for path in PAGES:
        for code in INLINE.findall(path.read_text(encoding="utf-8")):
            for word in code.split():
                if re.fullmatch(r"(item2vec|tests|benchmarks|docs|corpora)/[\w/.-]+", word):
                    assert (ROOT / word).exists(), f"{path.name}: {word}"


# Programs


PYTHON = [block for path in PAGES for block in blocks(path, "python")]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small files under the names that the pages use."""
    folder = tmp_path_factory.mktemp("stand-ins")
    words = ["king", "queen", "milk", "bread", "tea", "socket", *(f"item{number}" for number in range(20))]
    random = np.random.default_rng(4)
    lines = [" ".join(random.choice(words, 6)) + "\n" for _ in range(300)]
    for name in ("corpus.txt", "baskets.txt", "week1.txt", "week2.txt"):
        (folder / name).write_text("".join(lines), encoding="utf-8")
    (folder / "book.txt").write_text("The King's tea.\n\nThe Queen's bread!", encoding="utf-8")
    line = {"event": "epoch", "epoch": 1, "run": 1.5, "loss": 2.5}
    (folder / "runs.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    (folder / "best.toml").write_text('preset = "baskets"\ndim = 8\n[score]\nreverse = 0.5\n', encoding="utf-8")
    tables = random.standard_normal((2, len(words), 8)).astype(np.float32)
    model = item2vec.KeyedVectors(*tables, Vocabulary.from_items(words, range(len(words), 0, -1)))
    for name in ("item2vec.safetensors", "words.safetensors"):
        model.save(folder / name)
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "customer": [f"c{row // 5}" for row in range(500)],
            "product": random.choice(words, 500),
            "started": pandas.date_range("2026-01-01", periods=500, freq="min"),
        }
    )
    frame.rename(columns={"customer": "listener", "product": "track"}).to_parquet(folder / "plays.parquet")
    frame.to_pickle(folder / "frame.pickle")
    return folder


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_python_runs(block: Block, stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile(block.text, block.name, "exec")
    if not block.run:
        return
    for name in re.findall(r"^(?:import|from) (\w+)", block.text, re.MULTILINE):
        pytest.importorskip(name)
    if "tensorboard" in block.text:
        pytest.importorskip("tensorboard")
    if "build_index" in block.text:
        pytest.importorskip("usearch")
    if "train(" in block.text and os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("trains, which takes long without compiled code")
    for path in stand_ins.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {}
    if "frame" in block.text:
        found["frame"] = pytest.importorskip("pandas").read_pickle("frame.pickle")
    exec(code, found)
    check_recipe(block.text, found)


def check_recipe(text: str, found: dict[str, Any]) -> None:
    """What a recipe for another tool computes is what item2vec says."""
    model = found.get("model")
    if "EmbeddingBag" in text:
        recommended = model.recommend_many(found["histories"], 1, include_seen=True)
        best = [model.vocabulary[row] for row in found["scores"].argmax(dim=1).tolist()]
        assert best == [answer[0][0] for answer in recommended]
    elif "faiss" in text:
        assert found["neighbours"][0] == "milk"
    elif "add_vectors" in text:
        assert np.array_equal(found["again"].input, model.input)
        assert np.array_equal(found["words"].vectors, model.input)
    elif "sklearn" in text:
        assert set(found["clusters"]) == set(model)
    elif "book.txt" in text:
        assert Path("book.words.txt").read_text(encoding="utf-8") == "the king s tea\nthe queen s bread\n"


def test_there_are_recipes_for_each_tool() -> None:
    text = "".join(block.text for block in PYTHON)
    for tool in ("sklearn", "torch", "EmbeddingBag", "faiss", "gensim"):
        assert tool in text


# The tutorials: every command runs, and figures that depend on nothing but the input are those that are printed


def numbers(text: str) -> list[str]:
    return re.findall(r"\d[\d,.]*\d|\d", text)


def tutorial(path: Path) -> Iterator[tuple[str, list[str], str]]:
    """Each command of a tutorial: the program, its arguments, and what the page prints for it, if it does."""
    found = list(blocks(path, "sh", "bash", "text"))
    for index, block in enumerate(found):
        after = found[index + 1] if index + 1 < len(found) else None
        lines = [] if block.language == "text" else block.text.splitlines()
        for place, line in enumerate(lines):
            last = place == len(lines) - 1
            program, *arguments = shlex.split(line.partition(" > ")[0])
            yield program, arguments, after.text if last and after and after.language == "text" else ""


def run_program(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What a program of the checkout prints."""
    monkeypatch.setattr(sys, "argv", arguments)
    capsys.readouterr()
    runpy.run_path(str(ROOT / arguments[0]), run_name="__main__")
    return capsys.readouterr().out


def write_identifiers(path: Path) -> None:
    """A small text with the words that the tutorial about words asks for."""
    asked = ("socket", "width", "height", "size", "append", "pop", "read", "reader", "write", "min", "max", "first")
    random = np.random.default_rng(2)
    path.write_text("".join(" ".join(random.permutation(asked)) + "\n" for _ in range(60)), encoding="utf-8")


@pytest.mark.jit
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_tutorials_run(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ITEM2VEC_CACHE", str(tmp_path / "cache"))
    ran = compared = 0
    for program, arguments, printed in tutorial(path):
        if program == "python" and "stdlib.py" in arguments[0]:  # takes half a minute, and depends on the Python
            write_identifiers(tmp_path / arguments[1])
        elif program == "python":
            output = run_program(arguments, capsys, monkeypatch)
            assert output == printed
            compared += 1
        elif program == "printf":
            (tmp_path / "carts.txt").write_text(arguments[0].replace("\\n", "\n"), encoding="utf-8")
        else:
            assert program == "item2vec"
            outcome = CliRunner().invoke(cli, arguments)
            assert outcome.exit_code == 0, f"{arguments}: {outcome.stderr}"
            ran += 1
            if path.stem == "recommendations" and arguments[0] in ("inspect", "split"):
                assert printed
                assert numbers(outcome.output)[: len(numbers(printed))] == numbers(printed)
                compared += 1
    assert ran >= 8
    assert compared == (3 if path.stem == "recommendations" else 0)


def test_commands_are_found_in_a_line_for_the_shell() -> None:
    line = "zcat a.gz | item2vec train - --delimiter ';' > out && item2vec info --json  # a comment"
    assert list(commands_of(line)) == [["train", "-", "--delimiter", ";"], ["info", "--json"]]
    assert list(commands_of("item2vec similar king --filter '^[a-z]+$' \"olive oil\"")) == [
        ["similar", "king", "--filter", "^[a-z]+$", "olive oil"]
    ]
    assert list(commands_of("python item2vec.py")) == []
    with pytest.raises(click.NoSuchOption):
        parse(["similar", "basil", "--neighbours", "5"])
