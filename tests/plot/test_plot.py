"""Maps: which items, where, in what colours; what is in the page; pictures; what goes wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import item2vec
from item2vec import ConfigError, CorpusError, KeyedVectors, ModelError, draw_map
from item2vec.cli.main import cli
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary
from item2vec.plot.colouring import CATEGORIES, by_attribute, by_cluster
from item2vec.plot.layout import layout, pca, without_frequency
from item2vec.vectors.queries import unit_rows

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "a&b\"c'd", "{{DATA}} {{SCRIPT}}", "\u2028 寿司 🍣"]


def clustered(items: list[str], groups: int = 4, dim: int = 12, seed: int = 2) -> KeyedVectors:
    """Items of planted groups: item i is of group i % groups."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((groups, dim)) * 2
    table = centres[np.arange(len(items)) % groups] + 0.3 * rng.standard_normal((len(items), dim))
    return KeyedVectors(table.astype(np.float32), None, Vocabulary.from_items(items, range(len(items), 0, -1)))


@pytest.fixture
def model() -> KeyedVectors:
    return clustered([*HOSTILE, *(f"item {number}" for number in range(75))])


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def read(path: Path) -> tuple[Page, dict[str, Any]]:
    page = Page(path.read_text(encoding="utf-8"))
    return page, json.loads(page.scripts[0])


def test_page_holds_the_map(model: KeyedVectors, tmp_path: Path) -> None:
    drawn, _ = draw_map(model, tmp_path / "map.html", top=40, clusters=4)
    _, data = read(tmp_path / "map.html")
    assert data["items"] == list(model)[:40]
    assert data["names"] is None
    assert data["counts"] == list(range(80, 40, -1))
    assert np.array_equal(numbers(data["places"], "<f4").reshape(40, 2), drawn.places)
    near = numbers(data["neighbours"]["items"], "<u4").reshape(40, 10)
    cosines = numbers(data["neighbours"]["cosines"], "<i2").reshape(40, 10)
    names = data["items"] + data["elsewhere"]
    for index, item in enumerate(data["items"]):
        expected = model.similar(item, 10)
        assert [names[row] for row in near[index]] == [name for name, _ in expected]
        assert cosines[index] / 1000 == pytest.approx([cosine for _, cosine in expected], abs=6e-4)
    assert data["elsewhere"]  # neighbours are those of the whole model


def test_page_needs_nothing_else_and_runs_only_its_own_script(model: KeyedVectors, tmp_path: Path) -> None:
    path = tmp_path / "map.html"
    draw_map(model, path, title="</title><script>alert(1)</script>{{DATA}}")
    text = path.read_text(encoding="utf-8")
    page, _ = read(path)
    assert page.tags.count("script") == 2
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert not re.search(r"https?:|@import|url\(|//\w+\.", text)
    policy = next(value for _, value in page.attributes if value and "script-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.scripts[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'"
    assert "innerHTML" not in page.scripts[1]
    assert "eval" not in page.scripts[1]


def test_map_is_the_same_each_time(model: KeyedVectors, tmp_path: Path) -> None:
    for ending in ("html", "svg"):
        if ending == "svg":
            pytest.importorskip("matplotlib")
        first, second = (tmp_path / f"{number}.{ending}" for number in range(2))
        for path in (first, second):
            draw_map(model, path, title="map")
        assert first.read_bytes() == second.read_bytes()


def test_display_names_are_shown(tmp_path: Path) -> None:
    items = [f"{number:03}" for number in range(20)]
    called = Vocabulary.from_items([f"name {item}" if item != "007" else "" for item in items], range(20))
    model = clustered(items)
    model.names = Names(called.blob, called.offsets)
    draw_map(model, tmp_path / "map.html", top=10, clusters=2)
    _, data = read(tmp_path / "map.html")
    assert data["items"][:2] == ["000", "001"]
    assert data["names"][6:9] == ["name 006", None, "name 008"]
    assert all(name.startswith("name ") for name in data["elsewhere"])
    assert all("name " in label for label in data["colour"]["labels"])


def test_pca_is_that_of_the_covariance() -> None:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((200, 7)) @ np.diag([9, 5, 1, 1, 1, 1, 0.5])
    rows -= rows.mean(axis=0)
    places, share = pca(rows)
    left, values, _ = np.linalg.svd(rows, full_matrices=False)
    assert np.abs(places) == pytest.approx(np.abs(left[:, :2] * values[:2]), abs=1e-8)
    assert share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum())


