"""How far the means of two groups of examples are apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats, Labels
from ppcheck.statistics.agreement import Ends
from ppcheck.statistics.sample import REAL_LINE, Sample, divide, spread, totals
from ppcheck.statistics.statistics import Mean


@dataclass(frozen=True, eq=False)
class MeansApart(Sample):
    """The mean of `observed` over the `first` examples minus that over the others.

    Nothing pairs an example of the one group with one of the other. A unit that has examples of
    both counts in both, in every resample. NaN where a resample has none of a group. ``within``
    is the support of what is observed, of which rounding may move each by ``step``.
    """

    observed: Floats
    first: NDArray[np.bool_]
    units: Labels
    name: str
    member: str | None = None
    within: Ends = REAL_LINE
    step: float = 0.0

    @property
    def support(self) -> Ends:  # type: ignore[override]  # it follows from that of either mean
        lowest, highest = self.within
        return lowest - highest, highest - lowest

    @property
    def rounding(self) -> float:
        return 2 * self.step

    @cached_property
    def groups(self) -> tuple[Mean, Mean]:
        """Either mean by itself, over its own examples."""
        first = np.asarray(self.first, dtype=bool)
        one, other = (self._mean(group) for group in (first, ~first))
        return one, other

    def _mean(self, group: NDArray[np.bool_]) -> Mean:
        own = self.observed[group], self.units[group]
        return Mean(*own, self.name, self.member, self.within, self.step)

    @cached_property
    def _sums(self) -> Floats:
        """Examples and their total, of the first group and of the other, [4, unit]."""
        first, middle = np.asarray(self.first, dtype=bool), float(np.mean(self.observed))
        moved = self.observed - middle
        columns = [column for group in (first, ~first) for column in (group, moved * group)]
        return self.unit_sums(*columns)[1:]

    def values(self) -> Floats:
        return np.asarray(self.observed, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        count, total, rest, others = totals(weights, self._sums)
        return divide(total, count) - divide(others, rest)

    def influence(self, weights: Floats) -> Floats:
        count, total, rest, others = totals(weights, self._sums)
        one = self._pull(0, divide(total, count), count)
        return one - self._pull(2, divide(others, rest), rest)

    def error(self, weights: Floats) -> Floats:
        return spread(weights, self.influence(weights))

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        """Each mean's exact end at half of the tail (Bonferroni), where both means have them."""
        shares = [None if units is None else self._share(mean, units) for mean in self.groups]
        one, other = (
            mean.exceptions(tail / 2, share)
            for mean, share in zip(self.groups, shares, strict=True)
        )
        if one is None or other is None:
            return None
        return one[0] - other[1], one[1] - other[0]

    def _share(self, mean: Mean, units: int) -> int:
        """How many of so many units have examples of a group."""
        return max(1, units * mean.n_units // self.n_units)

    def _pull(self, row: int, mean: Floats, count: Floats) -> Floats:
        """How far each unit moves the mean of one group, [resample, unit]."""
        sizes, sums = self._sums[row : row + 2]
        return divide(sums - np.multiply.outer(mean, sizes), count[:, None])
