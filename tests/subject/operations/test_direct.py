"""What parts of a model add to its logits, by hand, and against the logits themselves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ppcheck.arrays import Floats
from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.interventions.readout import Logits
from ppcheck.subject.load import load, resolve
from ppcheck.subject.memo import Memo
from ppcheck.subject.model.settings import Settings
from ppcheck.subject.operations.direct import Outlet
from ppcheck.subject.store import Memory
from ppcheck.subject.subject import Subject
from tests.subject.conftest import GROUPED
from tests.subject.pretend import DEVICE, believed, sent_away

IDS = [[3, 9, 4, 17, 20], [30, 2, 11, 6, 6], [5, 5, 8]]
PARTS = ["resid_pre.L0", "attn_out.L*", "mlp_out.L*"]
ADDING_UP = [
    *("gpt2", "gptj", "gpt_neox", "opt", "phi", "llama", "mistral", "qwen2", "qwen3", "olmo2"),
    *("gpt_neo", "gemma3_text", "qwen3_moe", "bloom"),
]
PAIR = (7, 11)


def direct(subject: Subject, prompts: Any, sites: list[str], readout: Any) -> Floats:
    return subject.direct(subject.encode(prompts(IDS)), subject.sites(Sites.parse(sites)), readout)


@pytest.mark.parametrize("model_type", ADDING_UP)
def test_all_parts_add_up_to_the_models_own_logits(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    subject, readout = tiny(model_type), logit_diff(3)
    added = direct(subject, ids_prompts, PARTS, readout)
    assert added.shape == (2 + 2 * subject.shape.n_layers, 3)
    untouched = subject.read(subject.encode(ids_prompts(IDS)), readout)
    np.testing.assert_allclose(added.sum(axis=0), untouched, atol=2e-5)


@pytest.mark.parametrize("model_type", ADDING_UP)
def test_streams_add_what_was_added_before_them(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    sites = [*PARTS, "resid_post.L*"]
    added = direct(tiny(model_type), ids_prompts, sites, logit_diff(3))
    start, attn_0, attn_1, mlp_0, mlp_1, post_0, post_1, _ = added
    np.testing.assert_allclose(post_0, start + attn_0 + mlp_0, atol=2e-5)
    np.testing.assert_allclose(post_1, post_0 + attn_1 + mlp_1, atol=2e-5)


@pytest.mark.parametrize(
    "model_type", ["gptj", "llama", "qwen2", "qwen3_moe", "olmo2", "gemma3_text"]
)
def test_heads_without_biases_add_up_to_their_attention(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any, model_type: str
) -> None:
    subject = tiny(model_type)
    added = direct(subject, ids_prompts, ["L0H*", "attn_out.L0"], logit_diff(3))
    *heads, attention, _ = added
    assert len(heads) == subject.shape.n_heads
    np.testing.assert_allclose(np.sum(heads, axis=0), attention, atol=2e-5)


@dataclass
class Spied:
    """What modules of a plain model in double precision are given, and put out."""

    model: Any

    def run(self, ids: list[int], **modules: Any) -> dict[str, tuple[Tensor, Tensor]]:
        seen: dict[str, tuple[Tensor, Tensor]] = {}

        def keep(name: str) -> Any:
            def see(_module: Any, args: Any, output: Any) -> None:
                out = output[0] if isinstance(output, tuple) else output
                seen[name] = args[0][0, -1], out[0, -1]

            return see

        with ExitStack() as stack:
            for name, module in modules.items():
                stack.callback(module.register_forward_hook(keep(name)).remove)
            self.model(torch.tensor([ids]))
        return seen


@pytest.fixture(scope="module")
def spied(saved: Callable[[str], Path]) -> Callable[[str], Spied]:
    from transformers import AutoModelForCausalLM

    auto: Any = AutoModelForCausalLM

    def load_plain(model_type: str) -> Spied:
        model = auto.from_pretrained(saved(model_type), attn_implementation="eager")
        return Spied(model.eval().double())

    return load_plain


def gpt2_by_hand(spied: Spied, ids: list[int]) -> list[float]:
    """The embeddings, heads 0 and 1 of layer 1, its attention, its MLP, and the biases."""
    body, block = spied.model.transformer, spied.model.transformer.h[1]
    seen = spied.run(
        ids, norm=body.ln_f, o=block.attn.c_proj, mlp=block.mlp, first=body.h[0], attn=block.attn
    )
    x, z = seen["norm"][0], seen["o"][0]
    scale = ((x - x.mean()).pow(2).mean() + body.ln_f.eps).sqrt()
    toward = spied.model.lm_head.weight[PAIR[0]] - spied.model.lm_head.weight[PAIR[1]]
    weight = block.attn.c_proj.weight
    parts = [seen["first"][0], z[:8] @ weight[:8], z[8:] @ weight[8:], seen["o"][1], seen["mlp"][1]]
    added = [((part - part.mean()) / scale * body.ln_f.weight) @ toward for part in parts]
    return [float(one) for one in [*added, body.ln_f.bias @ toward]]


def llama_by_hand(spied: Spied, ids: list[int]) -> list[float]:
    body, block = spied.model.model, spied.model.model.layers[1]
    seen = spied.run(
        ids, norm=body.norm, o=block.self_attn.o_proj, mlp=block.mlp, first=body.layers[0]
    )
    x, z = seen["norm"][0], seen["o"][0]
    scale = (x.pow(2).mean() + body.norm.variance_epsilon).sqrt()
    toward = spied.model.lm_head.weight[PAIR[0]] - spied.model.lm_head.weight[PAIR[1]]
    weight = block.self_attn.o_proj.weight
    heads = [weight[:, :4] @ z[:4], weight[:, 4:8] @ z[4:8]]
    parts = [seen["first"][0], *heads, seen["o"][1], seen["mlp"][1]]
    return [*(float((part / scale * body.norm.weight) @ toward) for part in parts), 0.0]


def gemma_by_hand(spied: Spied, ids: list[int]) -> list[float]:
    """Norms multiply by one more than their weight; another norm follows attention and MLP."""
    body, block = spied.model.model, spied.model.model.layers[1]
    after, mlp = block.post_attention_layernorm, block.post_feedforward_layernorm
    seen = spied.run(
        ids, norm=body.norm, o=block.self_attn.o_proj, after=after, mlp=mlp, first=body.layers[0]
    )
    x, z, o = seen["norm"][0], *seen["o"]
    scale = (x.pow(2).mean() + body.norm.eps).sqrt()
    inner = (o.pow(2).mean() + after.eps).sqrt()
    toward = spied.model.lm_head.weight[PAIR[0]] - spied.model.lm_head.weight[PAIR[1]]
    weight = block.self_attn.o_proj.weight
    heads = [weight[:, :4] @ z[:4], weight[:, 4:8] @ z[4:8]]
    heads = [head / inner * (1 + after.weight) for head in heads]
    parts = [seen["first"][0], *heads, seen["after"][1], seen["mlp"][1]]
    return [*(float((part / scale * (1 + body.norm.weight)) @ toward) for part in parts), 0.0]


@pytest.mark.parametrize(
    ("model_type", "by_hand"),
    [("gpt2", gpt2_by_hand), ("llama", llama_by_hand), ("gemma2", gemma_by_hand)],
)
def test_each_part_is_as_worked_out_by_hand(
    tiny: Callable[[str], Subject],
    spied: Callable[[str], Spied],
    ids_prompts: Any,
    logit_diff: Any,
    model_type: str,
    by_hand: Callable[[Spied, list[int]], list[float]],
) -> None:
    sites = ["resid_pre.L0", "L1H0", "L1H1", "attn_out.L1", "mlp_out.L1"]
    added = direct(tiny(model_type), ids_prompts, sites, logit_diff(3))
    plain = spied(model_type)
    with torch.no_grad():
        expected = np.array([by_hand(plain, ids) for ids in IDS]).T
    np.testing.assert_allclose(added, expected, atol=2e-5)


def test_soft_capping_comes_after_the_sum(tiny: Callable[[str], Subject], ids_prompts: Any) -> None:
    subject, readout = tiny("gemma2"), Logits(np.tile(np.array([PAIR]), (3, 1)))
    cap = 30.0
    added = direct(subject, ids_prompts, PARTS, readout).sum(axis=0)
    untouched = subject.read(subject.encode(ids_prompts(IDS)), readout)
    np.testing.assert_allclose(cap * np.tanh(added / cap), untouched, atol=2e-5)
    assert np.abs(added - untouched).max() > 1e-4


@pytest.mark.parametrize("site", ["L0H0.q", "L0H1.v", "L0N3", "L0H0.pattern"])
def test_what_is_not_added_to_the_stream_is_refused(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any, site: str
) -> None:
    with pytest.raises(UnsupportedError, match=r"not added to the stream: name its head or layer"):
        direct(tiny("gpt2"), ids_prompts, [site], logit_diff(3))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"logits_scaling": 3.0}, "its final norm and unembedding do not give its logits"),
        ({"residual_multiplier": 0.5}, "the heads of layer 0 are not all that its attention adds"),
    ],
)
def test_a_model_whose_parts_do_not_add_up_is_refused_with_the_reason(
    tmp_path: Path, ids_prompts: Any, logit_diff: Any, settings: dict[str, float], reason: str
) -> None:
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    config: Any = GraniteConfig
    fields = {**GROUPED, "initializer_range": 0.4, **settings}
    GraniteForCausalLM(config(**fields)).save_pretrained(tmp_path)
    subject = load(resolve(str(tmp_path)))
    with pytest.raises(UnsupportedError, match=f"allows no direct attribution: {reason}"):
        direct(subject, ids_prompts, ["L0H0"], logit_diff(3))


def test_a_stream_that_something_else_is_added_to_is_refused(
    tiny: Callable[[str], Subject],
    ids_prompts: Any,
    logit_diff: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here the second MLP goes unseen."""
    every = Outlet._every
    monkeypatch.setattr(Outlet, "_every", lambda self: [*every(self)[:-2], every(self)[-1]])
    with pytest.raises(UnsupportedError, match="do not add up to its last stream"):
        direct(tiny("gpt2"), ids_prompts, ["L0H0"], logit_diff(3))


