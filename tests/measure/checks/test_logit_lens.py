from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from ppcheck.arrays import Floats
from ppcheck.errors import MeasurementError
from ppcheck.judge.verdict import Verdict
from ppcheck.measure.plan import plan
from ppcheck.spec.prompts.grid import Grid
from ppcheck.spec.prompts.prompt_set import PromptSet
from ppcheck.subject.load import load, resolve
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.measure.checks.test_flow import relay
from tests.measure.lab import (
    DEMO,
    Model,
    Plant,
    bench,
    blind,
    by_name,
    claim,
    curve_of,
    estimates,
    last,
    problems,
    read_back,
    texts_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"


def through_the_end(model: Model, texts: list[str], layer: int) -> Floats:
    """Logits at the last word if the stream before a block went to the end, [text, vocabulary]."""
    body = model.plain.transformer
    with torch.inference_mode():
        streams = np.stack([model.hidden(text)[layer, -1] for text in texts])
        logits = model.plain.lm_head(body.ln_f(torch.tensor(streams)))
    return np.asarray(logits.numpy())


def differences(logits: Floats) -> Floats:
    return np.asarray(logits[:, token("A")] - logits[:, token("B")])


def test_it_is_the_final_norm_and_unembedding_of_the_hidden_states(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("logit_lens", metric=[METRIC, "prob(a)", "rank(b)"]).measure(on)
    values, texts = estimates(found), texts_of(on)
    final = differences(last(tiny, texts))
    for site, layer in (("resid_pre.L0", 0), ("resid_post.L0", 1)):
        logits = through_the_end(tiny, texts, layer)
        read = differences(logits)
        assert values[f"value {site}"] == pytest.approx(read.mean(), abs=1e-5)
        assert values[f"share {site}"] == pytest.approx(read.sum() / final.sum(), abs=1e-4)
        assert values[f"agreement {site}"] == pytest.approx((read * final > 0).mean())
        shares = np.exp(log_softmax(logits, axis=1))[:, token("A")]
        assert values[f"value@prob(a) {site}"] == pytest.approx(shares.mean(), abs=1e-5)
        ranks = (logits > logits[:, [token("B")]]).sum(axis=1)
        assert values[f"value@rank(b) {site}"] == pytest.approx(ranks.mean())
    assert values["final"] == pytest.approx(final.mean(), abs=1e-5)
    assert values["value resid_post.L1"] == pytest.approx(final.mean(), abs=1e-5)
    assert values["share resid_post.L1"] == pytest.approx(1, abs=1e-5)
    assert values["agreement resid_post.L1"] == 1
    assert "share@prob(a) resid_post.L1" not in values


def test_kl_is_the_divergence_from_what_the_model_puts_out(tiny: Model) -> None:
    on = bench(tiny)
    values = estimates(claim("logit_lens", metric="kl").measure(on))
    texts = texts_of(on)
    final = log_softmax(last(tiny, texts), axis=1)
    read = log_softmax(through_the_end(tiny, texts, 1), axis=1)
    expected = (np.exp(final) * (final - read)).sum(axis=1).mean()
    assert values["value resid_post.L0"] == pytest.approx(expected, rel=1e-4)
    assert values["value resid_post.L1"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("block", [0, 1])
def test_the_layer_is_that_of_the_block_that_was_planted(
    planted: Callable[[Plant], Model], block: int
) -> None:
    on = bench(planted(relay(block)))
    for expected in (0, 1):
        wanted = claim(
            "logit_lens",
            on="game[feeling=pain]",
            metric=METRIC,
            expect={"decided_at": f"{expected}..{expected}", "final": "> 1"},
        )
        assert verdict(wanted, on) == (Verdict.HOLDS if expected == block else Verdict.FAILS)


def test_before_the_planted_block_nothing_is_there(planted: Callable[[Plant], Model]) -> None:
    fields: dict[str, Any] = {"on": "game[feeling=pain]", "metric": METRIC}
    on = bench(planted(relay(1)))
    nothing = claim("logit_lens", **fields, site="resid_post.L0", expect={"share": "-0.01..0.01"})
    assert verdict(nothing, on) == Verdict.HOLDS
    everything = claim("logit_lens", **fields, expect={"share": ">= 0.9", "agreement": ">= 0.5"})
    assert verdict(everything, on) == Verdict.FAILS


def test_random_weights_hold_no_such_claim(tiny: Model) -> None:
    wanted = claim(
        "logit_lens",
        metric=METRIC,
        expect={"decided_at": "1..1", "share": ">= 0.9", "final": "> 1"},
    )
    assert verdict(wanted, bench(tiny)) != Verdict.HOLDS


def test_a_model_that_prefers_nothing_decides_nowhere(planted: Callable[[Plant], Model]) -> None:
    def even(model: Any) -> None:
        blind(model)
        for block in model.transformer.h:
            block.mlp.c_proj.weight.zero_()
            block.mlp.c_proj.bias.zero_()
        model.lm_head.weight[token("B")] = model.lm_head.weight[token("A")]

    wanted = claim("logit_lens", metric=METRIC, expect={"decided_at": "<= 0"})
    with pytest.raises(MeasurementError, match="decided_at is undefined"):
        verdict(wanted, bench(planted(even)))


def test_a_higher_level_is_reached_no_sooner(tiny: Model) -> None:
    on = bench(tiny)
    layers = [
        estimates(claim("logit_lens", metric=METRIC, level=level).measure(on))["decided_at"]
        for level in (0.0, 0.3, 0.6, 0.99)
    ]
    assert layers == sorted(layers)
    assert layers[-1] <= 1


def test_the_curve_has_the_means_of_the_family(tiny: Model) -> None:
    found = claim("logit_lens", metric=[METRIC, "p(a)"]).measure(bench(tiny))
    curve = curve_of(found, f"{METRIC} read from the stream")
    values = estimates(found)
    sites = ("resid_pre.L0", "resid_post.L0", "resid_post.L1")
    assert curve.x == (0, 1, 2)
    assert curve.y == pytest.approx([values[f"value {site}"] for site in sites])
    rises = np.diff([curve.low, curve.y, curve.high], axis=0)
    assert (rises[:, 0] == 0).all()  # all prompts end with one word
    assert (rises[:, 1:] > 0).all()
    assert read_back(found.facts) == found.facts
    assert by_name(found)["decided_at"].contributions.shape == (96,)


def test_the_lens_of_a_model_with_soft_capping_caps(tmp_path: Path) -> None:
    """Read from the last stream, a gemma2's metric is the model's own."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        final_logit_softcapping=0.5,
        initializer_range=0.4,
    )
    model: Any = Gemma2ForCausalLM(config)
    model.save_pretrained(tmp_path)
    prompts = {
        "ids": [3, "{word}", 9],
        "vary": {"word": [str(number) for number in range(10, 20)]},
        "choices": {"a": "7", "b": "11"},
    }
    on = bench(load(resolve(str(tmp_path))), prompts)
    values = estimates(claim("logit_lens", metric=METRIC).measure(on))
    assert values["value resid_post.L1"] == pytest.approx(values["final"], abs=1e-5)
    with torch.inference_mode():
        ids = torch.tensor([[3, number, 9] for number in range(10, 20)])
        hidden = model.eval()(ids, output_hidden_states=True).hidden_states[1][:, -1]
        logits = 0.5 * torch.tanh(model.lm_head(model.model.norm(hidden)) / 0.5)
    expected = float((logits[:, 7] - logits[:, 11]).mean())
    assert values["value resid_post.L0"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"site": "attn_out.L0"}, "site", "reads resid_pre, resid_mid and resid_post, not attn"),
        ({"site": ["resid_mid.L0", "L0H1"]}, "site", "not L0H1"),
        ({"metric": "p(a)", "level": 0.9}, "level", "name a logit_diff"),
        ({"metric": "p(c)"}, "metric", "not a choice"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    assert message in problems(claim("logit_lens", **{"metric": METRIC, **fields}))[key]


def test_statistics_of_shares_are_given_for_logit_differences_alone() -> None:
    names = tuple(claim("logit_lens", metric=["p(a)", METRIC]).statistics())
    assert names[:2] == ("value", "final")
    assert "decided_at@logit_diff(a, b)" in names
    assert "level" not in problems(claim("logit_lens", metric=["p(a)", METRIC], level=0.2))


def test_a_plan_counts_what_a_run_asks_for(demo: Subject) -> None:
    grid = Grid(PromptSet.model_validate(DEMO), Path())
    check = claim("logit_lens", metric="logit_diff(with, without)")
    found = plan(demo, {"it": (check, grid)}, Memory())
    assert found.refused == {}
    assert found.members("capture") == found.members("edit") == demo.shape.n_layers + 1


def test_the_demo_model_has_decided_after_block_1(demo: Subject) -> None:
    wanted = claim(
        "logit_lens",
        on="game[feeling=pain, intensity=severe|extreme]",
        metric="logit_diff(without, with)",
        level=0.2,
        expect={"decided_at": "1..3", "final": "> 0.5"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
