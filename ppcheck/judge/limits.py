"""The ends of an interval at every tail: what a method says before a confidence is chosen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ppcheck.spec.expectations.bound import Bound

IntervalMethod = Literal[
    "studentised",
    "bca",
    "percentile",
    "exact",
    "wilson",
    "agreement",
    "constant",
    "fixed",
    "no gap",
    "none",
]
End = Callable[[float], float]
NO_GAP: IntervalMethod = "no gap"
FIXED: IntervalMethod = "fixed"

LEAST_TAIL = 1e-12


@dataclass(frozen=True)
class Limits:
    """`low(tail)` and `high(tail)` are each missed with probability `tail`.

    Both move outwards, or stay, as the tail becomes smaller. Each is further out by `rounding` than
    the units alone would have it.
    """

    estimate: float
    n: int
    method: IntervalMethod
    low: End
    high: End
    rounding: float = 0.0

    def at(self, confidence: float) -> tuple[float, float]:
        """The two-sided interval."""
        tail = (1 - confidence) / 2
        return self.low(tail), self.high(tail)

    def p(self, bound: Bound) -> float:
        """The smallest tail at which the bound is decided: a one-sided p-value.

        It tests that the bound is not met where the estimate meets it (between two edges the larger
        of two p-values, TOST), else that it is met. 1 where no tail below one half decides.
        """
        return _smallest(
            lambda tail: bound.verdict(self.low(tail), self.high(tail)) != "inconclusive"
        )

    def p_above(self, edge: float) -> float:
        """The one-sided p-value of the test that the truth lies at `edge` or below."""
        return _smallest(lambda tail: self.low(tail) >= edge)

    def p_below(self, edge: float) -> float:
        """The one-sided p-value of the test that the truth lies at `edge` or above."""
        return _smallest(lambda tail: self.high(tail) <= edge)


def _smallest(decided: Callable[[float], bool]) -> float:
    """The smallest tail from `LEAST_TAIL` to one half at which something is decided, or 1."""
    low, high = math.log(LEAST_TAIL), math.log(0.5)
    if not decided(0.5):
        return 1.0
    if decided(LEAST_TAIL):
        return LEAST_TAIL
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if decided(math.exp(middle)) else (middle, high)
    return math.exp(high)
