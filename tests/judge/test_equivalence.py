from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.weightstats import DescrStatsW

from ppcheck.judge.equivalence import TOST_CONFIDENCE, equivalence
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Mean

WITHIN = Bound.parse("0 ± 0.5")


def change(centre: float, units: int = 60) -> Mean:
    sample = np.random.default_rng(0).normal(size=units)
    return Mean(centre + (sample - sample.mean()) / sample.std(), np.arange(units), "change")


def test_no_change_is_shown_by_many_units_and_not_by_few() -> None:
    assert equivalence(change(0.1), WITHIN, seed=0).equivalent
    few = equivalence(change(0.0, units=6), WITHIN, seed=0)
    assert not few.equivalent
    assert few.p > 0.05


def test_absence_of_evidence_is_no_pass() -> None:
    noisy = change(0.3)
    assert ttest_1samp(noisy.observed, 0).pvalue > 0.01
    assert not equivalence(noisy, WITHIN, seed=0).equivalent


@pytest.mark.parametrize("centre", [0.0, 0.2, 0.27, 0.31, -0.4])
def test_p_values_are_those_of_two_one_sided_t_tests(centre: float) -> None:
    found = equivalence(change(centre), WITHIN, seed=0)
    p, (_, low, _), (_, high, _) = DescrStatsW(change(centre).observed).ttost_mean(-0.5, 0.5)
    for own, expected in ((found.p_low, low), (found.p_high, high), (found.p, p)):
        assert own == pytest.approx(expected, rel=0.3, abs=6e-4)
    assert found.equivalent == (found.p <= 0.05)


@pytest.mark.parametrize("centre", [0.0, 0.2, 0.27, 0.31, 0.9])
def test_a_claim_at_the_tests_confidence_has_the_verdict_and_the_p_value_of_the_test(
    centre: float,
) -> None:
    found = equivalence(change(centre), WITHIN, seed=0)
    bounds = {"change": WITHIN}
    (finding,) = judge([change(centre)], bounds, confidence=TOST_CONFIDENCE, seed=0).findings
    assert finding.estimate == found.estimate
    assert (finding.verdict is Verdict.HOLDS) == found.equivalent
    if centre < 0.5:
        assert finding.p == pytest.approx(found.p)


def test_a_bound_with_one_end_is_no_equivalence() -> None:
    with pytest.raises(ValueError, match="a range such as"):
        equivalence(change(0), Bound.parse(">= 0"), seed=0)
