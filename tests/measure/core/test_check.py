from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Judgement, Verdict, judge
from ppcheck.measure.core.check import Bench, Check
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    Model,
    Plant,
    bench,
    blind,
    claim,
    estimate,
    game,
    problems,
    token,
    verdict,
)
from tests.measure.test_registry import CLAIMS

MEASURED = sorted(CLAIMS.keys() - {"direction_ablation"})
"""The direction of that one comes from a file; it shares its statistics with `ablate`."""
PATCH: dict[str, Any] = {"mode": "denoise", "metric": "logit_diff(a, b)"}


def expected(check: str, name: str, bound: str) -> Check:
    return claim(check, **CLAIMS[check], expect={name: bound})


def of_expect(check: Check) -> str:
    """What is wrong with what it expects, in one text."""
    return "; ".join(text for key, text in problems(check).items() if key.startswith("expect"))


@pytest.mark.trust
@pytest.mark.parametrize("check", CLAIMS)
def test_a_bound_that_accepts_all_that_a_statistic_can_be_is_an_error(check: str) -> None:
    for name, values in claim(check, **CLAIMS[check]).statistics().items():
        low, high = max(values.low, -1e6), min(values.high, 1e6)
        bounds = [f"{low}..{high}"] if (low, high) == (values.low, values.high) else []
        bounds += [f">= {low}"] * (low == values.low) + [f"<= {high}"] * (high == values.high)
        for bound in bounds:
            assert of_expect(expected(check, name, bound)), f"{name} {bound}"


@pytest.mark.trust
@pytest.mark.parametrize(
    ("check", "name", "bound", "message"),
    [
        ("choice", "mass", ">= 0", "mass is 0..1 whatever the model does"),
        ("choice", "mass", "> 0", "mass is 0..1 whatever the model does"),
        ("choice", "rate", "0..1", "give a bound that can fail"),
        ("dose_response", "spearman", "<= 1", "spearman is -1..1 whatever the model does"),
        ("contrast", "positive", "0..1", "positive is 0..1"),
        ("contrast", "difference", ">= -1", "difference is -1..1"),
        ("attention", "attention", ">= 0", "attention is 0..1"),
        ("patch", "damage", "0 ± 1000", "accepts every damage that has a meaning, -1..2"),
        ("patch", "gap", ">= -1e9", ""),
        ("flow", "arrives", ">= 0", "arrives is 0 and more"),
        ("role", "strength", "<= 5", "strength is 0..5"),
        ("property", "violations", "<= 1", "violations is 0..1"),
        ("probe", "over_words", ">= -1", "over_words is -1..1"),
        ("choice", "mass", ">= 1.5", "the claim cannot hold"),
        ("dose_response", "spearman", "< -1", "the claim cannot hold"),
        ("choice", "probability", "< 0", "the claim cannot hold"),
    ],
)
def test_bounds_that_decide_nothing_are_told_from_those_that_do(
    check: str, name: str, bound: str, message: str
) -> None:
    found = of_expect(expected(check, name, bound))
    assert message in found if message else not found


@pytest.mark.trust
def test_bounds_that_can_fail_are_accepted() -> None:
    for bound in ("> 0", "0.2..1", ">= 1"):
        assert not of_expect(expected("choice", "rate", bound))
    for bound in ("-0.1..0.1", ">= 0.9", "<= 0.5", "-1..1.9"):
        assert not of_expect(expected("patch", "damage", bound))


@pytest.mark.parametrize("check", MEASURED)
def test_what_is_measured_lies_in_the_range_that_the_check_declares(
    check: str, tiny: Model
) -> None:
    wanted = claim(check, **CLAIMS[check])
    declared = wanted.statistics()
    found = wanted.measure(bench(tiny)).statistics
    assert {one.statistic.name for one in found} <= declared.keys()
    for one in found:
        values = declared[one.statistic.name]
        assert values.usual or estimate(one) in values, one.statistic.name


