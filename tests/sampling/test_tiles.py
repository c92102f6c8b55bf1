"""The tile rule: shapes that the kernel and the command line take, and no more shared steps than were measured good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from item2vec.config import TrainConfig
from item2vec.sampling.tiles import SHORT_SEQUENCE, choose_tile

WINDOWS, NEGATIVES, LENGTHS = st.integers(1, 10_000), st.integers(1, 4_096), st.floats(1, 1e6)


@given(WINDOWS, NEGATIVES, LENGTHS)
def test_every_setting_gets_a_tile_that_the_option_takes(window: int, negative: int, length: float) -> None:
    tile = choose_tile(window, negative, length)
    assert all(isinstance(part, int) for part in tile)
    assert TrainConfig(tile=tile).tile == tile
    assert tile[1] % 8 == 0 or tile == (1, negative)


@given(WINDOWS, NEGATIVES, LENGTHS)
def test_a_negative_takes_few_steps_at_once(window: int, negative: int, length: float) -> None:
    """Centres times contexts times K/N: what a tile's summed step on one negative is worth."""
    centres, drawn = choose_tile(window, negative, length)
    contexts = min(window + 1, max(1.0, length - 1)) if length < SHORT_SEQUENCE else window + 1
    most = 10 if length < SHORT_SEQUENCE else 100
    assert centres == 1 or (centres - 0.5) * contexts * negative / drawn <= most


@pytest.mark.parametrize("length", [8.0, 1000.0])
def test_more_windows_and_negatives_never_share_more(length: float) -> None:
    shapes = [choose_tile(window, 5, length) for window in (1, 2, 5, 10, 50, 500)]
    assert [drawn for _, drawn in shapes] == sorted(drawn for _, drawn in shapes)
    assert choose_tile(5, 5, 1000.0)[1] >= 16
