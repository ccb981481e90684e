"""A statistic as a function of how often each independent unit is counted.

A *unit* is a group of examples that are resampled together: the prompts made from one template
item, say. `units` holds one integer label an example; examples with equal labels form a unit, and
units are numbered in the order of their labels, whatever these are. A statistic reduces its
examples to sums over units once. After that it is a function of the units' weights, so that one
bootstrap serves every statistic. Weights are counts: weight 2 is the unit's examples listed twice.
No result depends on how many rows of weights come in one call.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.statistics.agreement import Ends
from ppcheck.statistics.scale import PLAIN, Scale

REAL_LINE = (-math.inf, math.inf)
_NO_COLUMNS = ("name", "member", "support", "within", "step", "gap", "seed")


@dataclass(frozen=True)
class Gap:
    """What statistics are shares of: a mean difference of a metric, called ``name``.

    Where its ``size`` is below the ``least``, a share of it has no meaning.
    """

    name: str
    size: float
    least: float

    @property
    def is_read(self) -> bool:
        return self.size >= self.least


class Statistic(Protocol):
    """One number, and the examples it comes from.

    Statistics of one `name` form a family that is tested together; `member` distinguishes them.
    """

    @property
    def name(self) -> str: ...

    @property
    def member(self) -> str | None: ...

    @property
    def n_units(self) -> int: ...

    @property
    def units(self) -> Labels:
        """The unit of each example, [example]; within a family a label means the same unit."""
        ...

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and the highest value that it can take at all."""
        ...

    def values(self) -> Floats:
        """What a record keeps of each example, [example]."""
        ...

    @property
    def neutral(self) -> float | None:
        """Where an effect changes its sign; None where the statistic is not an effect."""
        ...

    @property
    def rounding(self) -> float:
        """How far rounding alone may move the estimate."""
        ...

    @property
    def gap(self) -> Gap | None:
        """What it is a share of; None where it is a number by itself."""
        ...

    @property
    def scale(self) -> Scale:
        """The scale on which its sampling distribution is closest to symmetric."""
        ...

    def estimate(self, weights: Floats) -> Floats:
        """The statistic under each row of counts: [resample, unit] to [resample].

        It is NaN where the statistic is undefined.
        """
        ...

    def error(self, weights: Floats) -> Floats | None:
        """The standard error of `estimate` under each row, [resample, unit] to [resample].

        None where the statistic does not give one: its interval is then BCa, not studentised.
        """
        ...

    def influence(self, weights: Floats) -> Floats | None:
        """How far each unit moves `estimate` under each row, [resample, unit].

        Their `spread` is `error`, up to rounding; None where there is none.
        """
        ...

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        """Exact ends, each missed with probability `tail`, where almost all units agree.

        `units` asks for the ends that as many units would leave if they agreed as these do. None
        where the statistic has no such ends: its units differ, or its support has no end.
        """
        ...


def title(name: str, member: str | None) -> str:
    """How a message names a statistic: ``recovery of L2H1``."""
    return name if member is None else f"{name} of {member}"


class Resampled:
    """A statistic whose spread is known only by resampling, and which has no exact ends."""

    scale = PLAIN

    @property
    def rounding(self) -> float:
        return 0.0

    @property
    def gap(self) -> Gap | None:
        return None

    def error(self, weights: Floats) -> Floats | None:
        del weights
        return None

    def influence(self, weights: Floats) -> Floats | None:
        del weights
        return None

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        del tail, units
        return None


class OfUnits(Resampled, ABC):
    """A statistic whose examples are the units themselves."""

    neutral: float | None = None

    @property
    def units(self) -> Labels:
        return np.arange(len(self.values()))

    @abstractmethod
    def values(self) -> Floats:
        """Each unit's own value, [unit]."""


class Sample(Resampled):
    """Examples in units. Raises MeasurementError for none, unequal numbers, and NaN or infinity."""

    name: str
    member: str | None
    units: Labels
    support = REAL_LINE

    @property
    def neutral(self) -> float | None:
        lowest, highest = self.support
        return 0.0 if lowest < 0 < highest else None

    def __post_init__(self) -> None:
        who, n = title(self.name, self.member), len(self.units)
        if not n:
            raise MeasurementError(f"{who}: there are no examples")
        for field, column in vars(self).items():
            if field in _NO_COLUMNS:
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

    def counts_below(self, column: Floats, of: Floats, among: Any = None) -> Floats:
        """How many examples of each unit lie below each of `of`, ties half, [unit, of].

        Only those count that are `among` the mask, [example].
        """
        rows = np.arange(len(column)) if among is None else np.flatnonzero(among)
        rows = rows[np.argsort(column[rows], kind="stable")]
        below = np.zeros((len(rows) + 1, self.n_units))
        below[np.arange(len(rows)) + 1, self._unit[rows]] = 1
        below = below.cumsum(axis=0)
        left, right = (np.searchsorted(column[rows], of, side) for side in ("left", "right"))
        return (below[left] + below[right]).T / 2


def totals(weights: Floats, sums: Floats) -> Floats:
    """Weighted totals of unit sums: [resample, unit], [column, unit] to [column, resample].

    Each row is summed by itself: the last digits of a matrix product depend on the other rows.
    """
    rows = np.ascontiguousarray(weights, dtype=np.float64)
    return np.array([(rows * column).sum(axis=1) for column in sums])


def spread(weights: Floats, residuals: Floats) -> Floats:
    """The root of the weighted sum of squared residuals, n / (n - 1) times: [resample].

    Both are [resample, unit]. This is the infinitesimal jackknife's error of a sum (Efron 1982).
    """
    n = weights.shape[1]
    squares: Floats = (weights * residuals**2).sum(axis=1)
    root: Floats = np.sqrt(squares * n / max(n - 1, 1))
    return root


def divide(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where the denominator is zero."""
    undefined = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator != 0)
