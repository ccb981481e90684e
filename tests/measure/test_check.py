from __future__ import annotations

from typing import Any

import pytest

from ppcheck.measure.check import Check
from tests.measure.lab import Model, bench, claim, estimate, problems
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
    found = wanted.measure(bench(tiny)).measured
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
        {"site": "resid_pre.L0", "position": "feeling[0]"},
        {"site": "resid_pre.L*", "position": "feeling"},
        {"site": "attn_out.L0", "position": "all"},
        {"site": "L0H0", "position": "all"},
    ],
)
def test_patching_some_of_what_differs_is_a_claim(fields: dict[str, Any]) -> None:
    assert "site" not in problems(claim("patch", **fields, **PATCH))