@pytest.mark.trust
@pytest.mark.parametrize(
    "fields",
    [
        {"site": "resid_pre.L0", "position": "all"},
        {"site": "resid_post.L1", "position": "all"},
        {"site": "embed", "position": "all"},
        {"site": "embed", "position": ["feeling", "final"]},
        {"site": "embed", "position": "all but [start, strength]"},
        {"site": "resid_pre.L0", "position": "feeling"},
        {"site": ["embed", "L0H0"], "position": "feeling", "together": True},
        {"site": "resid_pre.L*", "position": "feeling", "top": 1},
    ],
)
def test_patching_all_that_differs_is_refused(fields: dict[str, Any]) -> None:
    message = problems(claim("patch", **fields, **PATCH))["site"]
    assert "holds all by which the prompts of a pair differ" in message


@pytest.mark.parametrize(
    "fields",
    [
        {"site": "resid_post.L0", "position": "feeling"},
        {"site": "embed", "position": ["strength", "final"]},
        {"site": "embed", "position": "all but feeling"},
        {"site": "resid_pre.L0", "position": "feeling[0]"},
        {"site": "resid_pre.L*", "position": "feeling"},
        {"site": "attn_out.L0", "position": "all"},
        {"site": "L0H0", "position": "all"},
    ],
)
def test_patching_some_of_what_differs_is_a_claim(fields: dict[str, Any]) -> None:
    assert "site" not in problems(claim("patch", **fields, **PATCH))


def idle(head: int, low: float, high: float) -> Plant:
    """A head of L1 adds one number to all coordinates, which every norm takes away again."""

    def plant(model: Any) -> None:
        rows = slice(8 * head, 8 * head + 8)
        model.transformer.h[1].attn.c_proj.weight[rows] = torch.linspace(low, high, 8)[:, None]
        model.lm_head.weight *= 20

    return plant


DIFFERENCE = "logit_diff(a, b)"
IDLE: dict[str, tuple[dict[str, Any], str]] = {
    "patch": ({"site": "L1H1", **PATCH}, "recovery"),
    "ablate": ({"site": "L1H1", "ablation": "mean", "metric": DIFFERENCE}, "drop"),
    "path": ({"sender": "L1H1", "receiver": "logits", **PATCH}, "recovery"),
    "steer": (
        {
            "site": "L1H1",
            "direction": {"between": {"feeling": ["pain", "neutral"]}},
            "metric": DIFFERENCE,
        },
        "effect",
    ),
    "direction_ablation": (
        {
            "site": "L1H1",
            "direction": {"between": {"feeling": ["pain", "neutral"]}},
            "metric": DIFFERENCE,
        },
        "drop",
    ),
    "attribution": ({"site": "L1H1", "metric": DIFFERENCE}, "attribution"),
}


@pytest.mark.trust
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("check", IDLE)
def test_a_component_that_does_nothing_has_no_effect_of_either_sign(
    check: str, dtype: str, planted: Callable[[Plant], Model]
) -> None:
    fields, statistic = IDLE[check]
    subject = load(resolve(str(planted(idle(1, -20, 30)).path)), Settings(dtype=dtype))
    on = bench(subject, game(unit=["start", "strength"]))
    for bound in ("> 0", "< 0"):
        assert verdict(claim(check, **fields, expect={statistic: bound}), on) != Verdict.HOLDS
    nothing = claim(check, **fields, expect={statistic: "0 ± 0.01"})
    assert verdict(nothing, on) == Verdict.HOLDS


@pytest.mark.trust
@pytest.mark.parametrize(
    ("head", "low", "high", "dtype", "mode"),
    [
        (0, 100, 101, "float32", "denoise"),
        (0, 300, -50, "float64", "denoise"),
        (1, -20, 30, "float64", "noise"),
    ],
)
def test_a_rounding_error_that_always_goes_the_same_way_is_not_an_effect(
    head: int, low: float, high: float, dtype: str, mode: str, planted: Callable[[Plant], Model]
) -> None:
    subject = load(resolve(str(planted(idle(head, low, high)).path)), Settings(dtype=dtype))
    on = bench(subject, game(unit=["start", "strength"]))
    share = "recovery" if mode == "denoise" else "damage"
    for bound in ("> 0", "< 0"):
        fields = {"site": f"L1H{head}", "mode": mode, "metric": DIFFERENCE}
        assert verdict(claim("patch", **fields, expect={share: bound}), on) != Verdict.HOLDS


