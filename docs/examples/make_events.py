"""Make a small event table to try item2vec on: what customers of a made-up shop put into their carts.

Each visit is about one thing to cook or to make, which the recommendations should find out. The same Python always
makes the same file.

    python docs/examples/make_events.py events.csv
"""

from __future__ import annotations

import csv
import random
import sys
from datetime import datetime, timedelta

SHELVES = {
    "tea": "green tea, black tea, oolong tea, teapot, tea strainer, honey, lemon, ginger biscuits",
    "coffee": "coffee beans, coffee grinder, filter papers, milk jug, oat milk, espresso cups, cane sugar, cantuccini",
    "bread": "bread flour, rye flour, dried yeast, sea salt, proving basket, baking stone, bread knife, linen cloth",
    "cake": "cake flour, caster sugar, butter, eggs, vanilla pods, cake tin, icing sugar, birthday candles",
    "pasta": "spaghetti, tinned tomatoes, olive oil, garlic, basil, parmesan, pasta pot, colander",
    "curry": "basmati rice, coconut milk, red lentils, cumin, turmeric, chillies, fresh ginger, naan",
    "sushi": "sushi rice, nori, rice vinegar, soy sauce, wasabi, bamboo mat, pickled ginger, chopsticks",
    "barbecue": "charcoal, firelighters, sausages, burger buns, mustard, ketchup, grill tongs, corn cobs",
    "garden": "seed trays, compost, tomato seeds, bean seeds, watering can, plant labels, twine, trowel",
    "cleaning": "washing-up liquid, sponges, bin bags, glass cleaner, dusters, bleach, rubber gloves, mop",
}
MAKERS = ("Ash", "Birch", "Cedar", "Elm", "Hazel")
CUSTOMERS = 2_000
DAYS = 90
TAKEN = 0.6  # how much of a shelf is bought
OTHER_SHELF = 0.1  # how many products come from just anywhere


def visit(choose: random.Random) -> list[str]:
    """Products of one visit, in the order in which they are put into the cart."""
    shelf = choose.choice([products.split(", ") for products in SHELVES.values()])
    first = choose.randrange(len(shelf))
    cart = [product for product in shelf[first:] + shelf[:first] if choose.random() < TAKEN]
    anything = [product for products in SHELVES.values() for product in products.split(", ")]
    cart = [choose.choice(anything) if choose.random() < OTHER_SHELF else product for product in cart]
    return [f"{choose.choice(MAKERS)} {product}" for product in cart]


def main(path: str) -> None:
    """Write the table."""
    choose = random.Random(1)
    products = [f"{maker} {name}" for names in SHELVES.values() for name in names.split(", ") for maker in MAKERS]
    numbers = {product: f"P{number:03}" for number, product in enumerate(products, start=1)}
    rows = []
    visits = 0
    for customer in range(1, CUSTOMERS + 1):
        for _ in range(choose.randint(2, 8)):
            visits += 1
            moment = datetime(2026, 1, 1) + timedelta(minutes=choose.randrange(DAYS * 24 * 60))
            for product in visit(choose):
                rows.append((moment, f"C{customer:04}", f"V{visits:05}", numbers[product], product))
                moment += timedelta(seconds=choose.randint(10, 240))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("time", "customer", "visit", "product", "title"))
        writer.writerows(sorted(rows))
    print(f"{path}: {len(rows):,} events, {CUSTOMERS:,} customers, {visits:,} visits, {len(products)} products")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "events.csv")
