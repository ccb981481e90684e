from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

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
    GAME,
    Model,
    Plant,
    bench,
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
ALL = ["resid_pre.L0", "L*H*", "attn_out.L*", "mlp_out.L*"]
PAIN = "game[feeling=pain]"


@torch.no_grad()
def by_hand(model: Model, text: str) -> dict[str, float]:
    """What some parts add to A minus B, in double precision."""
    body = model.plain.transformer
    modules = {"norm": body.ln_f, **{f"L{n}": block.attn.c_proj for n, block in enumerate(body.h)}}
    modules |= {f"mlp_out.L{n}": block.mlp for n, block in enumerate(body.h)}
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name: str) -> Any:
        def see(_: Any, args: Any, output: Any) -> None:
            seen[name] = args[0][0, -1], output[0, -1]

        return see

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    model.plain(ids(text))
    for handle in handles:
        handle.remove()
    x = seen["norm"][0]
    scale = ((x - x.mean()).pow(2).mean() + body.ln_f.eps).sqrt()
    toward = model.plain.lm_head.weight[token("A")] - model.plain.lm_head.weight[token("B")]

    def added(part: Tensor) -> float:
        return float(((part - part.mean()) / scale * body.ln_f.weight) @ toward)

    parts = {"mlp_out.L0": added(seen["mlp_out.L0"][1]), "mlp_out.L1": added(seen["mlp_out.L1"][1])}
    for layer, block in enumerate(body.h):
        z, output = seen[f"L{layer}"]
        parts[f"attn_out.L{layer}"] = added(output)
        for head in (0, 1):
            own = slice(8 * head, 8 * head + 8)
            parts[f"L{layer}H{head}"] = added(z[own] @ block.attn.c_proj.weight[own])
    parts["biases"] = float(body.ln_f.bias @ toward)
    return parts


def test_parts_are_as_worked_out_by_hand(tiny: Model) -> None:
    on = bench(tiny)
    found = claim("attribution", site=ALL, metric=METRIC).measure(on)
    values, texts = estimates(found), texts_of(on)
    logits = last(tiny, texts)
    total = logits[:, token("A")] - logits[:, token("B")]
    hands = [by_hand(tiny, text) for text in texts]
    assert values["total"] == pytest.approx(total.mean(), abs=1e-5)
    for site in hands[0].keys() - {"biases"}:
        added = np.array([hand[site] for hand in hands])
        assert values[f"attribution {site}"] == pytest.approx(added.mean(), abs=1e-5), site
        assert values[f"share {site}"] == pytest.approx(added.sum() / total.sum(), rel=1e-3)
    biases = np.mean([hand["biases"] for hand in hands])
    assert found.facts.extras["parts"]["biases"] == pytest.approx(biases, abs=1e-5)


def test_the_parts_add_up_to_the_metric(tiny: Model) -> None:
    found = claim("attribution", site="L*H*", metric=METRIC).measure(bench(tiny))
    values, parts = estimates(found), found.facts.extras["parts"]
    assert list(parts) == ["embedding", "attention", "mlp", "biases"]
    assert sum(parts.values()) == pytest.approx(values["total"], abs=1e-5)
    assert found.facts.extras["untouched"] == pytest.approx(values["total"], abs=1e-5)
    assert not any("soft-capped" in note for note in found.notes)
    drawn = found.facts.maps
    assert drawn[f"added to {METRIC}"].columns == ("H0", "H1")
    assert drawn[f"added to {METRIC}"].values[1][0] == pytest.approx(values["attribution L1H0"])
    every = drawn[f"added to {METRIC} by all parts"]
    assert every.columns == ("resid_pre", "attn_out", "mlp_out")
    cells = [cell for row in every.values for cell in row if cell is not None]
    assert sum(cells) + parts["biases"] == pytest.approx(values["total"], abs=1e-5)
    assert read_back(found.facts) == found.facts


def test_components_are_those_of_transformer_lens(tiny: Model) -> None:
    """It folds the final norm into the unembedding, which says the same of a difference."""
    from transformer_lens.model_bridge import TransformerBridge
    from transformer_lens.tools.analysis import direct_logit_attribution
    from transformers import AutoTokenizer

    bridge = TransformerBridge.boot_transformers(
        str(tiny.path), tokenizer=AutoTokenizer.from_pretrained(tiny.path), device="cpu"
    )
    bridge.enable_compatibility_mode()
    on = bench(tiny, game(vary={**GAME["vary"], "start": ["here", "there"]}))
    rows = []
    for text in texts_of(on):
        result = direct_logit_attribution(
            bridge, ids(text), token("A"), token("B"), unit="component"
        )
        labels, values = result.labels, result.attribution.flatten().tolist()
        rows.append(dict(zip(labels, values, strict=True)))
    found = estimates(claim("attribution", site=ALL, metric=METRIC).measure(on))
    for site in ("attn_out.L0", "attn_out.L1", "mlp_out.L0", "mlp_out.L1"):
        kind, layer = site.split("_out.L")
        theirs = np.mean([row[f"{layer}_{kind}_out"] for row in rows])
        assert found[f"attribution {site}"] == pytest.approx(theirs, abs=1e-4)


