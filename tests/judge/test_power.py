from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from statsmodels.stats.power import tt_solve_power

from ppcheck.judge.verdict import Finding, Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Mean, Proportion, Statistic


def found(statistic: Statistic, text: str) -> Finding:
    (finding,) = judge([statistic], {statistic.name: Bound.parse(text)}, seed=0).findings
    return finding


def normal(centre: float, units: int) -> Mean:
    """Normal scores of spread 1."""
    scores = norm.ppf((np.arange(units) + 0.5) / units)
    return Mean(centre + scores / scores.std(ddof=1), np.arange(units), "effect")


@pytest.mark.parametrize("effect", [0.1, 0.2, 0.3])
def test_as_many_more_units_are_asked_for_as_a_t_test_would_need(effect: float) -> None:
    finding = found(normal(effect, 40), "> 0")
    needed = tt_solve_power(effect, alpha=0.025, power=0.8, alternative="larger")
    assert finding.more_units is not None
    assert 40 + finding.more_units == pytest.approx(needed, rel=0.1)


def test_with_as_many_units_as_are_asked_for_four_in_five_samples_decide() -> None:
    finding = found(normal(0.3, 40), "> 0")
    assert finding.more_units is not None
    rng = np.random.default_rng(0)
    units = 40 + finding.more_units
    samples = [Mean(rng.normal(0.3, 1, units), np.arange(units), "effect") for _ in range(200)]
    decided = sum(found(sample, "> 0").verdict is Verdict.HOLDS for sample in samples)
    assert 0.7 < decided / 200 < 0.9


def test_between_two_edges_both_must_be_told_apart() -> None:
    one = found(normal(0.0, 40), "> -0.25").more_units
    both = found(normal(0.0, 40), "-0.25..0.25").more_units
    assert one is not None
    assert both is not None
    assert one < both < 2 * one


def test_units_that_agree_are_asked_for_until_agreement_is_enough() -> None:
    alike = Mean(np.full(20, -1.0), np.arange(20), "spearman", support=(-1, 1))
    finding = found(alike, "<= -0.9")
    assert finding.more_units is not None
    total = 20 + finding.more_units
    for units, verdict in ((total, Verdict.HOLDS), (total - 3, Verdict.INCONCLUSIVE)):
        again = Mean(np.full(units, -1.0), np.arange(units), "spearman", support=(-1, 1))
        assert found(again, "<= -0.9").verdict is verdict
    assert 0 <= total - math.log(0.025) / math.log(0.95) < 3


@pytest.mark.trust
@pytest.mark.parametrize(("rate", "units", "text"), [(1.0, 10, ">= 0.8"), (0.9, 20, ">= 0.7")])
def test_a_rate_asks_for_the_units_that_decide_it(rate: float, units: int, text: str) -> None:
    """In four of five samples, if the rate is what was seen."""
    successes = np.arange(units) < round(rate * units)
    finding = found(Proportion(successes, np.arange(units), "rate"), text)
    assert finding.more_units is not None
    total = units + finding.more_units
    rng = np.random.default_rng(0)
    for size, least, most in ((total, 0.7, 1.0), (units + finding.more_units // 2, 0.0, 0.8)):
        samples = [rng.random(size) < rate for _ in range(200)]
        rates = [Proportion(sample, np.arange(size), "rate") for sample in samples]
        decided = sum(found(one, text).verdict is not Verdict.INCONCLUSIVE for one in rates)
        assert least <= decided / 200 <= most


@pytest.mark.trust
def test_ten_successes_of_ten_ask_for_seven_more() -> None:
    all_of_ten = Proportion(np.ones(10, dtype=bool), np.arange(10), "positive")
    assert found(all_of_ten, ">= 0.8").more_units == 7


def test_an_estimate_next_to_the_edge_asks_for_no_number() -> None:
    assert found(normal(1e-5, 40), "> 0").more_units is None
