"""How many more units an undecided bound needs."""

from __future__ import annotations

import math

import numpy as np

from ppcheck.judge.binomial import deciding
from ppcheck.judge.limits import Limits
from ppcheck.judge.sampling import MIN_UNITS, Sampling
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Proportion, Statistic

POWER = 0.8
"""The probability with which the units that are asked for would decide."""

_MOST = 10**7
_MOST_RATES = 10**5


def more_units(sampling: Sampling, limits: Limits, bound: Bound, confidence: float) -> int | None:
    """How many more units would decide with probability `POWER`, if the estimate is the truth.

    Below `MIN_UNITS` it is the number missing for any interval at all. None where the estimate
    lies on an edge, or so near that no number of units can be given.
    """
    if limits.n < MIN_UNITS:
        return MIN_UNITS - limits.n
    tail = (1 - confidence) / 2
    low, high = limits.low(tail), limits.high(tail)
    statistic = sampling.statistic
    if isinstance(statistic, Proportion):
        needed = limits.n / statistic.effective_units * _binomial(statistic, bound, tail)
    elif limits.method == "agreement" and sampling.alike:
        needed = _agreeing(statistic, bound, tail)
    else:
        crossed = [edge for edge in bound.edges if low <= edge <= high]
        power = 1 - (1 - POWER) / len(crossed)
        needed = max(_units(limits, edge, tail, power) for edge in crossed)
    return max(1, math.ceil(needed) - limits.n) if needed < _MOST else None


def _units(limits: Limits, edge: float, tail: float, power: float) -> float:
    """The units that tell the estimate from one edge.

    Ends are q standard errors away, which shrink as 1 / sqrt(n), and a further z_power of them must
    fit between the estimate and the edge.
    """
    from scipy.special import ndtri, stdtrit

    estimate, n = limits.estimate, limits.n
    reach = estimate - limits.low(tail) if edge < estimate else limits.high(tail) - estimate
    reach, way = reach - limits.rounding, abs(estimate - edge) - limits.rounding
    if way <= 0 or not math.isfinite(reach):
        return math.inf
    spare = float(ndtri(power)) / -float(stdtrit(n - 1, tail))
    return n * (reach * (1 + spare) / way) ** 2


def _binomial(statistic: Proportion, bound: Bound, tail: float) -> float:
    """The units that decide a rate, if the estimate is the truth."""
    from scipy.stats import binom

    units, rate = statistic.effective_units, float(np.mean(statistic.observed))
    while units < _MOST_RATES:
        units = math.ceil(1.02 * units)
        decided = np.flatnonzero(deciding(units, bound, tail))
        if binom.pmf(decided, units, rate).sum() >= POWER:
            return units
    return math.inf


def _agreeing(statistic: Statistic, bound: Bound, tail: float) -> int:
    """The units that decide if all go on to agree."""
    units = statistic.n_units
    while units < _MOST:
        ends = statistic.exceptions(tail, units)
        if ends is not None and bound.verdict(*ends) != "inconclusive":
            break
        units = math.ceil(1.02 * units)
    return units
