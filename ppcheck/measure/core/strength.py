"""How far sites meet what a role asks of them, on the units of a sample."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Mask
from ppcheck.spec.prompts.grid import Prompt
from ppcheck.statistics.sample import REAL_LINE, OfUnits
from ppcheck.statistics.statistics import Gap, divide, totals


@dataclass(frozen=True, eq=False)
class Criterion:
    """One thing that whoever plays the role does: a ratio of sums over examples.

    ``shown`` [site, example] over ``whole`` [example] must reach ``needed``, which is above 0.
    ``sides`` are the prompts of each example, one or a pair. Rounding may move each example of
    either by ``step``.
    """

    shown: Floats
    whole: Floats
    sides: tuple[Sequence[Prompt], ...]
    needed: float
    step: float = 0.0
    gap: Gap | None = None

    @property
    def units(self) -> tuple[str, ...]:
        return tuple(prompt.unit for prompt in self.sides[0])

    def within(self, units: Collection[str]) -> Mask:
        """The examples of these units."""
        return np.array([unit in units for unit in self.units])

    def shares(self) -> Floats:
        """The ratio over all examples, [site]."""
        return divide(self.shown.sum(axis=1), np.full(len(self.shown), self.whole.sum()))


@dataclass(frozen=True, eq=False)
class Strengths:
    """Sums over units: ``shown`` [criterion, site, unit], ``whole`` [criterion, unit].

    A site's strength is the smallest of its ratios, each over what is ``needed`` [criterion]: it
    meets the role at 1. Rounding may move each unit's sum by ``steps`` [criterion].
    """

    units: tuple[str, ...]
    shown: Floats
    whole: Floats
    needed: Floats
    steps: Floats
    gap: Gap | None = None

    @classmethod
    def of(cls, criteria: Sequence[Criterion], masks: Sequence[Mask]) -> Strengths:
        """The strengths on some of each criterion's examples."""
        names = sorted({u for c, m in zip(criteria, masks, strict=True) for u in _names(c, m)})
        number = {name: place for place, name in enumerate(names)}
        shown = np.zeros((len(criteria), len(criteria[0].shown), len(names)))
        whole = np.zeros((len(criteria), len(names)))
        for place, (criterion, mask) in enumerate(zip(criteria, masks, strict=True)):
            units = [number[name] for name in _names(criterion, mask)]
            np.add.at(shown[place].T, units, criterion.shown[:, mask].T)
            np.add.at(whole[place], units, criterion.whole[mask])
        needed = np.array([c.needed for c in criteria])
        sizes = [mask.sum() / len(names) for mask in masks]
        steps = np.array([c.step * size for c, size in zip(criteria, sizes, strict=True)])
        gap = next((c.gap for c in criteria if c.gap is not None), None)
        return cls(tuple(names), shown, whole, needed, steps, gap)

    def ratios(self, weights: Floats) -> Floats:
        """Each ratio over what is needed, [criterion, site, resample]; NaN as in `Ratio`."""
        found = []
        for shown, whole, needed in zip(self.shown, self.whole, self.needed, strict=True):
            total = totals(weights, whole[None])[0]
            defined = np.where(np.sign(total) == np.sign(whole.sum()), total, 0.0)
            some = totals(weights, shown)
            found.append(divide(some, np.broadcast_to(defined, some.shape)) / needed)
        return np.array(found)

    def of_sites(self, weights: Floats) -> Floats:
        """The strength of each site, [site, resample]."""
        strengths: Floats = self.ratios(weights).min(axis=0)
        return strengths

    @property
    def estimates(self) -> Floats:
        """The strength of each site, every unit counted once, [site]."""
        return self.of_sites(np.ones((1, len(self.units))))[:, 0]

    def only(self, sites: Sequence[int]) -> Strengths:
        return replace(self, shown=self.shown[:, list(sites)])

    def rounding(self, site: int) -> float:
        """How far rounding alone may move the site's strength."""
        means = np.abs(self.whole.mean(axis=1))
        shares = np.abs(self.shown[:, site].mean(axis=1)) / means
        moved: Floats = self.steps * (1 + shares) / means / self.needed
        return float(moved.max()) if np.isfinite(moved).all() else 0.0


@dataclass(frozen=True, eq=False)
class Strength(OfUnits):
    """The strength of one site. Its examples are the units."""

    of: Strengths
    site: int
    name: str
    member: str | None = None
    support = REAL_LINE

    @property
    def gap(self) -> Gap | None:
        return self.of.gap

    @property
    def rounding(self) -> float:
        return self.of.rounding(self.site)

    @property
    def n_units(self) -> int:
        return len(self.of.units)

    @cached_property
    def _own(self) -> Strengths:
        return self.of.only([self.site])

    def values(self) -> Floats:
        """Each unit's part in the ratio that is smallest: their mean is the estimate."""
        ratios = self._own.ratios(np.ones((1, self.n_units)))[:, 0, 0]
        weakest = int(np.argmin(ratios))
        whole = self.of.whole[weakest]
        shares = divide(self._own.shown[weakest, 0], np.full(self.n_units, whole.mean()))
        return np.asarray(shares / self.of.needed[weakest], dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        (strength,) = self._own.of_sites(weights)
        return np.asarray(strength, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Players(OfUnits):
    """How many of some sites have a strength of 1 or more. Its examples are the units.

    A ratio below 1 is enough to leave a site out, be the other defined or not.
    """

    of: Strengths
    name: str
    member: None = None

    @property
    def gap(self) -> Gap | None:
        return self.of.gap

    @property
    def n_units(self) -> int:
        return len(self.of.units)

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, float(self.of.shown.shape[1])

    def values(self) -> Floats:
        """How many would, were there no unit but this one; one that tells nothing counts none."""
        alone: Floats = (self.of.of_sites(np.eye(self.n_units)) >= 1).sum(axis=0) * 1.0
        return alone

    def estimate(self, weights: Floats) -> Floats:
        ratios = self.of.ratios(weights)
        out = (ratios < 1).any(axis=0)
        undefined = (np.isnan(ratios).any(axis=0) & ~out).any(axis=0)
        return np.where(undefined, math.nan, (~out).sum(axis=0))


def _names(criterion: Criterion, mask: Mask) -> list[str]:
    return [criterion.units[place] for place in np.flatnonzero(mask)]
