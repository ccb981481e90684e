from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.interventions.ablation import Ablation, sources
from ppcheck.spec.sites.position import Position
from ppcheck.subject.subject import Subject
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
    ids,
    last,
    problems,
    read_back,
    texts_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
FEW = game(vary={**GAME["vary"], "start": ["here", "there"]})


def columns(head: int) -> slice:
    return slice(8 * head, 8 * head + 8)


def outputs(model: Model, text: str, layer: int) -> np.ndarray:
    """What all heads of a layer put out before W_O, [token, head * width], by a plain hook."""
    kept: list[Tensor] = []
    projection = model.plain.transformer.h[layer].attn.c_proj
    handle = projection.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
    with torch.inference_mode():
        model.plain(ids(text))
    handle.remove()
    return np.asarray(kept[0][0].numpy())


def with_heads(model: Model, text: str, heads: dict[tuple[int, int], np.ndarray]) -> float:
    """A minus B at the last word while heads (layer, head) are set to [token, width], by hooks."""
    with torch.inference_mode(), ExitStack() as stack:
        for (layer, head), values in heads.items():

            def put(
                _: Any, args: tuple[Tensor], head: int = head, to: np.ndarray = values
            ) -> tuple[Tensor]:
                changed = args[0].clone()
                changed[0, :, columns(head)] = torch.from_numpy(to)
                return (changed,)

            projection = model.plain.transformer.h[layer].attn.c_proj
            stack.callback(projection.register_forward_pre_hook(put).remove)
        logits = model.plain(ids(text)).logits[0, -1].numpy()
    return float(logits[token("A")] - logits[token("B")])


def untouched(model: Model, texts: Sequence[str]) -> np.ndarray:
    logits = last(model, texts)
    return np.asarray(logits[:, token("A")] - logits[:, token("B")])


@pytest.mark.parametrize("site", ["L0H1", "L1H0"])
def test_zero_ablation_is_as_by_hooks_on_the_plain_model(tiny: Model, site: str) -> None:
    on = bench(tiny, FEW)
    found = estimates(claim("ablate", site=site, ablation="zero", metric=METRIC).measure(on))
    texts, where = texts_of(on), (int(site[1]), int(site[3]))
    before = untouched(tiny, texts)
    after = np.array([with_heads(tiny, text, {where: np.zeros((6, 8))}) for text in texts])
    assert found["value"] == pytest.approx(after.mean(), abs=1e-5)
    assert found["untouched"] == pytest.approx(before.mean(), abs=1e-5)
    assert found["drop"] == pytest.approx((before - after).mean(), abs=1e-5)
    share = (before - after).sum() / before.sum()
    assert found["drop_share"] == pytest.approx(share, abs=1e-4)


def test_a_head_after_its_projection_is_ablated_as_what_it_adds_to_the_stream(tiny: Model) -> None:
    """By hand: what attention outputs, less the head's part of it."""
    on = bench(tiny, FEW)
    site = "blocks.0.attn.hook_result[1]"
    found = estimates(claim("ablate", site=site, ablation="zero", metric=METRIC).measure(on))
    projection = tiny.plain.transformer.h[0].attn.c_proj

    def without(module: Any, args: tuple[Tensor], output: Tensor) -> Tensor:
        part: Tensor = args[0][:, :, columns(1)] @ module.weight[columns(1)]
        return output - part

    handle = projection.register_forward_hook(without)
    after = untouched(tiny, texts_of(on))
    handle.remove()
    assert found["value"] == pytest.approx(after.mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("position", "tokens"),
    [
        ("2..4", [2, 3, 4]),
        (["start", -1], [0, 5]),
        ("all but final", [0, 1, 2, 3, 4]),
        ("all but [strength, feeling]", [0, 1, 2, 5]),
    ],
)
def test_several_tokens_are_ablated_as_by_hooks_on_the_plain_model(
    tiny: Model, position: Any, tokens: list[int]
) -> None:
    on = bench(tiny, FEW)
    wanted = claim("ablate", site="L0H1", position=position, ablation="zero", metric=METRIC)
    after = []
    for text in texts_of(on):
        values = outputs(tiny, text, 0)[:, columns(1)].copy()
        values[tokens] = 0
        after.append(with_heads(tiny, text, {(0, 1): values}))
    assert estimates(wanted.measure(on))["value"] == pytest.approx(np.mean(after), abs=1e-5)


