from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ppcheck.errors import ModelError, UnsupportedError
from ppcheck.spec.sites.site import Sites
from ppcheck.subject.model.info import Shape
from ppcheck.subject.model.sites import expand

SHAPE = Shape(
    n_layers=4,
    n_heads=4,
    n_key_value_heads=4,
    d_model=64,
    d_head=16,
    d_mlp=256,
    n_vocabulary=80,
    n_positions=64,
)


def names(written: Any, shape: Shape = SHAPE) -> list[str]:
    return [str(site) for site in expand(Sites.parse(written), shape, "demo")]


def test_patterns_expand_in_order_and_without_repeats() -> None:
    assert names(["L1H[2-3].q", "L*H0", "L1H*.q", "embed", "mlp_out.L[0,2]"]) == [
        *("L1H2.q", "L1H3.q", "L0H0", "L1H0", "L2H0", "L3H0", "L1H0.q", "L1H1.q"),
        *("embed", "mlp_out.L0", "mlp_out.L2"),
    ]


def test_every_neuron_of_a_layer() -> None:
    assert names("L3N*") == [f"L3N{number}" for number in range(256)]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("L9H6", r"^L9H6 is outside demo: it has 4 layers \(0-3\)$"),
        ("L*H4", r"^L\*H4 is outside demo: each layer has 4 heads \(0-3\)$"),
        ("L0N256", r"^L0N256 is outside demo: each layer has 256 neurons \(0-255\)$"),
        ("resid_post.L4", r"^resid_post\.L4 is outside demo: it has 4 layers"),
        ("blocks.7.attn.hook_z", r"it has 4 layers"),
    ],
)
def test_a_site_outside_the_model_is_named(written: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        names(written)


def test_keys_and_values_are_counted_by_key_value_head() -> None:
    grouped = replace(SHAPE, n_heads=8)
    assert len(names("L0H*.q", grouped)) == 8
    assert len(names("L0H*.k", grouped)) == 4
    message = r"4 key-value heads, which \.v counts, for 8 query heads \(0-3\)"
    with pytest.raises(ModelError, match=message):
        names("L0H5.v", grouped)


@pytest.mark.parametrize(
    ("model_type", "written"),
    [("qwen3_moe", "L0N1"), ("mamba", "L0H0"), ("mamba", "mlp_out.L0"), ("phi", "resid_mid.L1")],
)
def test_a_site_that_the_architecture_lacks_is_unsupported(
    tiny: Any, model_type: str, written: str
) -> None:
    with pytest.raises(UnsupportedError, match=rf"{model_type} has no {written}"):
        tiny(model_type).sites(Sites.parse(written))
