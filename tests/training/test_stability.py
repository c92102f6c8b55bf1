"""Settings that ask too much of a tile's summed steps: no number is lost, and training still learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_data import zipf_corpus
from trainers import make_trainer

pytestmark = pytest.mark.jit


@pytest.mark.parametrize("options", [{"window": 50, "negative": 50}, {"window": 5, "negative": 5}])
@pytest.mark.parametrize("size", [2, 20, 400])
def test_no_setting_diverges(size: int, options: dict[str, int]) -> None:
    """A learning rate of 1 all the way, small vocabularies, wide windows: no number is lost."""
    trainer = make_trainer(zipf_corpus(3000, size, 60), epochs=3, lr=1.0, min_lr=1.0, **options)
    result = trainer.train()
    assert np.isfinite(result.losses).all()
    assert torch.isfinite(trainer.tables.input.weight).all()
    assert torch.isfinite(trainer.tables.output.weight).all()


@pytest.mark.parametrize(
    ("size", "window", "negative"),
    [
        *((size, *options) for size in (2, 20, 400) for options in ((5, 5), (20, 5))),
        *((size, 50, 50) for size in (2, 20, 400)),
    ],
)
def test_the_default_learning_rate_learns_whatever_the_window(size: int, window: int, negative: int) -> None:
    """Items without any order, nothing to learn but their counts: the last epoch is better than knowing nothing."""
    trainer = make_trainer(zipf_corpus(5000, size, 60), epochs=3, window=window, negative=negative)
    result = trainer.train()
    assert result.losses[-1] < (1 + negative) * np.log(2)
