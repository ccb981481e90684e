from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppcheck.spec.expectations.metric import Metric, Metrics, Reading
from ppcheck.spec.expectations.range import ANY, SHARE, Range

names = st.text("abc_ -2", min_size=1).map(str.strip).filter(bool)
OF_OTHERS = (Reading.KL, Reading.LOGIT_DIFF, Reading.LOSS, Reading.RATE)
metrics = st.one_of(
    st.sampled_from([Metric(Reading.KL), Metric(Reading.LOSS)]),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True).map(
        lambda name: Metric(Reading.LOSS, variable=name)
    ),
    st.builds(
        lambda reading, name: Metric(reading, (name,)),
        st.sampled_from([each for each in Reading if each not in OF_OTHERS]),
        names,
    ),
    st.builds(lambda name: Metric(Reading.RATE, outcome=name), names),
    st.lists(names, min_size=2, max_size=2, unique=True).map(
        lambda pair: Metric(Reading.LOGIT_DIFF, tuple(pair))
    ),
)


@given(metrics)
def test_a_metric_is_read_as_it_is_shown(metric: Metric) -> None:
    assert Metric.parse(str(metric)) == metric


@pytest.mark.parametrize("text", ["logit_diff(a,b)", " logit_diff ( a , b ) "])
def test_spaces_do_not_matter(text: str) -> None:
    assert Metric.parse(text) == Metric(Reading.LOGIT_DIFF, ("a", "b"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("logt_diff(a, b)", "unknown metric 'logt_diff': did you mean 'logit_diff'?"),
        ("p", "'p' names 0 choices: write p(a)"),
        ("p()", "'p()' names 0 choices: write p(a)"),
        ("p(a, b)", "'p(a, b)' names 2 choices: write p(a)"),
        ("p(a,)", "'p(a,)' names 2 choices: write p(a)"),
        ("logit_diff(a)", "'logit_diff(a)' names 1 choices: write logit_diff(a, b)"),
        ("kl(a)", "'kl(a)' names 1 choices: write kl"),
        ("logit_diff(a, a)", "'logit_diff(a, a)' compares the choice 'a' with itself"),
        ("rate()", "'rate()' names 0 choices: write rate(a)"),
        ("p(a", "'p(a' is not a metric; write logit_diff(a, b), p(a)"),
        ("", "'' is not a metric; write logit_diff(a, b), p(a)"),
        (["p(a)"], "expected a metric (logit_diff(a, b), p(a)"),
        (3, "got 3"),
    ],
)
def test_what_is_no_metric_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Metric.parse(value)
    assert message in str(raised.value)


def test_the_logit_difference_alone_is_linear_and_probabilities_are_probabilities() -> None:
    texts = ("logit_diff(a, b)", "p(a)", "prob(a)", "log_p(a)", "log_prob(a)", "kl")
    parsed = [Metric.parse(text) for text in texts]
    assert [metric.linear for metric in parsed] == [True, False, False, False, False, False]
    assert [metric.probability for metric in parsed] == [False, True, True, False, False, False]


def test_a_rate_is_a_share_of_replies_that_may_be_none_or_all() -> None:
    rate = Metric.parse("rate(three)")
    assert (rate.outcome, rate.choices) == ("three", ())
    assert (rate.probability, rate.linear) == (True, False)
    assert (rate.range, rate.change) == (Range(0, 1), Range(-1, 1))


@pytest.mark.parametrize("text", ["log_p(a)", "log_prob(a)"])
def test_a_logarithm_of_a_probability_is_at_most_zero_and_changes_by_any(text: str) -> None:
    metric = Metric.parse(text)
    assert (-3.0 in metric.range, 0.0 in metric.range, 0.1 in metric.range) == (True, True, False)
    assert metric.change == ANY


def test_several_metrics_name_their_statistics() -> None:
    metrics = Metrics.parse(["logit_diff(a, b)", "p(a)"])
    assert metrics.statistics(recovery=SHARE, gap=lambda metric: metric.change) == {
        "recovery": SHARE,
        "gap": ANY,
        "recovery@p(a)": SHARE,
        "gap@p(a)": Range(-1, 1, open=True),
    }
    assert metrics.linear
    assert str(metrics) == "[logit_diff(a, b), p(a)]"
    assert str(Metrics.parse("p(a)")) == "p(a)"
    assert not Metrics.parse("p(a)").linear


@pytest.mark.parametrize(
    ("value", "message"),
    [([], "a metric or a list"), (["p(a)", "p( a )"], "stands twice"), (["pp(a)"], "did you mean")],
)
def test_a_list_that_is_no_list_of_metrics(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Metrics.parse(value)
