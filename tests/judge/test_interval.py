from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, bootstrap, ttest_1samp

from ppcheck.errors import MeasurementError
from ppcheck.judge import interval as module
from ppcheck.judge.interval import MIN_UNITS, interval
from ppcheck.measure.statistics import (
    Auroc,
    Correlation,
    Floats,
    Mean,
    Proportion,
    Ratio,
)
from ppcheck.measure.switch_point import SwitchPoint


def mean_of(sample: Floats, name: str = "margin", member: str | None = None) -> Mean:
    return Mean(sample, np.arange(len(sample)), name, member)


def test_a_skewed_mean_gets_scipys_bca_end_where_that_lies_further_out() -> None:
    sample = np.random.default_rng(3).exponential(size=60)
    found = interval(mean_of(sample), seed=0, resamples=9000)
    alone = bootstrap((sample,), np.mean, n_resamples=9000, rng=np.random.default_rng(1))
    student = ttest_1samp(sample, 0).confidence_interval()
    assert found.method == "bca"
    assert found.high == pytest.approx(alone.confidence_interval.high, rel=0.02)
    assert found.high > student.high + 0.02
    assert found.low == pytest.approx(student.low)


@pytest.mark.parametrize("confidence", [0.95, 0.9997])
def test_no_interval_is_narrower_than_students_t(confidence: float) -> None:
    sample = np.random.default_rng(0).normal(size=8)
    found = interval(mean_of(sample), seed=0, confidence=confidence)
    student = ttest_1samp(sample, 0).confidence_interval(confidence)
    assert found.low <= student.low + 1e-12
    assert found.high >= student.high - 1e-12


def test_an_interval_does_not_leave_the_values_that_the_statistic_can_take() -> None:
    scores = np.arange(12.0)
    scores[5] = 6.5
    auroc = interval(Auroc(scores, np.arange(12) >= 6, np.arange(12), "auroc"), seed=0)
    assert 0.5 < auroc.low < auroc.estimate < auroc.high == 1
    dose = np.arange(12.0)
    falling = Correlation(dose, scores[::-1].copy(), np.arange(12), "spearman")
    assert interval(falling, seed=0).low == -1
    p = np.array([0.9, 0.99, 0.999, 1.0, 1.0, 1.0])
    assert interval(replace(mean_of(p), support=(0, 1)), seed=0).high == 1
    assert interval(mean_of(p), seed=0).high > 1


def test_examples_of_one_unit_are_not_independent_evidence() -> None:
    sample = np.random.default_rng(0).normal(size=10)
    once = interval(mean_of(sample), seed=0)
    tenfold = interval(Mean(np.repeat(sample, 10), np.repeat(np.arange(10), 10), "margin"), seed=0)
    assert tenfold.n == once.n == 10
    assert tenfold.low == pytest.approx(once.low)
    assert tenfold.high == pytest.approx(once.high)
    pretended = interval(mean_of(np.repeat(sample, 10)), seed=0)
    assert pretended.high - pretended.low < 0.4 * (once.high - once.low)