@pytest.mark.parametrize("by", ["position", "pooled"])
def test_mean_ablation_is_as_by_hooks_on_the_plain_model(tiny: Model, by: str) -> None:
    """The mean is over neutral prompts, the metric is read on those of pain."""
    on = bench(tiny, FEW)
    wanted = claim(
        "ablate",
        on="game[feeling=pain]",
        site="L0H0",
        ablation="mean",
        by=by,
        reference="game[feeling=neutral]",
        metric=METRIC,
    )
    found = wanted.measure(on)
    pain, neutral = (
        [text for text in texts_of(on) if words & set(text.split())]
        for words in ({"pain", "agony"}, {"light", "hum"})
    )
    mean = np.mean([outputs(tiny, text, 0)[:, columns(0)] for text in neutral], axis=0)
    if by == "pooled":
        mean = np.broadcast_to(mean.mean(axis=0), mean.shape).copy()
    after = np.array([with_heads(tiny, text, {(0, 0): mean}) for text in pain])
    assert estimates(found)["value"] == pytest.approx(after.mean(), abs=1e-5)
    drop = by_name(found)["drop"]
    np.testing.assert_allclose(drop.statistic.values(), untouched(tiny, pain) - after, atol=1e-5)
    assert (found.facts.extras["reference"], found.facts.extras["reference_prompts"]) == (
        "game[feeling=neutral]",
        len(neutral),
    )
    assert "the mean over the 16 prompts of `game[feeling=neutral]`" in found.notes[0]


def test_resampling_is_the_mean_over_draws_of_another_prompts_activations(tiny: Model) -> None:
    on = bench(tiny, FEW)
    wanted = claim("ablate", site="L0H0", ablation="resample", draws=3, metric=METRIC)
    found = estimates(wanted.measure(on))
    encoded = on.subject.encode(on.grid.prompts)
    drawn = sources(encoded, Ablation("resample", encoded, "position", 3), Position("all"), on.seed)
    after = [
        with_heads(tiny, prompt.text, {(0, 0): outputs(tiny, other.text, 0)[:, columns(0)]})
        for others in drawn
        for prompt, other in zip(on.grid.prompts, others, strict=True)
    ]
    assert found["value"] == pytest.approx(np.mean(after), abs=1e-5)


def test_together_is_one_run_without_all_of_them(tiny: Model) -> None:
    on = bench(tiny, FEW)
    wanted = claim(
        "ablate", site=["L0H0", "L1H1"], together=True, ablation="zero", metric=METRIC
    ).measure(on)
    both = {(0, 0): np.zeros((6, 8)), (1, 1): np.zeros((6, 8))}
    after = [with_heads(tiny, text, both) for text in texts_of(on)]
    assert estimates(wanted)["value"] == pytest.approx(np.mean(after), abs=1e-5)
    assert not wanted.facts.maps


@pytest.mark.parametrize("site", ["mlp_out.L0", "attn_out.L1", "resid_post.L1", "L0N3", "embed"])
def test_every_kind_of_site_can_be_ablated_at_one_position(tiny: Model, site: str) -> None:
    on = bench(tiny, FEW)
    wanted = claim("ablate", site=site, position="final", ablation="mean", metric=METRIC)
    found = estimates(wanted.measure(on))
    assert found["drop"] + found["value"] == pytest.approx(found["untouched"], abs=1e-5)
    if site == "resid_post.L1":  # nothing is left that prompts could differ in
        values = by_name(wanted.measure(on))["value"].statistic.values()
        assert np.ptp(values) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("ablation", ["zero", "mean", "resample"])
