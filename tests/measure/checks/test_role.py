from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ppcheck.errors import MeasurementError, ModelError
from ppcheck.judge.verdict import Judgement, Verdict, judge
from ppcheck.measure.core.check import Bench, Check
from ppcheck.subject.subject import Subject
from tests.measure.checks.test_attention import uniform
from tests.measure.checks.test_patch import SWAP, difference, patched
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    bench,
    by_name,
    claim,
    estimates,
    game,
    last,
    problems,
    read_back,
    texts_of,
)

METRIC = "logit_diff(a, b)"
LOOKS = {"to": "feeling=pain", "at_least": 0.2}
ACTS = {"metric": METRIC, "mode": "denoise", "at_least": 0.01}
SURE = game(
    vary={**GAME["vary"], "feeling": {"pain": ["pain"], "neutral": ["light"]}},
    unit=["start", "strength"],
)
"""Two words between which the tiny model always tells in the same direction."""
PLAYER: dict[str, Any] = {
    "site": "L1H*",
    "attends": {"to": "feeling=pain", "at_least": 0.2},
    "effect": {**ACTS, "at_least": 0.05},
    "played_by": "L1H1",
    "expect": {"strength": ">= 1"},
}
HEADS = [f"L{layer}H{head}" for layer in (0, 1) for head in (0, 1)]


def judged(check: Check, on: Bench) -> Judgement:
    found = check.measure(on)
    statistics = [one.statistic for one in found.statistics]
    return judge(statistics, check.expect, seed=0, identity=found.identity)


def swapped(layer: int) -> Plant:
    """The two heads of a layer change places, which no logit can tell."""

    def plant(model: Any) -> None:
        attention = model.transformer.h[layer].attn
        order = [*range(8, 16), *range(8)]
        columns = [16 * part + column for part in range(3) for column in order]
        attention.c_attn.weight.copy_(attention.c_attn.weight[:, columns])
        attention.c_attn.bias.copy_(attention.c_attn.bias[columns])
        attention.c_proj.weight.copy_(attention.c_proj.weight[order])

    return plant


def by_hand(model: Model, texts: list[str], head: str) -> tuple[float, float]:
    """Attention from the last word to pain, and recovery, over clean texts, by plain hooks."""
    layer, index = int(head[1]), int(head[3])
    twins = [" ".join(SWAP.get(word, word) for word in text.split()) for text in texts]
    attention = np.mean([model.attention(text)[layer, index, -1, 4] for text in texts])
    runs = [
        difference(patched(model, twin, text, index, layer, at=[5]))
        for text, twin in zip(texts, twins, strict=True)
    ]
    clean, corrupted = (difference(last(model, some)) for some in (texts, twins))
    recovery = (np.array(runs) - corrupted).sum() / (clean - corrupted).sum()
    return float(attention), float(recovery)


def test_the_best_is_chosen_on_one_half_and_its_strength_is_that_of_plain_hooks(
    tiny: Model,
) -> None:
    on = bench(tiny)
    role = claim("role", attends=LOOKS, effect=ACTS, played_by="L*H*")
    found = role.measure(on)
    strength = by_name(found)[next(n for n in by_name(found) if n.startswith("strength"))]
    starts = {unit.split("=")[1] for unit in strength.examples}
    assert len(starts) == 3
    clean = [text for text in texts_of(on) if SWAP.keys() & set(text.split())]
    looked = [text for text in clean if text.split()[0] not in starts]
    rest = [text for text in clean if text.split()[0] in starts]

    def of(texts: list[str]) -> dict[str, float]:
        figures = {head: by_hand(tiny, texts, head) for head in HEADS}
        return {head: min(a / 0.2, r / 0.01) for head, (a, r) in figures.items()}

    chosen, expected = of(looked), of(rest)
    best = max(chosen, key=lambda head: chosen[head])
    figures = estimates(found)
    assert strength.statistic.member == best
    assert figures[f"strength {best}"] == pytest.approx(expected[best], abs=1e-3)
    for head in HEADS:
        assert figures[f"played_by {head}"] == pytest.approx(expected[head], abs=1e-3)
    attention, recovery = by_hand(tiny, rest, best)
    assert figures[f"attention {best}"] == pytest.approx(attention, abs=1e-5)
    assert figures[f"recovery {best}"] == pytest.approx(recovery, abs=1e-4)
    kept = {head for head, value in chosen.items() if value >= 1} or {best}
    assert set(found.facts.kept) == kept
    assert figures["players"] == sum(expected[head] >= 1 for head in kept)


def test_contributions_of_units_average_to_the_strength(tiny: Model) -> None:
    found = by_name(claim("role", attends=LOOKS, effect=ACTS).measure(bench(tiny)))
    for name, one in found.items():
        if name.startswith("strength"):
            estimate = one.statistic.estimate(np.ones((1, one.statistic.n_units)))[0]
            assert one.contributions.mean() == pytest.approx(estimate)


def test_a_role_is_found_whatever_the_heads_number_and_its_move_is_said(
    tiny: Model, planted: Callable[[Plant], Model]
) -> None:
    role = claim("role", **PLAYER)
    assert judged(role, bench(tiny, SURE)).verdict is Verdict.HOLDS
    moved = judged(role, bench(planted(swapped(1)), SURE))
    assert moved.verdict is Verdict.MOVED
    assert moved.moved == "it moved from L1H1 to L1H0"


