from __future__ import annotations

import pytest

from ppcheck.spec.expectations.bound import Bound
from ppcheck.spec.expectations.condition import Condition, Conditions
from ppcheck.spec.expectations.metric import Metric


@pytest.mark.parametrize(
    ("text", "metric", "bound"),
    [
        ("logit_diff(a, b) > 0", "logit_diff(a, b)", "> 0"),
        ("p(a)>=0.5", "p(a)", ">= 0.5"),
        ("p(a) in 0.2..0.6", "p(a)", "0.2..0.6"),
        ("prob( a ) 0.5 ± 0.1", "prob(a)", "0.5 ± 0.1"),
        ("kl < 1e-3", "kl", "< 1e-3"),
    ],
)
def test_a_condition_is_a_metric_and_its_bound(text: str, metric: str, bound: str) -> None:
    found, expected = Condition.parse(text), Bound.parse(bound)
    assert found.metric == Metric.parse(metric)
    assert (found.bound.low, found.bound.high) == (expected.low, expected.high)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("logit_diff(a, b)", "is not a condition"),
        ("> 0", "is not a condition"),
        ("pp(a) > 0", "unknown metric 'pp'"),
        ("p(a) is high", "it is not a bound"),
        ([], "a condition or a list"),
        (5, "expected a condition"),
    ],
)
def test_what_is_no_condition_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Conditions.parse(value)


def test_several_conditions_read_each_metric_once() -> None:
    found = Conditions.parse(["p(a) > 0.1", "p(a) < 0.9", "logit_diff(a, b) > 0"])
    assert list(map(str, found.metrics)) == ["p(a)", "logit_diff(a, b)"]
    assert str(found) == "p(a) > 0.1 and p(a) < 0.9 and logit_diff(a, b) > 0"
