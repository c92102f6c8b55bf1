"""Times, sizes and shares as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from item2vec.errors import ConfigError

DEFAULT_INTERVAL = "10m"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_EPOCHS = {"%": 0.01, "epoch": 1.0, "epochs": 1.0}


@dataclass(frozen=True)
class Interval:
    """One of both is finite, or neither: then never.

    Attributes
    ----------
    seconds : float
    epochs : float
    """

    seconds: float = math.inf
    epochs: float = math.inf

    @classmethod
    def parse(cls, text: str | float) -> Interval:
        """Read ``10m``, ``30s``, ``1h``, seconds, ``50%`` or ``0.5epoch``; 0 is never.

        Raises
        ------
        ConfigError
            If it is none of these.
        """
        match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d*)?|\.\d+)\s*(s|m|h|d|%|epochs?|)\s*", str(text), re.ASCII)
        if match is None or isinstance(text, bool):
            raise ConfigError(
                f"`checkpoint_every` is {text!r}; it must be a time such as 30s, 10m, 1h, or seconds, or a share of an "
                "epoch such as 50% or 2epochs; 0 is never"
            )
        number, unit = float(match[1]), match[2]
        if not number:
            return cls()
        return cls(epochs=number * _EPOCHS[unit]) if unit in _EPOCHS else cls(seconds=number * _SECONDS[unit])
