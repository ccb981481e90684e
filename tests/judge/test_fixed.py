"""Units that are all there is: what is measured on them is exact but for rounding."""

from __future__ import annotations

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.compare import ComparedSide, difference
from ppcheck.judge.notes import finding_notes
from ppcheck.judge.verdict import Judgement, Verdict, judge
from ppcheck.spec.expectations.bound import Bound
from ppcheck.statistics.statistics import Gap, Mean, Proportion, Ratio, Statistic


def judged(*statistics: Statistic, is_fixed: bool = True, **expect: str) -> Judgement:
    bounds = {name: Bound.parse(text) for name, text in expect.items()}
    return judge(statistics, bounds, seed=0, is_fixed=is_fixed)


def test_a_published_accuracy_is_reproduced_by_its_own_rows_and_by_no_sample_of_as_many() -> None:
    right = Proportion(np.arange(1000) >= 2, np.arange(1000), "rate")
    assert judged(right, rate="0.998 ± 0.001").verdict is Verdict.HOLDS
    assert judged(right, rate="0.996 ± 0.001").verdict is Verdict.FAILS
    as_sample = judged(right, is_fixed=False, rate="0.998 ± 0.001")
    assert as_sample.verdict is Verdict.INCONCLUSIVE


def test_the_value_is_exact_and_nothing_is_corrected() -> None:
    family = [Mean(np.array([0.0, 1.0, 5.0]), np.arange(3), "effect", f"L0H{n}") for n in (0, 1)]
    found = judged(*family, effect=">= 2")
    for finding in found.findings:
        estimate = finding.estimate
        assert (estimate.estimate, estimate.low, estimate.high, estimate.n) == (2, 2, 2, 3)
        assert (estimate.method, estimate.confidence) == ("fixed", 1.0)
        assert (finding.correction, finding.p, finding.more_units) == (None, None, None)
    assert found.verdict is Verdict.HOLDS
    (note,) = finding_notes(found.findings, {})
    assert note.startswith("effect (of 2 members): the prompts are all there is")


def test_only_rounding_keeps_it_from_a_verdict() -> None:
    near = Mean(np.full(4, 0.3), np.arange(4), "effect", step=0.01)
    found = judged(near, effect="> 0.295")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.findings[0].rounding_decides
    assert found.findings[0].more_units is None
    assert judged(near, effect="> 0.28").verdict is Verdict.HOLDS


def test_a_share_of_next_to_nothing_means_nothing_here_either() -> None:
    values = np.linspace(1, 2, 8)
    share = Ratio(values, values, np.arange(8), "share", gap=Gap("gap", 0.01, 0.1))
    assert judged(share, share=">= 0.5").verdict is Verdict.INCONCLUSIVE


def test_what_is_undefined_is_an_error() -> None:
    nothing = Ratio(np.ones(4), np.zeros(4), np.arange(4), "share")
    with pytest.raises(MeasurementError, match="share"):
        judged(nothing, share=">= 0.5")


def test_two_measurements_of_all_there_is_differ_by_what_they_differ() -> None:
    units = np.array([0.0, 9.0, 1.0])
    now, then = (ComparedSide(value, units, 0.001, is_fixed=True) for value in (0.52, 0.5))
    found = difference(now, then, confidence=0.95, seed=0, name="rate")
    assert (found.low, found.high) == pytest.approx((0.018, 0.022))
    assert found.confidence == 1.0
