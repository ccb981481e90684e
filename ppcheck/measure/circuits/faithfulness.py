"""How much of a model circuits keep, against random ones and along a ranking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Labels, Mask
from ppcheck.measure.circuits.knockout import Kept, Parts
from ppcheck.measure.core.check import units_of
from ppcheck.measure.core.facts import Curve
from ppcheck.spec.sites.site import Site
from ppcheck.statistics.agreement import Ends
from ppcheck.statistics.statistics import Gap, Mean, Ratio, Sample, divide, totals

FRACTIONS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Shares of the nodes that a curve keeps (MIB, arXiv 2504.13151)."""


def first_nodes(ranking: Sequence[Site]) -> list[Parts]:
    """What each of `FRACTIONS` keeps, rounded down to whole nodes."""
    counts = [int(round(len(ranking) * fraction, 9)) for fraction in FRACTIONS]
    return [frozenset(ranking[:count]) for count in counts]


def areas() -> Floats:
    """What each point of a curve weighs in the area under it, by trapezoids, [point]."""
    widths = np.diff(FRACTIONS) / 2
    weights: Floats = np.append(widths, 0.0) + np.append(0.0, widths)
    return weights


@dataclass(frozen=True, eq=False)
class Deviation(Sample):
    """The area of |1 - f| along a curve of faithfulness f; MIB's CMD.

    ``missing`` [point, example] is how far each point stays behind the whole model, ``gaps``
    [example] how far nothing does. Undefined where a `Ratio` would be. Rounding may move each of
    these by ``step``.
    """

    missing: Floats
    gaps: Floats
    units: Labels
    name: str
    member: str | None = None
    step: float = 0.0
    gap: Gap | None = None
    support = (0.0, math.inf)

    def __post_init__(self) -> None:
        for row in self.missing:
            Ratio(row, self.gaps, self.units, self.name, self.member)

    @property
    def rounding(self) -> float:
        whole = abs(float(np.mean(self.gaps)))
        (area,) = self.estimate(np.ones((1, self.n_units)))
        return float(self.step * (areas().sum() + area) / whole) if whole else 0.0

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.gaps, *self.missing)[1:]

    def values(self) -> Floats:
        """What each example adds, in the direction in which the whole curve deviates."""
        signs = np.sign(self.missing.sum(axis=1) / np.sum(self.gaps))
        added: Floats = (areas() * signs) @ (self.missing / np.mean(self.gaps))
        return added

    def estimate(self, weights: Floats) -> Floats:
        gap, *missing = totals(weights, self._sums)
        gap = np.where(np.sign(gap) == np.sign(np.sum(self.gaps)), gap, 0.0)
        return np.asarray(areas() @ np.array([np.abs(divide(row, gap)) for row in missing]))


@dataclass(frozen=True, eq=False)
class Beaten(Sample):
    """The share of random circuits that are less faithful: whose f is further from 1; ties half.

    ``own`` [example] is how far the circuit stays behind the whole model, ``others`` [circuit,
    example] how far each random one does. Rounding may move each by ``step``: circuits that it
    could tell apart are tied.
    """

    own: Floats
    others: Floats
    units: Labels
    name: str
    member: str | None = None
    step: float = 0.0
    gap: Gap | None = None
    support = (0.0, 1.0)

    def __post_init__(self) -> None:
        for row in (self.own, *self.others):
            Mean(row, self.units, self.name, self.member)

    @property
    def neutral(self) -> float | None:
        return 0.5

    @cached_property
    def _sums(self) -> Floats:
        return self.unit_sums(self.own, *self.others)

    def values(self) -> Floats:
        """The same share on each example by itself."""
        return _further(np.abs(self.own), np.abs(self.others), self.step)

    def estimate(self, weights: Floats) -> Floats:
        count, own, *others = np.abs(totals(weights, self._sums))
        return _further(own, np.array(others), self.step * count)

    def exceptions(self, tail: float, units: int | None = None) -> Ends | None:
        """By the rule of three over circuits, or over units where these are fewer."""
        estimate = float(self.estimate(np.ones((1, self.n_units)))[0])
        if estimate not in (0, 1):
            return None
        sure = tail ** (1 / min(len(self.others), units or self.n_units))
        return (sure, 1.0) if estimate else (0.0, 1 - sure)


def _further(own: Floats, others: Floats, step: float | Floats) -> Floats:
    """How many of the others [circuit, column] are above own [column], ties half, as a share.

    They are tied where they are no more than ``step`` [column] apart.
    """
    tied = np.abs(others - own) <= step
    return np.asarray((((others > own) & ~tied) + tied / 2).mean(axis=0))


def curve(kept: Kept, points: Sequence[Parts], judged: Mask) -> Curve:
    """Faithfulness against the share of nodes kept, with 95 % of each point by Student's t."""
    from scipy.special import stdtrit

    units = units_of(kept.sides[0])[judged]
    shares = [Ratio(kept.gained(nodes)[judged], kept.gaps[judged], units, "f") for nodes in points]
    one = np.ones((1, shares[0].n_units))
    values = np.concatenate([share.estimate(one) for share in shares])
    errors = np.array(
        [0.0 if (error := share.error(one)) is None else error[0] for share in shares]
    )
    reach = float(stdtrit(max(shares[0].n_units - 1, 1), 0.975))
    return Curve(
        x=FRACTIONS,
        x_label="share of the nodes kept",
        y=values.tolist(),
        low=(values - reach * errors).tolist(),
        high=(values + reach * errors).tolist(),
    )