def test_heads_that_tell_nothing_are_not_needed(
    planted: Callable[[Plant], Model], ablation: str
) -> None:
    wanted = claim(
        "ablate", site="L*H*", ablation=ablation, metric=METRIC, expect={"drop": "> 0.001"}
    )
    on = bench(planted(blind))
    assert verdict(wanted, on) == Verdict.FAILS
    assert {v for k, v in estimates(wanted.measure(on)).items() if k.startswith("drop ")} == {0.0}


def test_the_divergence_is_its_own_value_and_its_share_is_not_given(tiny: Model) -> None:
    wanted = claim("ablate", site="L1H*", ablation="zero", metric="kl")
    found = estimates(wanted.measure(bench(tiny, FEW)))
    assert found.keys() == {
        *(f"{name} {site}" for name in ("drop", "value") for site in ("L1H0", "L1H1")),
        "untouched",
    }
    assert found["untouched"] == pytest.approx(0, abs=1e-6)
    assert found["value L1H0"] > 0.001
    assert found["drop L1H0"] == pytest.approx(-found["value L1H0"], abs=1e-6)


def test_several_metrics_are_read_in_one_sweep(tiny: Model) -> None:
    wanted = claim("ablate", site="L1H0", ablation="mean", metric=["p(a)", "log_prob(b)"])
    names = set(wanted.statistics())
    assert names == {
        *("drop", "drop_share", "value", "untouched"),
        *("drop@log_prob(b)", "value@log_prob(b)", "untouched@log_prob(b)"),
    }
    found = wanted.measure(bench(tiny, FEW))
    assert set(estimates(found)) == names
    assert any("not linear in the logits" in note for note in found.notes)


def test_what_is_chosen_on_one_half_is_judged_on_the_other(tiny: Model) -> None:
    wanted = claim("ablate", site="L*H*", top=1, ablation="zero", metric=METRIC)
    found = wanted.measure(bench(tiny))
    (kept,) = found.facts.kept
    assert by_name(found)[f"drop {kept}"].statistic.n_units == 3
    halves = found.facts.maps["drop in logit_diff(a, b)"]
    assert halves.rows == ("L0", "L1")
    assert halves.columns == ("H0", "H1")
    assert np.array(halves.values).ravel().tolist() == list(found.facts.effects.values())
    assert read_back(found.facts) == found.facts


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"position": "previous"}, "position", "attention only"),
        ({"position": ["feeling=pain", "final"]}, "position", "feeling=pain has a meaning for att"),
        ({"position": ["feeling", "strenght"]}, "position", "did you mean 'strength'?"),
        ({"position": "all but felling"}, "position", "did you mean 'feeling'?"),
        ({"together": True, "top": 1}, "top", "leave out `together`"),
        ({"site": "L0H0.pattern"}, "site", "not a vector at a token"),
        ({"ablation": "zero", "reference": "game"}, "reference", "mean or resample, not for zero"),
        ({"ablation": "resample", "by": "pooled"}, "by", "for ablation mean, not for resample"),
        ({"ablation": "mean", "draws": 2}, "draws", "for ablation resample, not for mean"),
        ({"weights": "folded"}, "weights", "for ablation zero, not for mean"),
        ({"reference": "other"}, "reference", "the claim is about 'game'"),
        ({"reference": "game[felling=pain]"}, "reference", "did you mean 'feeling'?"),
        ({"reference": "game[feeling=pian]"}, "reference", "did you mean 'pain'?"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    wanted = claim("ablate", **{"site": "L0H0", "ablation": "mean", "metric": METRIC, **fields})
    assert message in problems(wanted)[key]


def test_the_demo_model_needs_its_first_mlp(demo: Subject) -> None:
    from tests.measure.lab import DEMO

    wanted = claim(
        "ablate",
        on="game[feeling=pain]",
        site="mlp_out.L0",
        position="feeling",
        ablation="mean",
        reference="game",
        metric="logit_diff(without, with)",
        expect={"drop": "> 0.2"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
