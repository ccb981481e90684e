from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import ANY

import numpy as np
import pytest

from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.subject.memo import Memo
from ppcheck.subject.store import Memory
from tests.measure.checks.test_patch import difference, patched, sides
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    estimates,
    game,
    last,
    problems,
    read_back,
    verdict,
)

METRIC = "logit_diff(a, b)"
HEADS: dict[str, Any] = {"site": "L*H*", "mode": "denoise", "metric": METRIC}


def mute(*but: tuple[int, int]) -> Plant:
    """No head and no MLP tells anything of other tokens, but for these heads."""

    def plant(model: Any) -> None:
        for layer, block in enumerate(model.transformer.h):
            for head in (0, 1):
                if (layer, head) not in but:
                    block.attn.c_proj.weight[8 * head : 8 * head + 8] = 0

    return plant


def few() -> dict[str, Any]:
    """One pair of words in ten units."""
    words = {"pain": ["pain"], "neutral": ["light"]}
    starts = ["here", "there", "now", "then", "they", "on", "we", "so", "go", "and"]
    return game(vary={**GAME["vary"], "feeling": words, "start": starts})


def test_effects_and_shares_are_those_of_plain_hooks(tiny: Model) -> None:
    on = bench(tiny, game(vary={**GAME["vary"], "start": ["here", "there"]}))
    found = claim("localisation", **HEADS, set="L1H0", within=2).measure(on)
    clean, corrupted = sides(on)
    c, d = difference(last(tiny, clean)), difference(last(tiny, corrupted))
    effects = {}
    for layer, head in ((0, 0), (0, 1), (1, 0), (1, 1)):
        pairs = zip(corrupted, clean, strict=True)
        runs = [difference(patched(tiny, a, b, head, layer, [5])) for a, b in pairs]
        effects[f"L{layer}H{head}"] = (np.array(runs) - d).sum() / (c - d).sum()
    assert found.facts.effects == pytest.approx(effects, abs=1e-4)
    values = np.array(list(effects.values()))
    assert estimates(found) == pytest.approx(
        {
            **dict.fromkeys(("largest_share", "participation", "contains"), ANY),
            "margin": effects["L1H0"] - np.sort(np.delete(values, 2))[-2],
            "gap": (c - d).mean(),
        },
        abs=1e-3,
    )
    statistics = by_name(found)
    assert statistics["participation"].statistic.n_units == 2
    assert list(found.facts.ranking) == sorted(effects, key=lambda head: -effects[head])


def test_patch_claims_over_the_same_sites_are_not_measured_twice(tiny: Model) -> None:
    on = bench(tiny)
    memo = Memo(on.subject, Memory())
    shared = replace(on, subject=memo)
    claim("patch", **HEADS).measure(shared)
    known, asked = memo.known, memo.asked
    claim("localisation", **HEADS).measure(shared)
    assert memo.known - known == memo.asked - asked


@pytest.mark.parametrize("mode", ["denoise", "noise"])
def test_where_one_head_alone_acts_it_carries_all(
    planted: Callable[[Plant], Model], mode: str
) -> None:
    on = bench(planted(mute((1, 1))), few())
    expect = {
        "largest_share": ">= 0.99",
        "participation": "0.99..1.01",
        "contains": ">= 0.9",
        "margin": ">= 0.5",
    }
    fields = HEADS | {"mode": mode}
    assert verdict(claim("localisation", **fields, set="L1H1", expect=expect), on) == Verdict.HOLDS
    for wrong in ({"largest_share": "<= 0.5"}, {"participation": ">= 2"}):
        assert verdict(claim("localisation", **fields, expect=wrong), on) == Verdict.FAILS
    other = claim("localisation", **fields, set="L0H0", expect={"contains": ">= 0.5"})
    assert verdict(other, on) == Verdict.FAILS


def test_random_weights_have_no_one_head_that_carries_all(tiny: Model) -> None:
    for head in ("L0H0", "L0H1", "L1H0", "L1H1"):
        expect = {"contains": ">= 0.5", "largest_share": ">= 0.9"}
        wanted = claim("localisation", **HEADS, set=head, expect=expect)
        assert verdict(wanted, bench(tiny, few())) != Verdict.HOLDS


def test_without_a_set_the_first_of_one_half_are_judged_on_the_other(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(mute((1, 1))), few())
    found = claim("localisation", **HEADS, within=1).measure(on)
    assert found.facts.set_ == ("L1H1",)
    statistics = by_name(found)
    assert statistics["contains"].statistic.n_units == 5
    assert statistics["largest_share"].statistic.n_units == 10
    assert estimates(found)["contains"] == 1
    assert found.notes[0] == "1 of 4 sites chosen on one half of the units, judged on the other"


def test_no_statistic_of_a_set_without_a_set(tiny: Model) -> None:
    wanted = claim("localisation", **HEADS)
    assert tuple(wanted.statistics()) == ("largest_share", "participation", "gap")
    assert set(estimates(wanted.measure(bench(tiny)))) == set(wanted.statistics())


def test_each_metric_has_its_own_statistics(tiny: Model) -> None:
    fields = HEADS | {"metric": [METRIC, "p(a)"]}
    wanted = claim("localisation", **fields, set="L1H0")
    assert set(estimates(wanted.measure(bench(tiny)))) == set(wanted.statistics())
    assert "contains@p(a)" in wanted.statistics()


def test_a_model_that_cannot_tell_clean_from_corrupted_never_holds(
    planted: Callable[[Plant], Model],
) -> None:
    wanted = claim("localisation", **HEADS, expect={"largest_share": "<= 1"})
    with pytest.raises(MeasurementError, match="no gap"):
        verdict(wanted, bench(planted(blind)))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"site": "L0H0"}, "L0H0 is one site"),
        ({"set": "mlp_out.L0"}, "mlp_out.L0 of the set is not among"),
        ({"set": "L*H*"}, "4 of 4 sites cannot be or not be"),
        ({"set": "L0H*", "within": 4}, "2 of 4 sites cannot be or not be among the first 4"),
    ],
)
def test_a_set_that_says_nothing_is_refused(
    tiny: Model, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(MeasurementError, match=message.replace("*", r"\*")):
        claim("localisation", **HEADS | fields).measure(bench(tiny))


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        (
            {"set": ["L0H0", "L1H1"], "within": 1},
            "within",
            "a set of 2 cannot be among the first 1",
        ),
        ({"position": "previous"}, "position", "attention only"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("localisation", **HEADS | fields))[key]


def test_localisation_needs_pairs() -> None:
    wanted = claim("localisation", **HEADS)
    assert "needs `pairs`" in problems(wanted, game(pairs={}))["check"]


def test_facts_are_plain_json_with_a_map_of_the_heads(tiny: Model) -> None:
    fields = HEADS | {"site": ["L*H*", "mlp_out.L*"]}
    facts = claim("localisation", **fields, within=2).measure(bench(tiny)).facts
    assert read_back(facts) == facts
    assert facts.maps["heads"].rows == ("L0", "L1")
    assert facts.maps["mlp_out"].values[1] == (facts.effects["mlp_out.L1"],)
