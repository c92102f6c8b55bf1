"""The benchmark of held-out items: its own data, its own method, its table."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import items_table
import numpy as np
import pytest


def small_set(folder: Path) -> object:
    draw = np.random.default_rng(3)
    rows = [draw.choice(12, 6, replace=False) for _ in range(60)]
    (folder / "x.train.txt").write_text("".join(" ".join(f"i{i}" for i in row[:4]) + "\n" for row in rows))
    (folder / "x.heldout.txt").write_text("".join(" ".join(f"i{i}" for i in row[4:]) + "\n" for row in rows))
    return items_table.DataSet("x", "made", False, "baskets", folder / "x.train.txt", folder / "x.heldout.txt")


def test_made_sessions_have_what_is_planted() -> None:
    walks = list(items_table.made_sessions(count=3_000, items=200, topics=10))
    assert min(map(len, walks)) >= 4
    pairs: dict[bytes, list[bytes]] = {}
    for walk in walks:
        for here, after in pairwise(walk):
            pairs.setdefault(here, []).append(after)
    common = [after for after in pairs.values() if len(after) >= 100]
    assert len(common) > 10
    for after in common:
        _, counts = np.unique(after, return_counts=True)
        assert np.sort(counts)[::-1][:8].sum() / len(after) > 0.55  # of 200 items, eight follow most


def test_ease_is_the_constrained_least_squares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column by itself: ridge regression on the other items."""
    data = small_set(tmp_path)
    found = {}
    monkeypatch.setattr(
        items_table, "measure", lambda scorer, size, held: found.update(scores=scorer(0, 60), held=held)
    )
    monkeypatch.setattr(items_table, "EASE_PENALTY", 3.0)
    items_table.ease(items_table.Job(data, tmp_path, "1m", 1))
    held = found["held"]
    users = np.zeros((60, 12))
    users[held.histories.owners, held.histories.items] = 1
    for item in range(12):
        others = [other for other in range(12) if other != item]
        chosen = users[:, others]
        weights = np.linalg.solve(chosen.T @ chosen + 3 * np.eye(11), chosen.T @ users[:, item])
        assert found["scores"][:, item] == pytest.approx(chosen @ weights, abs=1e-4)


def test_parts_are_kept_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"value": 0.25, "low": 0.2, "high": 0.3}
    part = {"metrics": {f"{metric}@20": found for metric in items_table.METRICS}}
    data = small_set(tmp_path)
    shown = items_table.table(data, {"popularity": part, "item2vec, preset": part})
    assert shown[2].startswith("| @20 | recall | ndcg | hit | mrr |")
    assert shown[4] == "| popularity | .2500 ±.0500 | .2500 ±.0500 | .2500 ±.0500 | .2500 ±.0500 |"
    assert shown[5].startswith("| item2vec, preset baskets | ")
    wanted = items_table._wanted
    assert wanted("gowalla", "ease", None, [])
    assert wanted("gowalla", "ease", ["gowalla/ea"], [])
    assert not wanted("gowalla", "ease", ["retail"], [])
    assert not wanted("gowalla", "ease", None, ["gowalla/ease"])
    measured = items_table.counting(items_table.popularity)(items_table.Job(data, tmp_path, "1m", 1))
    assert 0 < measured["metrics"]["recall@20"]["value"] <= 1
    assert json.loads(json.dumps(measured)) == measured