def test_a_metric_over_the_whole_vocabulary_has_no_parts(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any
) -> None:
    with pytest.raises(ValueError, match="whole vocabulary"):
        direct(tiny("gpt2"), ids_prompts, ["L0H0"], replace(logit_diff(3), tokens=None))


@pytest.mark.parametrize(("dtype", "apart"), [("float64", 2e-5), ("bfloat16", 0.15)])
def test_other_precisions_give_the_same_but_for_their_rounding(
    saved: Callable[[str], Path],
    tiny: Callable[[str], Subject],
    ids_prompts: Any,
    logit_diff: Any,
    dtype: str,
    apart: float,
) -> None:
    subject = load(resolve(str(saved("llama"))), Settings(dtype=dtype))
    found, expected = (
        direct(each, ids_prompts, ["L*H*", *PARTS], logit_diff(3))
        for each in (subject, tiny("llama"))
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=apart * np.abs(expected).max())


@pytest.mark.parametrize("model_type", ["gpt2", "gemma2"])
def test_all_that_meets_on_a_device_was_put_there(
    saved: Callable[[str], Path],
    tiny: Callable[[str], Subject],
    ids_prompts: Any,
    logit_diff: Any,
    monkeypatch: pytest.MonkeyPatch,
    model_type: str,
) -> None:
    with monkeypatch.context() as patched, believed():
        patched.setattr("ppcheck.subject.model.device.found_device", lambda _: DEVICE)
        patched.setattr("ppcheck.subject.engine.engine.total_memory", lambda _: 2**30)
        patched.setattr("transformers.PreTrainedModel.to", sent_away)
        subject = load(resolve(str(saved(model_type))))
        found = direct(subject, ids_prompts, ["L*H*", *PARTS], logit_diff(3))
    expected = direct(tiny(model_type), ids_prompts, ["L*H*", *PARTS], logit_diff(3))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_the_memo_asks_for_each_part_once_and_gives_the_same_bits(
    tiny: Callable[[str], Subject], ids_prompts: Any, logit_diff: Any
) -> None:
    subject, store = tiny("gpt2"), Memory()
    few = direct(Memo(subject, store), ids_prompts, ["L0H1"], logit_diff(3))
    memo = Memo(subject, store)
    every = direct(memo, ids_prompts, ["L*H*"], logit_diff(3))
    assert (memo.asked, memo.known) == (5, 2)
    assert few.tobytes() == every[[1, 4]].tobytes()
    assert every.tobytes() == direct(subject, ids_prompts, ["L*H*"], logit_diff(3)).tobytes()
    other = direct(memo, ids_prompts, ["L0H1"], logit_diff(3, (11, 7)))
    np.testing.assert_allclose(other, -few)
