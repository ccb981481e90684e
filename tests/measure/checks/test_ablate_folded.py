"""Zero as it is in folded weights: of a model folded by hand, and as TransformerLens folds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from ppcheck.judge.verdict import Verdict
from ppcheck.measure.core.check import Bench
from tests.measure.lab import (
    GAME,
    Model,
    Plant,
    bench,
    claim,
    estimates,
    game,
    ids,
    last,
    texts_of,
    token,
    verdict,
)

METRIC = "logit_diff(a, b)"
FEW = game(vary={**GAME["vary"], "start": ["here", "there"]})
HEADS = ["L0H0", "L0H1", "L1H0", "L1H1"]
SITES = [*HEADS, "L0H1.q", "L0H1.k", "L0H1.v", "L1H0.v", "attn_out.L0", "attn_out.L1"]
SITES += ["mlp_out.L0", "mlp_out.L1", "L0N3", "resid_pre.L1", "resid_post.L1", "embed"]


@pytest.fixture(scope="module")
def by_hand(tiny: Model) -> Any:
    """The same model, each first norm folded into what reads it, value biases into W_O's."""
    model: Any = GPT2LMHeadModel.from_pretrained(tiny.path, attn_implementation="eager")
    model = model.eval().double()
    with torch.no_grad():
        for block in model.transformer.h:
            norm, qkv, out = block.ln_1, block.attn.c_attn, block.attn.c_proj
            qkv.bias += norm.bias @ qkv.weight
            qkv.weight *= norm.weight[:, None]
            norm.weight.fill_(1)
            norm.bias.zero_()
            out.bias += qkv.bias[32:] @ out.weight
            qkv.bias[32:] = 0
    return model


def differences(model: Any, texts: Sequence[str], heads: Sequence[str] = ()) -> list[float]:
    """A minus B at the last word of each text, with these heads at zero."""

    def zero(head: int, args: tuple[Tensor]) -> tuple[Tensor]:
        changed = args[0].clone()
        changed[:, :, 8 * head : 8 * head + 8] = 0
        return (changed,)

    with torch.inference_mode(), ExitStack() as stack:
        for head in heads:
            projection = model.transformer.h[int(head[1])].attn.c_proj
            number = int(head[3])
            handle = projection.register_forward_pre_hook(lambda _, a, n=number: zero(n, a))
            stack.callback(handle.remove)
        logits = [model(ids(text)).logits[0, -1] for text in texts]
    return [float(each[token("A")] - each[token("B")]) for each in logits]


def of_folded(site: Any, on: Bench, **fields: Any) -> dict[str, float]:
    shared = {"ablation": "zero", "weights": "folded", "metric": METRIC}
    return estimates(claim("ablate", site=site, **shared | fields).measure(on))


def test_folding_by_hand_changes_no_logit(tiny: Model, by_hand: Any) -> None:
    texts = texts_of(bench(tiny, FEW))
    plain = last(tiny, texts)
    expected = plain[:, token("A")] - plain[:, token("B")]
    np.testing.assert_allclose(differences(by_hand, texts), expected, atol=1e-10)


@pytest.mark.parametrize("together", [False, True])
def test_heads_at_zero_are_those_of_the_model_folded_by_hand(
    tiny: Model, by_hand: Any, together: bool
) -> None:
    on = bench(tiny, FEW)
    texts = texts_of(on)
    found = of_folded(HEADS, on, together=together)
    for heads in [HEADS] if together else [[head] for head in HEADS]:
        expected = np.mean(differences(by_hand, texts, heads))
        name = "value" if together else f"value {heads[0]}"
        assert found[name] == pytest.approx(expected, abs=1e-5)
    raw = of_folded(HEADS, on, together=together, weights="raw")
    assert found["untouched"] == raw["untouched"]
    apart = [abs(found[key] - raw[key]) for key in found if key.startswith("value")]
    assert min(apart) > 0.01


