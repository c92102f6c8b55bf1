"""The tile rule: shapes that the kernel and the command line take, and no more shared steps than were measured good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from item2vec.config.train import TrainConfig
from item2vec.sampling.sampler import Window
from item2vec.sampling.tiles import SHORT_SEQUENCE, choose_tile

KINDS = st.sampled_from(
    [("shrink", "both"), ("shrink", "left"), ("fixed", "both"), ("fixed", "right"), ("basket", "both")]
)
WINDOWS = st.builds(lambda size, kind: Window(size, *kind), st.integers(1, 10_000), KINDS)
NEGATIVES, LENGTHS = st.integers(1, 4_096), st.floats(1, 1e6)


@given(WINDOWS, NEGATIVES, LENGTHS)
def test_every_setting_gets_a_tile_that_the_option_takes(window: Window, negative: int, length: float) -> None:
    tile = choose_tile(window, negative, length)
    assert all(isinstance(part, int) for part in tile)
    assert TrainConfig(tile=tile).tile == tile
    assert tile[1] % 8 == 0 or tile == (1, negative)


@given(WINDOWS, NEGATIVES, LENGTHS, st.integers(1, 1000))
def test_a_negative_takes_few_steps_at_once(window: Window, negative: int, length: float, dim: int) -> None:
    """Centres times contexts times K/N: what a tile's summed step on one negative is worth."""
    centres, drawn = choose_tile(window, negative, length, dim)
    contexts = window.contexts(length)
    if length < SHORT_SEQUENCE:
        assert centres * contexts * negative / drawn <= 1.25 * contexts + 1e-9
    else:
        assert centres == 1 or (centres - 0.5) * contexts * negative / drawn <= 100


def test_the_shapes_that_were_measured() -> None:
    """Those of benchmarks/LOG.md: text at three settings, Gowalla's baskets with 5 and 20 negatives."""
    assert choose_tile(Window(5), 5, 1000.0, 100) == (64, 24)
    assert choose_tile(Window(5), 5, 1000.0, 300) == (51, 16)
    assert choose_tile(Window(10), 15, 1000.0, 300) == (32, 56)
    assert choose_tile(Window(5), 5, 1000.0, cbow=True) == (2, 5)
    assert choose_tile(Window(5), 5, 24.0, cbow=True) == (1, 5)
    assert choose_tile(Window(5, "basket"), 5, 24.0, 128) == (4, 16)
    assert choose_tile(Window(5, "basket"), 20, 24.0, 128) == (2, 32)


@pytest.mark.parametrize("length", [8.0, 1000.0])
def test_more_windows_and_negatives_never_share_more(length: float) -> None:
    shapes = [choose_tile(Window(window), 5, length) for window in (1, 2, 5, 10, 50, 500)]
    assert [drawn for _, drawn in shapes] == sorted(drawn for _, drawn in shapes)
    assert choose_tile(Window(5), 5, 1000.0)[1] >= 16


@given(WINDOWS, NEGATIVES, LENGTHS)
def test_a_negative_of_cbow_takes_few_steps_at_once(window: Window, negative: int, length: float) -> None:
    """A window is one hidden vector, whatever its width; two at most share their negatives."""
    centres, drawn = choose_tile(window, negative, length, cbow=True)
    assert TrainConfig(tile=(centres, drawn)).tile == (centres, drawn)
    assert centres <= 2
    assert drawn == negative
    assert (centres, drawn) == choose_tile(Window(1), negative, length, cbow=True)
