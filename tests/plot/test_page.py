"""The page in a browser: it loads from a file, and search, click, keys, legend and theme do what they say."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, browser_path

from item2vec import KeyedVectors, draw_map
from item2vec.items.names import Names
from item2vec.items.vocabulary import Vocabulary

pytestmark = pytest.mark.skipif(browser_path() is None, reason="needs Chromium (the package chromium)")
ATTACK = "</script><img src=x onerror=\"document.title='caught'\"><b>"
ITEMS = [ATTACK, "café", "tea", "teapot", *(f"item {number}" for number in range(296))]


@pytest.fixture(scope="module")
def model() -> KeyedVectors:
    rng = np.random.default_rng(3)
    table = rng.standard_normal((6, 10))[np.arange(300) % 6] * 2 + rng.standard_normal((300, 10))
    table[ITEMS.index("tea")] = table[ITEMS.index("teapot")] + 0.01
    called = Vocabulary.from_items(["a <i>name</i>" if item == "item 7" else "" for item in ITEMS], np.zeros(300))
    vocabulary = Vocabulary.from_items(ITEMS, range(400, 100, -1))
    return KeyedVectors(table.astype(np.float32), None, vocabulary, names=Names(called.blob, called.offsets))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser(1000, 700) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, model: KeyedVectors, tmp_path: Path) -> Iterator[Browser]:
    """The map of 200 of 300 items, newly loaded; what it complains of fails the test."""
    draw_map(model, tmp_path / "map.html", top=200, clusters=5, title="a <map> & more")
    browser.events.clear()
    browser.dark(False)
    browser.open(tmp_path / "map.html")
    yield browser
    assert browser.complaints() == []


def text(page: Browser, selector: str) -> str:
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def options(page: Browser) -> list[str]:
    return page.run("[...document.querySelectorAll('#found li')].map((line) => line.firstChild.textContent)")


def pixels(page: Browser) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(page.picture()))[..., :3]


def choose(page: Browser, name: str) -> None:
    page.press("/")
    page.type(name)
    page.press("Enter")
    page.settle()


def test_it_draws_points_of_all_colours(page: Browser) -> None:
    pytest.importorskip("matplotlib")
    shades = np.unique((pixels(page)[60:560, 300:900] * 255).astype(int) @ [65536, 256, 1])
    assert len(shades) > 100
    assert text(page, "#title") == "a <map> & more"
    assert text(page, "#about").startswith("the 200 commonest of 300 items, 10 dimensions")
    assert page.run("document.querySelectorAll('#legend button').length") == 5


def test_search_finds_and_chooses(page: Browser, model: KeyedVectors) -> None:
    page.press("/")
    page.type("tea")
    assert options(page) == ["tea", "teapot"]
    page.press("ArrowDown")
    assert page.run("document.querySelector('#search').getAttribute('aria-activedescendant')") == "found1"
    page.press("Enter")
    page.settle()
    assert text(page, "#item") == "teapot"
    assert not page.run("document.querySelector('#panel').hidden")
    shown = page.run(
        "[...document.querySelectorAll('#nearest li')]"
        ".map((line) => [line.firstChild.textContent, line.lastChild.textContent])"
    )
    expected = model.similar("teapot")
    assert shown == [[model.name(item) or item, f"{cosine:.3f}"] for item, cosine in expected]
    assert "teapot. Nearest: tea" in text(page, "#said")


def test_search_folds_case_and_accents_and_says_when_there_is_nothing(page: Browser) -> None:
    page.press("/")
    page.type("CAFE")
    assert options(page) == ["café"]
    page.type("x")
    assert options(page) == ["not on the map"]
    page.press("Escape")
    assert page.run("document.querySelector('#found').hidden")


def test_items_are_never_html(page: Browser) -> None:
    page.press("/")
    page.type("</script>")
    assert options(page) == [ATTACK]
    page.press("Enter")
    page.settle()
    assert text(page, "#item") == ATTACK
    choose(page, "item 7")
    assert text(page, "#item") == "a <i>name</i>"
    assert page.run("document.querySelectorAll('img, i:not([style]), b').length") == 0
    assert page.run("document.title") == "a <map> & more"


def test_click_on_a_point_and_on_a_neighbour(page: Browser) -> None:
    choose(page, "tea")
    page.press("Escape")
    assert page.run("document.querySelector('#panel').hidden")
    page.click(500, 350)  # the camera has it in the middle still; a tie goes to the commoner item
    page.settle()
    assert text(page, "#item") in ("tea", "teapot")
    other = text(page, "#nearest button")
    page.click_on("#nearest button")
    page.settle()
    assert text(page, "#item") == other
    page.click_on("#close")
    assert page.run("document.querySelector('#panel').hidden")


def test_hover_shows_a_name(page: Browser) -> None:
    pytest.importorskip("matplotlib")
    choose(page, "item 20")
    page.press("Escape")
    page.settle()
    before = pixels(page)
    page.move(500, 350)
    page.settle()
    assert page.run("document.querySelector('#map').className") == "over"
    assert (pixels(page) != before).any()


def test_keys_wheel_drag_and_pinch_move_the_map(page: Browser) -> None:
    pytest.importorskip("matplotlib")
    page.run("document.querySelector('#map').focus()")
    start = pixels(page)
    seen = [start]

    def changed() -> None:
        page.settle()
        seen.append(pixels(page))
        assert (seen[-1] != seen[-2]).any()

    page.press("+")
    changed()
    page("Input.dispatchMouseEvent", type="mouseWheel", x=400, y=300, deltaX=0, deltaY=-240)
    changed()
    for kind, x in (("mousePressed", 400), ("mouseMoved", 430), ("mouseMoved", 480), ("mouseReleased", 480)):
        page("Input.dispatchMouseEvent", type=kind, x=x, y=300, button="left", buttons=1, clickCount=1)
    changed()
    assert page.run("document.querySelector('#panel').hidden")  # a drag is no click
    for kind, spread in (("touchStart", 40), ("touchMove", 60), ("touchMove", 90)):
        points = [{"x": 500 - spread, "y": 350, "id": 0}, {"x": 500 + spread, "y": 350, "id": 1}]
        page("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    page("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    changed()
    page.run("document.querySelector('#map').focus()")
    page.press("0")
    page.move(999, 5)
    changed()
    assert np.mean(seen[-1] != start) < 0.01  # all is seen again


def test_legend_shows_one_category(page: Browser) -> None:
    page.click_on("#legend button:nth-of-type(2)")
    pressed = page.run(
        "[...document.querySelectorAll('#legend button')].map((one) => one.getAttribute('aria-pressed'))"
    )
    assert pressed == ["false", "true", "false", "false", "false"]
    page.press("Escape")
    assert page.run("document.querySelectorAll('#legend [aria-pressed=true]').length") == 0


def test_themes(page: Browser) -> None:
    pytest.importorskip("matplotlib")
    ground = lambda: pixels(page)[350, 5].mean()  # noqa: E731
    assert ground() > 0.9
    page.click_on("#theme")
    page.settle()
    assert ground() < 0.2
    page.click_on("#theme")
    page.settle()
    assert ground() > 0.9


def test_the_system_s_theme_is_followed(page: Browser) -> None:
    pytest.importorskip("matplotlib")
    page.dark(True)
    page.settle()
    assert pixels(page)[350, 5].mean() < 0.2


def test_everything_has_a_name_for_screen_readers(page: Browser) -> None:
    choose(page, "tea")
    page("Accessibility.enable")
    nodes = page("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "combobox", "application", "listbox", "complementary", "navigation", "region")
    named = [
        (node["role"]["value"], node["name"]["value"]) for node in nodes if node.get("role", {}).get("value") in roles
    ]
    assert [role for role, name in named if not name] == []
    assert {"button", "combobox", "application"} <= {role for role, _ in named}
