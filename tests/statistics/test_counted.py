from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from ppcheck.arrays import Floats
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.counted import CountedMean, CountedSwitchPoint
from ppcheck.statistics.statistics import Mean

TAIL = 0.025


def ends(values: Floats) -> tuple[float, float]:
    found = CountedMean(values, np.arange(len(values)), "it", support=(-1, 1)).exceptions(TAIL)
    assert found is not None
    return found


@given(st.floats(-1, 1), st.integers(5, 60))
def test_units_that_all_agree_leave_a_share_that_might_do_all_that_the_support_allows(
    value: float, units: int
) -> None:
    low, high = ends(np.full(units, value))
    share = 1 - TAIL ** (1 / units)  # so many units all agree in one sample of 40
    assert low == pytest.approx(value - share * (value + 1), abs=1e-9)
    assert high == pytest.approx(value + share * (1 - value), abs=1e-9)


def test_a_few_that_differ_do_not_bound_those_that_are_not_seen() -> None:
    low, high = ends(np.append(np.zeros(19), -0.5))
    share = beta.ppf(1 - TAIL, 2, 19)  # Clopper and Pearson's upper end for 1 of 20
    assert (low, high) == pytest.approx((-share, share))


def test_a_mean_that_is_measured_finely_has_no_such_ends_where_its_units_agree() -> None:
    assert Mean(np.zeros(20), np.arange(20), "it", support=(-1, 1)).exceptions(TAIL) is None


@pytest.mark.parametrize(("odd", "verdict"), [(0, Verdict.INCONCLUSIVE), (1, Verdict.HOLDS)])
def test_where_curves_agree_nothing_is_said_of_where_others_switch(
    odd: int, verdict: Verdict
) -> None:
    rates = np.tile([1.0, 1.0, 0.0, 0.0], (20, 1))
    rates[:10, 1] -= 0.25 * odd
    units, doses = np.repeat(np.arange(20), 4), np.tile(np.arange(4) + 1.0, 20)
    point = CountedSwitchPoint(doses, rates.ravel(), units, "switch_point")
    bounds = {"switch_point": Bound.parse("2..3")}
    assert judge([point], bounds, seed=0).verdict is verdict
