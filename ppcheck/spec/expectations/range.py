"""The values that a statistic can take, so that a bound which accepts them all is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Perfect(StrEnum):
    """What the interval of a sample in which every example is a success goes by."""

    RATE = "successes among units"
    MEAN = "units that agree on an end of the range"


@dataclass(frozen=True)
class Range:
    """From ``low`` to ``high``; an end that is ``open`` is never reached.

    Beyond a ``usual`` range a statistic can lie, but does not mean what its name says: a share of
    a gap is read as a share from -1 to 2. ``perfect`` says how sure a sample of successes,
    or of failures, is at best.
    """

    low: float = -math.inf
    high: float = math.inf
    open: bool = False
    usual: bool = False
    perfect: Perfect | None = None

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        if math.isinf(self.high):
            return "any number" if math.isinf(self.low) else f"{self.low:g} and more"
        return f"{self.high:g} and less" if math.isinf(self.low) else f"{self.low:g}..{self.high:g}"


ANY = Range()
UNIT = Range(0, 1)
RATE = Range(0, 1, perfect=Perfect.RATE)
"""A share of examples."""
ACCURACY = Range(0, 1, perfect=Perfect.MEAN)
"""The same of examples that are not quite independent."""
PROBABILITY = Range(0, 1, open=True)
DIFFERENCE = Range(-1, 1)
"""Between two numbers from 0 to 1."""
CORRELATION = Range(-1, 1)
SIZE = Range(0)
LAYER = Range(0)
SHARE = Range(-1, 2, usual=True)
"""A share of a gap."""
