from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError
from ppcheck.judge.interval import interval
from ppcheck.statistics.means_apart import MeansApart

seeds = st.integers(0, 2**32 - 1)


def drawn(seed: int, units: int = 12, shift: float = 0.0) -> MeansApart:
    """Two examples a unit; some units have both groups."""
    rng = np.random.default_rng(seed)
    first = rng.permutation(np.arange(2 * units) % 2 == 0)
    values = rng.normal(size=2 * units) + shift * first
    return MeansApart(values, first, np.arange(2 * units) // 2, "difference")


@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_a_weight_of_two_is_a_unit_that_stands_twice(seed: int) -> None:
    found = drawn(seed)
    weights = np.random.default_rng(seed).integers(0, 4, (3, 12)).astype(float)
    for row, estimate in zip(weights, found.estimate(weights), strict=True):
        listed = np.repeat(np.arange(24), row[found.units].astype(int))
        values, first = found.observed[listed], found.first[listed]
        if first.any() and not first.all():
            expected = values[first].mean() - values[~first].mean()
            assert estimate == pytest.approx(expected)
        else:
            assert math.isnan(estimate)


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_its_error_is_the_delta_methods(seed: int) -> None:
    found, step = drawn(seed), 1e-5
    weights = np.random.default_rng(seed).integers(1, 4, (1, 12)).astype(float)
    nudged = weights + step * np.eye(12)
    influence = (found.estimate(nudged) - found.estimate(weights)) / step
    expected = math.sqrt(12 / 11 * (weights[0] * influence**2).sum())
    assert found.error(weights)[0] == pytest.approx(expected, rel=1e-3)


def test_of_groups_that_share_no_unit_it_is_welchs_error() -> None:
    rng = np.random.default_rng(0)
    first = np.arange(60) < 40
    values = rng.normal(size=60) * np.where(first, 1, 3)
    found = MeansApart(values, first, np.arange(60), "difference").error(np.ones((1, 60)))[0]
    variances = [values[group].var() / group.sum() for group in (first, ~first)]
    assert found == pytest.approx(math.sqrt(60 / 59 * sum(variances)))


def test_what_units_of_both_groups_have_in_common_does_not_count() -> None:
    rng = np.random.default_rng(1)
    common, first = np.repeat(rng.normal(0, 5, size=30), 2), np.arange(60) % 2 == 0
    values = common + 0.2 * first + rng.normal(0, 0.05, size=60)
    paired = MeansApart(values, first, np.arange(60) // 2, "difference")
    apart = MeansApart(values, first, np.arange(60), "difference")
    assert interval(paired, seed=0).low > 0.1
    assert interval(apart, seed=0).low < 0


def test_where_all_units_agree_others_may_still_differ() -> None:
    values, first = np.repeat([1.0, 0.0], 10), np.arange(20) < 10
    found = interval(MeansApart(values, first, np.arange(20), "d", within=(0.0, 1.0)), seed=0)
    reach = 1 - 0.0125 ** (1 / 10)
    assert found.method == "agreement"
    assert (found.low, found.high) == pytest.approx((1 - 2 * reach, 1))


def test_its_support_and_rounding_follow_from_those_of_the_means() -> None:
    found = MeansApart(np.ones(6), np.arange(6) < 3, np.arange(6), "d", None, (0.0, 1.0), 0.25)
    assert found.rounding == 0.5
    assert found.support == (-1.0, 1.0)


def test_without_a_second_group_it_is_undefined() -> None:
    found = MeansApart(np.ones(6), np.ones(6, dtype=bool), np.arange(6), "d")
    assert math.isnan(found.estimate(np.ones((1, 6)))[0])


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(MeasurementError, match="observed is not finite in 1 of 6"):
        MeansApart(np.array([1, 2, np.nan, 4, 5, 6]), np.arange(6) < 3, np.arange(6), "d")


@pytest.mark.parametrize("sizes", [(8, 8), (5, 25)])
def test_its_interval_covers_the_difference(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    first, n = np.arange(sum(sizes)) < sizes[0], 100
    covered = 0
    for number in range(n):
        values = rng.exponential(size=len(first)) + first
        found = interval(MeansApart(values, first, np.arange(len(first)), "d"), seed=number)
        covered += found.low <= 1 <= found.high
    assert covered / n > 0.9