def test_frequency_is_no_direction_of_the_map() -> None:
    rng = np.random.default_rng(6)
    counts = np.sort(rng.integers(1, 10**6, 300))[::-1]
    units = unit_rows(rng.standard_normal((300, 8)) + np.outer(np.log(counts), rng.standard_normal(8)))
    rest = without_frequency(units, counts)
    assert np.abs(np.log(counts) - np.log(counts).mean()) @ np.abs(rest).max(axis=1) > 1
    assert (np.log(counts) - np.log(counts).mean()) @ rest == pytest.approx(np.zeros(8), abs=1e-6)
    assert without_frequency(units, np.zeros(300, np.int64)) == pytest.approx(units - units.mean(axis=0))


def test_planted_groups_are_apart() -> None:
    model = clustered([str(number) for number in range(60)], groups=3)
    places, _ = layout(unit_rows(model.input), model.vocabulary.counts, "pca", 1)
    centres = np.array([places[group::3].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert np.array_equal(nearest, np.arange(60) % 3)
    assert np.percentile(np.abs(places), 98) == pytest.approx(1, abs=0.02)


def test_umap_gets_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    class Reducer:  # the real one compiles for a quarter of a minute
        def __init__(self, **options: object) -> None:
            asked.update(options)

        def fit_transform(self, rows: np.ndarray) -> np.ndarray:
            return rows[:, :2] * 3 + 5

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Reducer))
    units = unit_rows(np.random.default_rng(1).standard_normal((12, 5)))
    places, about = layout(units, np.zeros(12, np.int64), "umap", 7)
    assert about == "UMAP of cosines"
    assert (asked["metric"], asked["random_state"], asked["n_neighbors"]) == ("cosine", 7, 11)
    spread = (places - places.mean(axis=0)) / (units[:, :2] - units[:, :2].mean(axis=0))
    assert spread == pytest.approx(np.full((12, 2), spread[0, 0]), rel=1e-3)


def test_clusters_are_the_planted_groups() -> None:
    model = clustered([f"g{number % 4}.{number}" for number in range(80)])
    colouring = by_cluster(unit_rows(model.input), list(model), 4, seed=1)
    assert len(colouring.labels) == 4
    for number, label in enumerate(colouring.labels):
        groups = {item[:2] for item, value in zip(model, colouring.values, strict=True) if value == number}
        assert len(groups) == 1
        assert {name[:2] for name in label.split(", ")} == groups


def test_attributes_are_categories_or_numbers() -> None:
    few = by_attribute("genre", ["rock", "jazz", None, "jazz", ""])
    assert (few.kind, few.labels, few.rest) == ("category", ("jazz", "rock"), False)
    assert np.array_equal(few.values, [1, 0, np.nan, 0, np.nan], equal_nan=True)
    codes = by_attribute("code", ["3", "1", "3"])
    assert (codes.kind, codes.labels) == ("category", ("3", "1"))
    years = by_attribute("year", [*map(str, range(1990, 2010)), None, "nan"])
    assert years.kind == "number"
    assert np.array_equal(years.values[-3:], [2009, np.nan, np.nan], equal_nan=True)
    many = by_attribute("artist", [f"a{n}" for n in range(30) for _ in range(30 - n)])
    assert (len(many.labels), many.rest, many.labels[-1]) == (CATEGORIES, True, f"other ({30 - CATEGORIES + 1})")
    assert many.values.max() == CATEGORIES - 1
    with pytest.raises(CorpusError, match="genre has no value for any item on the map"):
        by_attribute("genre", [None, ""])


