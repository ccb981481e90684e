"""The dose at which a choice switches."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppcheck.arrays import Floats, Labels
from ppcheck.errors import MeasurementError
from ppcheck.statistics.statistics import Sample, divide, title, totals

NEWTON_STEPS = 200
SETTLED = 1e-8  # logits
RIDGE = 1e-8  # of the total weight: moves a regular fit by about 1e-8, keeps a separated one finite
FLAT = 1e-6  # logits a standard deviation of dose: below this no switch point can be told


@dataclass(frozen=True, eq=False)
class SwitchPoint(Sample):
    """The dose at which the probability crosses one half, as in Keeling et al. 2024.

    It is -b0 / b1 of the fractional logit sigmoid(b0 + b1 * dose). A ridge of `RIDGE` on b1
    keeps it finite when doses separate the probabilities 0 and 1 completely; the switch point then
    lies halfway between the two that are apart. NaN where the curve is flat or the fit unsettled.
    """

    doses: Floats
    probabilities: Floats
    units: Labels
    name: str
    member: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if np.min(self.probabilities) < 0 or np.max(self.probabilities) > 1:
            raise MeasurementError(
                f"{title(self.name, self.member)}: probabilities must lie between 0 and 1, "
                f"got {np.min(self.probabilities)} to {np.max(self.probabilities)}"
            )

    @property
    def neutral(self) -> float | None:
        return None

    @cached_property
    def _sums(self) -> Floats:
        """Counts, then probability mass, of each distinct dose, [2 * dose, unit]."""
        given = np.equal.outer(np.unique(self.doses), self.doses)
        return self.unit_sums(*given, *(given * self.probabilities))[1:]

    def values(self) -> Floats:
        return np.asarray(self.probabilities, dtype=np.float64)

    def estimate(self, weights: Floats) -> Floats:
        doses = np.unique(self.doses)
        centre, spread = float(doses.mean()), float(doses.std()) or 1.0
        at_doses = np.ascontiguousarray(totals(weights, self._sums).T)
        count, mass = at_doses[:, : len(doses)], at_doses[:, len(doses) :]
        intercept, slope = _fractional_logit((doses - centre) / spread, count, mass)
        slope[np.abs(slope) < FLAT] = 0
        return centre - spread * divide(intercept, slope)


def _fractional_logit(x: Floats, count: Floats, mass: Floats) -> tuple[Floats, Floats]:
    """Fit mass / count = sigmoid(b0 + b1 * x); x is [dose], the others [resample, dose].

    Newton steps, each shortened by log(1 + r) / r for the largest change r of a linear predictor:
    this converges from any start (Sun & Tran-Dinh 2019). A row rests once r is below `SETTLED`,
    whatever the others do, and is NaN if it still moves after `NEWTON_STEPS`.
    """
    from scipy.special import expit

    beta = np.zeros((len(count), 2))
    design = np.stack([np.ones_like(x), x])
    ridge = RIDGE * count.sum(axis=1)
    for _ in range(NEWTON_STEPS):
        fitted = expit(beta[:, :1] + beta[:, 1:] * x)
        residual, curvature = mass - count * fitted, count * fitted * (1 - fitted)
        g0, g1 = ((residual * column).sum(axis=1) for column in design)
        g1 -= ridge * beta[:, 1]
        h00, h01, h11 = ((curvature * power).sum(axis=1) for power in (x**0, x, x**2))
        h11 += ridge
        step = np.stack([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0], axis=1)
        step = divide(step, (h00 * h11 - h01**2)[:, None])
        change = np.abs(step[:, :1] + step[:, 1:] * x).max(axis=1, keepdims=True)
        moving = ~(change < SETTLED)
        if not moving.any():
            break
        beta += np.divide(step * np.log1p(change), change, out=np.zeros_like(beta), where=moving)
    beta[moving[:, 0]] = np.nan
    return beta[:, 0], beta[:, 1]
