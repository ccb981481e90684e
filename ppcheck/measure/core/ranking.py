"""Statistics of how an effect is spread over sites: who is first, and how many share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Integers, Labels, Mask
from ppcheck.errors import MeasurementError
from ppcheck.measure.core.facts import Map
from ppcheck.spec.sites.site import OF_HEADS, Site
from ppcheck.statistics.statistics import Gap, Mean, Ratio, Sample, divide, totals

REDRAWS = 200
"""Fresh samples by which `Contains` finds a probability."""


def largest_share(
    changes: Floats,
    units: Labels,
    first: Mask,
    name: str,
    step: float = 0.0,
    gap: Gap | None = None,
) -> Ratio:
    """The largest positive effect over the sum of all positive effects; changes [site, example].

    Which site is largest, and which are positive, is decided on the other half of the examples
    (``first`` is one of the two): the positive part of noise would add up over many sites, and
    make every share look small. Raises MeasurementError where no site has a positive effect.
    """
    part, whole = np.zeros(len(units)), np.zeros(len(units))
    for half in (first, ~first):
        sums = changes[:, ~half].sum(axis=1)
        part[half] = changes[sums.argmax()][half]
        whole[half] = changes[sums > 0][:, half].sum(axis=0)
    if not whole.any():
        raise MeasurementError(f"{name}: no site has a positive effect to take a share of")
    return Ratio(part, whole, units, name, step=step, gap=gap)


@dataclass(frozen=True, eq=False)
class Participation(Sample):
    """The participation ratio (sum e)^2 / sum e^2 of the sites' effects e.

    It is k where k sites have equal effects and the others none; less than the number of sites
    that act, and down to 0, where effects cancel. Each square is the effect in the ``first`` half
    of the examples times that in the other, since the square of noise would add up over many
    sites. Undefined where these squares do not add up to more than zero.
    """

    changes: Floats
    first: Mask
    units: Labels
    name: str
    member: str | None = None
    gap: Gap | None = None

    def __post_init__(self) -> None:
        for change in self.changes:
            Mean(change, self.units, self.name, self.member)

    @cached_property
    def _halves(self) -> tuple[Floats, Floats]:
        """Changes of each site in either half, [site, unit]."""
        first, other = (self.unit_sums(*(self.changes * h))[1:] for h in (self.first, ~self.first))
        return first, other

    def values(self) -> Floats:
        """How far each example pulls it up: the linear part, around the estimate."""
        sums = [half.sum(axis=1) for half in self._halves]
        total, squares = float(sums[0].sum() * sums[1].sum()), float(sums[0] @ sums[1])
        ratio = total / squares if squares > 0 else 0.0
        opposite = np.where(self.first, *(sums[1][:, None], sums[0][:, None]))
        up = self.changes.sum(axis=0) * opposite.sum(axis=0)
        down = (self.changes * opposite).sum(axis=0)
        pull = len(self.units) * (up - ratio * down) / (squares or 1.0)
        return np.asarray(ratio + pull)

    def estimate(self, weights: Floats) -> Floats:
        first, other = (totals(weights, half) for half in self._halves)
        squares = (first * other).sum(axis=0)
        return divide(first.sum(axis=0) * other.sum(axis=0), np.where(squares > 0, squares, 0.0))


@dataclass(frozen=True, eq=False)
class _OfSet(Sample):
    """A number about the ``chosen`` sites, and whether they are among the first ``within``.

    Effects are shares of the gap: ``changes`` [site, example] over ``gaps`` [example], sums over
    examples. Undefined where the summed gap is zero or has not the sign that it has over the whole
    sample, as in `Ratio`.
    """

    changes: Floats
    gaps: Floats
    units: Labels
    name: str
    chosen: tuple[int, ...]
    within: int
    member: str | None = None
    step: float = 0.0
    gap: Gap | None = None

    def __post_init__(self) -> None:
        for change in self.changes:
            Ratio(change, self.gaps, self.units, self.name, self.member)

    @cached_property
    def _sums(self) -> Floats:
        """Gaps, then changes of each site, [1 + site, unit]."""
        return self.unit_sums(self.gaps, *self.changes)[1:]

    @cached_property
    def _own(self) -> Floats:
        """Each example's change over the mean gap, [site, example]."""
        own: Floats = self.changes / self.gaps.mean()
        return own

    def shares(self, weights: Floats) -> Floats:
        """Each site's share of the gap, [site, resample]."""
        return self._of(totals(weights, self._sums))

    def _of(self, sums: Floats) -> Floats:
        gap, *changes = sums
        sign = np.sign(np.sum(self.gaps))
        gap = np.where(np.sign(gap) == sign, gap, 0.0)
        return np.array([divide(change, gap) for change in changes])

    @cached_property
    def _others(self) -> Integers:
        return np.setdiff1d(np.arange(len(self.changes)), self.chosen)

    @property
    def _room(self) -> int:
        """How many others may come before one of the set."""
        return self.within - len(self.chosen)

    def _margins(self, shares: Floats) -> Floats:
        """The least of the set minus the first site that may not come before it, [resample].

        ``shares`` are [site, resample].
        """
        rivals = np.sort(shares[self._others], axis=0)[-1 - self._room]
        margins: Floats = shares[list(self.chosen)].min(axis=0) - rivals
        return margins


