"""Rates of outcomes as a metric: contrasts and doses of what models write whose odds are set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import linregress, spearmanr

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from ppcheck.measure.plan import plan
from ppcheck.statistics.switch_point import SwitchPoint
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.fingerprint import digest
from ppcheck.subject.store import Memory
from tests.measure.lab import (
    Model,
    Plant,
    bench,
    by_name,
    claim,
    curve_of,
    estimate,
    estimates,
    game,
    ids,
    problems,
    saying,
    sides_of,
    verdict,
)

Planted = Callable[[Plant], Model]
REPLY = {"tokens": 3, "samples": 8, "outcomes": {"a": r"\bA\b", "b": r"\bB\b"}}
GREEDY = {"tokens": 3, "outcomes": REPLY["outcomes"]}
FELT = game(template="{start} we {strength} feel {feeling}", unit=["start", "strength"])
DOSED = game(template="{start} we feel {feeling} {strength}", unit=["start", "feeling"])
OF_FEELING = {"pain": 0.2, "agony": 0.3, "light": 0.8, "hum": 0.9}
OF_STRENGTH = {"mild": 0.95, "firm": 0.7, "strong": 0.4, "severe": 0.05}


def choosing(odds: dict[str, float]) -> Plant:
    """After each of these words the model writes A so often, else B, and then it ends."""
    either = {word: {"A": odds[word], "B": 1 - odds[word]} for word in odds}
    return saying({**either, "A": {".": 1}, "B": {".": 1}})


def deciding(**answers: str) -> Plant:
    return saying({**{w: {a: 1.0} for w, a in answers.items()}, "A": {".": 1}, "B": {".": 1}})


def rate_of_a(text: str, odds: dict[str, float], samples: int = 8) -> float:
    """How often A is drawn: where the first random number of a reply lies below the odds of A."""
    prompt = ids(text)[0].tolist()
    named = [int(digest(0, prompt, number), 16) for number in range(samples)]
    drawn = [np.random.default_rng(each).random(3)[0] for each in named]
    return float(np.mean([each < odds[text.rsplit(maxsplit=1)[-1]] for each in drawn]))


def contrast(**fields: Any) -> Any:
    return claim("contrast", **{"metric": "rate(a)", "reply": REPLY, **fields})


def doses(**fields: Any) -> Any:
    return claim(
        "dose_response", **{"metric": "rate(a)", "reply": REPLY, "dose": "strength"} | fields
    )


def lines(on: Bench) -> list[tuple[list[float], list[float]]]:
    """Doses and rates of each curve, in the order of the prompts."""
    found: dict[str, tuple[list[float], list[float]]] = {}
    for prompt in on.grid.prompts:
        *others, word = prompt.text.split()
        curve = found.setdefault(" ".join(others), ([], []))
        curve[0].append(list(OF_STRENGTH).index(word) + 1)
        curve[1].append(rate_of_a(prompt.text, OF_STRENGTH))
    return list(found.values())


def test_a_contrast_is_of_the_share_of_replies_to_each_prompt(planted: Planted) -> None:
    found = by_name(contrast().measure(bench(planted(choosing(OF_FEELING)), FELT)))["difference"]
    sides = [sides_of(pair) for pair in found.examples]
    gaps = [rate_of_a(one, OF_FEELING) - rate_of_a(other, OF_FEELING) for one, other in sides]
    np.testing.assert_allclose(found.statistic.values(), gaps, atol=1e-12)
    assert len(set(gaps)) > 5
    assert estimate(found) == pytest.approx(-0.6, abs=0.1)


def test_a_dose_response_is_of_the_share_of_replies_at_each_dose(planted: Planted) -> None:
    on = bench(planted(choosing(OF_STRENGTH)), DOSED)
    measured = doses().measure(on)
    found, curves = estimates(measured), lines(on)
    ranks = np.mean([spearmanr(*curve).statistic for curve in curves])
    assert found["spearman"] == pytest.approx(ranks)
    assert found["slope"] == pytest.approx(np.mean([linregress(*curve).slope for curve in curves]))
    means = np.array([rates for _, rates in curves]).mean(axis=0)
    assert curve_of(measured, "rate(a) by strength").y == pytest.approx(means)
    fit = SwitchPoint(np.array([1.0, 2, 3, 4]), means, np.arange(4), "it").estimate(np.ones((1, 4)))
    assert found["switch_point"] == pytest.approx(fit[0])
    assert 2 < found["switch_point"] < 3


@pytest.mark.parametrize(
    ("wanted", "prompts", "decides"),
    [
        (contrast(expect={"difference": "<= -0.3"}), FELT, choosing(OF_FEELING)),
        (
            doses(expect={"slope": "<= -0.15", "switch_point": "2..3"}),
            DOSED,
            choosing(OF_STRENGTH),
        ),
    ],
)
def test_a_claim_holds_where_the_word_decides_and_fails_where_nothing_does(
    planted: Planted, wanted: Any, prompts: dict[str, Any], decides: Plant
) -> None:
    assert verdict(wanted, bench(planted(decides), prompts)) == Verdict.HOLDS
    alike = choosing(dict.fromkeys(OF_FEELING if prompts is FELT else OF_STRENGTH, 0.5))
    assert verdict(wanted, bench(planted(alike), prompts)) == Verdict.FAILS


def test_replies_that_all_agree_do_not_make_it_certain(planted: Planted) -> None:
    """Of 24 units that write A whatever is felt, one in seven might have written B."""
    always = bench(planted(deciding(pain="A", agony="A", light="A", hum="A")), FELT)
    near = contrast(reply=GREEDY, expect={"difference": "-0.1..0.1"})
    assert estimates(near.measure(always))["difference"] == 0
    assert verdict(near, always) == Verdict.INCONCLUSIVE
    wider = contrast(reply=GREEDY, expect={"difference": "-0.2..0.2"})
    assert verdict(wider, always) == Verdict.HOLDS


def test_a_metric_of_logits_may_stand_beside_one_of_replies(planted: Planted) -> None:
    on = bench(planted(choosing(OF_FEELING)), FELT)
    both = contrast(metric=["rate(b)", "logit_diff(a, b)"]).measure(on)
    assert {"difference", "difference@logit_diff(a, b)"} <= estimates(both).keys()
    assert both.facts.mass is not None
    alone = contrast().measure(on)
    assert alone.facts.mass is None
    assert not any("linear" in note for note in alone.notes)


def test_replies_to_both_sides_are_kept_and_those_cut_off_are_told(planted: Planted) -> None:
    on = bench(planted(deciding(pain="B", agony="B", light="A", hum="A")), FELT)
    kept = contrast(reply=GREEDY).measure(on).facts.replies
    assert {name: of.count for name, of in kept.items()} == {"a": 48, "b": 48, "other": 0}
    cut = contrast(reply={**GREEDY, "tokens": 1, "outcomes": {"a": "A"}})
    found = cut.measure(on)
    assert "96 of 96 replies were cut off at 1 token" in found.notes
    (doubt,) = cut.doubts(on, found)
    assert doubt.startswith("50% of the replies were cut off")
    assert list(contrast(reply=GREEDY).doubts(on, contrast(reply=GREEDY).measure(on))) == []


def test_a_plan_knows_what_is_to_be_written_for_it(planted: Planted) -> None:
    on, store = bench(planted(choosing(OF_FEELING)), FELT), Memory()
    before = plan(on.subject, {"it": (contrast(), on.grid)}, store)
    memo = Memo(on.subject, store)
    contrast().measure(Bench(memo, on.grid, 0))
    assert before.asked == before.to_measure == memo.asked == 96 * 8


@pytest.mark.parametrize(
    ("wanted", "key", "message"),
    [
        (contrast(reply=None), "metric", "rate(a) is of replies: add `reply`, with its `tokens`"),
        (contrast(metric="rate(c)"), "metric", "'c' is not an outcome of `reply`"),
        (contrast(metric="p(a)"), "reply", "no metric reads it: name rate(a), or leave this out"),
        (
            contrast(reply={**REPLY, "outcomes": {"a": "(A"}}),
            "reply.outcomes.a",
            "is not a regular expression",
        ),
        (doses(reply=None), "metric", "rate(a) is of replies: add `reply`"),
        (
            claim("path", metric="rate(a)", sender="L0H0", receiver="logits", mode="noise"),
            "metric",
            "rate(a) is of replies: it is read in `contrast` and `dose_response`",
        ),
        (
            claim("property", forall={"start": {"sampled": ["on"]}}, always="rate(a) > 0.5"),
            "always",
            "rate(a) is of replies: it is read in `contrast` and `dose_response`",
        ),
    ],
)
def test_what_is_wrong_with_a_rate_is_seen_without_a_model(
    wanted: Any, key: str, message: str
) -> None:
    assert message in problems(wanted)[key]


def test_a_difference_of_rates_reaches_its_ends_and_that_of_probabilities_does_not() -> None:
    whole = {"difference": "<= -1"}
    assert "expect.difference" not in problems(contrast(expect=whole))
    of_choices = claim("contrast", metric="p(a)", expect=whole)
    assert "the claim cannot hold" in problems(of_choices)["expect.difference"]
