"""Estimates with intervals: how far a number could move, had other units been drawn."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.judge.limits import IntervalMethod, Limits
from ppcheck.judge.methods import limits_of
from ppcheck.judge.sampling import MIN_UNITS, RESAMPLES, sample
from ppcheck.statistics.statistics import Statistic

__all__ = ["MIN_UNITS", "Estimate", "estimated", "interval"]


@dataclass(frozen=True)
class Estimate:
    """A statistic's estimate, and its two-sided interval from `low` to `high`.

    `n` counts independent units. `method` "none" means that too little is known for an interval,
    which is then the whole line.
    """

    estimate: float
    low: float
    high: float
    n: int
    method: IntervalMethod
    confidence: float


def interval(
    statistic: Statistic, *, confidence: float = 0.95, seed: int, resamples: int = RESAMPLES
) -> Estimate:
    """Estimate a statistic, with an interval over its independent units.

    See `limits_of` for the methods. Raises MeasurementError where the statistic is undefined over
    the whole sample.
    """
    limits = limits_of(sample(statistic, seed, resamples), (1 - confidence) / 2)
    return estimated(limits, confidence)


def estimated(limits: Limits, confidence: float) -> Estimate:
    low, high = limits.at(confidence)
    return Estimate(limits.estimate, low, high, limits.n, limits.method, confidence)
