"""How the ends of an interval are found: one method for each kind of statistic and of sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ppcheck.arrays import Floats
from ppcheck.judge.binomial import EXACT_BELOW, lowest_rate
from ppcheck.judge.limits import End, IntervalMethod, Limits
from ppcheck.judge.sampling import MIN_UNITS, Sampling
from ppcheck.statistics.statistics import Proportion, Statistic


def limits_of(sampling: Sampling, tail: float) -> Limits:
    """Choose a method for a statistic of which tails down to `tail` will be asked for.

    no gap       a share of a gap that is too small: the interval is the whole line
    fixed        the units are all there is: no width
    none         fewer than `MIN_UNITS` units, or everything hangs on a single one
    exact        a proportion over fewer than `EXACT_BELOW` units (Clopper & Pearson 1934)
    wilson       a proportion over more (Wilson 1927)
    agreement    too few units differ from the others to resample: `Statistic.exceptions`
    constant     all units agree on a number beside which there is room: no width
    studentised  the statistic gives its own error: bootstrap-t (Efron 1981)
    bca          it does not (Efron 1987)
    percentile   some resamples have no spread, or leave the statistic undefined

    The last three are nowhere narrower than Student's t with the jackknife error, on the
    statistic's own scale. All that have ends are wider by what rounding alone may do.
    """
    statistic, estimate = sampling.statistic, sampling.estimate
    if (method := _endless(sampling)) is not None:
        return _limits(sampling, method, lambda _: -math.inf, lambda _: math.inf)
    if sampling.is_fixed:
        return _limits(sampling, "fixed", lambda _: estimate, lambda _: estimate)
    if isinstance(statistic, Proportion):
        return _binomial(sampling, statistic)
    if not sampling.moving(tail) and statistic.exceptions(tail) is not None:
        return _agreement(sampling, statistic)
    if sampling.alike:
        return _limits(sampling, "constant", lambda _: estimate, lambda _: estimate)
    return _bootstrapped(sampling, tail)


def _endless(sampling: Sampling) -> IntervalMethod | None:
    """What the method is called where nothing is known of either end."""
    if not sampling.has_gap:
        return "no gap"
    few = sampling.statistic.n_units < MIN_UNITS or math.isnan(sampling.error)
    return "none" if few and not sampling.is_fixed else None


def _bootstrapped(sampling: Sampling, tail: float) -> Limits:
    if sampling.moving(tail):
        return studentised(sampling, *sorted_pivots([sampling]))
    if sampling.pivots is None and (ends := _bca(sampling)) is not None:
        return _floored(sampling, "bca", *ends)
    return _floored(sampling, "percentile", *_percentile(sampling))


def _limits(sampling: Sampling, method: IntervalMethod, low: End, high: End) -> Limits:
    """Limits that rounding does not decide, within the statistic's support."""
    statistic, estimate = sampling.statistic, sampling.estimate
    by, (lowest, highest) = statistic.rounding, statistic.support
    if not by:
        return Limits(estimate, statistic.n_units, method, low, high)
    return Limits(
        estimate,
        statistic.n_units,
        method,
        lambda tail: max(lowest, low(tail) - by),
        lambda tail: min(highest, high(tail) + by),
        by,
    )


def _binomial(sampling: Sampling, statistic: Proportion) -> Limits:
    """Ends for a rate as successes in units, not in examples.

    Where that is not a whole number of successes, the low end is that of the number below and the
    high end that of the number above: the interval grows, never shrinks.
    """
    units = statistic.effective_units
    successes = round(sampling.estimate * units, 9)
    below, above = math.floor(successes), math.ceil(successes)
    return _limits(
        sampling,
        "exact" if units < EXACT_BELOW else "wilson",
        lambda tail: float(lowest_rate(below, units, tail)),
        lambda tail: max(above / units, 1 - float(lowest_rate(units - above, units, tail))),
    )


def _agreement(sampling: Sampling, statistic: Statistic) -> Limits:
    def end(side: int) -> End:
        return lambda tail: (statistic.exceptions(tail) or (-math.inf, math.inf))[side]

    return _limits(sampling, "agreement", end(0), end(1))


