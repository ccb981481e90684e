from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.position import FINAL, Position
from ppcheck.spec.site import Kind, Sites
from ppcheck.subject.subject import Cell, Subject

ALL = Position("all")
SEQUENTIAL = ["gpt2", "opt", "llama", "mistral", "qwen3", "olmo2", "gemma2"]
PARALLEL = ["gptj", "gpt_neox", "phi"]
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
    assert np.abs(one - other).min() > 1e-3


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
            assert_same(patched(model_type, f"{head}.pattern", f"{head}.v"), output)
            assert_same(patched(model_type, f"{head}.q", f"{head}.k", f"{head}.v"), output)

    def test_queries_and_keys_are_the_pattern(self, patched: Any, model_type: str) -> None:
        pattern = patched(model_type, "L1H*.pattern")
        assert_differ(pattern, patched(model_type)[0])
        assert_same(patched(model_type, "L1H*.q", "L1H*.k"), pattern)

    def test_all_neurons_are_the_mlp_output(self, patched: Any, model_type: str) -> None:
        output = patched(model_type, "mlp_out.L0")
        assert_differ(output, patched(model_type)[0])
        assert_same(patched(model_type, "L0N*"), output)

    def test_a_block_is_the_sum_of_its_outputs(self, patched: Any, model_type: str) -> None:
        _, source = patched(model_type)
        assert_same(patched(model_type, "resid_pre.L1", "attn_out.L1", "mlp_out.L1"), source)


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
        assert_same(both, final) if layer == 1 else assert_differ(final, source)


@pytest.mark.parametrize("model_type", PARALLEL)
def test_a_parallel_block_has_no_middle(tiny: Any, model_type: str) -> None:
    with pytest.raises(UnsupportedError, match=r"has no resid_mid\.L0"):
        tiny(model_type).sites(Sites.parse("resid_mid.L0"))
