"""The layer at which something happens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.statistics.statistics import Gap, Mean, Sample, totals


@dataclass(frozen=True, eq=False)
class FirstLayer(Sample):
    """The first layer, from 0, in which the total margin has the sign of the total gap.

    ``margins`` [pair, layer] and ``gaps`` [pair] are in units of the metric, so that pairs with a
    small gap weigh little. It is the number of layers where no margin has that sign, and NaN where
    the gap has not the sign that it has over the whole sample, as for `Ratio`.
    ``by_last`` says that the last layer's margin has that sign by definition. Rounding may move
    each margin by ``step``: a sign that it could turn is none.
    """

    margins: Floats
    gaps: Floats
    units: Labels
    name: str
    member: str | None = None
    by_last: bool = False
    step: float = 0.0
    gap: Gap | None = None

    def __post_init__(self) -> None:
        for column in (self.gaps, *np.transpose(self.margins)):
            Mean(column, self.units, self.name, self.member)  # raises for what is not a sample

    @property
    def support(self) -> tuple[float, float]:  # type: ignore[override]  # no layer is outside
        return (0.0, float(self.margins.shape[1] - self.by_last))

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.gaps, *self.margins.T)

    def values(self) -> Floats:
        """Each pair's own layer, by the sign of its own gap: these do not average to the total."""
        return self.first(self.margins * np.sign(self.gaps)[:, None] - self.step)

    def estimate(self, weights: Floats) -> Floats:
        count, gap, *margins = totals(weights, self._sums)
        sign = np.sign(np.sum(self.gaps))
        layers = self.first(np.stack(margins, axis=1) * sign - self.step * count[:, None])
        return np.where((np.sign(gap) == sign) & (sign != 0), layers, np.nan)

    def first(self, margins: Floats) -> Floats:
        """The first positive column of each row of [row, layer], or their number."""
        done = margins > 0
        first = np.where(done.any(axis=1), done.argmax(axis=1), margins.shape[1])
        return np.asarray(first, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Settled(FirstLayer):
    """The first layer from which on, in it and in every later one, the margin has that sign."""

    def first(self, margins: Floats) -> Floats:
        since = np.flip(margins > 0, axis=1).cumprod(axis=1).sum(axis=1)
        return np.asarray(margins.shape[1] - since, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class PeakLayer(Sample):
    """The layer, from 0, whose ``merits`` [example, layer] add up to most; the first of equals."""

    merits: Floats
    units: Labels
    name: str
    member: str | None = None

    def __post_init__(self) -> None:
        for column in np.transpose(self.merits):
            Mean(column, self.units, self.name, self.member)  # raises for what is not a sample

    @property
    def support(self) -> tuple[float, float]:  # type: ignore[override]  # no layer is outside
        return (0.0, float(self.merits.shape[1] - 1))

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(*self.merits.T)

    def values(self) -> Floats:
        """Each example's own peak: these do not average to the total's."""
        return np.asarray(self.merits.argmax(axis=1), dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        _, *totalled = totals(weights, self._sums)
        return np.asarray(np.stack(totalled, axis=1).argmax(axis=1), dtype=np.float64)
