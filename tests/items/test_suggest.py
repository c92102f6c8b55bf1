"""Suggestions for unknown items: kinds by example, and the prefilter against comparing with every item."""

from __future__ import annotations

import random
from difflib import SequenceMatcher

import pytest

from item2vec.items import suggest
from item2vec.items.suggest import closest_items
from item2vec.items.vocabulary import Vocabulary

SHELF = [
    "salt",
    "Milk",
    "olive oil",
    "butter",
    "café",
    "milk",
    "peanut butter",
    "bread",
    "STRASSE",
    "",
    "sesame oil",
]


def shelf(items: list[str]) -> Vocabulary:
    return Vocabulary.from_items(items, range(len(items), 0, -1))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("MILK", ["Milk", "milk"]),  # equal but for case: commoner first
        ("mlik", ["Milk", "milk"]),  # two letters swapped
        ("buter", ["butter"]),
        ("Butter ", ["butter", "peanut butter"]),  # alike, then containing
        ("oil", ["olive oil", "sesame oil"]),  # contained
        ("cafe\u0301", ["café"]),  # the other Unicode form
        ("straße", ["STRASSE"]),
        ("olive_oil", ["olive oil"]),
        ("qqq", []),
        ("", []),
        ("\ud800", []),
    ],
)
def test_kinds(asked: str, expected: list[str]) -> None:
    assert closest_items(shelf(SHELF), asked) == expected


def test_no_more_than_asked_for() -> None:
    assert closest_items(shelf([f"milk{digit}" for digit in range(9)]), "milk", 2) == ["milk0", "milk1"]


def test_prefilter_loses_no_slip_of_the_finger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggest, "_BLOCK", 500)  # several blocks
    rng = random.Random(3)
    syllables = ["ba", "ro", "mi", "tu", "len", "kar", "so", "pi", "dre", "von", "est", "ix"]
    items = sorted({"".join(rng.choices(syllables, k=rng.randint(2, 5))) for _ in range(1500)})
    rng.shuffle(items)
    vocabulary = shelf(items)
    for item in rng.sample([item for item in items if len(item) > 4], 15):
        place = rng.randrange(len(item) - 1)
        slips = [
            item[:place] + item[place + 1 :],
            item[:place] + "z" + item[place:],
            item[:place] + "z" + item[place + 1 :],
            item[:place] + item[place + 1] + item[place] + item[place + 2 :],
        ]
        for slip in set(slips) - set(items):
            best = max(SequenceMatcher(None, other, slip, autojunk=False).ratio() for other in items)
            answer = closest_items(vocabulary, slip)
            assert SequenceMatcher(None, answer[0], slip, autojunk=False).ratio() == best


def test_long_items_take_no_longer() -> None:
    items = ["x" * 100_000, "y" * 50_000 + "milk", "milk"]
    assert closest_items(shelf(items), "milky" * 20_000) == []
    assert closest_items(shelf(items), "milkk") == ["milk"]
