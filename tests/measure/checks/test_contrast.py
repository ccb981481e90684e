from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict, judge
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    Model,
    Plant,
    answering,
    bench,
    blind,
    by_name,
    claim,
    estimates,
    game,
    last,
    problems,
    texts_of,
    token,
    verdict,
)

LAST_WORD = game(template="{start} we {strength} feel {feeling}")
SWAP = {"pain": "light", "agony": "hum"}


def gaps(model: Model) -> Floats:
    """p(A) on each prompt with pain minus p(A) with the neutral word of the same rank."""

    def p(texts: list[str]) -> Floats:
        return np.asarray(softmax(last(model, texts)[:, [token("A"), token("B")]], axis=1)[:, 0])

    clean = [text for text in texts_of(bench(model)) if SWAP.keys() & set(text.split())]
    return p(clean) - p([" ".join(SWAP.get(w, w) for w in text.split()) for text in clean])


def test_differences_are_those_of_transformers(tiny: Model) -> None:
    expected = gaps(tiny)
    measurement = claim("contrast", metric="p(a)").measure(bench(tiny))
    found = estimates(measurement)
    assert found["difference"] == pytest.approx(expected.mean(), abs=1e-6)
    assert found["standardised"] == pytest.approx(expected.mean() / expected.std(ddof=1), rel=1e-4)
    assert found["positive"] == pytest.approx((expected > 0).mean())
    values = by_name(measurement)["difference"].statistic.values()
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_contributions_average_to_the_estimate(tiny: Model) -> None:
    measurement = claim("contrast", metric="logit_diff(a, b)").measure(bench(tiny))
    found = estimates(measurement)
    for name, behind in by_name(measurement).items():
        assert behind.contributions.mean() == pytest.approx(found[name])


def test_exchanging_the_pair_turns_the_sign(tiny: Model) -> None:
    there = estimates(claim("contrast", metric="p(a)").measure(bench(tiny)))
    back = claim("contrast", metric="p(a)", pairs={"feeling": ["neutral", "pain"]})
    assert estimates(back.measure(bench(tiny)))["difference"] == pytest.approx(-there["difference"])


def test_a_contrast_holds_where_pain_decides_and_fails_where_nothing_does(
    planted: Callable[[Plant], Model],
) -> None:
    deters = claim("contrast", metric="p(a)", expect={"difference": "<= -0.2"})
    pained = planted(answering({"pain": -0.6, "agony": -0.8}))
    assert verdict(deters, bench(pained, LAST_WORD)) == Verdict.HOLDS
    numb = planted(answering({}))
    assert verdict(deters, bench(numb, LAST_WORD)) == Verdict.FAILS


def test_differences_within_rounding_count_as_none(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(blind))
    found = estimates(claim("contrast", metric="p(a)", expect={"positive": "> 0"}).measure(on))
    assert found == {"difference": 0, "positive": 0}


def test_an_undefined_effect_size_is_left_out_unless_it_is_expected(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(blind))
    mean = claim("contrast", metric="p(a)", expect={"difference": "> 0.1"})
    assert "standardised is undefined here" in mean.measure(on).notes
    assert verdict(mean, on) == Verdict.FAILS
    size = claim("contrast", metric="p(a)", expect={"standardised": "> 0.1"})
    with pytest.raises(MeasurementError, match="standardised is undefined over its 6 units"):
        judge([one.statistic for one in size.measure(on).statistics], size.expect, seed=0)


def test_kl_has_no_clean_run_to_compare_with() -> None:
    assert "use it in a patching claim" in problems(claim("contrast", metric="kl"))["metric"]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("p(a)", "p(a) is 1 where there is one choice: give another, or read `prob`"),
        ("log_p(a)", "log_p(a) is 0 where there is one choice: give another, or read `log_prob`"),
    ],
)
def test_p_of_an_only_choice_is_refused(metric: str, message: str) -> None:
    wrong = problems(claim("contrast", metric=metric), game(choices={"a": "A"}))
    assert wrong["metric"] == message


def test_pain_changes_a_log_probability_by_what_transformers_logits_give(tiny: Model) -> None:
    on = bench(tiny)
    clean = [text for text in texts_of(on) if {"pain", "agony"} & set(text.split())]
    swapped = [text.replace("pain", "light").replace("agony", "hum") for text in clean]
    both = [last(tiny, side)[:, [token("A"), token("B")]] for side in (clean, swapped)]
    mine, other = (log_softmax(logits, axis=1)[:, 0] for logits in both)
    found = estimates(claim("contrast", metric="log_p(a)").measure(on))
    assert found["difference"] == pytest.approx((mine - other).mean(), abs=1e-5)


def test_pain_deters_the_demo_model(demo: Subject) -> None:
    deters = claim("contrast", metric="p(with)", expect={"difference": "<= -0.3"})
    assert verdict(deters, bench(demo, DEMO)) == Verdict.HOLDS
