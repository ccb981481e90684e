from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import spearmanr, ttest_1samp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.statistics.statistics import (
    Auroc,
    Correlation,
    Mean,
    Proportion,
    Ratio,
    StandardisedMean,
    title,
)
from ppcheck.statistics.switch_point import SwitchPoint

AnyStatistic = Mean | Proportion | Ratio | StandardisedMean | Correlation | Auroc | SwitchPoint
Make = Callable[[np.random.Generator], AnyStatistic]


def units_of(rng: np.random.Generator, examples: int = 24) -> NDArray[np.int64]:
    """Units of unequal sizes, their labels neither sorted nor without gaps."""
    return 3 * rng.permutation(np.arange(examples) ** 2 % 7)


def mean(rng: np.random.Generator) -> Mean:
    return Mean(rng.normal(size=24), units_of(rng), "margin")


def proportion(rng: np.random.Generator) -> Proportion:
    return Proportion(rng.random(24) < 0.7, units_of(rng), "accuracy")


def ratio(rng: np.random.Generator) -> Ratio:
    return Ratio(rng.normal(size=24), rng.random(24) + 0.5, units_of(rng), "recovery", "L2H1")


def standardised_mean(rng: np.random.Generator) -> StandardisedMean:
    return StandardisedMean(rng.normal(5, 1, size=24), units_of(rng), "effect")


def correlation(rng: np.random.Generator) -> Correlation:
    dose = rng.integers(1, 5, 24)
    return Correlation(dose.astype(float), dose + rng.normal(size=24), units_of(rng), "spearman")


def auroc(rng: np.random.Generator) -> Auroc:
    positive = rng.permutation(np.arange(24) % 2 == 0)
    return Auroc(np.round(rng.normal(size=24) + positive, 1), positive, units_of(rng), "auroc")


def switch_point(rng: np.random.Generator) -> SwitchPoint:
    dose = rng.permutation(np.arange(24) % 12).astype(float)
    noisy = 1 / (1 + np.exp(dose - 5 + rng.normal(size=24)))
    return SwitchPoint(dose, noisy, units_of(rng), "switch_point")


EVERY: list[Make] = [
    mean,
    proportion,
    ratio,
    standardised_mean,
    correlation,
    auroc,
    switch_point,
]

seeds = st.integers(0, 2**32 - 1)


def weights_of(rng: np.random.Generator, statistic: AnyStatistic, rows: int = 1) -> Floats:
    return rng.integers(0, 4, (rows, statistic.n_units)).astype(float)


def listed(statistic: Any, weights: Floats) -> Any:
    """The same statistic of data that lists each unit's examples as often as it weighs."""
    _, unit = np.unique(statistic.units, return_inverse=True)
    index = np.repeat(np.arange(len(unit)), weights[unit].astype(int))
    columns = {f.name: getattr(statistic, f.name) for f in fields(statistic)}
    arrays = {key: value[index] for key, value in columns.items() if isinstance(value, np.ndarray)}
    return replace(statistic, **arrays)


def whole(statistic: AnyStatistic) -> float:
    """The estimate over the whole sample, each unit once."""
    return float(statistic.estimate(np.ones((1, statistic.n_units)))[0])


