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

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge import resample, sampling
from ppcheck.judge.binomial import EXACT_BELOW
from ppcheck.judge.interval import interval
from ppcheck.judge.methods import _bca
from ppcheck.judge.sampling import MIN_UNITS, sample
from ppcheck.statistics.statistics import Auroc, Correlation, Mean, Proportion, Ratio
from ppcheck.statistics.switch_point import SwitchPoint


def mean_of(sample: Floats, name: str = "margin", member: str | None = None) -> Mean:
    return Mean(sample, np.arange(len(sample)), name, member)


def test_a_skewed_mean_reaches_further_to_the_side_on_which_more_may_lie() -> None:
    sample = np.random.default_rng(3).exponential(size=20)
    found = interval(mean_of(sample), seed=0)
    student = ttest_1samp(sample, 0).confidence_interval()
    assert found.method == "studentised"
    assert found.high > student.high + 0.05
    assert found.low == pytest.approx(student.low)


def test_a_studentised_end_is_that_of_resampled_t_statistics() -> None:
    sample = np.random.default_rng(3).exponential(size=30)
    drawn = np.random.default_rng(1).choice(sample, (20_000, 30))
    t = (drawn.mean(axis=1) - sample.mean()) / (drawn.std(axis=1, ddof=1) / math.sqrt(30))
    error = sample.std(ddof=1) / math.sqrt(30)
    found = interval(mean_of(sample), seed=0, resamples=20_000)
    assert found.high == pytest.approx(sample.mean() - np.quantile(t, 0.025) * error, rel=0.01)


def test_a_rank_statistic_gets_scipys_bca_end_where_that_lies_further_out() -> None:
    rng = np.random.default_rng(4)
    scores, positive = np.append(rng.normal(1.5, 1, 40), rng.normal(size=40)), np.arange(80) < 40
    statistic = Auroc(scores, positive, np.arange(80) % 40, "auroc")

    def auroc(unit: Floats) -> float:
        return float((scores[unit][:, None] > scores[unit + 40]).mean())

    alone = bootstrap((np.arange(40),), auroc, vectorized=False, n_resamples=2000, rng=rng)
    ends = _bca(sample(statistic, 0, 9000))
    assert ends is not None
    assert interval(statistic, seed=0).method == "bca"
    for end, tail, expected in zip(ends, (0.025, 0.025), alone.confidence_interval, strict=True):
        assert end(tail) == pytest.approx(expected, abs=0.01)


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


@pytest.mark.parametrize(("units", "method"), [(20, "exact"), (29, "exact"), (40, "wilson")])
def test_a_proportion_gets_a_binomial_interval_over_units(units: int, method: str) -> None:
    assert 29 < EXACT_BELOW <= 40
    success = np.repeat(np.arange(units) < 17, 3)
    found = interval(Proportion(success, np.arange(3 * units) // 3, "accuracy"), seed=0)
    expected = binomtest(17, units).proportion_ci(method=method)
    assert (found.method, found.n, found.estimate) == (method, units, 17 / units)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_a_proportion_between_whole_successes_gets_the_wider_ends() -> None:
    success = np.arange(40) < 33  # 16.5 of 20 units
    found = interval(Proportion(success, np.arange(40) // 2, "accuracy"), seed=0)
    below, above = (binomtest(k, 20).proportion_ci() for k in (16, 17))
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
def test_units_that_are_all_alike_leave_no_width_where_nothing_bounds_the_others(
    constant: float,
) -> None:
    found = interval(mean_of(np.full(7, constant)), seed=0)
    assert found.low == found.high == found.estimate == pytest.approx(constant)
    assert found.method == "constant"


@pytest.mark.parametrize("units", [5, 9, 40])
def test_units_that_are_all_alike_at_an_end_of_the_support_leave_a_rule_of_three(
    units: int,
) -> None:
    alike = Mean(np.full(units, -1.0), np.arange(units), "spearman", support=(-1, 1))
    found = interval(alike, seed=0)
    most = binomtest(0, units).proportion_ci().high
    assert (found.low, found.method) == (-1, "agreement")
    assert found.high == pytest.approx(-1 + 2 * most)


def test_a_perfect_auroc_is_as_uncertain_as_its_pairs_of_units() -> None:
    apart = Auroc(np.arange(18.0), np.arange(18) >= 9, np.arange(18), "auroc")
    both = Auroc(np.arange(18.0), np.arange(18) >= 9, np.arange(18) % 9, "auroc")
    found = [interval(statistic, seed=0) for statistic in (apart, both)]
    assert [one.low for one in found] == pytest.approx([0.025 ** (1 / 9), 0.025 ** (2 / 9)])
    assert {(one.high, one.method) for one in found} == {(1.0, "agreement")}
    reverse = interval(replace(apart, scores=-np.arange(18.0)), seed=0)
    assert (reverse.low, reverse.high) == pytest.approx((0, 1 - found[0].low))


def test_a_perfect_rank_correlation_is_bounded_too() -> None:
    falling = Correlation(np.arange(60.0), -np.arange(60.0), np.arange(60), "spearman")
    found = interval(falling, seed=0)
    concordance = 0.025 ** (1 / 30)
    assert (found.low, found.method) == (-1, "agreement")
    assert found.high == pytest.approx(-(3 * (2 * concordance - 1) - 1) / 2)


def test_one_unit_that_differs_bounds_the_others_by_what_it_did() -> None:
    few = Mean(np.append(np.zeros(29), 0.4), np.arange(30), "slope")
    found = interval(few, seed=0)
    assert (found.low, found.method) == (0, "agreement")
    assert found.high == pytest.approx(0.4 * binomtest(1, 30).proportion_ci().high)


def test_a_statistic_of_which_too_many_resamples_have_no_spread_falls_back() -> None:
    mostly = Ratio(np.append(np.ones(29), 0.4), np.ones(30), np.arange(30), "recovery")
    found = interval(mostly, seed=0)
    assert found.method == "percentile"
    assert found.low < 0.95 < found.estimate < found.high


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
    assert (strict.low, strict.high) == statistic.support


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


def test_each_seed_draws_other_resamples() -> None:
    sample = np.random.default_rng(0).exponential(size=40)
    assert len({interval(mean_of(sample), seed=seed).high for seed in range(4)}) == 4


def test_statistics_of_the_same_units_are_resampled_together() -> None:
    values = np.random.default_rng(0).exponential(size=40)
    one, other = (sample(mean_of(side * values, name), 0) for side, name in ((1, "a"), (-2, "b")))
    np.testing.assert_allclose(other.distribution, -2 * one.distribution)


def test_a_seed_means_the_same_in_another_process() -> None:
    code = (
        "import numpy as np; from ppcheck.judge.interval import interval;"
        "from ppcheck.statistics.statistics import Mean;"
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

    monkeypatch.setattr(resample, "BATCH", 40 * 7)
    monkeypatch.setattr(resample, "KEPT", 0)
    monkeypatch.setattr(sampling, "BATCH", 40 * 7)
    monkeypatch.setattr(Mean, "estimate", watched)
    assert interval(statistic, seed=0) == whole
    assert max(rows) == 7
