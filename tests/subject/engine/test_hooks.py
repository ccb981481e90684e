from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from ppcheck.errors import UnsupportedError
from ppcheck.spec.sites.position import FINAL, Position
from ppcheck.spec.sites.site import Kind, Site, Sites
from ppcheck.subject.interventions.cell import Cell
from ppcheck.subject.subject import Subject

ALL = Position("all")
SEQUENTIAL = ["gpt2", "opt", "llama", "mistral", "qwen3", "olmo2", "gemma2"]
PARALLEL = ["gptj", "gpt_neox", "phi"]
READ_ONLY = {"opt", "gptj"}
TARGET = [[3, 9, 4, 17, 20, 8], [30, 2, 11, 6, 6, 41]]
SOURCE = [[3, 22, 4, 17, 28, 8], [30, 40, 11, 35, 6, 19]]


@pytest.fixture
def patched(tiny: Any, ids_prompts: Any, logit_diff: Any) -> Callable[..., Any]:
    def patch(model_type: str, *sites: str, position: Position = ALL) -> Any:
        subject: Subject = tiny(model_type)
        target, source = (subject.encode(ids_prompts(ids)) for ids in (TARGET, SOURCE))
        if not sites:
            return subject.read(target, logit_diff(2)), subject.read(source, logit_diff(2))
        cell = Cell(subject.sites(Sites.parse(list(sites))), position)
        return subject.patch(target, source, [cell], logit_diff(2))[0]

    return patch


def assert_same(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=0, atol=2e-5)


def assert_differ(one: Any, other: Any) -> None:
    assert np.abs(one - other).max() > 1e-3


@pytest.mark.parametrize("model_type", SEQUENTIAL + PARALLEL)
class TestWhateverCarriesTheSameInformationHasTheSameEffect:
    def test_every_stream_in_full_is_the_source(self, patched: Any, model_type: str) -> None:
        target, source = patched(model_type)
        assert_differ(target, source)
        for site in ("embed", "resid_pre.L0", "resid_pre.L1", "resid_post.L0", "resid_post.L1"):
            assert_same(patched(model_type, site), source)

    def test_all_heads_are_the_attention_output(self, patched: Any, model_type: str) -> None:
        for layer in (0, 1):
            output = patched(model_type, f"attn_out.L{layer}")
            assert_differ(output, patched(model_type)[0])
            head = f"L{layer}H*"
            assert_same(patched(model_type, head), output)
            assert_same(patched(model_type, f"{head}.q", f"{head}.k", f"{head}.v"), output)

    def test_all_neurons_are_the_mlp_output(self, patched: Any, model_type: str) -> None:
        output = patched(model_type, "mlp_out.L0")
        assert_differ(output, patched(model_type)[0])
        assert_same(patched(model_type, "L0N*"), output)

    def test_a_block_is_the_sum_of_its_outputs(self, patched: Any, model_type: str) -> None:
        _, source = patched(model_type)
        assert_same(patched(model_type, "resid_pre.L1", "attn_out.L1", "mlp_out.L1"), source)


@pytest.mark.parametrize("model_type", sorted({*SEQUENTIAL, *PARALLEL} - READ_ONLY))
def test_a_pattern_is_what_queries_and_keys_make(patched: Any, model_type: str) -> None:
    pattern = patched(model_type, "L1H*.pattern")
    assert_differ(pattern, patched(model_type)[0])
    assert_same(patched(model_type, "L1H*.q", "L1H*.k"), pattern)
    both = patched(model_type, "L1H*.pattern", "L1H*.v")
    assert_same(both, patched(model_type, "attn_out.L1"))


@pytest.mark.parametrize("model_type", sorted(READ_ONLY))
def test_a_pattern_that_is_only_shown_is_not_patched(patched: Any, model_type: str) -> None:
    with pytest.raises(UnsupportedError, match="only shows its patterns"):
        patched(model_type, "L1H*.pattern")


def test_a_layout_that_is_not_a_heads_own_is_unsupported(patched: Any) -> None:
    for site in ("L1H0", "L1H0.q", "L1H0.v"):
        with pytest.raises(UnsupportedError, match=r"hook_[zqv] in a layout of its own"):
            patched("deepseek_v3", site)


@pytest.mark.parametrize("model_type", SEQUENTIAL)
def test_the_middle_of_a_block_is_the_stream_and_not_only_the_mlps_input(
    patched: Any, model_type: str
) -> None:
    target, source = patched(model_type)
    for layer in (0, 1):
        assert_same(patched(model_type, f"resid_mid.L{layer}"), source)
        final = patched(model_type, f"resid_mid.L{layer}", position=FINAL)
        both = patched(model_type, f"resid_pre.L{layer}", f"attn_out.L{layer}", position=FINAL)
        assert_differ(final, target)
        assert_same(both, final)


