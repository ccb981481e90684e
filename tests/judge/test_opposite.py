from __future__ import annotations

import numpy as np
import pytest

from ppcheck.judge.opposite import opposite
from ppcheck.spec.expectations.bound import Bound

PULLS = np.array([3.0, 2.0, 0.0, -1.0, 0.5])


@pytest.mark.parametrize(("pulls", "expected"), [(PULLS, 1), (-PULLS, 1), (np.abs(PULLS), 0)])
def test_examples_of_the_other_sign_go_the_other_way(pulls: np.ndarray, expected: int) -> None:
    assert opposite(pulls, float(pulls.mean()), 0.0, None) == expected


def test_where_zero_means_nothing_the_bound_tells_the_ways_apart() -> None:
    shares = np.array([0.9, 0.95, 0.4, 0.8])
    assert opposite(shares, 0.76, None, Bound.parse(">= 0.5")) == 1
    assert opposite(shares, 0.76, None, None) is None


def test_an_estimate_that_goes_no_way_has_no_opposite() -> None:
    assert opposite(PULLS, 0.0, 0.0, Bound.parse("> 1")) is None
