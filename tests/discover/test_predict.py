"""Bounds that a claim should meet on units that nobody has looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.discover.predict import Prediction, at_least, at_most, ceiling, floor, kept, within
from ppcheck.judge.interval import interval
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Mean

finite = st.floats(-1e5, 1e5).filter(lambda value: abs(value) > 1e-6)


@given(finite)
def test_rounding_is_to_the_safe_side_and_moves_little(value: float) -> None:
    close = 0.11 * abs(value)
    assert value - close <= floor(value) <= value + 1e-4 * abs(value)
    assert value - 1e-4 * abs(value) <= ceiling(value) <= value + close


@given(finite)
def test_bounds_are_what_a_spec_may_say(value: float) -> None:
    assert Bound.parse(at_least(value)).contains(value + 1e-3 * abs(value))
    assert Bound.parse(at_most(value)).contains(value - 1e-3 * abs(value))
    assert Bound.parse(within(abs(value))).contains(0.99 * value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2871, ">= 0.28"), (1.0, ">= 1"), (12.34, ">= 12"), (-0.314, ">= -0.32"), (0.3, ">= 0.3")],
)
def test_a_bound_has_two_digits(value: float, text: str) -> None:
    assert at_least(value) == text


@pytest.mark.parametrize(("looked", "judged"), [(40, 40), (60, 30)])
def test_the_other_half_s_interval_is_within_the_bound_as_often_as_promised(
    looked: int, judged: int
) -> None:
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        first, other = (
            interval(Mean(rng.normal(1, 1, n), np.arange(n), "it"), seed=0, resamples=400)
            for n in (looked, judged)
        )
        held += other.low >= Prediction(first, looked / judged).low
    assert held / 200 >= 0.94  # 0.975 is promised


def test_of_noise_alone_nothing_is_kept() -> None:
    rng = np.random.default_rng(1)
    noise = [(float(effect), 0.1) for effect in rng.normal(0, 0.1, 200)]
    assert kept(noise, 0.1) < 0.2


def test_of_an_effect_far_beyond_its_error_nearly_all_is_kept() -> None:
    effects = [(0.5, 0.01), *[(0.0, 0.01)] * 50]
    assert kept(effects, 0.01) > 0.95


def test_the_best_of_many_is_as_large_on_fresh_units_as_it_is_after_shrinking() -> None:
    rng = np.random.default_rng(2)
    shrunk, fresh = [], []
    for _ in range(300):
        truth = rng.normal(0, 0.1, 40)
        seen = truth + rng.normal(0, 0.1, 40)
        best = int(seen.argmax())
        shrunk.append(seen[best] * kept([(float(one), 0.1) for one in seen], 0.1))
        fresh.append(truth[best])
    assert np.mean(shrunk) == pytest.approx(np.mean(fresh), rel=0.1)
