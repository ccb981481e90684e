"""Intervals of a rate, and what numbers of successes decide a bound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ppcheck.arrays import Floats
from ppcheck.spec.expectations.bound import Bound

EXACT_BELOW = 30
"""Fewer units than this give a rate Clopper and Pearson's interval (1934), more Wilson's (1927)."""


def lowest_rate(successes: int | NDArray[np.int64], units: int, tail: float) -> Floats:
    """The low end of the rate of so many successes, missed with probability ``tail``, [...].

    The high end is 1 less that of the failures.
    """
    from scipy.special import betaincinv, ndtri

    found = np.asarray(successes, dtype=np.float64)
    if units < EXACT_BELOW:
        exact: Floats = np.where(found > 0, betaincinv(found, units - found + 1, tail), 0.0)
        return exact
    z = -float(ndtri(tail))
    rate, spare = found / units, z**2 / units
    reach = z * np.sqrt(rate * (1 - rate) / units + spare / units / 4)
    return np.minimum(rate, (rate + spare / 2 - reach) / (1 + spare))


def deciding(units: int, bound: Bound, tail: float) -> NDArray[np.bool_]:
    """Whether the bound holds or fails at each number of successes, [units + 1]."""
    successes = np.arange(units + 1)
    low, high = lowest_rate(successes, units, tail), 1 - lowest_rate(successes[::-1], units, tail)
    return holding(units, bound, tail) | (high < bound.low) | (low > bound.high)


def holding(units: int, bound: Bound, tail: float) -> NDArray[np.bool_]:
    """Whether the bound holds at each number of successes, [units + 1]."""
    successes = np.arange(units + 1)
    low, high = lowest_rate(successes, units, tail), 1 - lowest_rate(successes[::-1], units, tail)
    above = low > bound.low if bound.low_open else low >= bound.low
    below = high < bound.high if bound.high_open else high <= bound.high
    return np.asarray(above & below)