def studentised(sampling: Sampling, lowest: Floats, highest: Floats, share: float = 1.0) -> Limits:
    """Ends that leave out the tails of pivots: of the sampling's own, or of a family's extremes.

    `lowest` and `highest` [resample] are sorted; `share` is the part of every tail that these
    pivots may use up. Nowhere narrower than Student's t for a single statistic.
    """
    estimate, error = sampling.estimate, sampling.own_error
    return _floored(
        sampling,
        "studentised",
        lambda tail: estimate - _upper(highest, share * tail) * error,
        lambda tail: estimate - _lower(lowest, share * tail) * error,
    )


def sorted_pivots(samplings: Sequence[Sampling]) -> tuple[Floats, Floats]:
    """The lowest and the highest pivot of each resample, sorted.

    A resample without a spread counts as beyond both ends.
    """
    pivots = np.stack([one.pivots for one in samplings if one.pivots is not None])
    lows = np.where(np.isfinite(pivots), pivots, -np.inf).min(axis=0)
    return np.sort(lows), np.sort(pivots.max(axis=0))


def _bca(sampling: Sampling) -> tuple[End, End] | None:
    """BCa (Efron 1987); None where it is undefined."""
    from scipy.special import ndtr, ndtri

    drawn, estimate = np.sort(sampling.distribution), sampling.estimate
    below = (np.count_nonzero(drawn < estimate) + np.count_nonzero(drawn <= estimate)) / 2
    bias, bend = float(ndtri(below / len(drawn))), sampling.acceleration
    if math.isnan(drawn[-1]) or math.isinf(bias):
        return None

    def share(tail: float) -> float:
        reach = bias + float(ndtri(tail))
        return float(ndtr(bias + reach / max(1 - bend * reach, 1e-9)))

    return (
        lambda tail: float(np.quantile(drawn, share(tail))),
        lambda tail: float(np.quantile(drawn, share(1 - tail))),
    )


def _percentile(sampling: Sampling) -> tuple[End, End]:
    """A resample in which the statistic is undefined counts as beyond both ends.

    Where others have no spread, no end is nearer than the most extreme pivot of those that have:
    a smaller tail, at which studentising fails, must not give a narrower interval.
    """
    drawn, estimate = sampling.distribution, sampling.estimate
    lows = np.sort(np.where(np.isnan(drawn), -np.inf, drawn))
    highs = np.sort(np.where(np.isnan(drawn), np.inf, drawn))
    pivots = np.zeros(1) if sampling.pivots is None else sampling.pivots
    reached = pivots[np.isfinite(pivots)] * sampling.own_error
    lowest, highest = estimate - reached.max(initial=0.0), estimate - reached.min(initial=0.0)
    return (
        lambda tail: min(_lower(lows, tail), lowest),
        lambda tail: max(_upper(highs, tail), highest),
    )


def _floored(sampling: Sampling, method: IntervalMethod, low: End, high: End) -> Limits:
    """Student's t, on the statistic's scale, where that is wider; within the support."""
    from scipy.special import stdtrit

    scale, df = sampling.statistic.scale, sampling.statistic.n_units - 1
    lowest, highest = sampling.statistic.support
    centre = scale.to(sampling.estimate)
    error = scale.slope(sampling.estimate) * sampling.error

    def student(tail: float) -> float:
        return scale.back(centre + float(stdtrit(df, tail)) * error)

    return _limits(
        sampling,
        method,
        lambda tail: max(lowest, min(low(tail), student(tail))),
        lambda tail: min(highest, max(high(tail), student(1 - tail))),
    )


def _lower(ordered: Floats, tail: float) -> float:
    """The quantile of a sorted sample, rounded down."""
    return float(ordered[math.floor(tail * (len(ordered) - 1))])


def _upper(ordered: Floats, tail: float) -> float:
    return float(ordered[math.ceil((1 - tail) * (len(ordered) - 1))])