def test_a_planted_head_adds_all_and_the_others_nothing(
    planted: Callable[[Plant], Model],
) -> None:
    on = bench(planted(relay(1)))
    for site, verdict_of in (("L1H0", Verdict.HOLDS), ("L1H1", Verdict.FAILS)):
        wanted = claim(
            "attribution",
            on=PAIN,
            site=site,
            metric=METRIC,
            expect={"share": "0.99..1.01", "attribution": "> 1", "total": "> 1"},
        )
        assert verdict(wanted, on) == verdict_of
    idle = claim(
        "attribution",
        on=PAIN,
        site=["L0H*", "L1H1", "mlp_out.L*"],
        metric=METRIC,
        expect={"share": "-0.01..0.01", "total": "> 1"},
    )
    assert verdict(idle, on) == Verdict.HOLDS


def test_the_largest_is_found_on_one_half_and_judged_on_the_other(
    planted: Callable[[Plant], Model],
) -> None:
    found = claim("attribution", on=PAIN, site="L*H*", metric=METRIC, top=1).measure(
        bench(planted(relay(1)))
    )
    assert found.facts.kept == ("L1H0",)
    assert estimates(found)["share L1H0"] == pytest.approx(1, abs=1e-4)
    assert found.notes == ("1 of 4 sites chosen on one half of the units, judged on the other",)


def test_random_weights_hold_no_such_claim(tiny: Model) -> None:
    wanted = claim(
        "attribution",
        site="L*H*",
        metric=METRIC,
        top=1,
        expect={"share": ">= 0.5", "total": "> 1"},
    )
    assert verdict(wanted, bench(tiny)) != Verdict.HOLDS


def test_several_metrics_share_what_is_measured(tiny: Model) -> None:
    both = [METRIC, "logit_diff(b, a)"]
    values = estimates(claim("attribution", site="L0H1", metric=both).measure(bench(tiny)))
    assert values["attribution@logit_diff(b, a)"] == pytest.approx(-values["attribution"])
    assert values["share@logit_diff(b, a)"] == pytest.approx(values["share"])


def test_the_mean_of_synonyms_is_linear_too(tiny: Model) -> None:
    prompts = game(choices={"a": ["A", "C"], "b": "B"}, pool="mean")
    assert "metric" not in problems(claim("attribution", site="L0H0", metric=METRIC), prompts)
    found = claim("attribution", site="L0H0", metric=METRIC).measure(bench(tiny, prompts))
    logits = last(tiny, texts_of(bench(tiny, prompts)))
    a, b, c = (logits[:, token(word)] for word in "ABC")
    assert estimates(found)["total"] == pytest.approx(float(((a + c) / 2 - b).mean()), abs=1e-5)
    assert sum(found.facts.extras["parts"].values()) == pytest.approx(
        estimates(found)["total"], abs=1e-5
    )


def test_soft_capped_logits_are_said_to_be(tmp_path: Path) -> None:
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(1)
    config = Gemma2Config(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        final_logit_softcapping=1.0,
        initializer_range=0.4,
    )
    Gemma2ForCausalLM(config).save_pretrained(tmp_path)
    prompts = {
        "ids": [3, "{word}", 9],
        "vary": {"word": [str(number) for number in range(10, 20)]},
        "choices": {"a": "9", "b": "11"},
    }
    on = bench(load(resolve(str(tmp_path))), prompts)
    found = claim("attribution", site="L*H*", metric=METRIC).measure(on)
    total, untouched = sum(found.facts.extras["parts"].values()), found.facts.extras["untouched"]
    assert total == pytest.approx(estimates(found)["total"], abs=1e-5)
    assert abs(total) > abs(untouched) + 0.1
    assert "soft-capped" in found.notes[0]


@pytest.mark.parametrize(
    ("fields", "key", "message"),
    [
        ({"metric": "p(a)"}, "metric", "add up in logits, not in p(a): name a logit_diff"),
        ({"metric": [METRIC, "kl"]}, "metric", "not in kl"),
        ({"site": "L0H0.q"}, "site", "L0H0.q is not added to the stream"),
        ({"site": ["L0H0", "L0N*"]}, "site", "L0N* is not added to the stream"),
    ],
)
def test_what_is_wrong_with_a_claim_is_seen_without_a_model(
    fields: dict[str, Any], key: str, message: str
) -> None:
    wanted = claim("attribution", **{"site": "L0H0", "metric": METRIC, **fields})
    assert message in problems(wanted)[key]


def test_pooled_synonyms_have_no_parts() -> None:
    prompts = game(choices={"a": ["A", "C"], "b": "B"})
    message = problems(claim("attribution", site="L0H0", metric=METRIC), prompts)["metric"]
    assert "pooled by sum they are not linear" in message


def test_a_plan_counts_what_a_run_asks_for(demo: Subject) -> None:
    grid = Grid(PromptSet.model_validate(DEMO), Path())
    check = claim("attribution", site="L*H*", metric="logit_diff(with, without)")
    found = plan(demo, {"it": (check, grid)}, Memory())
    layers, heads = demo.shape.n_layers, demo.shape.n_heads
    assert found.refused == {}
    assert found.members("direct") == layers * heads + 2 * layers + 2


def test_the_demo_models_attention_in_block_1_adds_against_pain(demo: Subject) -> None:
    wanted = claim(
        "attribution",
        on="game[feeling=pain, intensity=severe|extreme]",
        site="attn_out.L1",
        metric="logit_diff(without, with)",
        expect={"attribution": "> 0", "total": "> 0.5"},
    )
    assert verdict(wanted, bench(demo, DEMO)) == Verdict.HOLDS
