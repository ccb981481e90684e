"""One statistic before and after: whether it is worse by more than chance, and by enough."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.judge.interval import interval
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Mean, Statistic

SHARE = 0.1
"""The tolerance where a claim states none, as a share of the estimate or its bound."""


class Change(StrEnum):
    """What became of a claim since its baseline."""

    REGRESSED = "regressed"
    NO_LONGER_HOLDS = "no longer holds"
    NO_LONGER_MEASURED = "no longer measured"
    MOVED = "moved"
    UNCERTAIN = "uncertain"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    NEW = "new"
    GONE = "gone"
    NOT_COMPARABLE = "not comparable"


WORSE = frozenset({Change.REGRESSED, Change.NO_LONGER_HOLDS, Change.NO_LONGER_MEASURED})
"""With these, what was true of the model is not known to be true any more."""


@dataclass(frozen=True, eq=False)
class ComparedSide:
    """An estimate with its pseudo-values [unit], which rounding alone may move by ``rounding``.

    ``is_fixed`` says that its units are all there is.
    """

    estimate: float
    units: Floats
    rounding: float = 0.0
    is_fixed: bool = False


@dataclass(frozen=True)
class Difference:
    """New minus old over ``n`` units that both measured, with its interval."""

    estimate: float
    low: float
    high: float
    n: int
    confidence: float


def pseudo_values(statistic: Statistic) -> Floats:
    """Each unit's share in the estimate, [unit]: jackknife pseudo-values (Tukey 1958).

    n times the estimate, less n - 1 times the estimate without the unit. For a mean over equally
    many examples a unit they are the units' means. NaN where a single unit decides all.
    """
    n = statistic.n_units
    whole = statistic.estimate(np.ones((1, n)))[0]
    if n == 1:
        return np.array([whole])
    without = np.concatenate([statistic.estimate(1.0 - np.eye(1, n, k)) for k in range(n)])
    values: Floats = n * whole - (n - 1) * without
    return values


def difference(
    new: ComparedSide, old: ComparedSide, *, confidence: float, seed: int, name: str
) -> Difference:
    """The difference of two estimates, from both sides' pseudo-values.

    Units are paired, so that what makes a unit high or low on both sides does not count. Where a
    side has no pseudo-values the interval is the whole line. It is wider by the rounding of both
    sides, and no more than that where both are of all the units there are.
    """
    gaps, step = new.units - old.units, new.estimate - old.estimate
    rounding = new.rounding + old.rounding
    if new.is_fixed and old.is_fixed:
        return Difference(step, step - rounding, step + rounding, len(gaps), 1.0)
    if not np.isfinite(gaps).all():
        return Difference(step, -math.inf, math.inf, len(gaps), confidence)
    paired = Mean(gaps, np.arange(len(gaps)), f"{name} new minus old")
    found = interval(paired, confidence=confidence, seed=seed)
    shift = step - found.estimate  # pseudo-values of a curved statistic are biased a little
    low, high = found.low + shift - rounding, found.high + shift + rounding
    return Difference(step, low, high, found.n, confidence)


def default_tolerance(bound: Bound, old: float) -> float:
    """A tenth of the old estimate or of the bound's edge, whichever is the larger."""
    return SHARE * max(abs(old), *(abs(edge) for edge in bound.edges))


def change(bound: Bound, old: float, step: Difference, tolerance: float) -> Change:
    """Whether the statistic came nearer to breaking its bound, or went further from it.

    By how much is judged by the whole interval of the difference, and must exceed ``tolerance``. It
    is unchanged where no part of the interval is worse by more than that, and else uncertain.
    """
    before = room(bound, old)
    ends = [room(bound, old + each) - before for each in (step.low, step.high)]
    if max(*ends, _best(bound, old, step) - before) < -tolerance:
        return Change.REGRESSED
    if min(ends) > tolerance:
        return Change.IMPROVED
    return Change.UNCHANGED if min(ends) >= -tolerance else Change.UNCERTAIN


def room(bound: Bound, value: float) -> float:
    """How far the value lies inside the bound; below zero outside of it."""
    return min(value - bound.low, bound.high - value)


def _best(bound: Bound, old: float, step: Difference) -> float:
    """The most room that any value of the interval has."""
    middle = (bound.low + bound.high) / 2
    if math.isfinite(middle) and step.low <= middle - old <= step.high:
        return room(bound, middle)
    return -math.inf
