"""The statistics that checks give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats, Labels
from ppcheck.statistics.agreement import Ends, auroc_ends, correlation_ends, mean_ends
from ppcheck.statistics.sample import (
    REAL_LINE,
    Gap,
    Sample,
    Statistic,
    divide,
    spread,
    title,
    totals,
)
from ppcheck.statistics.scale import FISHER, LOGIT

__all__ = [
    "Auroc",
    "Correlation",
    "Gap",
    "Mean",
    "Proportion",
    "Ratio",
    "Sample",
    "StandardisedMean",
    "Statistic",
    "divide",
    "title",
    "totals",
]


@dataclass(frozen=True, eq=False)
class Mean(Sample):
    """The mean over the examples. For probabilities `support` is (0, 1).

    Rounding may move each example by ``step``.
    """

    observed: NDArray[np.float64 | np.bool_]
    units: Labels
    name: str
    member: str | None = None
    support: tuple[float, float] = REAL_LINE
    step: float = 0.0

    @property
    def rounding(self) -> float:
        return self.step

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.observed)

    def values(self) -> Floats:
        return np.asarray(self.observed, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        count, total = totals(weights, self._sums)
        return divide(total, count)

    def error(self, weights: Floats) -> Floats:
        residuals, count = self._residuals(weights)
        return divide(spread(weights, residuals), count)

    def influence(self, weights: Floats) -> Floats:
        residuals, count = self._residuals(weights)
        return divide(residuals, count[:, None])

    def _residuals(self, weights: Floats) -> tuple[Floats, Floats]:
        """What each unit adds beyond the mean, [resample, unit], and the count, [resample]."""
        sizes, sums = self._sums
        middle = float(np.mean(self.observed))
        centred = sums - middle * sizes
        count, total = totals(weights, np.stack([sizes, centred]))
        return centred - np.multiply.outer(divide(total, count), sizes), count

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        sizes, sums = self._sums
        return mean_ends(sums / sizes, units or self.effective_units, self.support, tail)

    @property
    def effective_units(self) -> int:
        """Kish's effective number of units: fewer than `n_units` where their sizes differ.

        It is what remains when the examples of a unit agree completely.
        """
        size = self._sums[0]
        return int(size.sum() ** 2 / (size**2).sum())


@dataclass(frozen=True, eq=False)
class Proportion(Mean):
    """The share of examples where `observed` is true. Its interval is binomial, no bootstrap."""

    support: Ends = (0.0, 1.0)


@dataclass(frozen=True, eq=False)
class Ratio(Sample):
    """The sum of one quantity over the sum of another.

    With patched - corrupted over clean - corrupted it is recovery. NaN where the denominator is
    zero or has not the sign that it has over the whole sample: where that happens in more than the
    tail of the resamples the ratio has no finite interval (Fieller 1954). Rounding may move each
    example of either quantity by ``step``.
    """

    numerator: Floats
    denominator: Floats
    units: Labels
    name: str
    member: str | None = None
    step: float = 0.0
    gap: Gap | None = None

    @property
    def rounding(self) -> float:
        whole = abs(float(np.mean(self.denominator)))
        share = abs(float(np.mean(self.numerator))) / whole if whole else 0.0
        return self.step * (1 + share) / whole if whole else 0.0

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.numerator, self.denominator)

    def values(self) -> Floats:
        """Each numerator over the mean denominator, so that their mean is the estimate."""
        numerator = np.asarray(self.numerator, dtype=np.float64)
        return divide(numerator, np.full_like(numerator, np.mean(self.denominator)))

    def estimate(self, weights: Floats) -> Floats:
        _, numerator, denominator = totals(weights, self._sums)
        sign = np.sign(np.sum(self.denominator))
        return divide(numerator, np.where(np.sign(denominator) == sign, denominator, 0.0))

    def error(self, weights: Floats) -> Floats:
        residuals, whole = self._residuals(weights)
        return divide(spread(weights, residuals), np.abs(whole))

    def influence(self, weights: Floats) -> Floats:
        residuals, whole = self._residuals(weights)
        return divide(residuals, whole[:, None])

    def _residuals(self, weights: Floats) -> tuple[Floats, Floats]:
        """What each unit adds beyond its share, [resample, unit], and the whole, [resample]."""
        _, numerator, denominator = self._sums
        shares = self.estimate(weights)
        residuals = numerator - np.multiply.outer(shares, denominator)
        return residuals, totals(weights, denominator[None])[0]


@dataclass(frozen=True, eq=False)
class StandardisedMean(Sample):
    """The mean over the standard deviation (n - 1 degrees of freedom): Cohen's d_z.

    NaN where the examples do not differ, to one part in a million of their distance from the
    whole sample's mean.
    """

    observed: Floats
    units: Labels
    name: str
    member: str | None = None

    @cached_property
    def _sums(self) -> Floats:
        centred = self.observed - np.mean(self.observed)
        return self.unit_sums(centred, centred**2)

    def values(self) -> Floats:
        return np.asarray(self.observed, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        count, total, squares = totals(weights, self._sums)
        mean = divide(total, count)
        scatter = squares - total * mean
        scatter[scatter <= 1e-12 * squares] = 0
        return divide(np.mean(self.observed) + mean, np.sqrt(divide(scatter, count - 1)))


@dataclass(frozen=True, eq=False)
class Correlation(Sample):
    """Spearman's correlation of `x` (the dose) and `y` (what was measured), ties averaged."""

    x: Floats
    y: Floats
    units: Labels
    name: str
    member: str | None = None
    support = (-1.0, 1.0)
    scale = FISHER

    @cached_property
    def _doses(self) -> tuple[Floats, Floats, Labels, Labels]:
        """How often each distinct x is in each unit, [unit, x]; then cells of one unit and one x.

        Of these how often y lies above that of each unit's examples less how often below, summed
        over the cell's examples, [unit, cell]; their units; their places among the x.
        """
        level = np.unique(self.x, return_inverse=True)[1]
        counts = np.zeros((self.n_units, level.max() + 1))
        np.add.at(counts, (self._unit, level), 1)
        units, levels = np.nonzero(counts)
        cells = np.zeros(counts.shape, dtype=np.int64)
        cells[units, levels] = np.arange(len(units))
        above = 2 * self.counts_below(self.y, self.y) - np.bincount(self._unit)[:, None]
        sums = np.zeros((len(units), self.n_units))
        np.add.at(sums, cells[self._unit, level], above.T)
        return counts, sums.T, units, levels

    @cached_property
    def _ties(self) -> tuple[Floats, Floats]:
        """Equal y within one unit, their numbers cubed, [unit]; across units, [unit, tie]."""
        value = np.unique(self.y, return_inverse=True)[1]
        pairs, counts = np.unique(np.stack([self._unit, value]), axis=1, return_counts=True)
        spread_out = np.bincount(pairs[1]) > 1
        inside = ~spread_out[pairs[1]]
        cubes = np.zeros(self.n_units)
        np.add.at(cubes, pairs[0][inside], counts[inside] ** 3.0)
        across = np.zeros((self.n_units, int(spread_out.sum())))
        place = np.cumsum(spread_out) - 1
        units, values = pairs[:, ~inside]
        across[units, place[values]] = counts[~inside]
        return cubes, across

    def values(self) -> Floats:
        return np.asarray(self.y, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        # Doubled and centred ranks are whole numbers: products and sums are exact in any order.
        weights = np.asarray(weights, dtype=np.float64)
        counts, above, units, levels = self._doses
        cubes, across = self._ties
        at_x = weights @ counts
        size = at_x.sum(axis=1)
        x = 2 * at_x.cumsum(axis=1) - at_x - size[:, None]
        xy = (weights[:, units] * x[:, levels] * (weights @ above)).sum(axis=1)
        xx = size**3 - (at_x**3).sum(axis=1)
        yy = size**3 - weights**3 @ cubes - ((weights @ across) ** 3).sum(axis=1)
        return np.clip(divide(3 * xy, np.sqrt(xx) * np.sqrt(yy)), -1, 1)

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        estimate = float(self.estimate(np.ones((1, self.n_units)))[0])
        if abs(estimate) < 1 - 1e-12:
            return None
        low, high = correlation_ends((units or self.n_units) / 2, tail)
        return (low, high) if estimate > 0 else (-high, -low)


@dataclass(frozen=True, eq=False)
class Auroc(Sample):
    """The probability that a positive example scores above a negative one, ties counting half."""

    scores: Floats
    positive: NDArray[np.bool_]
    units: Labels
    name: str
    member: str | None = None
    support = (0.0, 1.0)
    scale = LOGIT

    @property
    def neutral(self) -> float | None:
        return 0.5

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.positive)

    @cached_property
    def _wins(self) -> Floats:
        """How often positives of one unit beat negatives of another, [unit, unit]."""
        positive = np.asarray(self.positive, dtype=bool)
        beaten = self.counts_below(self.scores, self.scores[positive], ~positive)
        wins = np.zeros((self.n_units, self.n_units))
        np.add.at(wins, self._unit[positive], beaten.T)
        return wins

    def values(self) -> Floats:
        return np.asarray(self.scores, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        weights = np.asarray(weights, dtype=np.float64)
        count, positive = totals(weights, self._sums)
        # Whole and half numbers: this product is exact, whatever the order of its sums.
        wins = ((weights @ self._wins) * weights).sum(axis=1)
        return divide(wins, positive * (count - positive))

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        estimate = float(self.estimate(np.ones((1, self.n_units)))[0])
        if estimate not in (0, 1):
            return None
        count, positive = self._sums
        of_either = [int((side > 0).sum()) for side in (positive, count - positive)]
        pairs = min(self.n_units / 2, *of_either) * (units or self.n_units) / self.n_units
        low, high = auroc_ends(pairs, tail)
        return (low, high) if estimate else (1 - high, 1 - low)
