"""ValidationConfig: what is held out and looked for after each epoch. Defaults stand here and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from item2vec.errors import ConfigError


@dataclass(frozen=True)
class ValidationConfig:
    """Options of validation, with the names and defaults of ``item2vec train``.

    Parameters
    ----------
    validate : str or Path
        A file of sequences. The last item of each is predicted, unless there are targets.
    validate_targets : str, Path or None
        A file whose line i has the items to predict for line i.
    metric : str
        recall, ndcg, hit or mrr, with @ and a length.
    patience : int
        Training ends after this many epochs without a better value. 0 means never.
    delimiter : str or None
        What separates items, as in the corpus.

    Raises
    ------
    ConfigError
        If a value cannot work.
    """

    validate: str | Path
    validate_targets: str | Path | None = None
    metric: str = "ndcg@20"
    patience: int = 3
    delimiter: str | None = None

    def __post_init__(self) -> None:
        """Check all values before any long work."""
        parse_metric(self.metric)
        if isinstance(self.patience, bool) or not isinstance(self.patience, int) or self.patience < 0:
            raise ConfigError(
                f"`patience` is {self.patience!r}; it must be a whole number of epochs, 0 for no early stop"
            )


TARGET_METRICS = ("recall", "ndcg", "hit", "mrr")


def parse_metric(name: str) -> tuple[str, int]:
    """Split ``ndcg@20`` into its metric and k.

    Raises
    ------
    ConfigError
        If it is none of the metrics that have a value a user.
    """
    found = re.fullmatch(r"([a-z]+)@([1-9][0-9]{0,5})", name)
    if not found or found[1] not in TARGET_METRICS:
        raise ConfigError(
            f"`metric` is {name!r}; it must be one of {', '.join(TARGET_METRICS)}, @ and k, such as ndcg@20"
        )
    return found[1], int(found[2])
