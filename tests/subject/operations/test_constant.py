"""What biases alone make of heads and values, by hand from the weights of plain models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ppcheck.arrays import Floats
from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.load import load, resolve
from ppcheck.subject.loaded import LoadedSubject
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.subject.conftest import GROUPED
from tests.subject.pretend import DEVICE, believed, sent_away


def constant(subject: Subject, *sites: str) -> Floats:
    return np.stack(subject.constant_parts(subject.sites(Sites.parse(list(sites)))))


@pytest.fixture(scope="module")
def plain(saved: Callable[[str], Path]) -> Callable[[str], Any]:
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM
    return lambda model_type: auto.from_pretrained(saved(model_type)).double()


def of_gpt2(model: Any) -> Any:
    block = model.transformer.h[1]
    qkv = block.attn.c_attn
    return qkv.bias[32:] + block.ln_1.bias @ qkv.weight[:, 32:]


def of_opt(model: Any) -> Any:
    block = model.model.decoder.layers[1]
    return block.self_attn.v_proj(block.self_attn_layer_norm.bias)


def of_phi(model: Any) -> Any:
    block = model.model.layers[1]
    return block.self_attn.v_proj(block.input_layernorm.bias)


def of_qwen2(model: Any) -> Any:
    """An RMS norm has no bias; heads 0 and 1 share a key-value head, and so do 2 and 3."""
    bias = model.model.layers[1].self_attn.v_proj.bias.view(2, 4)
    return bias.repeat_interleave(2, 0).flatten()


@pytest.mark.parametrize(
    ("model_type", "by_hand"),
    [("gpt2", of_gpt2), ("opt", of_opt), ("phi", of_phi), ("qwen2", of_qwen2)],
)
def test_it_is_the_values_bias_and_what_the_norms_bias_makes_of_their_weights(
    tiny: Callable[[str], Subject],
    plain: Callable[[str], Any],
    model_type: str,
    by_hand: Callable[[Any], Any],
) -> None:
    subject = tiny(model_type)
    with torch.no_grad():
        expected = by_hand(plain(model_type)).reshape(subject.shape.n_heads, -1).numpy()
    assert np.abs(expected).min() > 1e-4
    np.testing.assert_allclose(constant(subject, "L1H*"), expected, atol=1e-5)
    groups = subject.shape.n_heads // subject.shape.n_key_value_heads
    np.testing.assert_allclose(constant(subject, "L1H*.v"), expected[::groups], atol=1e-5)


@pytest.mark.parametrize("model_type", ["llama", "mistral", "gptj", "qwen3", "olmo2", "gemma2"])
def test_heads_without_biases_have_none(tiny: Callable[[str], Subject], model_type: str) -> None:
    """GPT-J's only bias before its values is its norm's, which is there and so is its part."""
    found = constant(tiny(model_type), "L*H*")
    assert found.any() == (model_type == "gptj")


@pytest.mark.parametrize("model_type", ["gpt2", "gpt_neox", "gpt_neo", "bloom", "qwen2"])
def test_a_head_less_its_constant_part_turns_with_its_stream(
    deep: Callable[[str], LoadedSubject], ids_prompts: Any, model_type: str
) -> None:
    """Of a single token: what it reads with a minus it outputs with a minus."""
    from ppcheck.spec.sites.position import FINAL
    from ppcheck.subject.interventions.edit import Edit, Operation

    subject = deep(model_type)
    heads, (stream,) = (subject.sites(Sites.parse(each)) for each in ("L1H*", "resid_pre.L1"))
    encoded = subject.encode(ids_prompts([[3]]))
    vector = np.random.default_rng(0).normal(size=16)
    cells = [(Edit(stream, FINAL, Operation.SET, sign * vector),) for sign in (1, -1)]
    there, back = np.stack(subject.activations(encoded, heads, FINAL, cells), 1)[:, :, 0, 0]
    part = constant(subject, "L1H*")
    assert np.abs(part).max() > 0.05
    np.testing.assert_allclose(there - part, part - back, atol=2e-5)


def test_what_a_site_is_depends_on_no_other_that_is_asked(tiny: Callable[[str], Subject]) -> None:
    subject, store = tiny("qwen2"), Memory()
    alone = constant(subject, "L1H2")
    every = constant(Memo(subject, store), "L*H*", "L1H1.v")
    assert alone[0].tobytes() == every[6].tobytes()
    memo = Memo(subject, store)
    assert constant(memo, "L1H2").tobytes() == alone.tobytes()
    assert (memo.asked, memo.known) == (1, 1)


@pytest.mark.parametrize("has_biases", [True, False])
def test_attention_with_a_sink_cannot_be_folded_where_there_are_biases(
    tmp_path: Path, *, has_biases: bool
) -> None:
    """What a sink takes differs by token, and a bias in its place would not."""
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    settings: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
    settings |= {"sliding_window": 3, "attention_bias": has_biases}
    config = AutoConfig.for_model("gpt_oss", **GROUPED | settings, initializer_range=0.4)
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(config)
    with torch.no_grad():
        for block in model.model.layers:
            block.self_attn.sinks.fill_(0)
            if has_biases:
                block.self_attn.v_proj.bias.fill_(1)
    model.save_pretrained(tmp_path)
    subject = load(resolve(str(tmp_path)))
    if not has_biases:
        assert not constant(subject, "L1H0").any()
        return
    with pytest.raises(UnsupportedError, match=r"allows no folding in L1: .* does not sum to 1"):
        constant(subject, "L1H0")


def test_values_that_are_clipped_cannot_be_folded(copied: Callable[[str], Path]) -> None:
    subject = load(resolve(str(copied("gpt2"))))
    values = subject._engine.hooks.root.get_submodule("transformer.h.1.attn.c_attn")
    values.register_forward_hook(lambda _module, _args, output: output.clamp(-0.1, 0.1))
    constant(subject, "L0H0")
    for site in ("L1H0", "L1H1.v"):
        with pytest.raises(UnsupportedError, match=r"allows no folding in L1: .* not linear"):
            constant(subject, site)


@pytest.mark.parametrize(("dtype", "apart"), [("float64", 1e-5), ("bfloat16", 0.02)])
def test_other_precisions_give_the_same_but_for_their_rounding(
    saved: Callable[[str], Path], tiny: Callable[[str], Subject], dtype: str, apart: float
) -> None:
    found = constant(load(resolve(str(saved("gpt2"))), Settings(dtype=dtype)), "L*H*")
    np.testing.assert_allclose(found, constant(tiny("gpt2"), "L*H*"), rtol=0, atol=apart)


def test_all_that_meets_on_a_device_was_put_there(
    saved: Callable[[str], Path],
    tiny: Callable[[str], Subject],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patched, believed():
        patched.setattr("ppcheck.subject.model.device.found_device", lambda _: DEVICE)
        patched.setattr("ppcheck.subject.engine.engine.total_memory", lambda _: 2**30)
        patched.setattr("transformers.PreTrainedModel.to", sent_away)
        found = constant(load(resolve(str(saved("gpt2")))), "L*H*")
    np.testing.assert_allclose(found, constant(tiny("gpt2"), "L*H*"), rtol=0, atol=1e-5)
