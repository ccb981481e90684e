"""Bounds that a claim should meet on units that nobody has looked at."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from ppcheck.judge.interval import Estimate

DIGITS = 2
"""To which bounds are rounded, to the safe side."""

_OF_AGREEMENT: dict[str, float] = {"agreement": 1.25, "exact": 1.9, "wilson": 2.2}
"""By method, how many half-widths the end of the interval to come is from the estimate."""


@dataclass(frozen=True)
class Prediction:
    """Where the interval of a statistic will lie on the other half, with 97.5 % on either side.

    ``ratio`` is units looked at over units judged. ``shrink`` is what is kept of the distance
    between the estimate and ``null``, where the statistic was the best of many.
    """

    seen: Estimate
    ratio: float
    shrink: float = 1.0
    null: float = 0.0

    @property
    def estimate(self) -> float:
        return self.null + self.shrink * (self.seen.estimate - self.null)

    @property
    def low(self) -> float:
        return self.estimate - self._reach(self.seen.estimate - self.seen.low)

    @property
    def high(self) -> float:
        return self.estimate + self._reach(self.seen.high - self.seen.estimate)

    @property
    def largest(self) -> float:
        """How far from 0 it may lie."""
        return max(abs(self.low), abs(self.high))

    def _reach(self, half_width: float) -> float:
        """The half-width to come, and how far its middle may be from what was seen.

        An exact interval of units that agree is wide for what one odd unit could do: those to come
        most likely agree, too.
        """
        ratio = math.sqrt(self.ratio)
        if self.seen.method in _OF_AGREEMENT:
            return half_width * _OF_AGREEMENT[self.seen.method] * ratio
        return half_width * (ratio + math.sqrt(1 + self.ratio))


def kept(effects: Iterable[tuple[float, float]], error: float) -> float:
    """What is kept of an effect with this ``error``, found among (effect, error) of all measured.

    Empirical Bayes with a normal prior around 0, so that choosing the largest needs no further
    correction: the prior's variance is what the effects' mean square has beyond their errors'.
    """
    squares = [effect**2 - own**2 for effect, own in effects]
    variance = max(0.0, sum(squares) / len(squares))
    return variance / (variance + error**2) if variance else 0.0


def floor(value: float) -> float:
    """The value to `DIGITS` digits, rounded down."""
    return _rounded(value, math.floor)


def ceiling(value: float) -> float:
    return _rounded(value, math.ceil)


def _rounded(value: float, to: object) -> float:
    if not value or not math.isfinite(value):
        return value
    places = DIGITS - 1 - math.floor(math.log10(abs(value)))
    # A ten-thousandth of a step off a whole number is a float's own error.
    scaled = round(value * 10.0**places, 4)
    whole = math.floor(scaled) if to is math.floor else math.ceil(scaled)
    return whole / 10.0**places


def number(value: float) -> str:
    """As a person writes it: 0.28, 1.4, 12."""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"


def at_least(value: float) -> str:
    """The bound that holds of all from ``value`` up."""
    return f">= {number(floor(value))}"


def at_most(value: float) -> str:
    return f"<= {number(ceiling(value))}"


def within(value: float) -> str:
    """The bound that holds of all as near to 0 as ``value``."""
    edge = number(ceiling(value))
    return f"-{edge}..{edge}"