def test_a_role_that_nobody_plays_any_more_fails(
    planted: Callable[[Plant], Model],
) -> None:
    role = claim("role", **PLAYER)

    def blind_layer(model: Any) -> None:
        model.transformer.h[1].attn.c_proj.weight.zero_()

    assert judged(role, bench(planted(blind_layer), SURE)).verdict is Verdict.FAILS


def test_where_every_head_looks_everywhere_alike_none_plays(
    planted: Callable[[Plant], Model],
) -> None:
    role = claim(
        "role",
        attends={"to": "feeling", "at_least": 0.4},
        expect={"strength": ">= 1", "players": ">= 1"},
    )
    result = judged(role, bench(planted(uniform), game(unit=["start", "strength"])))
    assert result.verdict is Verdict.FAILS
    assert {finding.verdict for finding in result.findings if finding.bound} == {Verdict.FAILS}


def test_an_effect_alone_may_be_that_of_any_site(tiny: Model) -> None:
    role = claim("role", site="mlp_out.L*", effect={**ACTS, "mode": "noise"})
    figures = estimates(role.measure(bench(tiny)))
    assert {name.split()[0] for name in figures} == {"players", "strength", "damage", "gap"}


def test_who_is_expected_is_measured_even_where_no_player_is_sought(tiny: Model) -> None:
    role = claim("role", site="L1H*", attends=LOOKS, played_by=["L0H0", "L1H1"])
    found = role.measure(bench(tiny))
    assert found.facts.searched == 2
    assert {"played_by L0H0", "played_by L1H1"} < estimates(found).keys()
    elsewhere = claim("role", attends=LOOKS, played_by="L7H0")
    with pytest.raises(ModelError, match="L7H0 is outside"):
        elsewhere.measure(bench(tiny))


def test_attention_is_of_the_prompts_that_have_what_is_attended_to(tiny: Model) -> None:
    role = claim("role", attends={"to": "feeling=agony", "at_least": 0.2})
    found = role.measure(bench(tiny))
    attention = next(one for name, one in by_name(found).items() if name.startswith("attention"))
    assert all("agony" in text for text in attention.examples)
    nobody = claim("role", attends={"from": "start", "to": "feeling", "at_least": 0.2})
    with pytest.raises(MeasurementError, match="none of 96 prompts has tokens at feeling"):
        nobody.measure(bench(tiny))


def test_further_metrics_are_reported_beside_the_one_that_is_judged(tiny: Model) -> None:
    one = claim("role", effect=ACTS)
    two = claim("role", effect={**ACTS, "metric": [METRIC, "p(a)"]})
    alone, both = (estimates(each.measure(bench(tiny))) for each in (one, two))
    assert both.keys() - alone.keys() == {
        "gap@p(a)",
        *(n.replace("recovery", "recovery@p(a)") for n in alone if n.startswith("recovery")),
    }
    assert {name: both[name] for name in alone} == pytest.approx(alone)
    curved = claim("role", effect={**ACTS, "metric": "p(a)"}).measure(bench(tiny))
    assert any("p(a) is not linear" in note for note in curved.notes)


def test_facts_are_plain_json_with_a_map_of_each_criterion(tiny: Model) -> None:
    role = claim("role", attends=LOOKS, effect=ACTS, played_by="L1H0", identity="strict")
    facts = role.measure(bench(tiny)).facts
    assert read_back(facts) == facts
    assert facts.maps.keys() == {"attention", "recovery"}
    for figure in facts.maps.values():
        assert (figure.rows, figure.columns) == (("L0", "L1"), ("H0", "H1"))
    assert (facts.played_by, facts.identity) == ("L1H0", "strict")


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({}, "check", "it needs `attends`, `effect` or both"),
        ({"site": "mlp_out.L0", "attends": LOOKS}, "site", "only heads attend"),
        ({"played_by": "L0N1", "attends": LOOKS}, "played_by", "only heads attend"),
        ({"attends": {"to": "all", "at_least": 0.1}}, "attends.to", "1 by definition"),
        (
            {"attends": {"from": "previous", "to": "start", "at_least": 0.1}},
            "attends.from",
            "not what attends",
        ),
        ({"attends": {"to": "feling", "at_least": 0.1}}, "attends.to", "did you mean 'feeling'"),
        ({"effect": {**ACTS, "metric": "p(x)"}}, "effect.metric", "'x' is not a choice"),
        ({"effect": {**ACTS, "position": "previous"}}, "effect.position", "attention only"),
        ({"attends": LOOKS, "pairs": {"feeling": ["pain", "neutral"]}}, "pairs", "`effect`"),
        ({"attends": LOOKS, "identity": "strict"}, "identity", "strict about whom"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("role", **fields))[key]


def test_an_effect_needs_pairs() -> None:
    assert "needs `pairs`" in problems(claim("role", effect=ACTS), game(pairs={}))["check"]


@pytest.mark.parametrize("at_least", [0, -1, 1.5])
def test_what_a_role_takes_can_be_reached_and_is_not_nothing(at_least: float) -> None:
    with pytest.raises(ValueError, match="at_least"):
        claim("role", attends={"to": "feeling", "at_least": at_least})


def test_a_head_of_the_demo_model_moves_pain(demo: Subject) -> None:
    effect = {"metric": "logit_diff(with, without)", "mode": "denoise", "at_least": 0.2}
    role = claim(
        "role",
        attends={"to": "feeling=pain", "at_least": 0.2},
        effect=effect,
        played_by="L1H1",
        expect={"strength": ">= 1"},
    )
    assert judged(role, bench(demo, DEMO)).verdict is Verdict.HOLDS