@pytest.mark.parametrize("model_type", PARALLEL)
def test_a_parallel_block_has_no_middle(tiny: Any, model_type: str) -> None:
    with pytest.raises(UnsupportedError, match=r"has no resid_mid\.L0"):
        tiny(model_type).sites(Sites.parse("resid_mid.L0"))


class Place(NamedTuple):
    """Where a site stands in the plain model: a module's input or output, and its columns."""

    module: str
    columns: slice = slice(None)
    is_input: bool = False


WIDTH = {"gpt2": 8, "gpt_neox": 4, "llama": 4}
BLOCK = {"gpt2": "transformer.h.1", "gpt_neox": "gpt_neox.layers.1", "llama": "model.layers.1"}
PARTS = {
    "gpt2": {"o": "attn.c_proj", "down": "mlp.c_proj", "attn": "attn"},
    "gpt_neox": {"o": "attention.dense", "down": "mlp.dense_4h_to_h", "attn": "attention"},
    "llama": {"o": "self_attn.o_proj", "down": "mlp.down_proj", "attn": "self_attn"},
}


def place(model_type: str, site: Site) -> Place:
    """Written down from the model's source: the test's own knowledge of three architectures."""
    block, parts, index = BLOCK[model_type], PARTS[model_type], site.index or 0
    width = WIDTH[model_type]
    if site.kind is Kind.HEAD:
        columns = slice(index * width, (index + 1) * width)
        return Place(f"{block}.{parts['o']}", columns, is_input=True)
    if site.kind is Kind.NEURON:
        return Place(f"{block}.{parts['down']}", slice(index, index + 1), is_input=True)
    if site.kind in (Kind.QUERY, Kind.KEY, Kind.VALUE):
        number = "qkv".index(site.kind)
        start = {"gpt2": 16 * number + width * index, "gpt_neox": 4 * (3 * index + number)}
        columns = slice(first := start.get(model_type, width * index), first + width)
        joint = {"gpt2": "attn.c_attn", "gpt_neox": "attention.query_key_value"}
        return Place(f"{block}.{joint.get(model_type, f'self_attn.{site.kind}_proj')}", columns)
    return {
        Kind.ATTN_OUT: Place(f"{block}.{parts['attn']}"),
        Kind.MLP_OUT: Place(f"{block}.mlp"),
        Kind.RESID_PRE: Place(block, is_input=True),
        Kind.RESID_POST: Place(block),
    }[site.kind]


class Plain:
    """The Hugging Face model with PyTorch's own hooks."""

    def __init__(self, path: Path) -> None:
        auto: Any = AutoModelForCausalLM
        self.model = auto.from_pretrained(path, attn_implementation="eager").eval()

    def run(self, ids: Any, where: Place, token: int, values: Any = None) -> tuple[Any, Any]:
        """The final logits, and the activation at ``token``, which ``values`` replace."""
        seen = []

        def visit(activation: Any) -> None:
            seen.append(activation[:, token, where.columns].clone())
            if values is not None:
                activation[:, token, where.columns] = values

        def on_input(_module: Any, args: Any, kwargs: Any) -> None:
            visit(args[0] if args else kwargs["hidden_states"])

        def on_output(_module: Any, _args: Any, output: Any) -> None:
            visit(output[0] if isinstance(output, tuple) else output)

        module = self.model.get_submodule(where.module)
        if where.is_input:
            handle = module.register_forward_pre_hook(on_input, with_kwargs=True)
        else:
            handle = module.register_forward_hook(on_output)
        with torch.no_grad():
            logits = self.model(torch.tensor(ids)).logits[:, -1]
        handle.remove()
        return logits, seen[0]


@pytest.fixture(scope="module", params=sorted(BLOCK))
def plain(request: pytest.FixtureRequest, saved: Any) -> tuple[str, Plain]:
    return request.param, Plain(saved(request.param))


@pytest.mark.parametrize(
    "written",
    ["L1H1", "L1H0.q", "L1H1.k", "L1H1.v", "L1N5"]
    + [f"{kind}.L1" for kind in ("attn_out", "mlp_out", "resid_pre", "resid_post")],
)
@pytest.mark.parametrize("token", [1, 5])
def test_a_site_is_what_plain_hooks_read_and_write(
    plain: tuple[str, Plain], tiny: Any, ids_prompts: Any, logit_diff: Any, written: str, token: int
) -> None:
    model_type, model = plain
    subject: Subject = tiny(model_type)
    sites = subject.sites(Sites.parse(written))
    source, target = (subject.encode(ids_prompts(ids)) for ids in (SOURCE, TARGET))
    where = place(model_type, sites[0])
    _, values = model.run(SOURCE, where, token)
    (captured,) = subject.capture(source, sites, [token, token])
    assert_same(captured, values.numpy())
    logits, before = model.run(TARGET, where, token, values)
    assert not torch.equal(before, values)
    cell = Cell(sites, Position("index", index=token))
    patched = subject.patch(target, source, [cell], logit_diff(2))
    assert_same(patched[0], (logits[:, 7] - logits[:, 11]).numpy())
