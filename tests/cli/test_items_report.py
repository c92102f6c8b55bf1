"""What ``evaluate items`` prints, letter for letter."""

from __future__ import annotations

from item2vec.cli.evaluate import bucket_table, facts, method_tables
from item2vec.evaluation.items import Bucket, ItemsResult
from item2vec.evaluation.metrics import Estimate


def metrics(recall: float, rank: float) -> dict[str, Estimate]:
    """Of k 5 and 10, with intervals of a tenth to either side."""
    values = {"recall": recall, "ndcg": recall / 2, "poprank": rank}
    return {f"{name}@{k}": Estimate(value, value * 0.9, value * 1.1) for k in (5, 10) for name, value in values.items()}


RESULT = ItemsResult(
    users=2000,
    targets=3000,
    unknown=30,
    repeated=300,
    skipped={"no target": 1200},
    methods={"model": metrics(0.5, 1234), "pop": metrics(1, 12)},
    buckets={
        "head": Bucket(1, 1500, 2000, {"model": metrics(0.6, 1), "pop": metrics(0.1, 1)}),
        "tail": Bucket(4, 0, 0, {}),
    },
)


def test_facts() -> None:
    start = "2,000 users, 3,000 held-out items, 1.0% of them unknown to the model."
    seen = " 10.0% are in the user's history, so they cannot be found; --keep-seen allows them."
    assert facts(RESULT, False, "") == start + seen + " Left out: 1,200 (no target)."
    assert facts(RESULT, True, "--pool last") == (start + " Scoring options: --pool last. Left out: 1,200 (no target).")


def test_tables() -> None:
    lines = [
        "              recall          ndcg     poprank",
        "model   .5000 ±.0500  .2500 ±.0250  1,234 ±123",
        "pop    1.0000 ±.1000  .5000 ±.0500       12 ±1",
        "",
    ]
    assert method_tables(RESULT) == ["@5" + lines[0][2:], *lines[1:], "@10" + lines[0][3:], *lines[1:]]
    assert bucket_table(RESULT) == [
        "Held-out items by popularity, @10: each bucket has a third of all occurrences",
        "  head: 1 items, 2,000 held out of 1,500 users",
        "        head recall     head ndcg",
        "model  .6000 ±.0600  .3000 ±.0300",
        "pop    .1000 ±.0100  .0500 ±.0050",
        "",
        "± is half the 95% interval.",
    ]
