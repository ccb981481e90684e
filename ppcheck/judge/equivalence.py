"""Equivalence: that a number is unchanged has to be shown; not to see a change is not evidence."""

from __future__ import annotations

from dataclasses import dataclass

from ppcheck.judge.interval import Estimate, estimated
from ppcheck.judge.methods import limits_of
from ppcheck.judge.sampling import sample
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Statistic

TOST_CONFIDENCE = 0.9
"""The confidence whose interval decides two one-sided tests at 5 % each."""


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987) of a number against the ends of a range.

    `p_low` tests that it lies at the lower end or below, `p_high` at the upper end or above. It is
    equivalent where both are at most alpha: just where `estimate`'s interval, of confidence
    1 - 2 alpha, lies within the range.
    """

    estimate: Estimate
    p_low: float
    p_high: float
    equivalent: bool

    @property
    def p(self) -> float:
        return max(self.p_low, self.p_high)


def equivalence(
    statistic: Statistic, within: Bound, *, alpha: float = 0.05, seed: int
) -> Equivalence:
    """Test that a statistic lies within a range, such as ``0 ± 0.1``.

    Raises ValueError for a bound with one end, and MeasurementError as `interval` does.
    """
    if len(within.edges) != 2:
        raise ValueError(f'equivalence needs a range such as "0 ± 0.1", got "{within}"')
    limits = limits_of(sample(statistic, seed), alpha)
    low, high = within.edges
    estimate = estimated(limits, 1 - 2 * alpha)
    return Equivalence(
        estimate,
        limits.p_above(low),
        limits.p_below(high),
        within.verdict(estimate.low, estimate.high) == "holds",
    )