@dataclass(frozen=True, eq=False)
class Margin(_OfSet):
    """By how much of the gap the set is ahead: it is among the first where this is above 0.

    It is the least effect of the set minus the largest that could push one of it out.
    """

    @property
    def rounding(self) -> float:
        whole = abs(float(np.mean(self.gaps)))
        return 2 * self.step / whole if whole else 0.0

    def values(self) -> Floats:
        """Each example's own difference between the two sites that decide the margin."""
        means = self._own.mean(axis=1)
        inside = min(self.chosen, key=lambda site: float(means[site]))
        rival = self._others[np.argsort(means[self._others])[-1 - self._room]]
        return np.asarray(self._own[inside] - self._own[rival])

    def estimate(self, weights: Floats) -> Floats:
        return self._margins(self.shares(weights))


@dataclass(frozen=True, eq=False)
class Contains(_OfSet):
    """The probability that as many fresh units rank the set among the first ``within``.

    It is the share of `REDRAWS` bootstrap samples in which they do. Its own interval is that of
    any other statistic, so by a second bootstrap: a share that were merely counted over resamples
    would seem the surer the more of them were drawn. It is above one half, at the interval's
    confidence, where the ranking of all units is sure to contain the set.
    """

    support = (0.0, 1.0)
    seed: int = 0

    def values(self) -> Floats:
        """1 where the example's own ranking contains the set, else 0."""
        return np.asarray(self._margins(self._own) > 0, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        return np.array([self._share(row) for row in np.asarray(weights)])

    def _share(self, weights: Floats) -> float:
        listed = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
        drawn = listed[self._draws(len(listed))]
        cells = drawn + len(weights) * np.arange(REDRAWS)[:, None]
        counts = np.bincount(cells.ravel(), minlength=REDRAWS * len(weights))
        sums = counts.reshape(REDRAWS, -1).astype(np.float64) @ self._sums.T
        margins = self._margins(self._of(sums.T))
        return float(np.mean(margins > 0))  # a redraw without a gap ranks nothing

    def _draws(self, size: int) -> Integers:
        """Places in a list of ``size`` units, [redraw, size]: the same for all weights."""
        if size not in self._drawn:
            rng = np.random.default_rng([self.seed, size])
            self._drawn[size] = rng.integers(0, size, (REDRAWS, size))
        return self._drawn[size]

    @cached_property
    def _drawn(self) -> dict[int, Integers]:
        return {}


def site_maps(sites: Sequence[Site], values: Sequence[float]) -> dict[str, Map]:
    """A layer x head map of heads, and one layer x 1 for each kind of stream, for a report."""
    maps: dict[str, Map] = {}
    by_kind: dict[str, dict[tuple[int, int], float]] = {}
    for site, value in zip(sites, values, strict=True):
        title = "heads" if site.kind in OF_HEADS else str(site.kind)
        by_kind.setdefault(title, {})[site.layer or 0, site.index or 0] = float(value)
    for title, cells in by_kind.items():
        layers, indices = (sorted({key[axis] for key in cells}) for axis in (0, 1))
        maps[title] = Map(
            rows=tuple(f"L{layer}" for layer in layers),
            columns=tuple(f"H{index}" if title == "heads" else title for index in indices),
            values=tuple(tuple(cells.get((n, index)) for index in indices) for n in layers),
        )
    return maps