@pytest.mark.trust
def test_a_change_that_only_rounding_makes_is_not_a_direction(
    planted: Callable[[Plant], Model],
) -> None:
    """The feeling reaches the final token by attention alone, of which nothing is left."""
    on = bench(planted(blind))
    wanted = claim("contrast", metric=DIFFERENCE, expect={"positive": "<= 0.5"})
    assert verdict(wanted, on) == Verdict.HOLDS
    for bound in ("> 0", "< 0"):
        difference = claim("contrast", metric=DIFFERENCE, expect={"difference": bound})
        assert verdict(difference, on) != Verdict.HOLDS


@pytest.mark.trust
def test_a_condition_is_met_by_more_than_rounding(planted: Callable[[Plant], Model]) -> None:
    def tied(model: Any) -> None:
        model.lm_head.weight[token("B")] = model.lm_head.weight[token("A")] * (1 + 1e-7)

    on = bench(planted(tied))
    for condition in (f"{DIFFERENCE} > 0", f"{DIFFERENCE} < 0"):
        wanted = claim(
            "property",
            forall={"start": {"sampled": ["on", "go"]}},
            always=condition,
            expect={"counterexamples": "<= 0"},
        )
        assert verdict(wanted, on) == Verdict.FAILS


@pytest.mark.trust
def test_uniform_attention_is_said_and_plays_no_role(tiny: Model) -> None:
    """Six tokens are seen from the last one: each would get a sixth."""
    wanted = claim("attention", site="L0H0", to="feeling", expect={"attention": ">= 0.1"})
    on = bench(tiny)
    found = wanted.measure(on)
    assert found.facts.uniform == pytest.approx(1 / 6)
    (doubt,) = wanted.doubts_of_bounds(found)
    assert "less than uniform attention pays to feeling, 0.167" in doubt
    role = claim("role", attends={"to": "feeling", "at_least": 0.16})
    with pytest.raises(MeasurementError, match="no more than uniform attention pays"):
        role.measure(bench(tiny))


@pytest.mark.trust
def test_attention_to_all_that_can_be_seen_is_not_measured(tiny: Model) -> None:
    with pytest.raises(MeasurementError, match="attention to it is 1 by definition"):
        claim("attention", site="L0H0", to="start", **{"from": "start"}).measure(bench(tiny))


SWAPPED = {"mode": "denoise", "metric": "logit_diff(with, without)"}


def judgement(check: Check, on: Bench) -> Judgement:
    statistics = [one.statistic for one in check.measure(on).statistics]
    return judge(statistics, check.expect, seed=0)


def neutral(*pair: str) -> dict[str, Any]:
    """Prompts of the demo's game whose pairs swap two words that mean nothing to it."""
    feeling = {"one": [pair[0]], "other": [pair[1]]}
    vary = {**DEMO["vary"], "feeling": feeling}
    return {**DEMO, "vary": vary, "pairs": {"feeling": ["one", "other"]}}


SHARES: dict[str, dict[str, Any]] = {
    "recovery": {"check": "patch", "site": "resid_post.L0", "position": "feeling", **SWAPPED},
    "strength": {
        "check": "role",
        "site": "L1H*",
        "effect": {**SWAPPED, "at_least": 0.3},
    },
    "arrives": {"check": "flow", "metric": SWAPPED["metric"]},
}


@pytest.mark.trust
@pytest.mark.parametrize(
    ("statistic", "bound"),
    [("recovery", ">= 0.9"), ("strength", ">= 1"), ("arrives", "<= 2")],
)
def test_a_share_of_next_to_no_gap_holds_nothing(statistic: str, bound: str, demo: Subject) -> None:
    fields = {**SHARES[statistic], "expect": {statistic: bound}}
    found = judgement(claim(**fields), bench(demo, neutral("echo", "light")))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert any(finding.estimate.method == "no gap" for finding in found.findings)
    felt = {**DEMO, "pairs": {"feeling": ["pain", "neutral"]}}
    assert judgement(claim(**fields), bench(demo, felt)).verdict is not Verdict.INCONCLUSIVE
