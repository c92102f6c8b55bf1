"""Times, sizes and shares as people write them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from item2vec.errors import ConfigError

DEFAULT_INTERVAL = "10m"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCHS = {"%": 0.01, "epoch": 1.0, "epochs": 1.0}


def parse_seconds(text: str | float) -> float | None:
    """Read a span of time: ``30s``, ``10m``, ``2h``, ``1d``, ``1w``, or seconds.

    Returns
    -------
    float or None
        Seconds, 0 or more; None if it is no span of time.

    Examples
    --------
    >>> parse_seconds("1.5h"), parse_seconds(90), parse_seconds("soon")
    (5400.0, 90.0, None)
    """
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d*)?|\.\d+)\s*([smhdw]?)\s*", str(text), re.ASCII)
    return None if found is None or isinstance(text, bool) else float(found[1]) * _SECONDS[found[2]]


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
        """Read ``10m``, ``30s``, ``1h``, seconds, ``50%`` or ``0.5epoch``; 0 means never.

        Raises
        ------
        ConfigError
            If it is none of these.
        """
        seconds = parse_seconds(text)
        share = re.fullmatch(r"\s*(\d{1,12}(?:\.\d*)?|\.\d+)\s*(%|epochs?)\s*", str(text), re.ASCII)
        if seconds is None and share is None:
            raise ConfigError(
                f"`checkpoint_every` is {text!r}; it must be a time such as 30s, 10m, 1h, or seconds, or a share of an "
                "epoch such as 50% or 2epochs; 0 is never"
            )
        epochs = float(share[1]) * _EPOCHS[share[2]] if share is not None else 0.0
        return cls(seconds=seconds or math.inf, epochs=epochs or math.inf)
