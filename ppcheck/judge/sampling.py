"""What a statistic does from sample to sample, as resamples of its units show it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.resample import BATCH, batches
from ppcheck.statistics.statistics import Proportion, Statistic, title

# Four units have only 35 distinct resamples, and one odd unit is a quarter of the evidence.
# What the intervals cover from there on is measured in docs/calibration.md.
MIN_UNITS = 5

RESAMPLES = 2000
_ALIKE = 1e-12  # of the estimate
_STILL = 1e-9  # of the standard error


@dataclass(frozen=True)
class Sampling:
    """What a statistic does from resample to resample, and by the jackknife.

    `pivots` [resample] are (resampled - estimate) / resampled error, infinite where a resample has
    no spread; None where the statistic gives no error. `own_error` is the error that it gives over
    the whole sample, `error` and `acceleration` are the jackknife's. `has_gap` is false for a share
    of a gap that is too small to be shared out. `is_fixed` says that its units are all there is:
    nothing moves.
    """

    statistic: Statistic
    estimate: float
    distribution: Floats
    pivots: Floats | None
    own_error: float
    error: float
    acceleration: float
    has_gap: bool = True
    is_fixed: bool = False

    @property
    def alike(self) -> bool:
        return bool(np.ptp(self.distribution) <= _ALIKE * abs(self.estimate))

    def moving(self, tail: float) -> bool:
        """Whether so few resamples lack a spread that this tail can be read from `pivots`."""
        if self.pivots is None or not self.has_gap:
            return False
        still = ~np.isfinite(self.pivots)
        return bool(still.mean() < tail)


def sample(statistic: Statistic, seed: int, resamples: int = RESAMPLES) -> Sampling:
    """Resample a statistic. Raises MeasurementError where it is undefined over all its units."""
    n, whole, estimate = statistic.n_units, np.ones((1, statistic.n_units)), _estimate(statistic)
    if n < MIN_UNITS or isinstance(statistic, Proportion):
        return Sampling(statistic, estimate, np.array([estimate]), None, 0.0, 0.0, 0.0)
    jackknife = _jackknife(statistic)
    drawn = [
        (statistic.estimate(weights), statistic.error(weights))
        for weights in batches(n, seed, resamples)
    ]
    distribution = np.concatenate([values for values, _ in drawn])
    errors = [errors for _, errors in drawn if errors is not None]
    own = statistic.error(whole)
    if own is None:
        return Sampling(statistic, estimate, distribution, None, 0.0, *jackknife)
    error = float(own[0])
    pivots = _pivots(distribution - estimate, np.concatenate(errors), error)
    return Sampling(statistic, estimate, distribution, pivots, error, *jackknife)


def fixed(statistic: Statistic) -> Sampling:
    """A statistic over all the units that there are. Raises MeasurementError as `sample` does."""
    estimate = _estimate(statistic)
    still = np.array([estimate])
    return Sampling(statistic, estimate, still, None, 0.0, 0.0, 0.0, is_fixed=True)


def _estimate(statistic: Statistic) -> float:
    """Over the whole sample. Raises MeasurementError where it is undefined there."""
    n = statistic.n_units
    estimate = float(statistic.estimate(np.ones((1, n)))[0])
    if not math.isfinite(estimate):
        raise MeasurementError(
            f"{title(statistic.name, statistic.member)} is undefined over its {n} units: "
            "what it divides by is zero, or there is nothing to fit"
        )
    return estimate


def _pivots(moves: Floats, errors: Floats, error: float) -> Floats:
    still = ~(errors > _STILL * error)
    pivots = moves / np.where(still, 1.0, errors)
    pivots[still] = np.inf
    pivots[np.isnan(pivots)] = np.inf
    return pivots


def _jackknife(statistic: Statistic) -> tuple[float, float]:
    """Standard error and acceleration; NaN where the statistic hangs on a single unit."""
    n = statistic.n_units
    size = max(1, BATCH // n)
    without = np.concatenate(
        [
            statistic.estimate(1.0 - np.eye(min(size, n - first), n, k=first))
            for first in range(0, n, size)
        ]
    )
    moves = without.mean() - without
    squares = float((moves**2).sum())
    acceleration = float((moves**3).sum()) / (6 * squares**1.5) if squares else 0.0
    return math.sqrt((n - 1) / n * squares), acceleration