@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "parquet"])
def test_colours_from_files(model: KeyedVectors, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"genres.{ending}"
    rows = [(f"item {number}", ["rock", "jazz"][number % 2]) for number in range(75)]
    separator = {"csv": ",", "tsv": "\t", "txt": "\t"}.get(ending)
    if separator is None:
        pandas = pytest.importorskip("pandas")
        pandas.DataFrame(rows, columns=["item", "genre"]).to_parquet(path)
    else:
        head = "" if ending == "txt" else f"item{separator}genre\n"
        path.write_text(head + "".join(f"{item}{separator}{genre}\n" for item, genre in rows))
    drawn, _ = draw_map(model, tmp_path / "map.html", colour=path)
    assert drawn.colouring.labels == ("rock", "jazz")
    assert drawn.colouring.title == ("genres.txt" if ending == "txt" else "genre")
    given = dict(rows)
    for item, value in zip(drawn.items, drawn.colouring.values, strict=True):
        assert (item in given) == (not np.isnan(value))
        assert item not in given or drawn.colouring.labels[int(value)] == given[item]


def test_chosen_items(model: KeyedVectors, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen.txt"
    chosen.write_text("item 9\nitem 3\n\nno such thing\nitem 3\nitem 44\n", encoding="utf-8")
    drawn, unknown = draw_map(model, tmp_path / "map.html", items=chosen, clusters=0)
    assert (drawn.items, unknown) == (["item 3", "item 9", "item 44"], 1)
    assert drawn.about.startswith("3 of 80 items, 12 dimensions; two principal components")


@pytest.mark.parametrize("theme", ["auto", "dark"])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_pictures(model: KeyedVectors, tmp_path: Path, ending: str, theme: str) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    path = tmp_path / f"map.{ending}"
    draw_map(model, path, theme=theme)  # type: ignore[arg-type]
    if ending == "png":
        picture = imread(path)
        assert picture.shape == (1350, 1800, 4)
        assert (picture[0, 0, 0] > 0.9) == (theme == "auto")
        assert len(np.unique((picture[::3, ::3, :3] * 255).astype(int) @ [65536, 256, 1])) > 100
    else:
        text = path.read_text(encoding="utf-8")
        assert "item 7<" in text
        assert "&lt;/script&gt;&lt;img" in text  # an item in an SVG is text


def test_labels_of_a_picture_do_not_overlap(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    model = clustered([f"a rather long name {number}" for number in range(500)])
    draw_map(model, tmp_path / "map.svg", clusters=0)
    text = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert 10 < text.count("a rather long name") < 400


WRONG = [
    ({"path": "map.pdf"}, ConfigError, "its name must end in .html, .png or .svg"),
    ({"path": "nowhere/map.html"}, ModelError, "cannot write .*nowhere"),
    ({"top": 2}, ConfigError, "`top` is 2; a map has from 3 to 100,000 items"),
    ({"top": 100_001}, ConfigError, "`top` is 100001"),
    ({"method": "tsne"}, ConfigError, "`method` is 'tsne'; it must be one of pca, umap"),
    ({"clusters": 13}, ConfigError, "`clusters` is 13; it must be 0, for no clusters, or from 2 to 12"),
    ({"clusters": 1}, ConfigError, "`clusters` is 1"),
    ({"theme": "pink"}, ConfigError, "`theme` is 'pink'; it must be one of auto, light, dark"),
    ({"items": "missing.txt"}, ModelError, "cannot read .*missing.txt: no such file"),
    ({"items": "two.txt"}, ModelError, "two.txt lists 2 items of the model, one a line; a map has from 3"),
    ({"colour": "missing.csv"}, CorpusError, "no file .*missing.csv"),
    ({"colour": "wide.csv"}, CorpusError, "give `colour_column`, one of .*genre.*year"),
    ({"colour": "strange.csv"}, CorpusError, "genre has no value for any item on the map"),
]


@pytest.mark.parametrize(("options", "kind", "message"), WRONG, ids=lambda value: str(value)[:24])
def test_what_cannot_be_is_one_line(
    model: KeyedVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict, kind: type, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("two.txt").write_text("item 1\nitem 2\n")
    Path("wide.csv").write_text("item,genre,year\nitem 1,rock,1999\n")
    Path("strange.csv").write_text("item,genre\nsomething else,rock\n")
    with pytest.raises(kind, match=message) as caught:
        draw_map(model, **({"path": "map.html"} | options))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("map*"))


@pytest.mark.parametrize(
    ("module", "path", "options", "extra"),
    [("matplotlib", "map.png", {}, "plot"), ("umap", "map.html", {"method": "umap"}, "umap")],
)
def test_missing_extras_are_named(
    model: KeyedVectors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    path: str,
    options: dict,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError, match=rf"pip install 'item2vec\[{extra}\]'"):
        draw_map(model, tmp_path / path, **options)
    assert not (tmp_path / path).exists()


def test_items_without_a_direction_are_left_out(tmp_path: Path) -> None:
    model = clustered([str(number) for number in range(10)])
    model.input[2] = 0
    drawn, _ = draw_map(model, tmp_path / "map.html", clusters=2)
    assert drawn.items == [str(number) for number in range(10) if number != 2]
    model.input[1:] = 0
    with pytest.raises(ModelError, match="fewer than three of the items have vectors other than zero"):
        draw_map(model, tmp_path / "map.html")


def test_command(model: KeyedVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model.save("shop.safetensors")
    done = CliRunner().invoke(cli, ["plot", "map.html", "-m", "shop.safetensors", "--top", "30", "--json"])
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["output"] == "map.html"
    assert document["items"] == 30
    assert document["bytes"] == Path("map.html").stat().st_size
    assert document["about"].startswith("the 30 commonest of 80 items, 12 dimensions; two principal components, ")
    Path("some.txt").write_text("item 1\nitem 2\nitem 3\nitem 999\n")
    done = CliRunner().invoke(
        cli, ["plot", "map.html", "-m", "shop.safetensors", "--items", "some.txt", "--clusters", "0"]
    )
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.startswith(
        "Warning: 1 lines of some.txt name no item of the model.\nWrote map.html: 3 of 80 items"
    )
    done = CliRunner().invoke(cli, ["plot", "shop.safetensors", "-m", "shop.safetensors"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: cannot write shop.safetensors: it is the model itself; name another file\n"
    assert item2vec.load("shop.safetensors").index("item 1") == 6
