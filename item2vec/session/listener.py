"""What a training tells as it goes, and who hears it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from item2vec.config.train import TrainConfig
    from item2vec.corpus.corpus import Corpus
    from item2vec.corpus.inspection import Inspection
    from item2vec.corpus.kind import Suitable
    from item2vec.session.estimate import Estimate
    from item2vec.session.run import Run
    from item2vec.session.validation import Validation
    from item2vec.training.progress import Epoch, Progress


class Listener:
    """What a training tells as it goes, in this order. Nothing is done about it here."""

    def reading(self, config: TrainConfig) -> None:
        """Tell that the sources are about to be read."""

    def read(self, corpus: Corpus, found: Inspection, seconds: float) -> None:
        """Tell that they were, in so many seconds, and looked at."""

    def chosen(self, suitable: Suitable) -> None:
        """Tell which preset was taken, and why."""

    def warned(self, sentence: str) -> None:
        """Tell that something is odd: a sentence without its full stop."""

    def noted(self, sentence: str) -> None:
        """Tell what is worth knowing: a sentence without its full stop."""

    def initialised(self, about: str) -> None:
        """Tell what the vectors to begin with gave: a sentence."""

    def estimated(self, needs: Estimate) -> None:
        """Tell that there is enough memory and disk."""

    def begins(self, run: Run) -> None:
        """Tell that all is ready to train."""

    def resumed(self, progress: Progress) -> None:
        """Tell that the training goes on from a checkpoint."""

    def progressed(self, progress: Progress) -> None:
        """Tell where the training stands, about twice a second."""

    def validated(self, validation: Validation) -> None:
        """Tell how an epoch was, where there is validation."""

    def epoch_ended(self, epoch: Epoch) -> None:
        """Tell that an epoch has ended, and its validation."""

    def checkpointed(self, path: Path, done: float, seconds: float) -> None:
        """Tell that a checkpoint was written, of which share of the training, and how long that took."""

    def ends(self, state: str, losses: Sequence[float], seconds: float) -> None:
        """Tell how it ended, ``done`` or ``stopped``, with the loss of each epoch and the seconds of training."""


class Several(Listener):
    """Tells several listeners, each in its turn."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners


def _to_each(name: str) -> Callable[..., None]:
    def tell(self: Several, *facts: Any) -> None:
        for listener in self._listeners:
            getattr(listener, name)(*facts)

    return tell


for _name in [name for name in vars(Listener) if not name.startswith("_")]:
    setattr(Several, _name, _to_each(_name))
