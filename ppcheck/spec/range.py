"""The values that a statistic can take, so that a bound which accepts them all is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``; an end that is ``open`` is never reached.

    Beyond a ``usual`` range a statistic can lie, but does not mean what its name says: a share of
    a gap is read as a share from -1 to 2.
    """

    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    usual: bool = False

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if math.isinf(self.high):
            return "any number" if math.isinf(self.low) else f"{self.low:g} and more"
        return f"{self.high:g} and less" if math.isinf(self.low) else f"{self.low:g}..{self.high:g}"


ANY = Range()
UNIT = Range(0, 1)
"""A share of examples."""
PROBABILITY = Range(0, 1, open=True)
CORRELATION = Range(-1, 1)
SIZE = Range(0)
LAYER = Range(0)
SHARE = Range(-1, 2, usual=True)
"""A share of a gap."""