@pytest.mark.parametrize("make", EVERY)
@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_a_unit_of_weight_two_is_its_examples_listed_twice(make: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    statistic = make(rng)
    # Leaving a dose out changes the scale of the ridge, so there each unit is kept.
    weights = weights_of(rng, statistic) + (make is switch_point)
    if not weights.any():
        return
    relisted = whole(listed(statistic, weights[0]))
    assert statistic.estimate(weights)[0] == pytest.approx(relisted, rel=1e-6, nan_ok=True)


@pytest.mark.parametrize("make", EVERY)
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_no_estimate_depends_on_which_others_are_asked_for_in_the_same_call(
    make: Make, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    statistic = make(rng)
    weights = weights_of(rng, statistic, rows=17)
    alone = [statistic.estimate(row[None])[0] for row in weights]
    np.testing.assert_array_equal(statistic.estimate(weights), alone)


@pytest.mark.parametrize("make", [mean, proportion, ratio])
@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_an_error_is_the_delta_methods_under_any_weights(make: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    statistic = make(rng)
    weights = weights_of(rng, statistic) + 1
    n, step = statistic.n_units, 1e-5
    nudged = weights + step * np.eye(n)
    influence = (statistic.estimate(nudged) - statistic.estimate(weights)) / step
    expected = math.sqrt(n / (n - 1) * (weights[0] * influence**2).sum())
    found = statistic.error(weights)
    assert found is not None
    assert found[0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("make", EVERY)
def test_a_statistic_has_one_value_for_each_example(make: Make) -> None:
    statistic = make(np.random.default_rng(0))
    assert statistic.values().shape == (24,)
    assert statistic.values().dtype == np.float64
    assert statistic.n_units == len(np.unique(statistic.units))


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_examples_that_are_not_finite_are_refused_wherever_they_stand(
    make: Make, bad: float
) -> None:
    statistic: Any = make(np.random.default_rng(0))
    columns = [
        f.name for f in fields(statistic) if isinstance(getattr(statistic, f.name), np.ndarray)
    ]
    assert len(columns) >= 2
    for column in columns:
        spoiled = getattr(statistic, column).astype(float)
        spoiled[3] = bad
        with pytest.raises(MeasurementError, match=rf"{column} is not finite .*example 3"):
            replace(statistic, **{column: spoiled})


def test_no_examples_at_all_are_refused() -> None:
    with pytest.raises(MeasurementError, match="margin of L0H1: there are no examples"):
        Mean(np.array([]), np.array([], dtype=int), "margin", "L0H1")


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(MeasurementError, match=r"denominator has shape \(3,\), but 2 examples"):
        Ratio(np.ones(2), np.ones(3), np.arange(2), "recovery")


def test_probabilities_outside_zero_to_one_are_refused() -> None:
    with pytest.raises(MeasurementError, match="between 0 and 1"):
        SwitchPoint(np.arange(3.0), np.array([0.2, 0.5, 1.2]), np.arange(3), "switch_point")


def test_a_title_names_the_member_where_there_is_one() -> None:
    assert title("recovery", "L2H1") == "recovery of L2H1"
    assert title("recovery", None) == "recovery"


def test_a_mean_counts_examples_and_not_units() -> None:
    assert whole(Mean(np.array([1.0, 1, 1, 5]), np.array([0, 0, 0, 1]), "margin")) == 2


def test_units_of_unequal_size_are_worth_fewer_effective_units() -> None:
    success = np.ones(12, dtype=bool)
    assert Proportion(success, np.arange(12) // 3, "accuracy").effective_units == 4
    # Sizes 9, 1, 1, 1: 144 / 84.
    assert Proportion(success, np.maximum(np.arange(12) - 8, 0), "accuracy").effective_units == 1


def test_a_ratio_is_a_ratio_of_sums_and_its_values_average_to_it() -> None:
    recovery = Ratio(np.array([1.0, 0]), np.array([1.0, 3]), np.arange(2), "recovery")
    assert whole(recovery) == 0.25 == recovery.values().mean()


def test_a_ratio_over_nothing_is_undefined() -> None:
    recovery = Ratio(np.array([1.0, 2]), np.array([1.0, -1]), np.arange(2), "recovery")
    assert math.isnan(whole(recovery))


def test_the_standardised_mean_is_the_t_statistic_over_root_n() -> None:
    sample = np.random.default_rng(1).normal(1, 2, 50)
    expected = ttest_1samp(sample, 0).statistic / math.sqrt(50)
    assert whole(StandardisedMean(sample, np.arange(50), "effect")) == pytest.approx(expected)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9])
def test_the_standardised_mean_of_equal_examples_is_undefined(constant: float) -> None:
    assert math.isnan(whole(StandardisedMean(np.full(7, constant), np.arange(7), "effect")))


@given(seed=seeds)
@settings(max_examples=50, deadline=None)
def test_a_correlation_is_spearmans(seed: int) -> None:
    statistic = correlation(np.random.default_rng(seed))
    assert whole(statistic) == pytest.approx(spearmanr(statistic.x, statistic.y).statistic)


def test_a_correlation_with_a_constant_is_undefined() -> None:
    statistic = Correlation(np.arange(9.0), np.full(9, 0.1), np.arange(9), "spearman")
    assert math.isnan(whole(statistic))


@given(seed=seeds)
@settings(max_examples=50, deadline=None)
def test_an_auroc_is_that_of_scikit_learn_with_sample_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    statistic = auroc(rng)
    weights = weights_of(rng, statistic) + 1
    _, unit = np.unique(statistic.units, return_inverse=True)
    expected = roc_auc_score(statistic.positive, statistic.scores, sample_weight=weights[0, unit])
    assert statistic.estimate(weights)[0] == pytest.approx(expected)


def test_equal_scores_give_an_auroc_of_one_half() -> None:
    assert whole(Auroc(np.zeros(5), np.arange(5) < 2, np.arange(5), "auroc")) == 0.5


def test_an_auroc_without_negatives_is_undefined() -> None:
    assert math.isnan(
        whole(Auroc(np.arange(5.0), np.full(5, fill_value=True), np.arange(5), "auroc"))
    )


@given(seed=seeds)
@settings(max_examples=25, deadline=None)
def test_a_switch_point_is_that_of_scikit_learns_logistic_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    statistic = switch_point(rng)
    weights = weights_of(rng, statistic) + 1
    _, unit = np.unique(statistic.units, return_inverse=True)
    p, counts = statistic.probabilities, weights[0, unit]
    fit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.tile(statistic.doses, 2)[:, None],
        np.repeat([1, 0], len(p)),
        sample_weight=np.concatenate([counts * p, counts * (1 - p)]),
    )
    expected = -fit.intercept_[0] / fit.coef_[0, 0]
    assert statistic.estimate(weights)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
@pytest.mark.parametrize("slope", [-9.0, -0.5, 2.0])
def test_a_switch_point_on_an_exact_curve_is_found(slope: float, scale: float) -> None:
    dose = np.arange(1.0, 9)
    on_curve = 1 / (1 + np.exp(-slope * (dose - 3.3)))
    statistic = SwitchPoint(scale * dose, on_curve, np.arange(8), "switch_point")
    assert whole(statistic) == pytest.approx(3.3 * scale, rel=1e-4)


@pytest.mark.parametrize("first_refusal", range(1, 8))
def test_a_separated_curve_switches_between_the_doses_that_are_apart(first_refusal: int) -> None:
    dose = np.arange(8.0)
    takes = (dose < first_refusal).astype(float)
    switch = whole(SwitchPoint(dose, takes, np.arange(8), "switch_point"))
    assert first_refusal - 1 < switch < first_refusal


@pytest.mark.parametrize("level", [0.0, 0.3, 1.0])
def test_a_flat_curve_has_no_switch_point(level: float) -> None:
    statistic = SwitchPoint(np.arange(8.0), np.full(8, level), np.arange(8), "switch_point")
    assert math.isnan(whole(statistic))


def test_one_dose_alone_has_no_switch_point() -> None:
    statistic = SwitchPoint(np.full(4, 2.0), np.linspace(0, 1, 4), np.arange(4), "switch_point")
    assert math.isnan(whole(statistic))


def test_a_resample_of_one_dose_has_no_switch_point() -> None:
    doses, probabilities = np.array([1.0, 2, 3]), np.array([0.9, 0.6, 0.1])
    statistic = SwitchPoint(doses, probabilities, np.arange(3), "switch_point")
    assert np.isnan(statistic.estimate(3 * np.eye(3))).all()
