from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ppcheck.arrays import Floats
from ppcheck.judge.compare import (
    Change,
    ComparedSide,
    Difference,
    change,
    difference,
    pseudo_values,
)
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Auroc, Mean, Ratio

NUMBERS = st.floats(-100, 100)


def step(low: float, high: float) -> Difference:
    return Difference((low + high) / 2, low, high, 20, 0.95)


def side(units: Floats) -> ComparedSide:
    return ComparedSide(float(units.mean()), units)


@given(arrays(np.float64, st.integers(2, 20), elements=NUMBERS))
def test_the_pseudo_values_of_a_mean_are_its_units(values: np.ndarray) -> None:
    mean = Mean(values, np.arange(len(values)), "m")
    np.testing.assert_allclose(pseudo_values(mean), values, atol=1e-9)


def test_the_pseudo_values_of_a_ratio_follow_what_each_unit_does_to_it() -> None:
    rng = np.random.default_rng(0)
    gap = rng.normal(4, 1, 200)
    changed = 0.5 * gap + rng.normal(0, 0.2, 200)
    found = pseudo_values(Ratio(changed, gap, np.arange(200), "recovery"))
    whole = changed.sum() / gap.sum()
    linear = whole + (changed - whole * gap) / gap.mean()  # the ratio's influence function
    np.testing.assert_allclose(found, linear, atol=0.01)


def test_a_single_unit_that_decides_all_is_not_finite() -> None:
    scores, positive = np.array([1.0, 2.0, 3.0]), np.array([True, False, False])
    assert not np.isfinite(pseudo_values(Auroc(scores, positive, np.arange(3), "auroc"))).all()


def test_pairing_takes_out_what_units_have_in_common() -> None:
    rng = np.random.default_rng(1)
    units = rng.normal(0, 10, 40)
    before, after = units + rng.normal(0, 0.1, 40), units + 0.5 + rng.normal(0, 0.1, 40)
    found = difference(side(after), side(before), confidence=0.95, seed=0, name="m")
    assert 0.4 < found.low < 0.5 < found.high < 0.6


def test_false_alarms_are_as_rare_as_the_confidence_says() -> None:
    rng = np.random.default_rng(2)
    alarms = 0
    for trial in range(200):
        before, after = rng.normal(size=(2, 30))
        found = difference(side(after), side(before), confidence=0.95, seed=trial, name="m")
        alarms += change(Bound.parse(">= 0"), 0, found, 0.0) is Change.REGRESSED
    assert alarms <= 200 * 0.025 + 3 * np.sqrt(200 * 0.025)


def test_what_decides_all_cannot_be_compared_with_certainty() -> None:
    nothing = ComparedSide(1.0, np.array([1.0, np.nan, 2.0]))
    found = difference(nothing, side(np.zeros(3)), confidence=0.95, seed=0, name="m")
    assert (found.low, found.high) == (-np.inf, np.inf)
    assert change(Bound.parse("> 0"), 0.5, found, 0.1) is Change.UNCERTAIN


@pytest.mark.parametrize(
    ("bound", "old", "low", "high", "expected"),
    [
        (">= 0.3", 0.5, -0.2, -0.1, Change.REGRESSED),
        (">= 0.3", 0.5, -0.2, -0.04, Change.UNCERTAIN),  # it may be within the tolerance
        (">= 0.3", 0.5, -0.2, 0.1, Change.UNCERTAIN),
        (">= 0.3", 0.5, -0.05, 0.1, Change.UNCHANGED),
        (">= 0.3", 0.5, -0.04, 0.04, Change.UNCHANGED),
        (">= 0.3", 0.5, 0.1, 0.2, Change.IMPROVED),
        ("<= 0.3", 0.1, 0.1, 0.2, Change.REGRESSED),
        ("<= 0.3", 0.1, -0.2, -0.1, Change.IMPROVED),
        ("0..1", 0.5, 0.1, 0.2, Change.REGRESSED),
        ("0..1", 0.5, -0.2, -0.1, Change.REGRESSED),
        ("0..1", 0.1, 0.2, 0.3, Change.IMPROVED),
        ("0..1", 0.2, 0.1, 0.7, Change.UNCERTAIN),
        ("0..1", 0.2, 0.0, 0.6, Change.UNCHANGED),
        ("0..1", 0.4, -0.3, 0.4, Change.UNCERTAIN),
        ("0..1", 0.2, 1.0, 1.2, Change.REGRESSED),
    ],
)
def test_worse_is_nearer_to_breaking_the_bound(
    bound: str, old: float, low: float, high: float, expected: Change
) -> None:
    assert change(Bound.parse(bound), old, step(low, high), 0.05) is expected


@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0, 5))
def test_a_larger_tolerance_never_makes_a_change(
    old: float, one: float, other: float, tolerance: float
) -> None:
    bound, moved = Bound.parse("-20..40"), step(*sorted((one, other)))
    if change(bound, old, moved, tolerance) is Change.UNCHANGED:
        assert change(bound, old, moved, tolerance + 1) is Change.UNCHANGED


@pytest.mark.trust
def test_two_runs_that_differ_by_rounding_are_not_a_regression() -> None:
    before = np.linspace(0.4, 0.6, 12)
    after = before - 1e-6
    for rounding, expected in ((0.0, Change.REGRESSED), (2e-6, Change.UNCERTAIN)):
        old, new = ComparedSide(0.5, before), ComparedSide(0.5 - 1e-6, after, rounding)
        found = difference(new, old, confidence=0.95, seed=0, name="m")
        assert change(Bound.parse(">= 0.3"), 0.5, found, 0.0) is expected
