from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ppcheck.judge.binomial import EXACT_BELOW, deciding, holding, lowest_rate
from ppcheck.spec.expectations.bound import Bound

units = st.integers(1, 80)
tails = st.floats(1e-6, 0.4)


@given(units, st.data(), tails)
def test_the_low_end_is_scipys(units: int, data: st.DataObject, tail: float) -> None:
    successes = data.draw(st.integers(0, units))
    method = "exact" if units < EXACT_BELOW else "wilson"
    found = binomtest(successes, units).proportion_ci(1 - 2 * tail, method=method)
    assert float(lowest_rate(successes, units, tail)) == pytest.approx(found.low, abs=1e-9)
    high = 1 - float(lowest_rate(units - successes, units, tail))
    assert high == pytest.approx(found.high, abs=1e-9)


@given(units, st.sampled_from([">= 0.8", "< 0.3", "0.2..0.6", "0.9..1"]), tails)
def test_what_decides_is_what_the_bound_says_of_each_interval(
    units: int, text: str, tail: float
) -> None:
    bound = Bound.parse(text)
    lows = lowest_rate(np.arange(units + 1), units, tail)
    verdicts = [bound.verdict(low, 1 - other) for low, other in zip(lows, lows[::-1], strict=True)]
    np.testing.assert_array_equal(holding(units, bound, tail), [v == "holds" for v in verdicts])
    decided = [v != "inconclusive" for v in verdicts]
    np.testing.assert_array_equal(deciding(units, bound, tail), decided)