def test_a_proportion_gets_wilsons_interval_over_units() -> None:
    success = np.repeat(np.arange(20) < 17, 3)
    found = interval(Proportion(success, np.arange(60) // 3, "accuracy"), seed=0)
    expected = binomtest(17, 20).proportion_ci(method="wilson")
    assert (found.method, found.n, found.estimate) == ("wilson", 20, 0.85)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_proportion_between_whole_successes_gets_the_wider_ends() -> None:
    success = np.arange(40) < 33  # 16.5 of 20 units
    found = interval(Proportion(success, np.arange(40) // 2, "accuracy"), seed=0)
    below, above = (binomtest(k, 20).proportion_ci(method="wilson") for k in (16, 17))
    assert (found.low, found.high) == pytest.approx((below.low, above.high))


def test_one_huge_unit_makes_a_proportion_uncertain() -> None:
    success = np.ones(100, dtype=bool)
    even = Proportion(success, np.arange(100) % 10, "accuracy")
    lopsided = Proportion(success, np.maximum(np.arange(100) - 90, 0), "accuracy")
    assert lopsided.n_units == even.n_units == 10
    assert interval(lopsided, seed=0).low < 0.3
    assert interval(even, seed=0).low > 0.6


def test_perfect_success_in_few_units_is_not_certainty() -> None:
    found = interval(Proportion(np.ones(6, dtype=bool), np.arange(6), "accuracy"), seed=0)
    assert found.low < 0.7
    assert found.high == 1


@pytest.mark.parametrize("units", range(1, MIN_UNITS))
def test_fewer_than_the_minimum_of_units_have_no_interval(units: int) -> None:
    sample = np.arange(float(units))
    for statistic in (mean_of(sample), Proportion(sample > 0, np.arange(units), "accuracy")):
        found = interval(statistic, seed=0)
        assert (found.low, found.high, found.method) == (-math.inf, math.inf, "none")


def test_the_minimum_of_units_has_an_interval() -> None:
    assert math.isfinite(interval(mean_of(np.arange(float(MIN_UNITS))), seed=0).low)


@pytest.mark.parametrize("constant", [0.0, 0.1, -7.3])
def test_units_that_are_all_alike_leave_no_width(constant: float) -> None:
    found = interval(mean_of(np.full(7, constant)), seed=0)
    assert found.low == found.high == found.estimate == pytest.approx(constant)
    assert found.method == "percentile"


def test_a_statistic_that_is_undefined_is_an_error_that_names_it() -> None:
    undefined = Ratio(np.ones(6), np.zeros(6), np.arange(6), "recovery", "L2H1")
    with pytest.raises(MeasurementError, match="recovery of L2H1 is undefined over its 6 units"):
        interval(undefined, seed=0)


def test_a_statistic_that_hangs_on_a_single_unit_has_no_interval() -> None:
    only = Auroc(np.arange(30.0), np.arange(30) == 20, np.arange(30), "auroc")
    found = interval(only, seed=0)
    assert (found.low, found.high, found.method) == (-math.inf, math.inf, "none")


def test_a_few_undefined_resamples_count_as_beyond_both_ends() -> None:
    # Without positives an AUROC is undefined: in 0.6 % of resamples of 3 in 20 it is.
    statistic = Auroc(np.arange(20.0) % 7, np.arange(20) % 5 == 0, np.arange(20), "auroc")
    found = interval(statistic, seed=0)
    assert found.method == "percentile"
    assert math.isfinite(found.low)
    strict = interval(statistic, seed=0, confidence=0.999)
    assert (strict.low, strict.high) == (-math.inf, math.inf)


def test_a_switch_point_that_many_resamples_lack_has_no_finite_interval() -> None:
    # In 9 % of resamples of these five there is but one dose.
    doses = np.array([0.0, 1, 0, 1, 0])
    probabilities = np.array([0.9, 0.2, 0.8, 0.1, 0.7])
    found = interval(SwitchPoint(doses, probabilities, np.arange(5), "switch_point"), seed=0)
    assert 0 < found.estimate < 1
    assert (found.low, found.high) == (-math.inf, math.inf)


@given(seed=st.integers(0, 2**32 - 1), units=st.integers(MIN_UNITS, 12))
@settings(max_examples=25, deadline=None)
def test_a_higher_confidence_never_narrows_an_interval(seed: int, units: int) -> None:
    statistic = mean_of(np.random.default_rng(seed).exponential(size=units))
    wide, narrow = (interval(statistic, seed=seed, confidence=c) for c in (0.999, 0.9))
    assert wide.low <= narrow.low <= narrow.estimate <= narrow.high <= wide.high


def test_the_same_inputs_give_the_same_interval_to_the_last_bit() -> None:
    sample = np.random.default_rng(0).exponential(size=40)
    assert interval(mean_of(sample), seed=5) == interval(mean_of(sample.copy()), seed=5)


def test_seed_name_and_member_each_draw_other_resamples() -> None:
    sample = np.random.default_rng(0).exponential(size=40)
    found = [
        interval(mean_of(sample, name, member), seed=seed).high
        for seed, name, member in [(5, "a", None), (6, "a", None), (5, "b", None), (5, "a", "b")]
    ]
    assert len(set(found)) == 4


def test_a_seed_means_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from ppcheck.judge.interval import interval;"
        "from ppcheck.measure.statistics import Mean;"
        "x = np.arange(40.0) ** 2; print(interval(Mean(x, np.arange(40), 'm'), seed=5).high)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = interval(mean_of(np.arange(40.0) ** 2, "m"), seed=5).high
    assert float(shown.stdout) == here


def test_smaller_batches_bound_memory_and_leave_the_error_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statistic = mean_of(np.random.default_rng(0).normal(size=40))
    whole = interval(statistic, seed=0)
    rows: list[int] = []
    estimate = Mean.estimate

    def watched(self: Mean, weights: Floats) -> Floats:
        rows.append(len(weights))
        return estimate(self, weights)

    monkeypatch.setattr(module, "_BATCH_ELEMENTS", 40 * 7)
    monkeypatch.setattr(Mean, "estimate", watched)
    assert interval(statistic, seed=0) == whole
    assert max(rows) == 7


@pytest.mark.slow
@pytest.mark.parametrize("skewed", [False, True])
def test_thirty_units_are_covered_about_as_often_as_promised(skewed: bool) -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(600):
        sample = rng.exponential(size=30) - 1 if skewed else rng.normal(size=30)
        found = interval(mean_of(sample), seed=trial)
        covered += found.low <= 0 <= found.high
    assert 0.90 < covered / 600 < 0.99