@pytest.fixture(scope="module")
def folded_by_lens(tiny: Model) -> Any:
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import AutoTokenizer

    bridge = TransformerBridge.boot_transformers(
        str(tiny.path), tokenizer=AutoTokenizer.from_pretrained(tiny.path), device="cpu"
    )
    bridge.enable_compatibility_mode()
    return bridge


def nothing(seen: Tensor, hook: Any) -> Tensor:
    del hook
    return torch.zeros_like(seen)


def zeroed(site: str) -> tuple[str, Callable[..., Tensor]]:
    """The hook of a site in TransformerLens, and a function that sets the site to zero there."""
    hooks = {"q": "attn.hook_q", "k": "attn.hook_k", "v": "attn.hook_v", "": "attn.hook_z"}
    if site == "embed":
        return "hook_embed", nothing
    if not site.startswith("L"):
        kind, layer = site.split(".L")
        return f"blocks.{layer}.hook_{kind}", nothing
    address, _, part = site.partition(".")
    name = "mlp.hook_post" if "N" in address else hooks[part]

    def zero(seen: Tensor, hook: Any) -> Tensor:
        del hook
        changed = seen.clone()
        changed[:, :, int(address[3:])] = 0
        return changed

    return f"blocks.{address[1]}.{name}", zero


def test_every_site_at_zero_is_as_in_the_weights_that_transformer_lens_folds(
    tiny: Model, folded_by_lens: Any
) -> None:
    """It centres, too, which changes no difference of logits."""
    on = bench(tiny, FEW)
    found = of_folded(SITES, on)
    for site in SITES:
        values = []
        for text in texts_of(on):
            with torch.inference_mode():
                logits = folded_by_lens.run_with_hooks(ids(text), fwd_hooks=[zeroed(site)])
            values.append(float(logits[0, -1, token("A")] - logits[0, -1, token("B")]))
        assert found[f"value {site}"] == pytest.approx(np.mean(values), abs=2e-5), site


def test_only_heads_and_values_are_read_otherwise(tiny: Model) -> None:
    on = bench(tiny, FEW)
    found, raw = of_folded(SITES, on), of_folded(SITES, on, weights="raw")
    moved = [site for site in SITES if found[f"value {site}"] != raw[f"value {site}"]]
    assert moved == [*HEADS, "L0H1.v", "L1H0.v"]


def test_a_circuit_is_cut_out_of_folded_weights(tiny: Model, by_hand: Any) -> None:
    on = bench(tiny, FEW)
    fields = {"nodes": "L0H0", "among": "L*H*", "ablation": "zero", "metric": METRIC}
    wanted = claim("circuit", **fields, weights="folded", random=0, subsets=0)
    found = wanted.measure(on)
    whole, kept, none = (
        sum(differences(by_hand, texts_of(on), heads)) for heads in ([], HEADS[1:], HEADS)
    )
    share = (kept - none) / (whole - none)
    assert estimates(found)["faithfulness"] == pytest.approx(share, abs=1e-4)
    assert found.facts.extras["weights"] == "folded"
    assert any(note.endswith("at all, as in folded weights") for note in found.notes)


def biased(model: Any) -> None:
    """Heads output their biases and nothing else."""
    for block in model.transformer.h:
        block.attn.c_attn.weight[:, 32:] = 0


@pytest.mark.parametrize(
    ("weights", "expected"), [("raw", Verdict.HOLDS), ("folded", Verdict.FAILS)]
)
def test_heads_that_are_nothing_but_biased_are_needed_in_raw_weights_alone(
    planted: Callable[[Plant], Model], weights: str, expected: Verdict
) -> None:
    on = bench(planted(biased))
    wanted = claim(
        "ablate",
        site="L1H0",
        ablation="zero",
        weights=weights,
        metric="kl",
        expect={"value": "> 0.001"},
    )
    assert verdict(wanted, on) == expected
    found = wanted.measure(on)
    if weights == "folded":
        assert estimates(found)["value"] == pytest.approx(0, abs=1e-9)
        assert found.facts.extras["weights"] == "folded"
        assert found.notes[0] == "set to zero at all, as in folded weights"
