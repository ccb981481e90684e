"""How evenly heads attend: entropy, and distance from uniform attention."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.plan import plan
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.checks.test_attention import FINAL, HEADS, uniform
from tests.measure.checks.test_flow import relay
from tests.measure.lab import (
    DEMO,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    estimates,
    game,
    problems,
    read_back,
    texts_of,
    verdict,
)


def test_a_head_that_looks_everywhere_has_the_entropy_of_the_tokens_that_it_sees(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(uniform))
    found = estimates(claim("attention", site="L0H1").measure(on))
    assert found == pytest.approx({"entropy": log(6), "from_uniform": 0}, abs=1e-6)
    every = estimates(claim("attention", site="L0H1", **{"from": "all"}).measure(on))
    expected = sum(log(seen) for seen in range(1, 7)) / 6
    assert every == pytest.approx({"entropy": expected, "from_uniform": 0}, abs=1e-6)


def test_a_head_that_looks_at_one_token_has_none_and_is_as_far_as_can_be(
    planted: Callable[[Plant], Model],
) -> None:
    """Head L1H0 takes the feeling, one of six tokens; the others look at all six."""
    found = estimates(claim("attention", site="L1H*").measure(bench(planted(relay(1)))))
    assert found["entropy L1H0"] == pytest.approx(0, abs=1e-6)
    assert found["from_uniform L1H0"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["entropy L1H1"] == pytest.approx(log(6), abs=1e-6)
    assert found["from_uniform L1H1"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("query", ["final", "all", "feeling"])
def test_both_are_those_of_transformers_patterns(tiny: Model, query: str) -> None:
    on = bench(tiny)
    found = by_name(claim("attention", site="L*H*", **{"from": query}).measure(on))
    queries = {"final": [FINAL], "all": range(6), "feeling": [4]}[query]
    patterns = [tiny.attention(text) for text in texts_of(on)]
    for layer, head in HEADS:
        rows = [[each[layer, head, q, : q + 1] for q in queries] for each in patterns]
        nats = [np.mean([entropy(row) for row in some]) for some in rows]
        far = [np.mean([np.abs(row - 1 / len(row)).sum() / 2 for row in some]) for some in rows]
        name = f"L{layer}H{head}"
        np.testing.assert_allclose(found[f"entropy {name}"].contributions, nats, atol=1e-5)
        np.testing.assert_allclose(found[f"from_uniform {name}"].contributions, far, atol=1e-6)


def test_a_claim_holds_of_the_head_that_looks_at_one_token_and_of_no_other(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(relay(1)), game(unit=["start", "strength"]))
    for site, verdict_of in (("L1H0", Verdict.HOLDS), ("L1H1", Verdict.FAILS)):
        expect = {"entropy": "<= 0.5", "from_uniform": ">= 0.6"}
        assert verdict(claim("attention", site=site, expect=expect), on) == verdict_of


def test_two_heads_are_compared(planted: Callable[[Plant], Model]) -> None:
    on = bench(planted(relay(1)))
    for expect, verdict_of in (("> 1", Verdict.HOLDS), ("> 1.8", Verdict.FAILS)):
        wanted = claim("attention", site="L1H*", expect={"entropy[L1H1] - entropy[L1H0]": expect})
        assert verdict(wanted, on) == verdict_of


def test_only_prompts_that_have_the_query_count(tiny: Model) -> None:
    wanted = claim("attention", site="L0H0", **{"from": "feeling=pain"})
    texts = by_name(wanted.measure(bench(tiny)))["entropy"].examples
    assert len(texts) == 48
    assert all({"pain", "agony"} & set(text.split()) for text in texts)


def test_the_first_token_sees_none_but_itself(tiny: Model) -> None:
    with pytest.raises(MeasurementError, match="0 can see no token but itself"):
        claim("attention", site="L0H0", **{"from": 0}).measure(bench(tiny))


def test_a_report_shows_the_pattern(tiny: Model) -> None:
    facts = claim("attention", site="L1H*").measure(bench(tiny)).facts
    assert [pattern.head for pattern in facts.patterns] == ["L1H0", "L1H1"]
    assert facts.to is None
    assert read_back(facts) == facts


@pytest.mark.parametrize(
    ("key", "value"), [("against", "feeling"), ("against_on", "game[feeling=pain]"), ("top", 1)]
)
def test_what_is_about_some_tokens_needs_their_name(key: str, value: Any) -> None:
    said = problems(claim("attention", site="L0H0", **{key: value}))[key]
    assert said == f"`{key}` is about attention to some tokens: name them, `to`"


def test_an_entropy_below_zero_is_no_bound() -> None:
    wanted = claim("attention", site="L0H0", expect={"entropy": ">= 0"})
    assert "whatever the model does" in problems(wanted)["expect.entropy"]


def test_a_plan_counts_the_heads(demo: Subject) -> None:
    grid = Grid(PromptSet.model_validate(DEMO), Path())
    found = plan(demo, {"it": (claim("attention", site="L0H*"), grid)}, Memory())
    assert found.refused == {}
    assert found.members("attention") > demo.shape.n_heads
