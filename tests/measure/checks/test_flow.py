from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.errors import MeasurementError, ModelError
from ppcheck.judge.verdict import Verdict
from ppcheck.subject.subject import Subject
from tests.measure.lab import (
    DEMO,
    GAME,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    curve_of,
    estimates,
    game,
    ids,
    last,
    problems,
    read_back,
    texts_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
SWAP = {"pain": "light", "agony": "hum"}
AT = {"start": 0, "strength": 3, "feeling": 4, "final": 5}


def relay(block: int) -> Plant:
    """Block number `block` takes the feeling's value from its token to the final one."""

    def plant(model: Any) -> None:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
            body = model.transformer
            for norm in (*(n for b in body.h for n in (b.ln_1, b.ln_2)), body.ln_f):
                norm.weight.fill_(1)
            body.wte.weight[:, 0], body.wte.weight[:, 1] = 5, -5
            for word, value in {"pain": 2, "agony": 1, "light": -1, "hum": -2}.items():
                body.wte.weight[token(word), 2], body.wte.weight[token(word), 3] = value, -value
            body.wpe.weight[4, 4], body.wpe.weight[4, 5] = 1, -1
            attention = body.h[block].attn
            attention.c_attn.bias[0] = 30
            attention.c_attn.weight[4, 16] = 30
            attention.c_attn.weight[2, 32] = 1
            attention.c_proj.weight[0, 6], attention.c_proj.weight[0, 7] = 2, -2
            model.lm_head.weight[token("A"), 6], model.lm_head.weight[token("B"), 6] = 3, -3

    return plant


def swapped(text: str) -> str:
    return " ".join(SWAP.get(word, word) for word in text.split())


def patched(model: Model, into: str, since: str, layer: int, at: int) -> float:
    """A minus B when the stream after a block takes, at one token, what another prompt has."""
    block, kept = model.plain.transformer.h[layer], list[Tensor]()

    def hidden(output: Any) -> Tensor:
        found: Tensor = output[0] if isinstance(output, tuple) else output
        return found

    def put(_: Any, __: Any, output: Any) -> Any:
        changed = hidden(output).clone()
        changed[0, at] = kept[0][0, at]
        return (changed, *output[1:]) if isinstance(output, tuple) else changed

    with torch.inference_mode():
        keeper = block.register_forward_hook(lambda _, __, output: kept.append(hidden(output)))
        model.plain(ids(since))
        keeper.remove()
        putter = block.register_forward_hook(put)
        logits = model.plain(ids(into)).logits[0, -1].numpy()
        putter.remove()
    return float(logits[token("A")] - logits[token("B")])


def test_the_map_is_as_by_hooks_on_the_plain_model(tiny: Model) -> None:
    vary = {**GAME["vary"], "start": ["here", "there"]}
    on = bench(tiny, game(vary=vary))
    found = claim("flow", metric=METRIC).measure(on)
    clean = [text for text in texts_of(on) if SWAP.keys() & set(text.split())]
    last_words = (last(tiny, side) for side in (clean, list(map(swapped, clean))))
    sides = [logits[:, token("A")] - logits[:, token("B")] for logits in last_words]
    drawn = found.facts.maps["recovery of logit_diff(a, b) in resid_post"]
    assert (drawn.rows, drawn.columns) == (("L0", "L1"), tuple(AT))
    for layer in (0, 1):
        for column, at in enumerate(AT.values()):
            runs = [patched(tiny, swapped(text), text, layer, at) for text in clean]
            expected = (np.array(runs) - sides[1]).sum() / (sides[0] - sides[1]).sum()
            assert drawn.values[layer][column] == pytest.approx(expected, abs=1e-4)
    values = estimates(found)
    assert values["recovery_from L0"] == pytest.approx(drawn.values[0][2])
    assert values["recovery_to L1"] == pytest.approx(1, abs=1e-5)
    curve = curve_of(found, "recovery of logit_diff(a, b) at final")
    assert list(curve.y) == [row[3] for row in drawn.values]


def test_attention_and_mlp_have_maps_of_their_own(tiny: Model) -> None:
    maps = claim("flow", metric=[METRIC, "p(a)"]).measure(bench(tiny)).facts.maps
    assert maps.keys() == {
        f"recovery of {metric} in {stream}"
        for metric in (METRIC, "p(a)")
        for stream in ("resid_post", "attn_out", "mlp_out")
    }
    for stream in ("attn_out", "mlp_out"):
        site, position = f"{stream}.L1", "final"
        alone = claim("patch", site=site, position=position, mode="denoise", metric=METRIC)
        expected = estimates(alone.measure(bench(tiny)))["recovery"]
        assert maps[f"recovery of {METRIC} in {stream}"].values[1][3] == pytest.approx(expected)


@pytest.mark.parametrize("block", [0, 1])
def test_the_layer_is_that_of_the_block_that_was_planted(
    planted: Callable[[Plant], Model], block: int
) -> None:
    on = bench(planted(relay(block)))
    for expected in (0, 1):
        wanted = claim(
            "flow",
            metric=METRIC,
            expect={
                **dict.fromkeys(("handover", "leaves", "arrives"), f"{expected}..{expected}"),
                "gap": "> 1",
            },
        )
        assert verdict(wanted, on) == (Verdict.HOLDS if expected == block else Verdict.FAILS)


def test_by_a_layer_means_there_and_ever_after(planted: Callable[[Plant], Model]) -> None:
    """The last layer meets these bounds by definition, whatever the model."""
    moved = {"recovery_from": "-0.05..0.05", "recovery_to": ">= 0.95"}
    wanted = claim("flow", metric=METRIC, by_layer=0, expect=moved)
    assert verdict(wanted, bench(planted(relay(0)))) == Verdict.HOLDS
    assert verdict(wanted, bench(planted(relay(1)))) == Verdict.FAILS


@pytest.mark.trust
@pytest.mark.parametrize(
    ("expect", "to", "message"),
    [
        ({"recovery_to": ">= 0.5"}, "final", "recovery_to is known by definition in L1, the last"),
        ({"recovery_to": ">= 0.5"}, ["start", -1], "recovery_to is known by definition in L1"),
        ({"recovery_from": "-0.1..0.1"}, "final", "recovery_from is known by definition in L1"),
    ],
)
def test_what_the_last_layer_meets_by_definition_is_not_judged(
    tiny: Model, expect: dict[str, str], to: Any, message: str
) -> None:
    with pytest.raises(MeasurementError, match=message):
        claim("flow", metric=METRIC, to=to, by_layer=1, expect=expect).measure(bench(tiny))


@pytest.mark.trust
@pytest.mark.parametrize("layer", ["handover", "leaves", "arrives"])
def test_a_bound_that_every_layer_of_the_model_meets_is_an_error(tiny: Model, layer: str) -> None:
    wanted = claim("flow", metric=METRIC, expect={layer: "<= 1"})
    with pytest.raises(MeasurementError, match=r"lies in 0\.\.1 on this model whatever it does"):
        verdict(wanted, bench(tiny))


def test_what_never_arrives_counts_as_one_layer_too_many(
    planted: Callable[[Plant], Model],
) -> None:
    """Nothing goes by way of the first word."""
    found = claim("flow", metric=METRIC, to="start").measure(bench(planted(relay(1))))
    assert estimates(found)["arrives"] == 2
    assert estimates(found)["handover"] == 2
    assert estimates(found)["leaves"] == 1


def test_the_effect_may_come_from_any_position(tiny: Model) -> None:
    found = claim("flow", metric=METRIC, **{"from": 4, "to": -1}).measure(bench(tiny))
    plain = estimates(claim("flow", metric=METRIC).measure(bench(tiny)))
    assert (found.facts.from_, found.facts.to) == ("4", "-1")
    assert {name: pytest.approx(value) for name, value in plain.items()} == estimates(found)
    maps = found.facts.maps["recovery of logit_diff(a, b) in resid_post"]
    assert maps.columns == (*list(AT)[:3], "4", "-1", "final")


def test_variables_that_only_some_templates_show_are_left_out_of_the_map(tiny: Model) -> None:
    both = game(template=[GAME["template"], "we feel {strength} {feeling} now and {start}"])
    columns = claim("flow", metric=METRIC).measure(bench(tiny, both)).facts.maps
    assert all(each.columns == tuple(AT) for each in columns.values())
    some = game(template=[GAME["template"], "now we feel {strength} {feeling} so"])
    columns = claim("flow", metric=METRIC).measure(bench(tiny, some)).facts.maps
    assert all(each.columns == ("strength", "feeling", "final") for each in columns.values())


def test_random_weights_hold_no_such_claim(tiny: Model) -> None:
    wanted = claim(
        "flow",
        metric=METRIC,
        by_layer=0,
        expect={"handover": "0..0", "recovery_to": ">= 0.5", "gap": "> 1"},
    )
    assert verdict(wanted, bench(tiny)) != Verdict.HOLDS


def test_a_model_that_cannot_tell_clean_from_corrupted_is_an_error(
    planted: Callable[[Plant], Model],
) -> None:
    with pytest.raises(MeasurementError, match="no gap"):
        claim("flow", metric=METRIC).measure(bench(planted(blind)))


def test_a_layer_outside_the_model_is_an_error(tiny: Model) -> None:
    with pytest.raises(ModelError, match=r"layer 2 is outside .*: it has 2 \(0-1\)"):
        claim("flow", metric=METRIC, by_layer=2).measure(bench(tiny))


def test_facts_are_plain_json_and_pairs_show_their_own_layer(tiny: Model) -> None:
    found = claim("flow", metric=METRIC).measure(bench(tiny))
    assert read_back(found.facts) == found.facts
    assert set(by_name(found)["handover"].contributions) <= {0, 1, 2}


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"from": "felling"}, "from", "did you mean 'feeling'?"),
        ({"from": "previous"}, "from", "attention only"),
        ({"to": "feeling=pain"}, "to", "attention only"),
        ({"to": "feeling"}, "to", "at feeling from the start"),
        ({"from": "final"}, "to", "at final from the start"),
        ({"to": ["feeling", "final"]}, "to", "at [feeling, final] from the start"),
        ({"to": "all but strength"}, "to", "at all but strength from the start"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("flow", metric=METRIC, **fields))[key]


def test_a_flow_needs_pairs() -> None:
    found = problems(claim("flow", metric=METRIC), game(pairs={}))
    assert "needs `pairs`" in found["check"]


def test_pain_reaches_the_demo_models_final_token_in_block_1(demo: Subject) -> None:
    wanted = claim(
        "flow", metric="logit_diff(with, without)", expect={"handover": "1..1", "gap": "< -0.5"}
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
