"""Statistics as functions of how often each independent unit is counted.

A *unit* is a group of examples that are resampled together: the prompts made from one template
item, say. `units` holds one integer label an example; examples with equal labels form a unit, and
units are numbered in the order of their labels, whatever these are. A statistic reduces its
examples to sums over units once. After that it is a function of the units' weights, so that one
bootstrap serves every statistic. Weights are counts: weight 2 is the unit's examples listed twice.
No result depends on how many rows of weights come in one call.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ppcheck.errors import MeasurementError

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

REAL_LINE = (-math.inf, math.inf)


class Statistic(Protocol):
    """One number, and the examples it comes from.

    Statistics of one `name` form a family that is tested together; `member` tells them apart.
    """

    @property
    def name(self) -> str: ...

    @property
    def member(self) -> str | None: ...

    @property
    def n_units(self) -> int: ...

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest value that it can take at all."""
        ...

    def values(self) -> Floats:
        """What a record keeps of each example, [example]."""
        ...

    def estimate(self, weights: Floats) -> Floats:
        """The statistic under each row of counts: [resample, unit] to [resample].

        It is NaN where the statistic is undefined.
        """
        ...


def title(name: str, member: str | None) -> str:
    """How a message names a statistic: ``recovery of L2H1``."""
    return name if member is None else f"{name} of {member}"


class Sample:
    """Examples in units. Raises MeasurementError for none, unequal numbers, and NaN or infinity."""

    name: str
    member: str | None
    units: Labels
    support = REAL_LINE

    def __post_init__(self) -> None:
        who, n = title(self.name, self.member), len(self.units)
        if not n:
            raise MeasurementError(f"{who}: there are no examples")
        for field, column in vars(self).items():
            if field in ("name", "member", "support"):
                continue
            if np.shape(column) != (n,):
                raise MeasurementError(
                    f"{who}: {field} has shape {np.shape(column)}, but {n} examples have units"
                )
            if bad := np.flatnonzero(~np.isfinite(column)).tolist():
                raise MeasurementError(
                    f"{who}: {field} is not finite in {len(bad)} of {n} examples, "
                    f"first in example {bad[0]}"
                )

    @property
    def n_units(self) -> int:
        return int(self._unit.max()) + 1

    @cached_property
    def _unit(self) -> Labels:
        return np.unique(self.units, return_inverse=True)[1]

    def unit_sums(self, *columns: NDArray[np.float64 | np.bool_]) -> Floats:
        """Per-example columns summed over each unit, [column, unit]; the first row is counts."""
        sums = [np.bincount(self._unit)]
        sums += [np.bincount(self._unit, weights=column) for column in columns]
        return np.array(sums, dtype=np.float64)


def totals(weights: Floats, sums: Floats) -> Floats:
    """Weighted totals of unit sums: [resample, unit], [column, unit] to [column, resample].

    Each row is summed by itself: the last digits of a matrix product depend on the other rows.
    """
    rows = np.ascontiguousarray(weights, dtype=np.float64)
    return np.array([(rows * column).sum(axis=1) for column in sums])


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    undefined = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)


@dataclass(frozen=True, eq=False)
class Mean(Sample):
    """The mean over the examples. For probabilities `support` is (0, 1)."""

    observed: NDArray[np.float64 | np.bool_]
    units: Labels
    name: str
    member: str | None = None
    support: tuple[float, float] = REAL_LINE

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.observed)

    def values(self) -> Floats:
        return np.asarray(self.observed, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        count, total = totals(weights, self._sums)
        return divide(total, count)


@dataclass(frozen=True, eq=False)
class Proportion(Mean):
    """The share of examples where `observed` is true. Its interval is Wilson's, no bootstrap."""

    @property
    def effective_units(self) -> int:
        """Kish's effective number of units: fewer than `n_units` where their sizes differ.

        It is what remains when the examples of a unit agree completely.
        """
        size = self._sums[0]
        return int(size.sum() ** 2 / (size**2).sum())


@dataclass(frozen=True, eq=False)
class Ratio(Sample):
    """The sum of one quantity over the sum of another.

    With patched - corrupted over clean - corrupted it is recovery. NaN where the denominator is
    zero or has not the sign that it has over the whole sample: where that happens in more than the
    tail of the resamples the ratio has no finite interval (Fieller 1954).
    """

    numerator: Floats
    denominator: Floats
    units: Labels
    name: str
    member: str | None = None

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
    """Spearman's correlation of `x` (the dose) and `y` (what was measured).

    Ranks, ties averaged, are taken once over the whole sample: under other weights this is
    Pearson's correlation of those fixed ranks, not of ranks taken anew.
    """

    x: Floats
    y: Floats
    units: Labels
    name: str
    member: str | None = None
    support = (-1.0, 1.0)

    @cached_property
    def _sums(self) -> Floats:
        from scipy.stats import rankdata

        # Doubled and centred ranks are whole numbers, so that the sums below are exact.
        x, y = (2 * rankdata(side) - len(self.units) - 1 for side in (self.x, self.y))
        return self.unit_sums(x, y, x * x, y * y, x * y)

    def values(self) -> Floats:
        return np.asarray(self.y, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        n, x, y, xx, yy, xy = totals(weights, self._sums)
        scale = np.sqrt(n * xx - x * x) * np.sqrt(n * yy - y * y)
        return np.clip(divide(n * xy - x * y, scale), -1, 1)


@dataclass(frozen=True, eq=False)
class Auroc(Sample):
    """The probability that a positive example scores above a negative one, ties counting half."""

    scores: Floats
    positive: NDArray[np.bool_]
    units: Labels
    name: str
    member: str | None = None
    support = (0.0, 1.0)

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.positive)

    @cached_property
    def _wins(self) -> Floats:
        """How often positives of one unit beat negatives of another, [unit, unit]."""
        positive = np.asarray(self.positive, dtype=bool)
        order = np.flatnonzero(~positive)[np.argsort(np.asarray(self.scores)[~positive])]
        below = np.zeros((len(order) + 1, self.n_units))
        below[np.arange(len(order)) + 1, self._unit[order]] = 1
        below = below.cumsum(axis=0)
        ranked = np.asarray(self.scores)[order], np.asarray(self.scores)[positive]
        beaten = below[np.searchsorted(*ranked, "left")] + below[np.searchsorted(*ranked, "right")]
        wins = np.zeros((self.n_units, self.n_units))
        np.add.at(wins, self._unit[positive], beaten / 2)
        return wins

    def values(self) -> Floats:
        return np.asarray(self.scores, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        weights = np.asarray(weights, dtype=np.float64)
        count, positive = totals(weights, self._sums)
        # Whole and half numbers: this product is exact, whatever the order of its sums.
        wins = ((weights @ self._wins) * weights).sum(axis=1)
        return divide(wins, positive * (count - positive))
