"""One member's statistic minus another's, unit by unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.statistics.agreement import Ends
from ppcheck.statistics.sample import Gap, Statistic, spread
from ppcheck.statistics.scale import PLAIN


@dataclass(frozen=True, eq=False)
class MemberDifference:
    """``first`` minus ``second``, which are of one name and over the same examples.

    Each resample has the same units for both, so that what makes a unit high or low in both does
    not count. Raises MeasurementError where their examples are not of the same units.
    """

    first: Statistic
    second: Statistic
    name: str
    member: None = None
    neutral = 0.0
    scale = PLAIN

    def __post_init__(self) -> None:
        if not np.array_equal(self.first.units, self.second.units):
            raise MeasurementError(
                f"{self.name}: {self.first.member} and {self.second.member} are not of the same "
                "examples, so that neither can be paired with the other"
            )

    @property
    def n_units(self) -> int:
        return self.first.n_units

    @property
    def units(self) -> Labels:
        return self.first.units

    @property
    def support(self) -> Ends:
        (lowest, highest), (low, high) = self.first.support, self.second.support
        return lowest - high, highest - low

    @property
    def rounding(self) -> float:
        return self.first.rounding + self.second.rounding

    @property
    def gap(self) -> Gap | None:
        """What both are shares of; where one of them is too small, that one."""
        gaps = [gap for gap in (self.first.gap, self.second.gap) if gap is not None]
        return min(gaps, key=lambda gap: gap.is_read, default=None)

    def values(self) -> Floats:
        return self.first.values() - self.second.values()

    def estimate(self, weights: Floats) -> Floats:
        return self.first.estimate(weights) - self.second.estimate(weights)

    def influence(self, weights: Floats) -> Floats | None:
        one, other = self.first.influence(weights), self.second.influence(weights)
        return None if one is None or other is None else one - other

    def error(self, weights: Floats) -> Floats | None:
        influence = self.influence(weights)
        return None if influence is None else spread(weights, influence)

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        """Each side's exact end at half of the tail (Bonferroni), where both sides have them."""
        one, other = (each.exceptions(tail / 2, units) for each in (self.first, self.second))
        if one is None or other is None:
            return None
        return one[0] - other[1], one[1] - other[0]
